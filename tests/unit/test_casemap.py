"""i;unicode-casemap."""

from __future__ import annotations

import pytest

from posthouse.core.casemap import casemap, collation_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello", "hELLO"),
        ("ÄÖÜ", "äöü"),
        ("Ａｂｃ", "ABC"),  # full width
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ＳＴＲＡẞＥ", "straße"),
        ("Ǆ", "ǆ"),
        ("①", "1"),
        ("é", "e\u0301"),
        ("驿站", "驿站"),
    ],
)
def test_equal(one: str, other: str) -> None:
    assert casemap(one) == casemap(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Straße", "Strasse"), ("驛站", "驿站"), ("e", "é"), ("a", "ä"), ("ss", "ß")]
)
def test_different(one: str, other: str) -> None:
    assert casemap(one) != casemap(other)


def test_a_decomposed_letter_holds_its_base() -> None:
    assert casemap("E") in casemap("Café")
    assert casemap("ß") in casemap("Straße")


def test_order_is_that_of_title_case() -> None:
    # RFC 5051 compares "_" (5F) above "A" (41), where lower case would put it below.
    words = ["B", "_", "A"]
    assert sorted(words, key=collation_key) == ["A", "B", "_"]
    assert collation_key("Ａ") == "A"
