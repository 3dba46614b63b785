"""What changes address books and cards: PUT, DELETE, COPY, MOVE, MKCOL, PROPPATCH (RFC 4918 §9, RFC 6352 §6.3)."""

from __future__ import annotations

import asyncio
from typing import Final

from posthouse.cards.jscontact import Card, CardError
from posthouse.core.errors import Exists, OverQuota
from posthouse.http.dav import resource as res
from posthouse.http.dav.resource import BOOK, Resource
from posthouse.http.dav.xml import CARD, DAV, Element, Name, href, multistatus, tag, text_tag
from posthouse.services.contact_files import carried_over, original_of, read_card
from posthouse.services.contacts import ContactService, Prepared, TooLargeCardError, card_of, prepare
from posthouse.storage.contact_rows import (
    BOOK_DELETE,
    BOOK_WRITE,
    AddressBook,
    CardOriginal,
    CardWrite,
    CardWritten,
)

DISPLAY_NAME: Final = (DAV, "displayname")
DESCRIPTION: Final = (CARD, "addressbook-description")
BOOK_TYPE: Final = ((DAV, "collection"), (CARD, "addressbook"))
NAME_MAX_BYTES: Final = 255
DESCRIPTION_MAX: Final = 10_000


class Refused(Exception):
    """A status and, where the RFC has one, the precondition that failed with its content."""

    def __init__(self, status: int, condition: Name | None = None, content: str = "") -> None:
        super().__init__(str(status))
        self.status = status
        self.condition = condition
        self.content = content


def need(r: Resource, rights: int) -> None:
    """Raises Refused (403, need-privileges)."""
    if r.rights & rights != rights:
        raise Refused(403, (DAV, "need-privileges"))


def check_conditions(r: Resource, if_match: str, if_none_match: str) -> None:
    """RFC 9110 §13.1; raises Refused (412)."""
    current = "" if r.card is None else res.etag(r.card)
    if if_match:
        listed = [one.strip() for one in if_match.split(",")]
        if not current or ("*" not in listed and current not in listed):
            raise Refused(412)
    if if_none_match:
        listed = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
        if current and ("*" in listed or current in listed):
            raise Refused(412)


def _check(done: CardWritten) -> None:
    if done.error == "OverQuota":
        raise Refused(507, (DAV, "quota-not-exceeded"))
    if done.error:
        raise Refused({"Conflict": 412, "NotFound": 409, "Exists": 409}.get(done.error, 503))


def _read(data: bytes) -> tuple[Card | None, CardOriginal | None]:
    card = read_card(data)
    return card, None if card is None else original_of(data, card["uid"])


async def put(service: ContactService, r: Resource, data: bytes, *, conditional: bool) -> tuple[int, int]:
    """The status: 201 made, 204 changed; the modseq if a GET gives these very bytes, else 0.  Raises Refused.

    `conditional`: the client knows the card that it changes, so what its vCard could not tell it of that stays.
    """
    account, book = r.grant.account, r.book
    assert book is not None
    need(r, BOOK_WRITE)
    card, original = await asyncio.to_thread(_read, data)
    if card is None:
        raise Refused(403, (CARD, "valid-address-data"))
    old = r.card
    known = (await service.contacts.by_uids(r.owner, [card["uid"]])).get(card["uid"])
    if known is not None and (old is None or old.id != known):
        if r.foreign:
            # It may be in a book that is not shared: nothing of it is told, and nothing is changed.
            raise Refused(409, (CARD, "no-uid-conflict"))
        other = await service.card(r.owner, known)
        if other is not None and (old is not None or book.id in other.books):
            # RFC 6352 §6.3.2.1: another resource of the collection has this UID.
            path = res.item_path(account.address, book, other.books.get(book.id, f"C{other.id}.vcf"))
            raise Refused(409, (CARD, "no-uid-conflict"), href(path))
        old = other  # it is in another book: now in this one as well
    books = {**({} if old is None else old.books), book.id: r.name}
    modseq = old.modseq if old is not None and conditional else None

    def made() -> Prepared:
        number, wanted = (0 if old is None else old.id), card
        if old is not None and conditional and original is not None:
            wanted = carried_over(old, card, original.version)
        if old is not None and "created" not in wanted:
            wanted["created"] = card_of(old).get("created")
        now = service.clock.now()
        return prepare(wanted, books, service.limits, now, number=number, if_modseq=modseq, original=original)

    try:
        prepared = await asyncio.to_thread(made)
        if original is not None:
            original.content = await service.draft(data)
    except TooLargeCardError:
        raise Refused(403, (CARD, "max-resource-size")) from None
    except CardError:
        raise Refused(403, (CARD, "valid-address-data")) from None
    [done] = await service.write(r.owner, [prepared])
    _check(done)
    return 201 if r.card is None else 204, done.modseq if done.kept else 0


