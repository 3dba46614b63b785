"""What FUZZY takes for alike, and how well."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mime.fuzzy import COMPARED_MAX, Looked, Needle, errors_between, loosen
from posthouse.mime.han_table import SIMPLIFIED, TRADITIONAL
from posthouse.mime.search_text import fold


def likeness(needle: str, text: str) -> float:
    return Needle(needle).likeness(Looked([fold(text)]))


@pytest.mark.parametrize(
    ("needle", "text"),
    [
        ("Helo", "hello world"),  # one letter left out
        ("Hlelo", "say hello"),  # two swapped
        ("recieved", "Received with thanks"),
        ("acomodation", "accommodation"),  # two errors in a long word
        ("IMAP break", "we break the imap"),  # any order
        ("invoice", "two invoices"),
        ("invoices", "one invoice"),
        ("cafe", "un café au lait"),
        ("Müller", "MULLER"),
        ("straße", "STRASSE"),
        ("ＡＢＣ", "abc"),  # width
        ("驛站", "欢迎来到驿站"),
        ("发票", "請查收發票"),
        ("北京大学图书馆", "北京大學的圖書館"),  # most pairs of characters
        ("四月报告 Zhang", "张总 zhang: 請看四月報告"),
        ("one two three four", "three two one"),  # one word of four may be missing
        ("", "anything"),
    ],
)
def test_alike(needle: str, text: str) -> None:
    assert 0 < likeness(needle, text) <= 1


@pytest.mark.parametrize(
    ("needle", "text"),
    [
        ("cat", "bat"),  # short words are as they are
        ("report", "expert"),
        ("hello", "helicopter"),
        ("驿站", "驿马"),
        ("北京大学图书馆", "北京站"),
        ("IMAP break", "IMAP only"),
        ("one two three four", "one two"),
        ("!?", "hello"),
    ],
)
def test_not_alike(needle: str, text: str) -> None:
    assert likeness(needle, text) == 0


def test_better_matches_score_higher() -> None:
    exact, part, swapped, wrong = (likeness("hello", text) for text in ("hello", "othellos", "ehllo", "helo"))
    assert exact > part > swapped == wrong > 0


@pytest.mark.parametrize(
    ("one", "other", "errors"),
    [
        ("abc", "abc", 0),
        ("abc", "acb", 1),
        ("abc", "ab", 1),
        ("abc", "xbc", 1),
        ("abcd", "badc", 2),
        ("abc", "xyz", 3),
    ],
)
def test_errors(one: str, other: str, errors: int) -> None:
    assert errors_between(one, other, 2) == errors == errors_between(other, one, 2)


@given(st.text(alphabet="abc", max_size=6), st.text(alphabet="abc", max_size=6))
def test_errors_are_those_of_the_whole_table(one: str, other: str) -> None:
    """The limit only cuts work short."""
    whole = errors_between(one, other, 20)
    assert errors_between(one, other, 2) == min(whole, 3)


def test_the_table_of_characters() -> None:
    assert len(TRADITIONAL) == len(SIMPLIFIED) > 2500
    assert loosen("驛後發體郵") == "驿后发体邮"
    assert not set(TRADITIONAL) & set(string.printable)


def test_the_work_for_one_needle_is_bounded() -> None:
    """Words made to be nearly alike: the table of those compared does not grow without end."""
    chance = random.Random(1)
    needle = Needle("receivers")
    words = {"".join(chance.choices("receivds", k=9)) for _ in range(50_000)}
    needle.likeness(Looked([" ".join(words)]))
    assert needle.compared == COMPARED_MAX
