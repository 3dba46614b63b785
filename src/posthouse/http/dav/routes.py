"""The routes of CardDAV: signing in, bounds, methods."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from posthouse.core import errors as e
from posthouse.core.scope import READ, WRITE
from posthouse.http.dav import change
from posthouse.http.dav import resource as res
from posthouse.http.dav.change import Refused
from posthouse.http.dav.report import ReportError, report, wanted_of
from posthouse.http.dav.resource import BOOK, HOME, ITEM, Resource
from posthouse.http.dav.xml import (
    BODY_MAX_BYTES,
    DAV,
    Element,
    Name,
    XmlError,
    document,
    multistatus,
    parse_xml,
    response,
    tag,
)
from posthouse.http.jmap.access import NOT_APPROVED, InClearError, sign_in
from posthouse.services.contact_files import vcards_of
from posthouse.services.contacts import ContactService
from posthouse.services.grant import Grant
from posthouse.services.signin import SignIn
from posthouse.storage.contact_rows import BOOK_ALL

log = logging.getLogger(__name__)

PROTOCOL: Final = "carddav"
AT_ONCE: Final = 8
"""Requests of one account at the same time, in each worker."""
METHODS: Final = (
    "OPTIONS", "GET", "HEAD", "PUT", "DELETE", "COPY", "MOVE", "PROPFIND", "PROPPATCH", "REPORT", "MKCOL",
)  # fmt: skip
HEADERS: Final = {"DAV": "1, 3, extended-mkcol, addressbook", "Allow": ", ".join(METHODS)}
CHALLENGE: Final = 'Basic realm="CardDAV", charset="UTF-8", Bearer realm="CardDAV"'
_IN_THREAD_FROM: Final = 64 * 1024


class CardDav:
    """One per worker; `service` is replaced by a reload."""

    def __init__(self, service: ContactService, signin: SignIn) -> None:
        self.service = service
        self.signin = signin
        self._inside: Counter[int] = Counter()
        self._methods: dict[str, tuple[int, Callable[[Request, Resource], Awaitable[Response]]]] = {
            "GET": (READ, self.get),
            "HEAD": (READ, self.get),
            "PUT": (WRITE, self.put),
            "DELETE": (WRITE, self.delete),
            "COPY": (WRITE, self.transfer),
            "MOVE": (WRITE, self.transfer),
            "PROPFIND": (READ, self.propfind),
            "PROPPATCH": (WRITE, self.proppatch),
            "REPORT": (READ, self.report),
        }

    def routes(self) -> list[BaseRoute]:
        async def well_known(_: Request) -> Response:
            return RedirectResponse(f"{res.BASE}/", 301)  # RFC 6764 §5

        return [
            Route("/.well-known/carddav", well_known, methods=[*METHODS]),
            Route(res.BASE, well_known, methods=[*METHODS]),
            Route(f"{res.BASE}/{{path:path}}", self.endpoint, methods=[*METHODS]),
        ]

    async def endpoint(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=200, headers=HEADERS)
        try:
            grant = request.scope["grant"] = await sign_in(self.signin, request, PROTOCOL)
            if grant.scope.folders:
                raise e.ScopeExceeded("a credential for some mailboxes")
            if self._inside[grant.account.id] >= AT_ONCE:
                return _plain(429, f"At most {AT_ONCE} requests at the same time.", **{"Retry-After": "1"})
            self._inside[grant.account.id] += 1
            try:
                answer = await self._perform(request, grant)
            finally:
                self._inside[grant.account.id] -= 1
        except Refused as error:
            answer = _refused(error.status, error.condition, error.content)
        except ReportError as error:
            answer = _refused(error.status, error.condition)
        except XmlError as error:
            answer = _plain(400, str(error))
        except (InClearError, e.MailError) as error:
            answer = _failure(error)
        except ClientDisconnect:
            answer = Response(status_code=499)
        answer.headers.update(HEADERS)
        return answer

    async def _perform(self, request: Request, grant: Grant) -> Response:
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
        if request.method == "MKCOL":
            grant.require(WRITE)
            return await self.mkcol(request, grant, path)
        actions, method = self._methods[request.method]
        grant.require(actions)
        found = await res.find(self.service, grant, path)
        if found is None:
            raise Refused(409 if request.method == "PUT" else 404)
        return await method(request, found)

    # --- bodies ---

    async def body(self, request: Request, most: int) -> bytes:
        """Raises Refused (413)."""
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared[:18]) > most:
            raise Refused(413)
        parts: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise Refused(413)
            parts.append(chunk)
        return b"".join(parts)

    async def xml(self, request: Request) -> Element | None:
        data = await self.body(request, BODY_MAX_BYTES)
        if not data.strip():
            return None
        return parse_xml(data) if len(data) < _IN_THREAD_FROM else await asyncio.to_thread(parse_xml, data)

    # --- methods ---

    async def get(self, request: Request, r: Resource) -> Response:
        if r.kind != ITEM:
            return _plain(405, "This is a collection; use PROPFIND or REPORT.")
        if r.card is None:
            raise Refused(404)
        tag_ = res.etag(r.card)
        if request.headers.get("if-none-match", "").strip() == tag_:
            return Response(status_code=304, headers={"ETag": tag_})
        accepted = request.headers.get("accept", "").replace('"', "")
        version = next((one for one in ("4.0", "3.0") if f"version={one}" in accepted), None)
        [data] = await vcards_of(self.service, [r.card], r.owner, version)
        return Response(data, headers={"ETag": tag_, "Content-Type": res.CARD_TYPE, "Vary": "Accept"})

    async def put(self, request: Request, r: Resource) -> Response:
        if r.kind != ITEM:
            return _plain(405, "Cards go into an address book.")
        if_match = request.headers.get("if-match", "")
        change.check_conditions(r, if_match, request.headers.get("if-none-match", ""))
        limits = self.service.limits
        data = await self.body(request, limits.card_max_bytes + limits.picture_max_bytes * 3 // 2)
        status, modseq = await change.put(self.service, r, data, conditional=bool(if_match))
        # RFC 6352 §6.3.2.3: an ETag tells that a GET now gives, octet by octet, what came.
        return Response(status_code=status, headers={"ETag": res.etag_of(modseq)} if modseq else None)

    async def delete(self, request: Request, r: Resource) -> Response:
        change.check_conditions(r, request.headers.get("if-match", ""), "")
        await change.delete(self.service, r)
        return Response(status_code=204)

    async def transfer(self, request: Request, r: Resource) -> Response:
        try:
            path = urlsplit(request.headers.get("destination", "")).path
        except ValueError:
            raise Refused(400) from None
        target = await res.find(self.service, r.grant, path)
        if target is None:
            raise Refused(409)
        overwrite = request.headers.get("overwrite", "T").strip().upper() != "F"
        status = await change.transfer(
            self.service, r, target, move=request.method == "MOVE", overwrite=overwrite
        )
        return Response(status_code=status)

    async def mkcol(self, request: Request, grant: Grant, path: str) -> Response:
        parts = res.segments(path)
        body = await self.xml(request)
        if parts is None or parts[:2] != ["addressbooks", grant.account.address] or len(parts) != 3:
            raise Refused(403 if parts is not None and len(parts) > 3 else 409)
        home = await res.find(self.service, grant, path.rstrip("/").rpartition("/")[0] + "/")
        assert home is not None
        await change.make_book(self.service, home, parts[2], body)
        return Response(status_code=201)

    async def proppatch(self, request: Request, r: Resource) -> Response:
        body = await self.xml(request)
        if body is None or body.key != (DAV, "propertyupdate"):
            raise XmlError("a propertyupdate is wanted")
        return _multi(await change.patch(self.service, r, body))

    async def report(self, request: Request, r: Resource) -> Response:
        body = await self.xml(request)
        if body is None:
            raise XmlError("a report is wanted")
        if r.kind == ITEM and r.card is None:
            raise Refused(404)
        return _multi(await report(self.service, r, body))

    async def propfind(self, request: Request, r: Resource) -> Response:
        """RFC 4918 §9.1."""
        depth = request.headers.get("depth", "infinity").strip().lower()
        if depth not in ("0", "1"):
            raise Refused(403, (DAV, "propfind-finite-depth"))
        if r.kind == ITEM and r.card is None:
            raise Refused(404)
        body = await self.xml(request)
        if body is not None and body.key != (DAV, "propfind"):
            raise XmlError("a propfind is wanted")
        wanted = None if body is None else wanted_of(body)[0]
        names_only = body is not None and body.find(DAV, "propname") is not None
        resources = [r]
        if depth == "1":
            resources += await self.children(r)
        parts = []
        for at, one in enumerate(resources):
            if names_only:
                parts.append(
                    response(
                        one.path,
                        "".join([tag(name) for name, get in res.PROPERTIES.items() if get(one) is not None]),
                    )
                )
            else:
                parts.append(response(one.path, *res.properties(one, wanted)))
            if at % 200 == 199:
                await asyncio.sleep(0)  # others run
        return _multi(multistatus(parts))

    async def children(self, r: Resource) -> list[Resource]:
        account = r.grant.account
        if r.kind == HOME:
            _, own = await self.service.books(account)
            books = [(one, BOOK_ALL) for one in own] + await res.shared_books(self.service, r.grant)
            return [
                Resource(
                    BOOK,
                    res.book_path(account.address, one),
                    r.grant,
                    one,
                    card_max=self.service.limits.card_max_bytes,
                    rights=rights,
                )
                for one, rights in books
            ]
        if r.kind != BOOK or r.book is None:
            return []
        rows = await self.service.contacts.resources(r.owner, r.book.id)
        names = {card: name for card, name, _ in rows}
        found = []
        for at in range(0, len(rows), 500):
            _, cards = await self.service.contacts.get(r.owner, [card for card, _, _ in rows[at : at + 500]])
            found += [
                Resource(
                    ITEM,
                    res.item_path(account.address, r.book, names[one.id]),
                    r.grant,
                    r.book,
                    names[one.id],
                    one,
                    rights=r.rights,
                )
                for one in cards
            ]
            await asyncio.sleep(0)
        return found


def _multi(data: bytes) -> Response:
    return Response(data, 207, {"Content-Type": "application/xml; charset=utf-8"})


def _plain(status: int, text: str, **headers: str) -> Response:
    return Response(text, status, headers, "text/plain; charset=utf-8")


def _refused(status: int, condition: Name | None, content: str = "") -> Response:
    if condition is None:
        return Response(status_code=status)
    body = document((DAV, "error"), tag(condition, content))
    return Response(body, status, {"Content-Type": "application/xml; charset=utf-8"})


def _failure(error: Exception) -> Response:
    """Domain error -> answer."""
    if isinstance(error, InClearError):
        return _plain(403, "Passwords must not cross a network in the clear; use https.")
    match error:
        case e.SignInFailed():
            return _plain(
                401,
                "Sign in with your address and a password or an app password.",
                **{"WWW-Authenticate": CHALLENGE},
            )
        case e.NotApproved():
            return _plain(403, NOT_APPROVED)
        case e.Forbidden():
            return _plain(403, "This is not allowed, or this credential is not for address books.")
        case e.NotFound():
            return _plain(404, "There is no such thing.")
        case e.Conflict() | e.Exists() | e.InUse():
            return _plain(409, "Somebody else changed it meanwhile; fetch it and try again.")
        case e.OverQuota():
            return _plain(507, "There is no room for more.")
        case e.TooLarge():
            return _plain(413, "This is larger than the server takes.")
        case e.Invalid():
            return _plain(400, "This is not acceptable.")
    return _plain(503, "Try again in a moment.", **{"Retry-After": "2"})


def carddav_routes(service: ContactService, signin: SignIn) -> list[BaseRoute]:
    return CardDav(service, signin).routes()
