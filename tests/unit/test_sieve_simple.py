"""Rules to script and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core.errors import Invalid
from posthouse.sieve import compile_script
from posthouse.sieve.simple import Away, Condition, Forwarding, Rule, RuleAction, Simple, read, write
from tests.unit.sieve_world import NOW, decided, letter

RULES = Simple(
    [
        Rule(
            "账单",
            [Condition("from", "contains", "bank"), Condition("subject", "matches", "*账单*", negated=True)],
            [RuleAction("flag", "$Important"), RuleAction("file", "财务/账单")],
            every=False,
            stop=True,
        ),
        Rule("off", [Condition("size", "over", "1000000")], [RuleAction("discard")], enabled=False),
        Rule("all", [], [RuleAction("copy", "backup@x.test")]),
        Rule(
            "list",
            [Condition("header", "is", "yes", header="x-tag")],
            [RuleAction("reject", 'no "thanks"\\')],
        ),
        Rule(
            "files",
            [Condition("attachment", "is", "yes"), Condition("spam", "is", "yes", negated=True)],
            [RuleAction("also", "附件", "F9"), RuleAction("file", "归档/合同", "F12")],
        ),
        Rule("away with it", [Condition("spam", "is", "yes")], [RuleAction("trash", "已删除")]),
    ],
    Forwarding(["me@y.test", "too@y.test"], keep=True),
    Away("我不在\n请等", "不在", 3, NOW - 60, NOW + 60),
)


def test_there_and_back() -> None:
    script = write(RULES)
    compile_script(script)
    assert read(script) == RULES
    assert read(script.replace("\n", "\r\n")) == RULES
    assert read(write(Simple())) == Simple()


@pytest.mark.parametrize(
    "change",
    [
        ("stop;", "keep;"),
        ("# rule: off", "# off"),
        ("allof (true)", "true"),
        (" :create", ""),
        ("# Post", "#"),
    ],
)
def test_what_others_wrote_is_not_read(change: tuple[str, str]) -> None:
    changed = write(RULES).replace(*change)
    assert changed != write(RULES)
    assert read(changed) is None


def test_what_it_does() -> None:
    script = write(RULES)
    message = letter("From: BANK@x.test", "To: roadrunner@acme.example.com")
    forward = ["to me@y.test", "to too@y.test"]
    assert decided(script, message, every=False, sender="a@b.test")[0] == "into 财务/账单:$Important"
    plain = letter("From: a@b.test", "To: roadrunner@acme.example.com", "Subject: 账单")
    assert decided(script, plain, every=False, sender="a@b.test") == [
        "to backup@x.test", "vacation a@b.test", *forward, "keep",
    ]  # fmt: skip
    later = decided(script, plain, every=False, sender="a@b.test", now=NOW + 100)
    assert later == ["to backup@x.test", *forward, "keep"]


@pytest.mark.parametrize(
    "wrong",
    [
        Condition("size", "is", "5"),
        Condition("size", "over", "x"),
        Condition("from", "over", "5"),
        Condition("colour", "is", "5"),
        Condition("header", "is", "5", header="a b"),
        Condition("from", "is", "\0"),
    ],
)
def test_what_cannot_be_said(wrong: Condition) -> None:
    with pytest.raises(Invalid):
        write(Simple([Rule("x", [wrong])]))


_text = st.text(max_size=20).filter(lambda text: "\0" not in text and text.isprintable())
_condition = st.builds(
    Condition,
    st.sampled_from(["from", "to", "cc", "subject", "list", "body"]),
    st.sampled_from(["contains", "is", "matches"]),
    _text,
    st.booleans(),
)
_action = st.builds(RuleAction, st.sampled_from(["file", "flag", "forward", "copy", "reject"]), _text)
_rule = st.builds(
    Rule,
    _text.map(lambda text: " ".join(text.split())),
    st.lists(_condition, max_size=3),
    st.lists(_action, max_size=3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(_rule, max_size=3))
def test_any_rules_come_back(rules: list[Rule]) -> None:
    for rule in rules:
        rule.actions.sort(key=lambda one: one.kind != "flag")
    simple = Simple(rules)
    assert read(write(simple)) == simple