async def delete(service: ContactService, r: Resource) -> None:
    """Raises Refused."""
    book = r.book
    if r.kind == BOOK and book is not None:
        need(r, BOOK_DELETE | BOOK_WRITE)
        await service.contacts.delete_book(r.owner, book.id, with_cards=True)
        return
    if r.card is None or book is None:
        raise Refused(403 if r.kind != res.ITEM else 404)
    need(r, BOOK_WRITE)
    books = {number: name for number, name in r.card.books.items() if number != book.id}
    write = CardWrite(r.card.id, r.card.uid, books=books, if_modseq=r.card.modseq)
    done = await service.contacts.write(r.owner, [write], service.limits.stored)
    _check(done.cards[0])


async def transfer(
    service: ContactService, r: Resource, target: Resource, *, move: bool, overwrite: bool
) -> int:
    """COPY puts the card into another book as well; MOVE into another book, or under another name."""
    if r.card is None or r.book is None or target.kind != res.ITEM or target.book is None:
        raise Refused(403)
    if target.owner != r.owner:
        raise Refused(403)  # from one account to another: the client writes it there and removes it here
    need(target, BOOK_WRITE)
    if move:
        need(r, BOOK_WRITE)
    if target.card is not None:
        if not overwrite:
            raise Refused(412)
        if target.card.id != r.card.id:
            await delete(service, target)
    elif not move and target.book.id in r.card.books:
        # RFC 6352 §5.1: a UID is in a collection once.
        raise Refused(409, (CARD, "no-uid-conflict"), href(r.path))
    books = {number: name for number, name in r.card.books.items() if not (move and number == r.book.id)}
    books[target.book.id] = target.name
    write = CardWrite(r.card.id, r.card.uid, books=books, if_modseq=r.card.modseq)
    done = await service.contacts.write(r.owner, [write], service.limits.stored)
    _check(done.cards[0])
    return 201 if target.card is None else 204


# --- address books ---


async def make_book(service: ContactService, r: Resource, name: str, body: Element | None) -> None:
    """MKCOL, extended by RFC 5689: `name` is the last part of the path.  Raises Refused."""
    book = AddressBook(r.grant.account.id, 0, name, path=name)
    if body is not None:
        values = _set_values(body)
        kinds = values.pop((DAV, "resourcetype"), None)
        if kinds is not None and not {one.key for one in kinds.children} <= set(BOOK_TYPE):
            raise Refused(403, (DAV, "valid-resourcetype"))
        for prop, value in values.items():
            _apply(book, prop, value)
    await service.books(r.grant.account)  # the first one is the default, whatever is made
    try:
        await service.contacts.put_book(book, count_max=service.limits.books_max)
    except Exists:
        raise Refused(405) from None
    except OverQuota:
        raise Refused(507, (DAV, "quota-not-exceeded")) from None


def _set_values(body: Element) -> dict[Name, Element]:
    found = {}
    for part in body.all(DAV, "set"):
        prop = part.find(DAV, "prop")
        for one in () if prop is None else prop.children:
            found[one.key] = one
    return found


def _apply(book: AddressBook, name: Name, value: Element | None) -> bool:
    """Whether it is a property that can be set."""
    text = "" if value is None else " ".join(value.text.split())
    if name == DISPLAY_NAME and text and len(text.encode()) <= NAME_MAX_BYTES:
        book.name = text
        return True
    if name == DESCRIPTION and (value is None or len(value.text) <= DESCRIPTION_MAX):
        book.description = value.text if value is not None else None
        return True
    return False


async def patch(service: ContactService, r: Resource, body: Element) -> bytes:
    """RFC 4918 §9.2: all of it or nothing."""
    wanted: dict[Name, Element | None] = dict(_set_values(body))
    for part in body.all(DAV, "remove"):
        prop = part.find(DAV, "prop")
        wanted.update({one.key: None for one in (() if prop is None else prop.children)})
    wrong = list(wanted)
    if r.kind == BOOK and r.book is not None:
        need(r, BOOK_DELETE)
        # As it is stored: in the home of others it has another name and place.
        _, books = await service.contacts.books(r.owner)
        [book] = [one for one in books if one.id == r.book.id]
        wrong = [name for name, value in wanted.items() if not _apply(book, name, value)]
        if not wrong and wanted:
            await service.contacts.put_book(book, count_max=service.limits.books_max)
    parts = href(r.path)
    for name in wanted:
        status = "200 OK" if not wrong else "403 Forbidden" if name in wrong else "424 Failed Dependency"
        inner = tag((DAV, "prop"), tag(name)) + text_tag((DAV, "status"), f"HTTP/1.1 {status}")
        parts += tag((DAV, "propstat"), inner)
    return multistatus([tag((DAV, "response"), parts)])
