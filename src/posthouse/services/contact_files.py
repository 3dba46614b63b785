"""Address books as files of vCards: taken in and given out, a few hundred cards at a time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from posthouse.cards.jscontact import Card, CardError, full_name
from posthouse.cards.vcard_read import parse_vcard
from posthouse.cards.vcard_values import split_cards
from posthouse.cards.vcard_write import format_vcard
from posthouse.core.ids import AccountId
from posthouse.services.contacts import BATCH, ContactService, Prepared, card_of, picture_ids, prepare
from posthouse.storage.contact_rows import EVERY_CARD, InBook, StoredCard

_NAMESPACE: Final = uuid.UUID("6c4f2d5e-3e0a-5d5f-8f5c-6a1d3a0f9b11")
SUFFIX: Final = "vcf"


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


async def vcard_of(service: ContactService, stored: StoredCard, account: AccountId, version: str) -> str:
    card = card_of(stored)
    return format_vcard(card, version=version, pictures=await pictures_of(service, account, card))


async def export_vcards(
    service: ContactService,
    account: AccountId,
    *,
    version: str,
    book: int = 0,
    ids: Sequence[int] | None = None,
) -> AsyncIterator[str]:
    """Pieces of the file; `ids`: only these, else those of a book, or all."""
    if ids is None:
        ids = await service.contacts.ids(account, InBook(book) if book else EVERY_CARD)
    for at in range(0, len(ids), BATCH):
        _, rows = await service.contacts.get(account, ids[at : at + BATCH])
        cards = [card_of(stored) for stored in rows]
        pictures = [await pictures_of(service, account, card) for card in cards]
        pairs = list(zip(cards, pictures, strict=True))

        def written(pairs: list[tuple[Card, dict[str, tuple[bytes, str]]]] = pairs) -> str:
            return "".join([format_vcard(card, version=version, pictures=found) for card, found in pairs])

        yield await asyncio.to_thread(written)
