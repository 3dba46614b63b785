"""ContactCard/set and copy (RFC 9610 §3.5, §3.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from posthouse.cards.jscontact import Card, CardError
from posthouse.services import contacts as service
from posthouse.services.contacts import Prepared, TooLargeCardError
from posthouse.storage.contact_rows import BOOK_WRITE, CardWrite, CardWritten, StoredCard
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import SetError, invalid

from . import arguments as a
from .address_book import books_of
from .blob_read import read_blob
from .book_rights import contacts, need, require_write, rights_on, seen
from .contact_card import card_id, shown
from .context import Context
from .outcome import set_error_of
from .standard import SLICE, SetResult, apply_patch, check_set, updates_of
from .state import check_state, format_state

Record = dict[str, Any]
_SERVER_SET = ("id",)


class Asked:
    """One card to be made or changed: what it shall be, before it is looked at."""

    __slots__ = ("blobs", "books", "card", "key", "old")

    def __init__(self, key: str, card: Card, books: dict[int, str], old: StoredCard | None) -> None:
        self.key = key
        self.card = card
        self.books = books
        self.old = old
        self.blobs: dict[str, bytes | None] = {}


class CardSetting:
    def __init__(self, context: Context, books: set[int]) -> None:
        self.context = context
        self.service = contacts(context)
        self.books = books
        self.result = SetResult()
        self.failed: dict[str, SetError] = self.result.not_created

    # --- what is asked for ---

    def books_of(self, record: Record) -> dict[int, str]:
        """Raises SetError."""
        given = record.get("addressBookIds")
        if not isinstance(given, dict) or not given or not all(value is True for value in given.values()):
            raise invalid("addressBookIds", "at least one address book, each with true, is wanted")
        found = {}
        for text in given:
            number = self.context.number(ids.ADDRESS_BOOK, text)
            if number is None or number not in self.books:
                raise invalid("addressBookIds", f"there is no address book {text[:100]}")
            found[number] = ""
        return found

    def moved(self, before: Iterable[int], after: Iterable[int]) -> None:
        """RFC 9610 §2 mayWrite: on the books a card comes into, and on those it leaves.  Raises SetError."""
        need(self.context, "mayWrite", {*before} ^ {*after})

    async def blobs_of(self, asked: Asked) -> None:
        """The bytes of blobs that are no pictures of cards yet."""
        media = asked.card.get("media")
        for one in media.values() if isinstance(media, dict) else ():
            text = one.get("blobId") if isinstance(one, dict) else None
            if not isinstance(text, str):
                continue
            name = ids.try_blob(self.context.deref(text))
            if name is not None and name.kind == ids.PICTURE and not name.steps:
                if await self.service.contacts.media(self.context.account.id, name.number) is not None:
                    continue
                name = None
            asked.blobs[text] = None if name is None else await read_blob(self.context, name)

    async def create(self, key: str, record: Record) -> Asked:
        if wrong := [name for name in _SERVER_SET if name in record]:
            raise SetError("invalidProperties", "the server sets these properties", wrong)
        asked = Asked(key, record, self.books_of(record), None)
        self.moved((), asked.books)
        await self.blobs_of(asked)
        return asked

    async def update(self, key: str, patch: Record, old: StoredCard | None) -> Asked:
        if old is None:
            raise SetError("notFound", f"there is no card {key}")
        before = shown(self.context, old)
        record = apply_patch(before, patch)
        if record.get("id") != before["id"]:
            raise invalid("id", "the server sets it")
        if "updated" not in patch:
            record["updated"] = service.format_moment(self.service.clock.now())
        books = {number: old.books.get(number, "") for number in self.books_of(record)}
        mine = seen(self.context, old.books)
        self.moved(mine, books)
        if patch.keys() - {"addressBookIds"} and not any(
            rights_on(self.context, book) & BOOK_WRITE for book in mine
        ):
            need(self.context, "mayWrite", mine)
        # Where who asks may not see it, it stays.
        books |= {number: name for number, name in old.books.items() if number not in mine}
        asked = Asked(key, record, books, old)
        await self.blobs_of(asked)
        return asked

    # --- carrying it out ---

    def prepare(self, asked: list[Asked]) -> list[Prepared | SetError]:
        """May run in a thread."""
        now = self.service.clock.now()
        return [self._prepared(one, now) for one in asked]

    def _prepared(self, one: Asked, now: float) -> Prepared | SetError:
        number, modseq = (0, None) if one.old is None else (one.old.id, one.old.modseq)
        try:
            return service.prepare(
                one.card,
                one.books,
                self.service.limits,
                now,
                number=number,
                blobs=one.blobs,
                if_modseq=modseq,
            )
        except TooLargeCardError as error:
            return SetError("tooLarge", error.why)
        except CardError as error:
            return SetError("invalidProperties", str(error), [error.property] if error.property else [])

    async def carry_out(self, asked: list[Asked]) -> None:
        looked_at = await service.in_thread(lambda: self.prepare(asked), len(asked))
        good: list[tuple[Asked, Prepared]] = []
        for one, prepared in zip(asked, looked_at, strict=True):
            if isinstance(prepared, SetError):
                self.failed[one.key] = prepared
            else:
                good.append((one, prepared))
        written = await self.service.write(self.context.account.id, [prepared for _, prepared in good])
        for (one, prepared), done in zip(good, written, strict=True):
            if done.error:
                self.failed[one.key] = self.fault(done)
            else:
                self.tell(one, prepared, done)

    def fault(self, done: CardWritten) -> SetError:
        limits = self.service.limits
        table = {
            "Exists": lambda: SetError(
                "alreadyExists", "a card of this uid exists", existingId=card_id(int(done.detail or 0))
            ),
            "OverQuota": lambda: SetError(
                "overQuota",
                f"an account has at most {limits.cards_max} cards and {limits.pictures_max_bytes} bytes of pictures",
            ),
            "Conflict": lambda: SetError(
                "stateMismatch", "somebody else changed it meanwhile; fetch it, try again"
            ),
        }
        return set_error_of(done.error, table)

    def tell(self, one: Asked, prepared: Prepared, done: CardWritten) -> None:
        """RFC 8620 §5.3: what the server set or changed."""
        if one.old is None:
            self.context.created[one.key] = card_id(done.card)
            told = {"id": card_id(done.card)}
            told |= {name: value for name, value in prepared.card.items() if one.card.get(name) != value}
            self.result.created[one.key] = told
        else:
            self.result.updated[one.key] = {
                name: value
                for name, value in prepared.card.items()
                if one.card.get(name) != value or name == "updated"
            }


async def set_cards(context: Context, args: a.Set) -> Record:
    check_set(context, args)
    account = context.account
    service_ = contacts(context)
    require_write(context)
    before, books = await books_of(context)
    check_state(args.if_in_state, before)
    work = CardSetting(context, {one.id for one in books})
    result = work.result
    asked: list[Asked] = []

    async def create(key: str, record: Record) -> None:
        asked.append(await work.create(key, record))

    await result.each((args.create or {}).items(), create, result.not_created)
    await work.carry_out(asked)

    updates, destroy, failed = updates_of(context, args)
    result.not_updated.update(failed)
    numbers = [ids.try_number(ids.CARD, key) or 0 for key in (*updates, *destroy)]
    _, rows = await service_.contacts.get(account.id, numbers)
    cards = {card_id(stored.id): stored for stored in rows if seen(context, stored.books)}
    asked = []

    async def update(key: str, patch: Record) -> None:
        asked.append(await work.update(key, patch, cards.get(key)))

    work.failed = result.not_updated
    await result.each(updates.items(), update, result.not_updated)
    await work.carry_out(asked)
    await _destroy(work, destroy, cards)
    after = await context.services.store.emails.modseq(account.id)
    return result.answer(args.account_id, format_state(before), format_state(after))


async def _destroy(work: CardSetting, destroy: list[str], cards: dict[str, StoredCard]) -> None:
    writes: list[tuple[str, CardWrite]] = []
    for key in destroy:
        if key not in cards:
            work.result.not_destroyed[key] = SetError("notFound", f"there is no card {key}")
        elif any(not rights_on(work.context, book) & BOOK_WRITE for book in cards[key].books):
            why = "the card is in an address book that you may not change"
            work.result.not_destroyed[key] = SetError("forbidden", why)
        else:
            writes.append((key, CardWrite(cards[key].id)))
    contacts_ = work.service.contacts
    for at in range(0, len(writes), SLICE):
        part = writes[at : at + SLICE]
        done = await contacts_.write(
            work.context.account.id, [one for _, one in part], work.service.limits.stored
        )
        for (key, _), one in zip(part, done.cards, strict=True):
            if one.error:
                work.result.not_destroyed[key] = work.fault(one)
            else:
                work.result.destroyed.append(key)
