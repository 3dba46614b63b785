"""Cards, vCards and calendars that nobody would write: what passes the gate is found, written and read."""

from __future__ import annotations

import contextlib
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.cards.jscontact import PROPERTIES, CardError, check_card, full_name
from posthouse.cards.keys import facts_of, parse_sought
from posthouse.cards.vcard_read import parse_vcard
from posthouse.cards.vcard_values import split_cards
from posthouse.cards.vcard_write import format_vcard
from posthouse.events.component import CalendarError, parse_calendar
from posthouse.events.jscalendar import events_of
from posthouse.events.reply import format_reply
from posthouse.services.contacts import ContactLimits, prepare
from tests.unit.test_events import EXCHANGE
from tests.unit.test_vcard import APPLE, GBK_PHONE, OLD_PHONE

SAMPLES = [OLD_PHONE, GBK_PHONE, APPLE]
MEMBERS = (
    "name", "full", "components", "kind", "value", "address", "number", "uri", "blobId", "date", "note", "vCardParams",
    "group", "units", "sortAs", "contexts", "features", "pref", "label", "place", "author", "level", "listAs", "user",
    "isOrdered", "defaultSeparator", "coordinates", "organizationId", "fn", "n", "type", "utc", "year", "month", "day",
)  # fmt: skip
leaves = st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=8) | st.sampled_from(
    ["a\r\nEND:VCARD", "x;y,z\\", "data:image/png;base64,iVBORw0KGgo=", "urn:uuid:1", "work", "surname"]
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5),
    max_leaves=12,
)
cards = st.dictionaries(st.sampled_from([*PROPERTIES, "x"]), values, max_size=5).map(
    lambda card: {**card, "uid": "u", "version": "1.0"}
)


@given(cards)
@settings(max_examples=400, deadline=None)
def test_a_card_that_passes_can_be_used(card: Any) -> None:
    try:
        check_card(card)
    except CardError:
        return
    full_name(card)
    facts_of(card)
    for version in ("3.0", "4.0"):
        text = format_vcard(card, version=version)
        assert text.count("\r\nEND:VCARD\r\n") == 1
        assert parse_vcard(text.encode()) is not None
    with contextlib.suppress(CardError):
        prepare(card, {1: ""}, ContactLimits(), 0.0)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, lines doubled, left out and swapped."""
    lines = data.split(b"\r\n" if b"\r\n" in data else b"\n")
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                lines.insert(at, lines[chance.randrange(len(lines))])
            case 1 if len(lines) > 3:
                del lines[at]
            case 2:
                line = bytearray(lines[at])
                if line:
                    line[chance.randrange(len(line))] = chance.randrange(256)
                lines[at] = bytes(line)
            case 3:
                lines[at] = lines[at].replace(b":", chance.choice([b";", b"", b":;;;,,", b";A=B:"]), 1)
            case _:
                lines[at] += chance.choice(
                    [b"\\", b";;;;;;;;;", b",,,", b"=", b"\x00", "张".encode("gbk"), b"=F", b'"']
                )
    return b"\r\n".join(lines)


def test_mutated_vcards_are_read() -> None:
    chance = random.Random(7)
    for _ in range(1500):
        data = mutated(chance.choice(SAMPLES), chance)
        for part in split_cards(data):
            card = parse_vcard(part)
            if card is None:
                continue
            try:
                made = prepare(card, {1: ""}, ContactLimits(), 0.0)
            except CardError:
                continue
            for version in ("3.0", "4.0"):
                assert parse_vcard(format_vcard(made.card, version=version).encode()) is not None


def test_mutated_calendars_are_read() -> None:
    chance = random.Random(8)
    whole = EXCHANGE.encode()
    for _ in range(1500):
        try:
            calendar = parse_calendar(mutated(whole, chance))
        except CalendarError:
            continue
        events_of(calendar)
        events = calendar.inner("VEVENT")
        if events:
            text = format_reply(
                calendar,
                events,
                address="li@example.test",
                name="李",
                answer="accepted",
                stamp="20250101T000000Z",
            )
            assert parse_calendar(text.encode()).value("METHOD") == "REPLY"


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_sought(text: str) -> None:
    for one in parse_sought(text):
        assert one.text.strip()
        assert not any(c < " " for c in one.text)
