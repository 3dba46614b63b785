"""Rules as people make them with a few clicks, and the one script that says the same.

`write` makes the script, `read` makes the rules of it again.  A script that was changed by hand in a way that these
rules cannot say is not read (None), so that nobody's work is overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct, field

from posthouse.core.errors import Invalid
from posthouse.sieve.errors import ScriptError
from posthouse.sieve.parser import Node, Tag, parse

HEAD: Final = "# Posthouse rules"

FIELDS: Final = ("from", "to", "cc", "subject", "list", "body", "header", "size", "attachment", "spam")
RELATIONS: Final = ("contains", "is", "matches", "over", "under")
ACTIONS: Final = ("file", "also", "trash", "flag", "forward", "copy", "discard", "reject")
_YES: Final = {
    # Programs say it of the part, or of the letter when it has but one.
    "attachment": """anyof (body :raw :contains "content-disposition: attachment",
        header :contains "content-disposition" "attachment",
        header :contains "content-type" "application/")""",
    "spam": 'spamtest :value "ge" :comparator "i;ascii-numeric" "5"',
}
_YES_NEEDS: Final = {
    "attachment": ("body",),
    "spam": ("spamtest", "relational", "comparator-i;ascii-numeric"),
}
_SHORT: Final = {"anyof": "attachment", "spamtest": "spam"}
_HEADERS: Final = {
    "subject": ["subject"],
    "list": ["list-id"],
    "to": ["to", "cc"],
    "from": ["from"],
    "cc": ["cc"],
}


class Condition(Struct):
    """`header`: the name of the field when `field` is "header"; size in bytes; attachment and spam are "yes"."""

    field: str
    relation: str
    value: str
    negated: bool = False
    header: str = ""


class RuleAction(Struct):
    """`also`: a copy into a mailbox, and whatever else comes; `mailbox`: its id, which outlives its name."""

    kind: str
    value: str = ""
    mailbox: str = ""


class Rule(Struct):
    name: str
    conditions: list[Condition] = field(default_factory=list)  # none: every letter
    actions: list[RuleAction] = field(default_factory=list)
    every: bool = True  # all of the conditions; else any
    enabled: bool = True
    stop: bool = False


class Forwarding(Struct):
    addresses: list[str]
    keep: bool = True


class Away(Struct):
    """The answer of those who are not there; times are seconds since the epoch, 0: open."""

    text: str
    subject: str = ""
    days: int = 7
    begin: float = 0.0
    end: float = 0.0


class Simple(Struct):
    rules: list[Rule] = field(default_factory=list)
    forwarding: Forwarding | None = None
    away: Away | None = None


# --- writing ---


def write(simple: Simple) -> str:
    """Raises Invalid for rules that cannot be said."""
    needs: set[str] = set()
    parts = [_rule(rule, needs) for rule in simple.rules]
    if simple.away is not None:
        parts.append(_away(simple.away, needs))
    if simple.forwarding is not None:
        parts.append(_forwarding(simple.forwarding, needs))
    head = f"{HEAD}\n"
    if needs:
        head += f"require {_strings(sorted(needs))};\n"
    return head + "".join("\n" + part for part in parts)


def _quote(text: str) -> str:
    if "\0" in text:
        raise Invalid("a rule holds a NUL character")
    return '"' + text.replace("\r\n", "\n").replace("\\", "\\\\").replace('"', '\\"') + '"'


def _strings(texts: Sequence[str]) -> str:
    return _quote(texts[0]) if len(texts) == 1 else "[" + ", ".join(map(_quote, texts)) + "]"


def _comment(text: str) -> str:
    return " ".join(text.split())


def _rule(rule: Rule, needs: set[str]) -> str:
    tests = [_condition(one, needs) for one in rule.conditions] or ["true"]
    joined = f"{'allof' if rule.every else 'anyof'} (" + ",\n        ".join(tests) + ")"
    test = joined if rule.enabled else f"allof (false, {joined})"
    # Flags first: they are those of the copies made after them.
    actions = sorted(rule.actions, key=lambda one: one.kind != "flag")
    lines = [f"    {_action(one, needs)}\n" for one in actions]
    if rule.stop:
        lines.append("    stop;\n")
    return f"# rule: {_comment(rule.name)}\nif {test} {{\n{''.join(lines)}}}\n"


def _condition(one: Condition, needs: set[str]) -> str:
    if one.field not in FIELDS or one.relation not in RELATIONS:
        raise Invalid(f"no condition {one.field} {one.relation}")
    if (one.field == "size") != (one.relation in {"over", "under"}):
        raise Invalid("size goes with over and under")
    if one.field in _YES:
        if (one.relation, one.value) != ("is", "yes"):
            raise Invalid(f"{one.field} is yes, or not")
        needs.update(_YES_NEEDS[one.field])
        test = _YES[one.field]
    elif one.field == "size":
        if not one.value.isdecimal():
            raise Invalid("a size is a number of bytes")
        test = f"size :{one.relation} {int(one.value)}"
    elif one.field == "body":
        needs.add("body")
        test = f"body :text :{one.relation} {_folded(needs)} {_quote(one.value)}"
    else:
        names = [one.header.lower()] if one.field == "header" else _HEADERS[one.field]
        if not re.fullmatch(r"[!-9;-~]+", names[0]):
            raise Invalid(f"{names[0]!r} is no name of a header field")
        test = f"header :{one.relation} {_folded(needs)} {_strings(names)} {_quote(one.value)}"
    return f"not {test}" if one.negated else test


def _folded(needs: set[str]) -> str:
    needs.add("comparator-i;unicode-casemap")
    return ':comparator "i;unicode-casemap"'


def _action(one: RuleAction, needs: set[str]) -> str:
    match one.kind:
        case "file" | "also":
            needs.update({"fileinto", "mailbox"})
            copy = place = ""
            if one.kind == "also":
                needs.add("copy")
                copy = " :copy"
            if one.mailbox:
                needs.add("mailboxid")  # RFC 9042: found by its id when it has another name by now
                place = f" :mailboxid {_quote(one.mailbox)}"
            return f"fileinto{copy}{place} :create {_quote(one.value)};"
        case "trash":
            needs.update({"fileinto", "mailbox", "special-use"})
            return f'fileinto :specialuse "\\\\Trash" :create {_quote(one.value or "Trash")};'
        case "flag":
            needs.add("imap4flags")
            return f"addflag {_quote(one.value)};"
        case "forward":
            return f"redirect {_quote(one.value)};"
        case "copy":
            needs.add("copy")
            return f"redirect :copy {_quote(one.value)};"
        case "discard":
            return "discard;"
        case "reject":
            needs.add("ereject")
            return f"ereject {_quote(one.value)};"
    raise Invalid(f"no action {one.kind}")


def _away(away: Away, needs: set[str]) -> str:
    needs.add("vacation")
    subject = f" :subject {_quote(away.subject)}" if away.subject else ""
    answer = f"vacation :days {away.days}{subject} {_quote(away.text)};"
    dates = []
    for relation, moment in (("ge", away.begin), ("le", away.end)):
        if moment:
            needs.update({"date", "relational"})
            text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
            dates.append(f'currentdate :value "{relation}" :zone "+0000" "iso8601" {_quote(text)}')
    test = "allof (" + ",\n        ".join(dates or ["true"]) + ")"
    return f"# away\nif {test} {{\n    {answer}\n}}\n"


def _forwarding(forwarding: Forwarding, needs: set[str]) -> str:
    lines = []
    for address in forwarding.addresses:
        copy = " :copy" if forwarding.keep else ""
        if copy:
            needs.add("copy")
        lines.append(f"redirect{copy} {_quote(address)};\n")
    return "# forward\n" + "".join(lines)


# --- reading ---


def read(script: str) -> Simple | None:
    """The rules of a script that `write` made; None when it says anything else."""
    text = script.replace("\r\n", "\n")
    try:
        simple = _Reader(text).run()
        return simple if write(simple) == text else None
    except (
        ScriptError,
        Invalid,
        ValueError,
        _Other,
    ):  # ValueError: more or fewer tests than `write` makes, a bad date
        return None


def lines_of_rules(script: str) -> list[set[int]]:
    """For each rule of a script that `write` made: the lines of what it does, as `Outcome.log` names them."""
    lines = script.split("\n")
    return [
        {one.line for one in node.block or []}
        for node in parse(script)
        if node.name == "if" and lines[node.line - 2].startswith("# rule: ")
    ]


class _Other(Exception):
    """The script says something that these rules do not."""


class _Reader:
    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._nodes = parse(text)

    def run(self) -> Simple:
        simple = Simple()
        if self._lines[0] != HEAD:
            raise _Other
        for node in self._nodes:
            above = self._lines[node.line - 2] if node.line > 1 else ""
            if node.name == "require":
                continue
            if node.name == "redirect":
                simple.forwarding = simple.forwarding or Forwarding([], keep=_has(node, "copy"))
                simple.forwarding.addresses.append(_last(node))
            elif node.name == "if" and above == "# away":
                simple.away = _read_away(node)
            elif node.name == "if" and above.startswith("# rule: "):
                simple.rules.append(_read_rule(node, above.removeprefix("# rule: ")))
            else:
                raise _Other
        return simple


def _has(node: Node, tag: str) -> bool:
    return any(isinstance(one, Tag) and one.name == tag for one in node.arguments)


def _last(node: Node) -> str:
    if not node.arguments or not isinstance(node.arguments[-1], str):
        raise _Other
    return node.arguments[-1]


def _value(node: Node, tag: str) -> object:
    """What stands behind a tag."""
    for position, one in enumerate(node.arguments[:-1]):
        if isinstance(one, Tag) and one.name == tag:
            return node.arguments[position + 1]
    return None


def _read_rule(node: Node, name: str) -> Rule:
    rule = Rule(name)
    (test,) = node.tests
    if test.name == "allof" and len(test.tests) == 2 and test.tests[0].name == "false":
        rule.enabled = False
        test = test.tests[1]
    rule.every = test.name == "allof"
    rule.conditions = [_read_condition(one) for one in test.tests if one.name != "true"]
    for one in node.block or []:
        if one.name == "stop":
            rule.stop = True
        else:
            rule.actions.append(_read_action(one))
    return rule


def _read_condition(node: Node) -> Condition:
    negated = node.name == "not"
    if negated:
        (node,) = node.tests
    relation = next((one for one in RELATIONS if _has(node, one)), None)
    if node.name in _SHORT:
        return Condition(_SHORT[node.name], "is", "yes", negated)
    if relation is None:
        raise _Other
    if node.name == "size":
        return Condition("size", relation, str(node.arguments[-1]), negated)
    if node.name == "body":
        return Condition("body", relation, _last(node), negated)
    names = node.arguments[-2]
    names = [names] if isinstance(names, str) else names
    for known, fields in _HEADERS.items():
        if fields == names:
            return Condition(known, relation, _last(node), negated)
    if not isinstance(names, list):
        raise _Other
    return Condition("header", relation, _last(node), negated, names[0])


def _read_action(node: Node) -> RuleAction:
    match node.name:
        case "fileinto" if _has(node, "specialuse"):
            return RuleAction("trash", _last(node))
        case "fileinto":
            place = _value(node, "mailboxid")
            kind = "also" if _has(node, "copy") else "file"
            return RuleAction(kind, _last(node), place if isinstance(place, str) else "")
        case "addflag":
            return RuleAction("flag", _last(node))
        case "redirect":
            return RuleAction("copy" if _has(node, "copy") else "forward", _last(node))
        case "discard":
            return RuleAction("discard")
        case "ereject":
            return RuleAction("reject", _last(node))
    raise _Other


def _read_away(node: Node) -> Away:
    (answer,) = node.block or []
    if answer.name != "vacation":
        raise _Other
    away = Away(_last(answer))
    subject, days = _value(answer, "subject"), _value(answer, "days")
    away.subject = subject if isinstance(subject, str) else ""
    away.days = days if isinstance(days, int) else 7
    (test,) = node.tests
    for one in test.tests:
        if one.name == "currentdate":
            moment = datetime.fromisoformat(_last(one)).timestamp()
            if _value(one, "value") == "ge":
                away.begin = moment
            else:
                away.end = moment
    return away
