"""Which address books of an account somebody sees, and what may be done with each (RFC 9610 §2, RFC 9670 §4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from posthouse.core.errors import ScopeExceeded
from posthouse.core.scope import READ, WRITE
from posthouse.services.contacts import ContactService
from posthouse.storage import contact_rows as c
from posthouse.wire.jmap.error import MethodError, SetError

from .context import Context
from .share_with import may_share

BITS: Final = {
    "mayRead": c.BOOK_READ,
    "mayWrite": c.BOOK_WRITE,
    "mayShare": c.BOOK_SHARE,
    "mayDelete": c.BOOK_DELETE,
}


def contacts(context: Context) -> ContactService:
    """The contacts of the account; raises MethodError when the credential is for some mailboxes only."""
    context.grant.require(READ)
    if context.grant.books is None and context.scope.folders:
        raise MethodError(
            "forbidden", "what you signed in with is for mailboxes; use a credential that may do all"
        )
    return context.services.contacts


def require_write(context: Context) -> None:
    """Some of it may be changed.  Raises ScopeExceeded."""
    books = context.grant.books
    if books is None:
        context.grant.require(WRITE)
    elif not books.any(c.BOOK_WRITE):
        raise ScopeExceeded("address books that may be read only")


def rights_on(context: Context, book: int) -> int:
    """Bits of `storage.contact_rows`."""
    books = context.grant.books
    if books is not None:
        return books.rights.get(book, 0)
    if not context.scope.allows(WRITE):
        return c.BOOK_READ
    return c.BOOK_ALL if may_share(context) else c.BOOK_ALL & ~c.BOOK_SHARE


def need(context: Context, right: str, books: Iterable[int]) -> None:
    """Raises SetError unless there is this right on all of them."""
    if any(not rights_on(context, book) & BITS[right] for book in books):
        raise SetError("forbidden", f"you have no right {right} on the address book; its owner can give it")


def visible(context: Context) -> frozenset[int] | None:
    """Books that may be read; None: all."""
    books = context.grant.books
    if books is None:
        return None
    return frozenset(book for book, bits in books.rights.items() if bits & c.BOOK_READ)


def seen(context: Context, books: Collection[int]) -> list[int]:
    """Those of a card's books that may be read."""
    shown = visible(context)
    return sorted(books if shown is None else shown.intersection(books))


def narrowed(context: Context, condition: c.CardCondition) -> c.CardCondition:
    """The condition, and that the card is in a book that may be read."""
    shown = visible(context)
    if shown is None:
        return condition
    return c.Joined("AND", (condition, c.Joined("OR", tuple([c.InBook(book) for book in sorted(shown)]))))


def check_known(context: Context, since: int) -> None:
    """What was given or taken back since is in no list of changes.  Raises MethodError."""
    books = context.grant.books
    if books is not None and since < books.since:
        raise MethodError(
            "cannotCalculateChanges",
            "what you may see of this account is something else; fetch everything anew",
        )
