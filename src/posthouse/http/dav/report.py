"""REPORT: sync-collection (RFC 6578), addressbook-multiget and addressbook-query (RFC 6352 §8)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from posthouse.cards.content_line import Property, parse_line, split_value, unescape, unfolded
from posthouse.core.casemap import casemap
from posthouse.http.dav import resource as res
from posthouse.http.dav.resource import BOOK, Resource
from posthouse.http.dav.xml import (
    CARD,
    DAV,
    Element,
    Name,
    XmlError,
    clean,
    multistatus,
    response,
    status_response,
    tag,
    text_tag,
)
from posthouse.services.contact_files import vcards_of
from posthouse.services.contacts import ContactService
from posthouse.storage.contact_rows import StoredCard

PROPERTIES_MAX: Final = 100
NAMES_MAX: Final = 8000
"""Characters of the names of properties, with their namespaces."""
TESTS_MAX: Final = 100
"""Elements of a filter, which is held against each card."""
SOUGHT_MAX: Final = 10_000
"""Characters of what a filter looks for."""
HREFS_MAX: Final = 5000
"""Cards that one multiget names."""
BATCH: Final = 100
CHANGES_MAX: Final = 5000
"""Changes that one answer of sync-collection tells."""
DATA: Final = (CARD, "address-data")
_TOKEN: Final = re.compile(r"urn:posthouse:sync:(\d{1,18}):(\d{1,18})")


class ReportError(Exception):
    """Refused with a status and a precondition (RFC 4918 §16)."""

    def __init__(self, status: int, condition: Name) -> None:
        super().__init__(condition[1])
        self.status = status
        self.condition = condition


def wanted_of(request: Element) -> tuple[list[Name] | None, Element | None]:
    """The properties asked for (None: all), and how address-data is wanted."""
    prop = request.find(DAV, "prop")
    if prop is None:
        return (None, None)
    names = list(dict.fromkeys(one.key for one in prop.children if one.key != DATA))
    # Each stands in the answer once for every card.
    if len(names) > PROPERTIES_MAX or sum(len(space) + len(name) for space, name in names) > NAMES_MAX:
        raise XmlError(f"at most {PROPERTIES_MAX} properties, of {NAMES_MAX} characters together")
    return names, prop.find(*DATA)


async def report(service: ContactService, r: Resource, request: Element) -> bytes:
    """Raises ReportError."""
    if r.kind == BOOK:
        match request.key:
            case (namespace, "sync-collection") if namespace == DAV:
                return await _sync(service, r, request)
            case (namespace, "addressbook-multiget") if namespace == CARD:
                return await _multiget(service, r, request)
            case (namespace, "addressbook-query") if namespace == CARD:
                return await _query(service, r, request)
    raise ReportError(403, (DAV, "supported-report"))


def _version(data: Element | None) -> str:
    # RFC 6352 §10.4: who does not say gets vCard 3.0.
    version = "3.0" if data is None else data.attributes.get("version", "3.0")
    kind = "text/vcard" if data is None else data.attributes.get("content-type", "text/vcard")
    if kind.lower() != "text/vcard" or version not in ("3.0", "4.0"):
        raise ReportError(403, (CARD, "supported-address-data"))
    return version


async def _told(
    service: ContactService, r: Resource, cards: Sequence[tuple[str, StoredCard]], request: Element
) -> list[str]:
    """A response for each card: (name of its resource, card)."""
    wanted, data = wanted_of(request)
    version = _version(data)
    only = (
        None if data is None else {one.attributes.get("name", "").upper() for one in data.all(CARD, "prop")}
    )
    account = r.grant.account
    assert r.book is not None
    told = []
    texts: list[bytes] = []
    for at, (name, card) in enumerate(cards):
        if data is not None and at % BATCH == 0:
            batch = [one for _, one in cards[at : at + BATCH]]
            texts = await vcards_of(service, batch, r.owner, version)
        path = res.item_path(account.address, r.book, name)
        found, missing = res.properties(
            Resource(res.ITEM, path, r.grant, r.book, name, card, rights=r.rights), wanted or []
        )
        if data is not None:
            text = texts[at % BATCH].decode()
            found += tag(DATA, clean(_narrowed(text, only) if only else text))
        told.append(response(path, found, missing))
        if at % BATCH == BATCH - 1:
            await asyncio.sleep(0)  # others run
    return told


def _narrowed(text: str, names: set[str]) -> str:
    """RFC 6352 §10.4.2: only these properties, and those that make it a vCard."""
    kept = names | {"BEGIN", "END", "VERSION"}
    lines = re.split(r"\r\n(?![ \t])", text)
    return "\r\n".join([line for line in lines if not line or re.split(r"[.;:]", line)[0].upper() in kept or (
        "." in line.partition(":")[0] and re.split(r"[;:]", line.partition(".")[2])[0].upper() in kept)])  # fmt: skip


# --- RFC 6578 ---


async def _sync(service: ContactService, r: Resource, request: Element) -> bytes:
    book = r.book
    assert book is not None
    level = request.find(DAV, "sync-level")
    if level is not None and level.text.strip() not in ("1", "infinite"):
        raise ReportError(400, (DAV, "valid-sync-level"))
    token = request.find(DAV, "sync-token")
    since = _since(book.id, "" if token is None else token.text.strip())
    found = await service.contacts.changes_of_book(r.owner, book.id, since, _limit(request))
    if since and (since < found.history or since > max(found.modseq, book.contents)):
        raise ReportError(403, (DAV, "valid-sync-token"))
    names = {card: name for card, name, _ in found.changed}
    _, rows = await service.contacts.get(r.owner, list(names))
    cards = [(names[one.id], one) for one in rows]
    parts = await _told(service, r, cards, request)
    if since:
        address = r.grant.account.address
        parts += [status_response(res.item_path(address, book, name), "404 Not Found") for name in found.gone]
    if found.more:
        # RFC 6578 §3.6: there is more; ask again with the token of this answer.
        parts.append(
            status_response(r.path, "507 Insufficient Storage", tag((DAV, "number-of-matches-within-limits")))
        )
    reached = found.modseq if found.more else max(book.contents, since)
    return multistatus(parts, text_tag((DAV, "sync-token"), res.sync_token(book, reached)))


def _since(book: int, token: str) -> int:
    if not token:
        return 0
    match = _TOKEN.fullmatch(token)
    if match is None or int(match[1]) != book:
        raise ReportError(403, (DAV, "valid-sync-token"))
    return int(match[2])


def _limit(request: Element, most: int = CHANGES_MAX) -> int:
    for namespace in (DAV, CARD):
        limit = request.find(namespace, "limit")
        count = None if limit is None else limit.find(namespace, "nresults")
        if count is not None and count.text.strip().isdecimal():
            return max(1, min(most, int(count.text.strip()[:9])))
    return most


# --- RFC 6352 §8.7 ---


async def _multiget(service: ContactService, r: Resource, request: Element) -> bytes:
    book, account = r.book, r.grant.account
    assert book is not None
    hrefs = [one.text.strip() for one in request.all(DAV, "href")]
    if len(hrefs) > HREFS_MAX:
        raise ReportError(403, (DAV, "number-of-matches-within-limits"))
    names: dict[str, str] = {}
    for text in hrefs:
        parts = res.segments(re.sub(r"^https?://[^/]+", "", text)) or []
        if parts[:-1] == ["addressbooks", account.address, book.path]:
            names[parts[-1]] = text
    found = await service.contacts.by_resource(r.owner, book.id, list(names))
    _, rows = await service.contacts.get(r.owner, list(found.values()))
    cards = {one.id: one for one in rows}
    there = [(name, cards[number]) for name, number in found.items() if number in cards]
    parts_ = await _told(service, r, there, request)
    known = {names[name] for name, _ in there}
    parts_ += [status_response(text, "404 Not Found") for text in hrefs if text not in known]
    return multistatus(parts_)


# --- RFC 6352 §8.6 ---


async def _query(service: ContactService, r: Resource, request: Element) -> bytes:
    book = r.book
    assert book is not None
    wanted = request.find(CARD, "filter")
    if wanted is not None:
        tests = list(_inside(wanted))
        if len(tests) > TESTS_MAX or sum(len(one.text) for one in tests) > SOUGHT_MAX:
            raise XmlError(f"at most {TESTS_MAX} elements in a filter, of {SOUGHT_MAX} characters")
    limit = _limit(request)
    rows = await service.contacts.resources(r.owner, book.id)
    found: list[tuple[str, StoredCard]] = []
    for at in range(0, len(rows), BATCH):
        names = {card: name for card, name, _ in rows[at : at + BATCH]}
        _, cards = await service.contacts.get(r.owner, list(names))
        if wanted is not None and wanted.children:
            texts = list(zip(cards, await vcards_of(service, cards, r.owner, "4.0"), strict=True))

            def matching(
                texts: list[tuple[StoredCard, bytes]] = texts, wanted: Element = wanted
            ) -> list[StoredCard]:
                return [one for one, text in texts if _matches(text, wanted)]

            cards = await asyncio.to_thread(matching)
        found += [(names[one.id], one) for one in cards]
        if len(found) > limit:
            break
    parts = await _told(service, r, found[:limit], request)
    if len(found) > limit:
        parts.append(
            status_response(r.path, "507 Insufficient Storage", tag((DAV, "number-of-matches-within-limits")))
        )
    return multistatus(parts)


def _inside(one: Element) -> Iterator[Element]:
    for child in one.children:
        yield child
        yield from _inside(child)


def _matches(text: bytes, wanted: Element) -> bool:
    lines = [one for line in unfolded(text) if (one := parse_line(line)) is not None]
    results = (_property_matches(lines, one) for one in wanted.all(CARD, "prop-filter"))
    return all(results) if wanted.attributes.get("test", "anyof") == "allof" else any(results)


def _property_matches(lines: list[Property], wanted: Element) -> bool:
    group, _, name = wanted.attributes.get("name", "").upper().rpartition(".")
    mine = [one for one in lines if one.name == name and (not group or one.group.upper() == group)]
    if wanted.find(CARD, "is-not-defined") is not None:
        return not mine
    tests = [one for one in wanted.children if one.key in ((CARD, "text-match"), (CARD, "param-filter"))]
    if not tests:
        return bool(mine)
    whole = all if wanted.attributes.get("test", "anyof") == "allof" else any
    return any(whole(_test(one, test) for test in tests) for one in mine)


def _test(one: Property, test: Element) -> bool:
    if test.name == "text-match":
        return _text_matches([one.value and unescape(part) for part in split_value(one.value, ";")], test)
    values = one.params.get(test.attributes.get("name", "").upper())
    if test.find(CARD, "is-not-defined") is not None:
        return values is None
    inner = test.find(CARD, "text-match")
    return values is not None and (inner is None or _text_matches(values, inner))


_WAYS: Final[dict[str, Callable[[str, str], bool]]] = {
    "equals": str.__eq__,
    "starts-with": str.startswith,
    "ends-with": str.endswith,
}


def _text_matches(values: list[str], test: Element) -> bool:
    collation = test.attributes.get("collation", "i;unicode-casemap")
    if collation not in ("i;unicode-casemap", "i;ascii-casemap", "i;octet", "default"):
        raise ReportError(403, (CARD, "supported-collation"))
    fold = str if collation == "i;octet" else casemap
    sought, texts = fold(test.text), [fold(value) for value in (*values, ";".join(values))]
    kind = test.attributes.get("match-type", "contains")
    how = _WAYS.get(kind, str.__contains__)
    found = any(how(text, sought) for text in texts)
    return found != (test.attributes.get("negate-condition") == "yes")
