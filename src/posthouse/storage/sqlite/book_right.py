"""Address books that others were given: writing and reading who has what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.errors import NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.storage.contact_rows import BookRight
from posthouse.storage.share_notice import ShareNotice
from posthouse.storage.sqlite.acl import OF_USER, tell_notice
from posthouse.storage.sqlite.audit import record
from posthouse.storage.sqlite.contact_requests import GiveBook, SubscribeBook
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.objects import hint_objects

if TYPE_CHECKING:
    from posthouse.storage.sqlite.reads import Reader

_SELECT: Final = "SELECT account, book, grantee, rights, modseq FROM book_right"


def give_book(ledger: Ledger, request: GiveBook) -> None:
    one = request.right
    account = ledger.account(one.account)
    key = (one.account, one.book)
    book = ledger.execute("SELECT name FROM address_book WHERE account = ? AND id = ?", key).fetchone()
    if book is None or ledger.try_account(one.grantee) is None:
        raise NotFound(f"address book {one.book}, or account {one.grantee}")
    known = ledger.execute(
        "SELECT rights FROM book_right WHERE account = ? AND book = ? AND grantee = ?", (*key, one.grantee)
    ).fetchone()
    before = 0 if known is None else known[0]
    if before == one.rights:
        return
    # The book tells its owner with whom it is shared, so it changed; for the other it may have come or gone.
    account.modseq += 1
    ledger.touch(account)
    hint_objects(ledger, one.account, "AddressBook", account.modseq)
    ledger.execute("UPDATE address_book SET modseq = ? WHERE account = ? AND id = ?", (account.modseq, *key))
    ledger.execute(
        "INSERT OR REPLACE INTO book_right (account, book, grantee, rights, modseq) VALUES (?, ?, ?, ?, ?)",
        (*key, one.grantee, one.rights, account.modseq),
    )
    [(count,)] = ledger.execute(
        "SELECT count(*) FROM book_right WHERE account = ? AND book = ? AND rights", key
    ).fetchall()
    if one.rights and not before and count > request.count_max:
        raise OverQuota(f"more than {request.count_max} entries in one list")
    record(
        ledger, one.account, request.user, "rights", book=one.book, before=str(before), after=str(one.rights),
        who=ledger.execute("SELECT address FROM account WHERE id = ?", (one.grantee,)).fetchone()[0],
    )  # fmt: skip
    who = ledger.execute("SELECT address, name FROM account WHERE id = ?", (request.user,)).fetchone()
    address, person = ("", "") if who is None else who
    tell_notice(
        ledger,
        one.grantee,
        ShareNotice(
            ledger.clock.now(), request.user, address, person, one.account, one.book, book[0], before, one.rights,
            "AddressBook",
        ),
    )  # fmt: skip


def subscribe_book(ledger: Ledger, request: SubscribeBook) -> None:
    key = (request.user, request.account, request.book)
    if request.on:
        ledger.execute("INSERT OR IGNORE INTO book_reader (user, account, book) VALUES (?, ?, ?)", key)
    else:
        ledger.execute("DELETE FROM book_reader WHERE user = ? AND account = ? AND book = ?", key)


def drop_book_rights(ledger: Ledger, account: AccountId, book: int | None = None) -> None:
    """With a book, or with an account: what it gave and what it was given."""
    for table in ("book_right", "book_reader"):
        if book is not None:
            ledger.execute(f"DELETE FROM {table} WHERE account = ? AND book = ?", (account, book))  # noqa: S608
            continue
        whose = "grantee" if table == "book_right" else "user"
        ledger.execute(f"DELETE FROM {table} WHERE account = ?1 OR {whose} = ?1", (account,))  # noqa: S608


def granted(reader: Reader, user: AccountId, account: AccountId | None) -> list[BookRight]:
    sql = _SELECT + OF_USER + " AND account <> ?1 AND (?2 IS NULL OR account = ?2) ORDER BY account, book"
    return [BookRight(*row) for row in reader.rows(sql, (user, account))]


def rights(reader: Reader, account: AccountId, book: int) -> list[BookRight]:
    sql = _SELECT + " WHERE account = ? AND book = ? AND rights ORDER BY grantee"
    return [BookRight(*row) for row in reader.rows(sql, (account, book))]


def readers_books(reader: Reader, user: AccountId, account: AccountId) -> set[int]:
    rows = reader.rows("SELECT book FROM book_reader WHERE user = ? AND account = ?", (user, account))
    return {book for (book,) in rows}
