"""What a path names, and the properties of it, as a table (RFC 4918 §15, RFC 6352 §6.2, RFC 6578 §3)."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import Final
from urllib.parse import quote, unquote

from msgspec import Struct
from msgspec.structs import replace

from posthouse.core.ids import AccountId
from posthouse.core.scope import WRITE
from posthouse.http.dav.xml import CARD, CS, DAV, Name, href, tag, text_tag
from posthouse.services.contacts import ContactService
from posthouse.services.grant import Grant
from posthouse.services.shared_accounts import SharedAccounts
from posthouse.storage.contact_rows import (
    BOOK_ALL,
    BOOK_DELETE,
    BOOK_READ,
    BOOK_SHARE,
    BOOK_WRITE,
    AddressBook,
    StoredCard,
)

BASE: Final = "/dav"
NAME_MAX: Final = 250
"""Characters of the name of a resource or a collection."""
ROOT, PRINCIPAL, HOME, BOOK, ITEM = "root", "principal", "home", "book", "item"
SHARED_MARK: Final = "~"
"""Between the owner of a shared address book and the name that it has there, in one's own home."""
CARD_TYPE: Final = "text/vcard; charset=utf-8"


class Resource(Struct):
    kind: str
    path: str
    grant: Grant
    book: AddressBook | None = None
    name: str = ""  # of a card that may not be there
    card: StoredCard | None = None
    size: int = 0
    card_max: int = 0
    rights: int = BOOK_ALL  # on the book; of somebody else, fewer

    @property
    def owner(self) -> AccountId:
        """Whose book or card it is."""
        return self.grant.account.id if self.book is None else self.book.account

    @property
    def foreign(self) -> bool:
        return self.owner != self.grant.account.id


def principal_path(address: str) -> str:
    return f"{BASE}/principals/{quote(address, safe='@')}/"


def home_path(address: str) -> str:
    return f"{BASE}/addressbooks/{quote(address, safe='@')}/"


def book_path(address: str, book: AddressBook) -> str:
    return f"{home_path(address)}{quote(book.path, safe='@')}/"


def item_path(address: str, book: AddressBook, name: str) -> str:
    return f"{book_path(address, book)}{quote(name, safe='@')}"


def etag(card: StoredCard) -> str:
    return etag_of(card.modseq)


def etag_of(modseq: int) -> str:
    return f'"{modseq}"'


def sync_token(book: AddressBook, modseq: int) -> str:
    return f"urn:posthouse:sync:{book.id}:{modseq}"


def segments(path: str) -> list[str] | None:
    """Decoded; None for a path that is not ours."""
    if not path.startswith(f"{BASE}/"):
        return None
    parts = [unquote(one) for one in path[len(BASE) :].strip("/").split("/")]
    parts = [one for one in parts if one]
    if any(len(one) > NAME_MAX or "/" in one or not one.isprintable() for one in parts):
        return None
    return parts


async def find(service: ContactService, grant: Grant, path: str) -> Resource | None:
    """None: there is no such place for who asks.  A card that is not there yet has `card` None."""
    parts = segments(path)
    address = grant.account.address
    if parts is None:
        return None
    limit = service.limits.card_max_bytes
    match parts:
        case []:
            return Resource(ROOT, f"{BASE}/", grant)
        case ["principals", owner] if owner == address:
            return Resource(PRINCIPAL, principal_path(address), grant)
        case ["addressbooks", owner] if owner == address:
            return Resource(HOME, home_path(address), grant)
        case ["addressbooks", owner, name, *rest] if owner == address and len(rest) < 2:
            shelf = await _book_at(service, grant, name)
            if shelf is None:
                return None
            book, rights = shelf
            if not rest:
                return Resource(BOOK, book_path(address, book), grant, book, card_max=limit, rights=rights)
            card = None
            found = await service.contacts.by_resource(book.account, book.id, rest)
            if found:
                card = await service.card(book.account, found[rest[0]])
            path = item_path(address, book, rest[0])
            return Resource(ITEM, path, grant, book, rest[0], card, rights=rights)
    return None


async def _book_at(service: ContactService, grant: Grant, name: str) -> tuple[AddressBook, int] | None:
    _, books = await service.books(grant.account)
    for book in books:
        if book.path == name:
            return book, BOOK_ALL
    if SHARED_MARK not in name:
        return None
    return next((one for one in await shared_books(service, grant) if one[0].path == name), None)


async def shared_books(service: ContactService, grant: Grant) -> list[tuple[AddressBook, int]]:
    """Address books of others that may be read, as they stand in one's own home, and what may be done with each."""
    found: list[tuple[AddressBook, int]] = []
    for one in await SharedAccounts(service.store).all(grant):
        mine = one.books
        if mine is None and not one.scope.allows(WRITE):
            continue
        _, books = await service.contacts.books(one.account.id)
        for book in books:
            rights = BOOK_ALL & ~BOOK_SHARE if mine is None else mine.rights.get(book.id, 0)
            if rights & BOOK_READ:
                name = f"{book.name} ({one.account.address})"
                path = f"{one.account.address}{SHARED_MARK}{book.path}"
                found.append((replace(book, path=path, name=name), rights))
    return found


