"""Reading address books and cards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from msgspec.json import encode as json_encode

from posthouse.cards.keys import COMPLETED, FIRST_MARK
from posthouse.core.ids import AccountId, BlobId
from posthouse.storage.contact_rows import (
    AddressBook,
    BookChanges,
    BookRight,
    CardChanges,
    CardCondition,
    CardLimits,
    CardOrder,
    CardOriginal,
    CardsWritten,
    CardWrite,
    Contains,
    HasMember,
    InBook,
    Is,
    Joined,
    Reachable,
    StoredCard,
    Use,
    When,
)
from posthouse.storage.sqlite import book_right
from posthouse.storage.sqlite.contact_requests import (
    DeleteBook,
    GiveBook,
    PutBook,
    SubscribeBook,
    UseCards,
    WriteCards,
)
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import AnyRequest

_SELECT_BOOK: Final = (
    "SELECT account, id, name, description, sort_order, subscribed <> 0, is_default <> 0, collects <> 0, path, modseq,"
    " created, contents FROM address_book WHERE account = ?"
)
_card: Final[Callable[..., StoredCard]] = StoredCard
_LISTED: Final = "(SELECT value FROM json_each(?))"
_COLUMNS: Final = frozenset(("created_at", "updated_at", "given", "surname", "surname2", "uses", "kind"))
_NEWEST_USE: Final = "used_at"


def _book(row: tuple[Any, ...]) -> AddressBook:
    account, number, name, description, order, *flags = row[:8]
    subscribed, default, collects = (bool(flag) for flag in flags)
    return AddressBook(account, number, name, description, order, subscribed, default, collects, *row[8:])


def _json(values: Iterable[Any]) -> str:
    return json_encode(list(values)).decode()


class _Where:
    """A condition as SQL over `card_key k`."""

    def __init__(self, account: int) -> None:
        self.account = account
        self.values: list[Any] = []
        self.reads_text = False

    def sql(self, one: CardCondition) -> str:
        match one:
            case Joined(operator, parts):
                if not parts:
                    return "1" if operator != "OR" else "0"
                joined = (
                    f"({(' OR ' if operator != 'AND' else ' AND ').join([self.sql(part) for part in parts])})"
                )
                return f"NOT {joined}" if operator == "NOT" else joined
            case InBook(book):
                self.values += [self.account, book]
                return "k.card IN (SELECT card FROM card_place WHERE account = ? AND book = ?)"
            case Is("uid", value):
                self.values += [self.account, value]
                return "k.card IN (SELECT id FROM card WHERE account = ? AND uid = ?)"
            case Is(column, value):
                assert column in _COLUMNS
                self.values.append(value)
                return f"k.{column} = ?"
            case When(column, operator, moment):
                assert column in _COLUMNS
                assert operator in ("<", ">=")
                self.values.append(moment)
                return f"k.{column} {operator} ?"
            case HasMember(uid):
                self.values += [self.account, uid]
                return (
                    "(k.kind = 'group' AND k.card IN (SELECT c.id FROM card c,"
                    " json_each(CAST(c.value AS TEXT), '$.members') m WHERE c.account = ? AND m.key = ?))"
                )
            case Reachable():
                self.values.append(self.account)
                return (
                    "(k.kind = 'group' OR EXISTS"
                    " (SELECT 1 FROM card_email e WHERE e.account = ? AND e.card = k.card))"
                )
            case Contains():
                return self._contains(one)
        raise AssertionError(one)

    def _contains(self, one: Contains) -> str:
        if not one.sought:
            return "1"
        self.reads_text = True
        within = "k.keys"
        if (one.first, one.last) == COMPLETED:
            within = "k.people"
        elif one.last:
            first, last = (f"instr(k.keys, char({FIRST_MARK + at}))" for at in (one.first, one.last))
            within = f"substr(k.keys, {first}, {last} - {first})"
        self.values += [sought.text for sought in one.sought]
        return "(" + " AND ".join([f"instr({within}, ?)"] * len(one.sought)) + ")"


class SqliteContacts:
    """`contact_ports.Contacts`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    # --- address books ---

    async def books(self, account: AccountId) -> tuple[int, list[AddressBook]]:
        with self._reader.snapshot_of(account) as (modseq, _):
            rows = self._reader.rows(_SELECT_BOOK + " ORDER BY id", (account,))
        return modseq, [_book(row) for row in rows]

    async def put_book(self, book: AddressBook, *, count_max: int) -> AddressBook:
        done: AddressBook = await self._submit(PutBook(book, count_max))
        return done

    async def delete_book(self, account: AccountId, book: int, *, with_cards: bool) -> None:
        await self._submit(DeleteBook(account, book, with_cards))

    async def book_changes(
        self, account: AccountId, since: int
    ) -> tuple[int, int, list[AddressBook], list[int]]:
        with self._reader.snapshot_of(account) as (modseq, history):
            rows = self._reader.rows(_SELECT_BOOK + " AND modseq > ? ORDER BY modseq, id", (account, since))
            gone = self._reader.rows(
                "SELECT book FROM card_gone WHERE account = ? AND modseq > ? AND card = 0 AND created <= ?",
                (account, since, since),
            )
        return modseq, history, [_book(row) for row in rows], [book for (book,) in gone]

    # --- address books of others ---

    async def granted(self, user: AccountId, account: AccountId | None = None) -> list[BookRight]:
        return book_right.granted(self._reader, user, account)

    async def rights(self, account: AccountId, book: int) -> list[BookRight]:
        return book_right.rights(self._reader, account, book)

    async def give(self, right: BookRight, *, user: AccountId, count_max: int) -> None:
        await self._submit(GiveBook(right, user, count_max))

    async def readers_books(self, user: AccountId, account: AccountId) -> set[int]:
        return book_right.readers_books(self._reader, user, account)

    async def subscribe(self, user: AccountId, account: AccountId, book: int, *, on: bool) -> None:
        await self._submit(SubscribeBook(user, account, book, on))

    # --- cards ---

    async def get(self, account: AccountId, ids: Sequence[int]) -> tuple[int, list[StoredCard]]:
        listed = _json(ids)
        with self._reader.snapshot_of(account) as (modseq, _):
            rows = self._reader.rows(
                "SELECT id, modseq, created, uid, created_at, updated_at, value FROM card"  # noqa: S608
                f" WHERE account = ? AND id IN {_LISTED} ORDER BY id",
                (account, listed),
            )
            cards = {row[0]: _card(*row, {}) for row in rows}
            for card, book, resource in self._reader.rows(
                f"SELECT card, book, resource FROM card_place WHERE account = ? AND card IN {_LISTED}",  # noqa: S608
                (account, listed),
            ):
                cards[card].books[book] = resource
        return modseq, list(cards.values())

    async def ids(
        self,
        account: AccountId,
        condition: CardCondition,
        order: Sequence[CardOrder] = (),
        *,
        first: int | None = None,
    ) -> list[int]:
        where = _Where(account)
        sql = where.sql(condition)
        keys = [
            f"k.{one.column} {'' if one.ascending else 'DESC'}" for one in order if one.column in _COLUMNS
        ]
        if any(one.column == "uses" for one in order):
            keys.append(f"k.{_NEWEST_USE} DESC")
        text = (
            f"SELECT k.card FROM card_key k WHERE k.account = ? AND {sql}"  # noqa: S608
            f" ORDER BY {', '.join([*keys, 'k.card'])} LIMIT ?"
        )
        values = (account, *where.values, -1 if first is None else first)
        # perf: texts of 10,000 cards are read in 5 to 20 ms, without the interpreter's lock.  Completing
        # an address takes the index card_key_people: what was written to comes first, and the first few are enough.
        rows = (
            await self._reader.rows_in_thread(text, values)
            if where.reads_text
            else self._reader.rows(text, values)
        )
        return [card for (card,) in rows]

    async def by_uids(self, account: AccountId, uids: Sequence[str]) -> dict[str, int]:
        sql = f"SELECT uid, id FROM card WHERE account = ? AND uid IN {_LISTED}"  # noqa: S608
        return dict(self._reader.rows(sql, (account, _json(uids))))

    async def resources(self, account: AccountId, book: int) -> list[tuple[int, str, int]]:
        return self._reader.rows(
            "SELECT p.card, p.resource, c.modseq FROM card_place p JOIN card c ON c.account = p.account"
            " AND c.id = p.card WHERE p.account = ? AND p.book = ? ORDER BY p.card",
            (account, book),
        )

    async def by_resource(self, account: AccountId, book: int, names: Sequence[str]) -> dict[str, int]:
        sql = (
            f"SELECT resource, card FROM card_place WHERE account = ? AND book = ? AND resource IN {_LISTED}"  # noqa: S608
        )
        return dict(self._reader.rows(sql, (account, book, _json(names))))

    async def changes(self, account: AccountId, since: int, limit: int | None = None) -> CardChanges:
        most = -1 if limit is None else limit + 1
        with self._reader.snapshot_of(account) as (modseq, history):
            rows = self._reader.rows(
                "SELECT modseq, id, created, 0 FROM card WHERE account = ?1 AND modseq > ?2"
                " UNION ALL SELECT modseq, card, created, 1 FROM card_gone WHERE account = ?1 AND modseq > ?2"
                " AND book = 0 AND created <= ?2 ORDER BY 1 LIMIT ?3",
                (account, since, most),
            )
        more = limit is not None and len(rows) > limit
        if more:
            rows = rows[:limit]
            modseq = rows[-1][0]
        found = CardChanges(modseq, history, [], [], [], more)
        for _, card, created, gone in rows:
            (found.gone if gone else found.created if created > since else found.changed).append(card)
        return found

    async def changes_of_book(
        self, account: AccountId, book: int, since: int, limit: int | None = None
    ) -> BookChanges:
        most = -1 if limit is None else limit + 1
        with self._reader.snapshot_of(account) as (modseq, history):
            rows = self._reader.rows(
                "SELECT c.modseq, c.id, p.resource, 0 FROM card c JOIN card_place p ON p.account = c.account"
                " AND p.book = ?2 AND p.card = c.id WHERE c.account = ?1 AND c.modseq > ?3"
                " UNION ALL SELECT modseq, card, resource, 1 FROM card_gone WHERE account = ?1 AND modseq > ?3"
                " AND book = ?2 AND card <> 0 ORDER BY 1 LIMIT ?4",
                (account, book, since, most),
            )
            more = limit is not None and len(rows) > limit
            if more:
                rows = rows[:limit]
                modseq = rows[-1][0]
        # A name that was given again, to another card or the same, is there.
        there = {resource for _, _, resource, gone in rows if not gone}
        names = dict.fromkeys(resource for _, _, resource, gone in rows if gone and resource not in there)
        changed = [(card, resource, at) for at, card, resource, gone in rows if not gone]
        return BookChanges(modseq, history, changed, list(names), more)

    async def write(
        self,
        account: AccountId,
        writes: Sequence[CardWrite],
        limits: CardLimits,
        *,
        if_modseq: int | None = None,
    ) -> CardsWritten:
        done: CardsWritten = await self._submit(WriteCards(account, list(writes), limits, if_modseq))
        return done

    async def originals(self, account: AccountId, cards: Sequence[int]) -> dict[int, CardOriginal]:
        sql = f"SELECT card, version, size, blob FROM card_original WHERE account = ? AND card IN {_LISTED}"  # noqa: S608
        return {card: CardOriginal(*row) for card, *row in self._reader.rows(sql, (account, _json(cards)))}

    async def cards_with(self, account: AccountId, media: int) -> list[int]:
        sql = "SELECT card FROM card_media WHERE account = ? AND id = ? ORDER BY card"
        return [card for (card,) in self._reader.rows(sql, (account, media))]

    async def media(self, account: AccountId, media: int) -> tuple[BlobId, int, str] | None:
        row: tuple[BlobId, int, str] | None = self._reader.row(
            "SELECT blob, size, type FROM card_media WHERE account = ? AND id = ?", (account, media)
        )
        return row

    # --- people written to ---

    async def known_emails(self, account: AccountId, emails: Sequence[str]) -> set[str]:
        sql = f"SELECT DISTINCT email FROM card_email WHERE account = ? AND email IN {_LISTED}"  # noqa: S608
        return {email for (email,) in self._reader.rows(sql, (account, _json(emails)))}

    async def use(self, account: AccountId, uses: Sequence[Use], now: float, limits: CardLimits) -> None:
        await self._submit(UseCards(account, list(uses), now, limits))
