"""Rights: letters and bits, and what several entries come to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core import flags
from posthouse.core import rights as r
from posthouse.core.errors import Invalid

BITS = st.integers(0, r.ALL)


@given(BITS)
def test_what_is_formatted_is_parsed_again(rights: int) -> None:
    text = r.format_rights(rights)
    assert len(set(text)) == len(text)
    # c and d stand for more than one right, so only without them nothing is added.
    assert r.parse_rights(text.replace("c", "").replace("d", "")) == rights


@given(st.text(alphabet="lrswipkxtea"))
def test_order_and_repetition_mean_nothing(text: str) -> None:
    assert set(r.format_rights(r.parse_rights(text))) - {"c", "d"} == set(text)


@pytest.mark.parametrize(
    ("given_text", "stands_for", "shown"),
    [("c", "kx", "kxc"), ("d", "te", "ted"), ("k", "k", "kc"), ("e", "e", "ed"), ("", "", "")],
)
def test_rights_of_rfc_2086(given_text: str, stands_for: str, shown: str) -> None:
    assert r.parse_rights(given_text) == r.parse_rights(stands_for)
    assert r.format_rights(r.parse_rights(given_text)) == shown


@pytest.mark.parametrize("text", ["L", "lrQ", "q", "0", "9", " ", "l r", "é", "+l", "ⅼ"])
def test_what_is_no_right_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        r.parse_rights(text)


@given(BITS, BITS, st.sampled_from("+-="))
def test_changes(before: int, bits: int, sign: str) -> None:
    text = "".join(letter for letter in r.format_rights(bits) if letter not in "cd")
    assert r.parse_change(sign.strip("=") + text) == (sign, bits)
    after = r.changed(before, (sign, bits))
    assert after == {"+": before | bits, "-": before & ~bits, "=": bits}[sign]


@given(st.lists(st.tuples(st.booleans(), BITS)), st.randoms())
def test_the_order_of_entries_means_nothing(entries: list[tuple[bool, int]], random: object) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert r.combine(entries) == r.combine(shuffled)
    taken = [rights for negative, rights in entries if negative]
    assert all(r.combine(entries) & rights == 0 for rights in taken)


@given(BITS, st.integers(0, 1 << 80))
def test_flags_that_may_be_changed(rights: int, bits: int) -> None:
    changed = r.changeable_flags(rights) & bits
    assert bool(changed & flags.SEEN) == bool(bits & flags.SEEN and rights & r.SEEN)
    assert bool(changed & flags.DELETED) == bool(bits & flags.DELETED and rights & r.TRASH)
    others = bits & ~(flags.SEEN | flags.DELETED)
    assert changed & ~(flags.SEEN | flags.DELETED) == (others if rights & r.WRITE else 0)
