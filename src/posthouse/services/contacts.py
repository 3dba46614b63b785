"""Contacts: what JMAP, CardDAV, the command line and the collector of addresses have in common.

`prepare` makes a write of a JSContact card (pure, may run in a thread), `write` stores what was prepared.  Pictures
leave the card: its Media then has the `blobId` of the picture (`K` and its number), by which JMAP offers it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from posthouse.cards.jscontact import VERSION, Card, CardError, check_card
from posthouse.cards.keys import facts_of
from posthouse.cards.photo import image_type, picture_id, try_data_uri, try_picture_blob
from posthouse.core.errors import Exists
from posthouse.core.ids import AccountId, BlobId
from posthouse.core.ports import Clock
from posthouse.storage.contact_rows import (
    AddressBook,
    CardLimits,
    CardMedia,
    CardOriginal,
    CardWrite,
    CardWritten,
    StoredCard,
)
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, ContentDraft

PICTURE: Final = "K"
"""Letter of the blob ids of pictures."""
BATCH: Final = 200
"""Cards of one transaction."""
DEFAULT_NAMES: Final = {"zh": "通讯录", "en": "Contacts"}
COLLECTED_NAMES: Final = {"zh": "收集的联系人", "en": "Collected"}
OWN: Final = ("id", "addressBookIds")
"""What JMAP adds to a card; not stored in it."""


class ContactLimits(Struct, frozen=True):
    books_max: int = 100
    """Address books of an account."""
    cards_max: int = 50_000
    """Cards of an account."""
    card_max_bytes: int = 256 * 1024
    """One card as JSON, without its pictures."""
    picture_max_bytes: int = 5 * 1024 * 1024
    """One picture."""
    pictures_max_bytes: int = 512 * 1024 * 1024
    """All pictures of an account."""

    @property
    def stored(self) -> CardLimits:
        return CardLimits(self.cards_max, self.pictures_max_bytes)


class TooLargeCardError(CardError):
    """The card, or a picture of it, is larger than the server takes."""


class Prepared(Struct):
    """A write, and the bytes of the pictures that may be new."""

    write: CardWrite
    card: Card
    pictures: dict[int, bytes] = {}


def format_moment(moment: float) -> str:
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: object, otherwise: float) -> float:
    if not isinstance(text, str):
        return otherwise
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return otherwise


def prepare(
    card: Card,
    books: Mapping[int, str],
    limits: ContactLimits,
    now: float,
    *,
    number: int = 0,
    blobs: Mapping[str, bytes | None] = {},
    if_modseq: int | None = None,
    original: CardOriginal | None = None,
) -> Prepared:
    """`blobs`: bytes of the blobs beside pictures that Media may name.  Raises CardError.

    What has no `uid`, `created` or `updated` gets them.
    """
    card = {name: value for name, value in card.items() if value is not None and name not in OWN}
    whole: Card = {"@type": card.pop("@type", "Card"), "version": card.pop("version", VERSION)}
    whole["uid"] = card.pop("uid", None) or f"urn:uuid:{uuid.uuid4()}"
    whole |= card
    whole.setdefault("created", format_moment(now))
    whole.setdefault("updated", format_moment(now))
    check_card(whole)
    media, pictures = _take_pictures(whole, limits, blobs)
    value = msgspec.json.encode(whole)
    if len(value) > limits.card_max_bytes:
        raise TooLargeCardError(
            "", f"the card has {len(value)} bytes, at most {limits.card_max_bytes} are taken"
        )
    write = CardWrite(
        number,
        whole["uid"],
        value,
        facts_of(whole),
        moment_of(whole["created"], now),
        moment_of(whole["updated"], now),
        dict(books),
        media,
        if_modseq,
        original,
    )
    return Prepared(write, whole, pictures)


def _take_pictures(
    card: Card, limits: ContactLimits, blobs: Mapping[str, bytes | None]
) -> tuple[list[CardMedia], dict[int, bytes]]:
    found: dict[int, CardMedia] = {}
    pictures: dict[int, bytes] = {}
    if not card.get("media"):
        return [], {}
    kept = card["media"] = {key: dict(one) for key, one in card["media"].items()}
    for key, one in kept.items():
        blob = one.get("blobId")
        if (known := try_picture_blob(blob)) is not None and blob not in blobs:
            found.setdefault(known, CardMedia(known, 0, ""))
            continue
        if blob is not None:
            data = blobs.get(blob)
            if data is None:
                raise CardError("media", f"{key}: there is no blob {blob[:100]}")
        else:
            taken = try_data_uri(one["uri"])
            if taken is None:
                continue  # it is elsewhere
            data = taken[1]
        kind = image_type(data)
        if kind is None:
            # RFC 9610 §3.5: what is not recognised as a picture is refused as the photo of a card.
            if one["kind"] == "photo" or blob is not None:
                raise CardError(
                    "media", f"{key}: this is no picture (JPEG, PNG, GIF, WebP, AVIF, HEIC, BMP, TIFF)"
                )
            continue  # a sound stays in the card, within its size
        if len(data) > limits.picture_max_bytes:
            raise TooLargeCardError("media", f"{key}: a picture has at most {limits.picture_max_bytes} bytes")
        number = picture_id(data)
        pictures[number] = data
        found[number] = CardMedia(number, len(data), kind)
        one.pop("uri", None)
        one |= {"blobId": f"{PICTURE}{number}", "mediaType": kind}
    return list(found.values()), pictures


class ContactService:
    def __init__(self, store: Store, clock: Clock, limits: ContactLimits | None = None) -> None:
        self.store = store
        self.contacts = store.contacts
        self.clock = clock
        self.limits = limits or ContactLimits()

    # --- address books ---

    async def books(self, account: Account) -> tuple[int, list[AddressBook]]:
        """All of the account; the first is made when they are first asked for."""
        modseq, books = await self.contacts.books(account.id)
        if not books:
            first = AddressBook(
                account.id, 0, _named(DEFAULT_NAMES, account), is_default=True, path="default"
            )
            with suppress(Exists):  # somebody else made it just now
                await self.contacts.put_book(first, count_max=self.limits.books_max)
            modseq, books = await self.contacts.books(account.id)
        return modseq, books

    async def default_book(self, account: Account) -> AddressBook:
        _, books = await self.books(account)
        return next((one for one in books if one.is_default), books[0])

    async def collecting_book(self, account: Account) -> AddressBook:
        """The book of people written to; made when it is first needed."""
        _, books = await self.books(account)
        for one in books:
            if one.collects:
                return one
        book = AddressBook(
            account.id, 0, _named(COLLECTED_NAMES, account), sort_order=100, collects=True, path="collected"
        )
        with suppress(Exists):
            return await self.contacts.put_book(book, count_max=self.limits.books_max)
        book.path = ""
        return await self.contacts.put_book(book, count_max=self.limits.books_max)

    # --- cards ---

    async def card(self, account: AccountId, number: int) -> StoredCard | None:
        _, found = await self.contacts.get(account, [number])
        return found[0] if found else None

    async def write(self, account: AccountId, prepared: Sequence[Prepared]) -> list[CardWritten]:
        """What became of each, in order."""
        written: list[CardWritten] = []
        for at in range(0, len(prepared), BATCH):
            batch = prepared[at : at + BATCH]
            writes = [await self._with_pictures(account, one) for one in batch]
            done = await self.contacts.write(account, writes, self.limits.stored)
            written += done.cards
        return written

    async def _with_pictures(self, account: AccountId, one: Prepared) -> CardWrite:
        for media in one.write.media:
            data = one.pictures.get(media.id)
            if data is not None and await self.contacts.media(account, media.id) is None:
                media.content = await self.draft(data)
        return one.write

    async def draft(self, data: bytes) -> ContentDraft:
        writer = self.store.contents.writer()
        try:
            writer.write(data)
            if writer.must_drain:
                await writer.drain()
            return await writer.finish()
        finally:
            writer.abort()

    async def picture(self, account: AccountId, number: int) -> tuple[bytes, str] | None:
        """(bytes, media type)."""
        row = await self.contacts.media(account, number)
        if row is None:
            return None
        return await self.bytes_of(row[0]), row[2]

    async def bytes_of(self, blob: BlobId) -> bytes:
        content = await self.store.contents.read(blob)
        if isinstance(content, bytes):
            return content
        return b"".join([piece async for piece in content.chunks()])


def _named(names: Mapping[str, str], account: Account) -> str:
    return names.get(account.language or "en", names["en"])


def card_of(stored: StoredCard) -> Card:
    card: Card = msgspec.json.decode(stored.value)
    return card


async def in_thread(action: Callable[[], Any], count: int) -> Any:
    """Few cards at once, many beside the event loop."""
    return action() if count <= 8 else await asyncio.to_thread(action)


def picture_ids(card: Card) -> Iterable[int]:
    """The pictures that a stored card has."""
    for one in (card.get("media") or {}).values():
        if (number := try_picture_blob(one.get("blobId"))) is not None:
            yield number
