"""SASLprep: the examples of RFC 4013 §3, and what may not be."""

from __future__ import annotations

import pytest

from posthouse.core.errors import Invalid
from posthouse.core.saslprep import prepare, try_prepare


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("ｐａｓｓ", "pass"),
        ("e\u0301", "é"),
        ("密码", "密码"),
        ("\u0627\u0628", "\u0627\u0628"),
    ],
)
def test_equal_forms_match(text: str, prepared: str) -> None:
    assert prepare(text) == prepare(text, stored=True) == prepared
    assert prepare(prepared) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "\ue000", "\ud800", "\u0627a\u0627", "\u200e"])
def test_prohibited(text: str) -> None:
    with pytest.raises(Invalid):
        prepare(text)
    assert try_prepare(text) is None


def test_unassigned_code_points_may_be_asked_for_but_not_kept() -> None:
    assert prepare("\U0001f600") == "\U0001f600"
    with pytest.raises(Invalid, match="emoji"):
        prepare("\U0001f600", stored=True)


def test_nothing_left_is_nothing() -> None:
    assert try_prepare("\u00ad") is None
