"""RFC 5228 §2 and §8: reading scripts, and what is said of wrong ones."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.sieve import ScriptError, compile_script
from posthouse.sieve.limits import NESTING_MAX
from posthouse.sieve.text import FAULTS, explain
from tests.unit.sieve_world import decided, holds, letter


@pytest.mark.parametrize(
    ("script", "line", "key"),
    [
        ("keep", 1, "expected.end"),
        ("keep;\nfoo;", 2, "unknown.command"),
        ('if foo "x" { keep; }', 1, "unknown.test"),
        ("if true { keep;", 1, "expected.end"),
        ('redirect "a@b;', 1, "string.open"),
        ("/* never closed", 1, "comment.open"),
        ('require "vacation";\nvacation text:\nhello\n', 2, "text.open"),
        ("keep; §", 1, "token"),
        ("if size :over 99999999999999999999 { keep; }", 1, "number.large"),
        ("if size :over 5X { keep; }", 1, "token"),
        ('fileinto "a";', 1, "needs"),
        ('keep; require "fileinto";', 1, "require.late"),
        ('require "teleport";', 1, "capability"),
        ("else { keep; }", 1, "else"),
        ("if true { } keep; elsif true { }", 1, "else"),
        ("if true;", 1, "block.missing"),
        ("keep { }", 1, "block.extra"),
        ("if { }", 1, "tests.one"),
        ("if (true, false) { }", 1, "tests.one"),
        ("if anyof true { }", 1, "tests.list"),
        ("keep true;", 1, "tests.none"),
        ('if header "a" :is "b" { }', 1, "tag.late"),
        ('if header :over "a" "b" { }', 1, "tag.unknown"),
        ('if header :is :contains "a" "b" { }', 1, "tag.twice"),
        ('if header :comparator 5 "a" "b" { }', 1, "tag.value"),
        ("redirect;", 1, "arguments"),
        ("redirect 5;", 1, "argument"),
        ('if header :comparator "i;none" "a" "b" { }', 1, "comparator"),
        (
            'require "comparator-i;ascii-numeric"; if header :contains :comparator "i;ascii-numeric" "a" "b" { }',
            1,
            "comparator.substring",
        ),
        ('require "relational"; if header :value "eqq" "a" "b" { }', 1, "relation"),
        ('require "regex"; if header :regex "a" "b(" { }', 1, "regex"),
        ('require "index"; if header :last "a" "b" { }', 1, "last"),
        ('require "index"; if header :index 0 "a" "b" { }', 1, "index"),
        ('if header "a b" "c" { }', 1, "field"),
        ("if size { }", 1, "size"),
        ('require "variables"; set "a-b" "c";', 1, "variable"),
        ('require "envelope"; if envelope "sender" "x" { }', 1, "envelope"),
        ('require "date"; if currentdate "century" "21" { }', 1, "date"),
        ('require "date"; if currentdate :zone "CET" "year" "2026" { }', 1, "zone"),
        ('require ["vacation", "mailbox"]; vacation :create "x";', 1, "fcc"),
        ('require "encoded-character"; redirect "${unicode:d800}";', 1, "unicode"),
        (b"keep;\n# \xff\n", 2, "utf8"),
        ("keep;\n\0", 2, "nul"),
        ("#" * 70_000, 1, "large"),
        ("if true {" * 40 + "}" * 40, 1, "nesting"),
        ("if " + "not " * 40 + "true { }", 1, "nesting"),
        ("require [" + ",".join(['"fileinto"'] * 5000) + "];", 1, "strings"),
    ],
)
def test_faults(script: str | bytes, line: int, key: str) -> None:
    with pytest.raises(ScriptError) as caught:
        compile_script(script)
    assert (caught.value.line, caught.value.key) == (line, key)
    for language in ("zh", "en"):
        assert explain(caught.value, language)


def test_every_fault_has_two_languages() -> None:
    for key, row in FAULTS.items():
        assert len(row) == 2, key
        assert all(row), key
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in row]
        assert fields[0] == fields[1], key


def test_deep_but_allowed() -> None:
    assert len(compile_script("if true {" * NESTING_MAX + "keep;" + "}" * NESTING_MAX).steps) == 1


def test_comments_and_multi_line_text() -> None:
    script = (
        'require "reject"; # one\r\n/* two\n * lines */ reject text: # three\r\n'
        "..not stuffed\r\nA line\r\n.\r\n;"
    )
    assert decided(script, every=False) == ["reject .not stuffed\nA line\n"]


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [  # RFC 5228 §2.4.2.4
        ("$${hex:40}", "$@"),
        ("${hex: 40 }", "@"),
        ("${HEX: 40}", "@"),
        ("${hex:40", "${hex:40"),
        ("${hex:400}", "${hex:400}"),
        ("${hex:4${hex:30}}", "${hex:40}"),
        ("${unicode:40}", "@"),
        ("${ unicode:40}", "${ unicode:40}"),
        ("${UNICODE:40}", "@"),
        ("${UnICoDE:0000040}", "@"),
        ("${Unicode:40}", "@"),
        ("${Unicode:Cool}", "${Unicode:Cool}"),
        ("${unicode:4f60 597d}", "你好"),
        ("${hex:e4 bd}${hex:a0}", "你"),
    ],
)
def test_encoded_characters(escaped: str, plain: str) -> None:
    message = letter(f"Subject: {plain}")
    assert holds(f'header :is "subject" "{escaped}"', message)


def test_escapes_without_an_end_are_read_once() -> None:
    text = "${hex:" + "40 4" * 10_000
    start = time.process_time()
    assert not holds(f'header :is "subject" "{text}"', letter("Subject: x"))
    assert time.process_time() - start < 2


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert _is_explained(text)


def _is_explained(text: str) -> bool:
    """It is a script, or its fault has a line and words in both languages."""
    try:
        compile_script(text)
    except ScriptError as fault:
        return fault.line >= 1 and all(explain(fault, language) for language in ("zh", "en"))
    return True


_PIECES = st.lists(
    st.sampled_from(
        ["if", "true", "not", "{", "}", "(", ")", ";", ",", "[", "]", '"a"', ":is", "header", "keep", "5K", "text:\n",
         ".\n", "require", '"fileinto"', "fileinto", "anyof", "else", "#", "/*", "*/", "stop", "\\", '"', "${a}"]
    ),
    max_size=30,
)  # fmt: skip


@given(_PIECES)
def test_any_order_of_tokens_is_read_or_refused(pieces: list[str]) -> None:
    assert _is_explained(" ".join(pieces))
