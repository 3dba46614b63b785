"""Address books as files of vCards: taken in and given out, a few hundred cards at a time."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from posthouse.cards.content_line import parse_line, unescape, unfolded
from posthouse.cards.jscontact import Card, CardError, full_name
from posthouse.cards.merge import merged
from posthouse.cards.vcard_read import parse_vcard
from posthouse.cards.vcard_values import split_cards
from posthouse.cards.vcard_write import V3, V4, format_vcard
from posthouse.core.ids import AccountId
from posthouse.services.contacts import (
    BATCH,
    ContactService,
    Prepared,
    card_of,
    in_thread,
    picture_ids,
    prepare,
)
from posthouse.storage.contact_rows import EVERY_CARD, CardOriginal, InBook, StoredCard

_NAMESPACE: Final = uuid.UUID("6c4f2d5e-3e0a-5d5f-8f5c-6a1d3a0f9b11")
SUFFIX: Final = "vcf"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Failure(Struct):
    """A card that was not taken in: its place in the file (from 1), its name, why."""

    place: int
    name: str
    why: str


class Imported(Struct):
    created: int = 0
    updated: int = 0
    failures: list[Failure] = []

    @property
    def done(self) -> int:
        return self.created + self.updated + len(self.failures)


def read_card(data: bytes) -> Card | None:
    """A card of a file.  Without a UID it gets one made of its bytes, so that the same file taken in again changes
    nothing."""
    card = parse_vcard(data)
    if card is not None and not card.get("uid"):
        card["uid"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, data.strip().decode('latin-1'))}"
    return card


async def import_vcards(
    service: ContactService,
    account: AccountId,
    data: bytes,
    book: int,
    progress: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """A card whose uid is there already replaces that one, and stays in its books as well."""
    found = Imported()
    parts = split_cards(data)
    place = 0
    while batch := await asyncio.to_thread(lambda: list(islice(parts, BATCH))):
        cards = await asyncio.to_thread(lambda: [read_card(one) for one in batch])
        await _take_in(service, account, cards, book, place, found)
        place += len(batch)
        progress(found)
    return found


async def _take_in(
    service: ContactService,
    account: AccountId,
    cards: Sequence[Card | None],
    book: int,
    place: int,
    found: Imported,
) -> None:
    uids = [card["uid"] for card in cards if card is not None]
    known = await service.contacts.by_uids(account, uids)
    _, rows = await service.contacts.get(account, list(known.values()))
    old = {stored.uid: stored for stored in rows}
    now = service.clock.now()

    def made() -> list[tuple[int, str, Prepared | str]]:
        results: list[tuple[int, str, Prepared | str]] = []
        seen: set[str] = set()
        for at, card in enumerate(cards, place + 1):
            if card is None:
                results.append((at, "", "this is no vCard"))
                continue
            before = old.get(card["uid"])
            books = {**(before.books if before is not None else {}), book: ""}
            if before is not None:
                books[book] = before.books.get(book, "")
            try:
                if card["uid"] in seen:
                    raise CardError("uid", "another card of the file has it")
                seen.add(card["uid"])
                one = prepare(card, books, service.limits, now, number=0 if before is None else before.id)
                results.append((at, full_name(card), one))
            except CardError as error:
                results.append(
                    (at, full_name(card) if isinstance(card.get("name"), dict) else "", str(error))
                )
        return results

    looked_at = await asyncio.to_thread(made)
    good = [one for _, _, one in looked_at if isinstance(one, Prepared)]
    written = iter(await service.write(account, good))
    for at, name, one in looked_at:
        if isinstance(one, str):
            found.failures.append(Failure(at, name, one))
            continue
        done = next(written)
        if done.error:
            found.failures.append(Failure(at, name, _why(done.error, done.detail)))
        elif one.write.card:
            found.updated += 1
        else:
            found.created += 1


def _why(error: str, detail: str) -> str:
    return {"OverQuota": detail, "Exists": "its uid is that of another card"}.get(error, f"{error}: {detail}")


async def pictures_of(
    service: ContactService, account: AccountId, card: Card
) -> dict[str, tuple[bytes, str]]:
    """By blobId."""
    found = {}
    for number in picture_ids(card):
        picture = await service.picture(account, number)
        if picture is not None:
            found[f"K{number}"] = picture
    return found


async def vcards_of(
    service: ContactService, cards: Sequence[StoredCard], account: AccountId, version: str | None
) -> list[bytes]:
    """Each as its client sent it, where nobody changed it since and the version is right, else as its card says it.

    `version` None: whichever it was sent in, else 3.0.
    """
    originals = await service.contacts.originals(account, [stored.id for stored in cards])
    found: list[bytes | tuple[Card, dict[str, tuple[bytes, str]]]] = []
    for stored in cards:
        original = originals.get(stored.id)
        if original is not None and version in (None, original.version):
            found.append(await service.bytes_of(original.blob))
        else:
            card = card_of(stored)
            found.append((card, await pictures_of(service, account, card)))

    def written() -> list[bytes]:
        return [
            one
            if isinstance(one, bytes)
            else format_vcard(one[0], version=version or V3, pictures=one[1]).encode()
            for one in found
        ]

    texts: list[bytes] = await in_thread(written, len(found))
    return texts


def original_of(data: bytes, uid: str) -> CardOriginal | None:
    """What is kept of a vCard beside its card: one that can be given back as it is, to whomever.

    None: it is no UTF-8, of another version than 3.0 and 4.0, without the UID of its card, or more than one card.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    lines = [one for line in unfolded(data) if (one := parse_line(line)) is not None]
    heads = [one for one in lines if one.name in ("BEGIN", "VERSION", "UID")]
    named = {one.name: unescape(one.value).strip() for one in heads}
    if len(heads) != 3 or named.get("UID") != uid or named.get("VERSION") not in (V3, V4):
        return None
    if not text.isprintable() and _CONTROLS.search(text):
        return None  # XML could not carry it
    return CardOriginal(named["VERSION"], len(data))


def carried_over(stored: StoredCard, card: Card, version: str) -> Card:
    """`card` came from a client that had read `stored` as a vCard of this version: with what that could not say."""
    old = card_of(stored)
    base = parse_vcard(format_vcard(old, version=version, keyed=True).encode())
    return card if base is None else merged(old, base, card)


async def export_vcards(
    service: ContactService,
    account: AccountId,
    *,
    version: str,
    book: int = 0,
    ids: Sequence[int] | None = None,
) -> AsyncIterator[bytes]:
    """Pieces of the file; `ids`: only these, else those of a book, or all."""
    if ids is None:
        ids = await service.contacts.ids(account, InBook(book) if book else EVERY_CARD)
    for at in range(0, len(ids), BATCH):
        _, rows = await service.contacts.get(account, ids[at : at + BATCH])
        texts = await vcards_of(service, rows, account, version)
        yield b"".join([text if text.endswith(b"\n") else text + b"\r\n" for text in texts])