# --- properties ---


def _resource_type(r: Resource) -> str | None:
    types = {
        PRINCIPAL: tag((DAV, "principal")),
        BOOK: tag((DAV, "collection")) + tag((CARD, "addressbook")),
        ITEM: "",
    }
    return types.get(r.kind, tag((DAV, "collection")))


def _display_name(r: Resource) -> str | None:
    account = r.grant.account
    names = {
        PRINCIPAL: account.name or account.address,
        HOME: account.address,
        BOOK: "" if r.book is None else r.book.name,
    }
    name = names.get(r.kind)
    return None if name is None else _text(name)


def _text(text: str) -> str:
    return text_tag((DAV, "x"), text)[5:-6] if text else ""


def _principal(r: Resource) -> str | None:
    return href(principal_path(r.grant.account.address))


def _privileges(r: Resource) -> str | None:
    names = ["read", "read-current-user-privilege-set"]
    if r.grant.scope.allows(WRITE) and r.rights & BOOK_WRITE:
        names += ["write-content", "bind", "unbind"]
        if r.rights & BOOK_DELETE:
            names += ["write", "write-properties"]
    return "".join([tag((DAV, "privilege"), tag((DAV, name))) for name in names])


def _reports(r: Resource) -> str | None:
    if r.kind != BOOK:
        return ""
    names = ((DAV, "sync-collection"), (CARD, "addressbook-multiget"), (CARD, "addressbook-query"))
    return "".join([tag((DAV, "supported-report"), tag((DAV, "report"), tag(name))) for name in names])


def _versions(r: Resource) -> str | None:
    if r.kind != BOOK:
        return None
    kinds = [("text/vcard", "3.0"), ("text/vcard", "4.0")]
    return "".join(
        [tag((CARD, "address-data-type"), content_type=kind, version=version) for kind, version in kinds]
    )


def _book(get: Callable[[AddressBook], str | None]) -> Callable[[Resource], str | None]:
    return lambda r: get(r.book) if r.kind == BOOK and r.book is not None else None


def _item(get: Callable[[Resource, StoredCard], str | None]) -> Callable[[Resource], str | None]:
    return lambda r: get(r, r.card) if r.kind == ITEM and r.card is not None else None


PROPERTIES: Final[dict[Name, Callable[[Resource], str | None]]] = {
    (DAV, "resourcetype"): _resource_type,
    (DAV, "displayname"): _display_name,
    (DAV, "current-user-principal"): _principal,
    (DAV, "principal-URL"): lambda r: _principal(r) if r.kind == PRINCIPAL else None,
    (DAV, "owner"): lambda r: _principal(r) if r.kind in (HOME, BOOK, ITEM) and not r.foreign else None,
    (DAV, "principal-collection-set"): lambda _: href(f"{BASE}/principals/"),
    (DAV, "current-user-privilege-set"): _privileges,
    (DAV, "supported-report-set"): _reports,
    (DAV, "sync-token"): _book(lambda book: _text(sync_token(book, book.contents))),
    (DAV, "getetag"): _item(lambda _, card: _text(etag(card))),
    (DAV, "getcontenttype"): _item(lambda *_: CARD_TYPE),
    (DAV, "getlastmodified"): _item(lambda _, card: formatdate(card.updated_at, usegmt=True)),
    (CS, "getctag"): _book(lambda book: _text(str(book.contents))),
    (CARD, "addressbook-home-set"): lambda r: (
        href(home_path(r.grant.account.address)) if r.kind in (ROOT, PRINCIPAL) else None
    ),
    (CARD, "addressbook-description"): _book(
        lambda book: None if book.description is None else _text(book.description)
    ),
    (CARD, "supported-address-data"): _versions,
    (CARD, "max-resource-size"): lambda r: str(r.card_max) if r.kind == BOOK else None,
}
"""Name -> its content as XML; None: this resource has none."""
HIDDEN: Final = frozenset((
    (DAV, "current-user-principal"), (DAV, "principal-collection-set"), (DAV, "current-user-privilege-set"),
    (DAV, "supported-report-set"), (DAV, "sync-token"), (CARD, "supported-address-data"), (CARD, "max-resource-size"),
))  # fmt: skip
"""RFC 3253, RFC 6578 §4 and friends: not part of `allprop`."""


def properties(r: Resource, wanted: list[Name] | None) -> tuple[str, list[Name]]:
    """(those it has, as XML; those it has not).  None: all."""
    found, missing = "", []
    for name in PROPERTIES.keys() - HIDDEN if wanted is None else wanted:
        get = PROPERTIES.get(name)
        content = None if get is None else get(r)
        if content is not None:
            found += tag(name, content)
        elif wanted is not None:
            missing.append(name)
    return found, missing
