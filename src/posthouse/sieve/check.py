"""From commands to steps: what was required, what each command takes, and all that can be known to be wrong.

The steps are what `machine.run` executes; they are immutable and shared between letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, final

from posthouse.core.address import try_address
from posthouse.sieve.errors import ScriptError
from posthouse.sieve.limits import SCRIPT_MAX_BYTES
from posthouse.sieve.match import check_regex
from posthouse.sieve.parser import Argument, Node, Tag, parse
from posthouse.sieve.spec import (
    ACTIONS,
    CAPABILITIES,
    COMPARATORS,
    DATE_PARTS,
    FLAG,
    IMPLIED,
    NUMBER,
    RELATIONS,
    STRING,
    TESTS,
    Spec,
)

__all__ = ["CAPABILITIES", "Script", "Step", "compile_script"]

Value = str | int | list[str] | bool | None

_ENCODED: Final = re.compile(r"\$\{(hex|unicode):[ \t\n]*+((?:[0-9A-F]++[ \t\n]*+)++)\}", re.IGNORECASE)
_FIELD_NAME: Final = re.compile(r"[!-9;-~]+")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?")
_LEADING: Final = ("require",)
_NAMES_FIELDS: Final = ("header", "address", "exists", "date", "addheader", "deleteheader")


@final
@dataclass(slots=True)
class Step:
    """`arguments` in the order of `Spec.takes`, None for one left out; `tags`: tag -> value, True without one."""

    name: str
    line: int
    arguments: list[Value] = field(default_factory=list)
    tags: dict[str, Value] = field(default_factory=dict)
    tests: list[Step] = field(default_factory=list)
    block: list[Step] = field(default_factory=list)
    missing: str = ""
    """What is not supported, in a script that asks by `ihave`: an error only if it is reached (RFC 5463 §4)."""


@final
@dataclass(slots=True)
class Script:
    steps: list[Step]
    required: frozenset[str]

    def uses(self, capability: str) -> bool:
        return capability in self.required

    def redirects(self) -> list[tuple[str, int]]:
        """Addresses that stand in the script as constants, as `run` would write them, and their lines."""
        found: list[tuple[str, int]] = []
        waiting = list(self.steps)
        while waiting:
            step = waiting.pop()
            waiting += step.block
            text = step.arguments[0] if step.name == "redirect" and step.arguments else None
            if not isinstance(text, str) or ("${" in text and self.uses("variables")):
                continue
            address = try_address(text.strip().removeprefix("<").removesuffix(">"))
            if address is not None and address.domain:
                found.append((str(address), step.line))
        return sorted(found, key=lambda one: one[1])


def compile_script(content: str | bytes) -> Script:
    """Read and check a script; raises ScriptError."""
    steps, required = _Checker().run(parse(_text_of(content)))
    return Script(steps, frozenset(required))


def _text_of(content: str | bytes) -> str:
    """RFC 5228 §2.1: UTF-8, CRLF; line ends of any kind are taken."""
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(raw) > SCRIPT_MAX_BYTES:
        raise ScriptError("large", 1, limit=SCRIPT_MAX_BYTES)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ScriptError("utf8", raw.count(b"\n", 0, error.start) + 1) from None
    if "\0" in text:
        raise ScriptError("nul", text.count("\n", 0, text.index("\0")) + 1)
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


class _Checker:
    def __init__(self) -> None:
        self._required: set[str] = set()
        self._leading = True

    def run(self, nodes: list[Node]) -> tuple[list[Step], set[str]]:
        return self._block(nodes), self._required

    def _block(self, nodes: list[Node]) -> list[Step]:
        steps: list[Step] = []
        before = ""
        for node in nodes:
            if node.name in {"elsif", "else"} and before not in {"if", "elsif"}:
                raise ScriptError("else", node.line, command=node.name)
            before = node.name
            if node.name == "require":
                self._require(node)
                continue
            self._leading = False
            steps.append(self._step(node, ACTIONS, "command"))
        return steps

    def _require(self, node: Node) -> None:
        if not self._leading:  # RFC 5228 §3.2
            raise ScriptError("require.late", node.line)
        step = self._step(node, ACTIONS, "command")
        for name in _list(step.arguments[0]):
            if name in CAPABILITIES:
                self._required.update({name, IMPLIED.get(name, name)})
            else:
                raise ScriptError("capability", node.line, name=name[:60])

    # --- one command or test ---

    def _step(self, node: Node, table: dict[str, Spec], kind: str) -> Step:
        spec = table.get(node.name)
        missing = ""
        if spec is None:
            missing = node.name
        elif spec.needs and not any(one in self._required for one in spec.needs.split()):
            if "ihave" not in self._required:
                raise ScriptError("needs", node.line, command=node.name, name=spec.needs.split()[0])
            missing = spec.needs.split()[0]
        if missing:
            if "ihave" not in self._required:
                raise ScriptError(f"unknown.{kind}", node.line, command=node.name[:40])
            return Step(node.name, node.line, missing=missing)
        assert spec is not None
        if (node.block is not None) != spec.block and kind == "command":
            raise ScriptError("block.missing" if spec.block else "block.extra", node.line, command=node.name)
        step = Step(node.name, node.line)
        self._bind(step, spec, node.arguments)
        self._tests(step, spec, node)
        if node.block is not None:
            step.block = self._block(node.block)
        if check := _CHECKS.get(node.name):
            check(step)
        _check_match(step)
        return step

    def _tests(self, step: Step, spec: Spec, node: Node) -> None:
        if (spec.tests == "1" and (len(node.tests) != 1 or node.listed)) or (
            spec.tests == "*" and not node.listed
        ):
            raise ScriptError(f"tests.{'one' if spec.tests == '1' else 'list'}", node.line, command=node.name)
        if not spec.tests and node.tests:
            raise ScriptError("tests.none", node.line, command=node.name)
        for inner in node.tests:
            step.tests.append(self._step(inner, TESTS, "test"))
            # RFC 5463 §4: what `ihave` asks for may be used behind it as if it had been required.
            if inner.name == "ihave":
                names = _list(step.tests[-1].arguments[0])
                self._required.update(name for name in names if name in CAPABILITIES)

    def _bind(self, step: Step, spec: Spec, arguments: list[Argument]) -> None:
        positional: list[Value] = []
        slots: set[str] = set()
        waiting = iter(arguments)
        for argument in waiting:
            if not isinstance(argument, Tag):
                positional.append(self._constant(argument))
                continue
            if positional:  # RFC 5228 §2.6.2: tagged arguments come first
                raise ScriptError("tag.late", argument.line, tag=argument.name)
            row = spec.tags.get(argument.name)
            if row is None:
                raise ScriptError("tag.unknown", argument.line, tag=argument.name[:40], command=step.name)
            slot, kind, needs = row
            if needs and needs not in self._required:
                raise ScriptError("needs", argument.line, command=f":{argument.name}", name=needs)
            if slot in slots:
                raise ScriptError("tag.twice", argument.line, tag=argument.name)
            slots.add(slot)
            step.tags[argument.name] = True if kind == FLAG else self._tag_value(argument, kind, waiting)
        step.arguments = _fit(step, spec.takes, positional)

    def _tag_value(self, tag: Tag, kind: str, waiting: object) -> Value:
        value = next(waiting, None)  # type: ignore[call-overload]
        if value is None or isinstance(value, Tag) or not _is(kind, value):
            raise ScriptError("tag.value", tag.line, tag=tag.name, kind=kind)
        constant = self._constant(value)
        return [constant] if kind == "l" and isinstance(constant, str) else constant

    def _constant(self, value: str | int | list[str]) -> Value:
        if isinstance(value, int) or "encoded-character" not in self._required:
            return value
        return _decoded(value) if isinstance(value, str) else [_decoded(one) for one in value]


def _is(kind: str, value: object) -> bool:
    if kind == NUMBER:
        return isinstance(value, int)
    return isinstance(value, str) or (kind != STRING and isinstance(value, list))


def _fit(step: Step, takes: str, values: list[Value]) -> list[Value]:
    """The values in their places; a string stands for a list of one."""
    optional = sum(kind.isupper() for kind in takes)
    if not len(takes) - optional <= len(values) <= len(takes):
        raise ScriptError("arguments", step.line, command=step.name, wanted=len(takes), given=len(values))
    left_out = len(takes) - len(values)
    fitted: list[Value] = []
    waiting = iter(values)
    for position, kind in enumerate(takes):
        if kind.isupper() and left_out:
            left_out -= 1
            fitted.append(None)
            continue
        value = next(waiting)
        if not _is(kind.lower(), value):
            raise ScriptError(
                "argument", step.line, command=step.name, position=position + 1, kind=kind.lower()
            )
        fitted.append([value] if kind.lower() == "l" and isinstance(value, str) else value)
    return fitted


def _list(value: Value) -> list[str]:
    return value if isinstance(value, list) else []


def _decoded(text: str) -> str:
    """RFC 5228 §2.4.2.4; what is no valid form stays as it is, a value that is no character is an error."""
    if "${" not in text:
        return text

    def octets(match: re.Match[str]) -> str:
        numbers = [int(one, 16) for one in match[2].split()]
        if match[1].lower() == "hex":
            if any(len(one) > 2 for one in match[2].split()):
                return match[0]
            return bytes(numbers).decode("utf-8", "surrogateescape")
        if any(one > 0x10FFFF or 0xD800 <= one < 0xE000 for one in numbers):
            raise ScriptError("unicode", 1, text=match[0][:40])
        return "".join(map(chr, numbers))

    # Octets of one character may come from several escapes.
    return _ENCODED.sub(octets, text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# --- what can be known before a letter comes ---


def _varies(text: str) -> bool:
    return "${" in text


def _check_match(step: Step) -> None:
    comparator = step.tags.get("comparator")
    if isinstance(comparator, str) and comparator not in COMPARATORS:
        raise ScriptError("comparator", step.line, name=comparator[:40])
    if comparator == "i;ascii-numeric" and any(tag in step.tags for tag in ("contains", "matches", "regex")):
        raise ScriptError("comparator.substring", step.line)
    for tag in ("value", "count"):
        relation = step.tags.get(tag)
        if isinstance(relation, str) and not _varies(relation) and relation.lower() not in RELATIONS:
            raise ScriptError("relation", step.line, name=relation[:40])
    if "regex" in step.tags:
        keys = step.arguments[-1]
        for key in _list(keys) if isinstance(keys, list) else []:
            if not _varies(key) and (fault := check_regex(key)):
                raise ScriptError("regex", step.line, text=key[:60], fault=fault[:100])
    if "last" in step.tags and "index" not in step.tags and step.name not in {"addheader", "duplicate"}:
        raise ScriptError("last", step.line)
    if step.tags.get("index") == 0:
        raise ScriptError("index", step.line)
    if "specialuse" in step.tags and "mailboxid" in step.tags:  # RFC 9042 §4.2
        raise ScriptError("tag.twice", step.line, tag="mailboxid")
    if step.name in _NAMES_FIELDS and step.arguments:
        names = step.arguments[0]
        for name in [names] if isinstance(names, str) else _list(names):
            if not _varies(name) and not _FIELD_NAME.fullmatch(name):
                raise ScriptError("field", step.line, name=name[:60])


def _check_size(step: Step) -> None:
    if not step.tags:
        raise ScriptError("size", step.line)


def _check_set(step: Step) -> None:
    name = step.arguments[0]
    if (
        not isinstance(name, str)
        or not _VARIABLE.fullmatch(name)
        or ("." in name and not name.startswith("global."))
    ):
        raise ScriptError("variable", step.line, name=str(name)[:40])


def _check_global(step: Step) -> None:
    for name in _list(step.arguments[0]):
        if not _VARIABLE.fullmatch(name) or "." in name:
            raise ScriptError("variable", step.line, name=name[:40])


def _check_envelope(step: Step) -> None:
    for name in _list(step.arguments[0]):
        if not _varies(name) and name.lower() not in {"from", "to"}:  # RFC 5228 §5.4
            raise ScriptError("envelope", step.line, name=name[:40])


def _check_date(step: Step) -> None:
    part = step.arguments[-2]
    if isinstance(part, str) and not _varies(part) and part.lower() not in DATE_PARTS:
        raise ScriptError("date", step.line, name=part[:40])
    zone = step.tags.get("zone")
    if isinstance(zone, str) and not _varies(zone) and not re.fullmatch(r"[+-]\d{4}", zone):
        raise ScriptError("zone", step.line, name=zone[:40])


def _check_fcc(step: Step) -> None:
    for tag in ("flags", "create", "specialuse", "mailboxid"):
        if tag in step.tags and "fcc" not in step.tags:  # RFC 8580 §3: they say how the copy is filed
            raise ScriptError("fcc", step.line, tag=tag)


_CHECKS: Final[dict[str, Callable[[Step], None]]] = {
    "size": _check_size,
    "set": _check_set,
    "global": _check_global,
    "envelope": _check_envelope,
    "date": _check_date,
    "currentdate": _check_date,
    "vacation": _check_fcc,
    "notify": _check_fcc,
}
