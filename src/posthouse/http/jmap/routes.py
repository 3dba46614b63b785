"""The routes of JMAP, and what is the same for all of them: signing in, limits, refusals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from posthouse.client.webpush import Signer
from posthouse.core.errors import MailError, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.scope import READ, WRITE
from posthouse.http.language import wished_language
from posthouse.services.grant import Grant
from posthouse.services.push_feed import PushFeed
from posthouse.services.push_sender import vapid_key
from posthouse.services.signin import SignIn
from posthouse.sessions.jmap import api
from posthouse.sessions.jmap.capability import VAPID, WEBSOCKET, session_object
from posthouse.sessions.jmap.mailbox_rights import keeper_of, may_change
from posthouse.sessions.jmap.services import JmapServices
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import RequestProblem

from . import blobs, events
from .access import InClearError, base_url, sign_in
from .answer import json_response, preflight, refusal
from .gate import Gate
from .socket import SUBPROTOCOL, JmapSocket

log = logging.getLogger(__name__)
LARGE_BYTES: Final = 256 * 1024
"""Answers with values of bodies from this size on are encoded in a thread."""

Handler = Callable[[Request, Grant], Awaitable[Response]]


def _reading(request: Request) -> api.Reading:
    """What only reads for somebody who is gone stops, so that what is asked for next does not wait for it."""
    waits = request.scope.get("state", {}).get("waits")
    if waits is None:  # not on a connection of our own
        return api.whatever
    task = asyncio.current_task()

    def reading(*, only: bool) -> None:
        waits(task if only else None)

    return reading


class Endpoints:
    """One per worker; `services` are replaced by a reload."""

    def __init__(self, services: JmapServices, signin: SignIn, feed: PushFeed) -> None:
        self.services = services
        self.signin = signin
        self.feed = feed
        self._vapid = ""
        self._requests = Gate("maxConcurrentRequests")
        self._uploads = Gate("maxConcurrentUpload")

    def routes(self) -> list[BaseRoute]:
        return [
            self._route("/.well-known/jmap", self.session, "GET"),
            self._route("/jmap/session", self.session, "GET"),
            self._route("/jmap/api", self.api, "POST"),
            self._route("/jmap/events", self.events, "GET"),
            WebSocketRoute("/jmap/ws", self.socket),
            self._route("/jmap/upload/{account_id}/", self.upload, "POST"),
            self._route("/jmap/download/{account_id}/{blob_id}/{name:path}", self.download, "GET"),
        ]

    def _route(self, path: str, handler: Handler, method: str) -> Route:
        async def endpoint(request: Request) -> Response:
            if request.method == "OPTIONS":
                return preflight()
            try:
                grant = request.scope["grant"] = await sign_in(self.signin, request)
                return await handler(request, grant)
            except (RequestProblem, InClearError, MailError) as error:
                return refusal(error)
            except ClientDisconnect:
                return Response(status_code=499)

        return Route(path, endpoint, methods=[method, "OPTIONS"])

    async def session(self, request: Request, grant: Grant) -> Response:
        found = await session_object(self.services, grant, base_url(request))
        if not self._vapid:
            self._vapid = Signer(await vapid_key(self.services.store), "").public
        url = base_url(request).replace("http", "ws", 1)
        found["capabilities"][WEBSOCKET] = {"url": f"{url}/jmap/ws", "supportsPush": True}  # RFC 8887 §3
        found["capabilities"][VAPID] = {"applicationServerKey": self._vapid}  # RFC 9749 §3
        return json_response(found)

    async def api(self, request: Request, grant: Grant) -> Response:
        limits = self.services.limits
        with self._requests.enter(grant.account.id, limits.requests_at_once):
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise RequestProblem("notJSON", "the content type of a request is application/json")
            data = await _body(request, limits.request_max_bytes)
            language = wished_language(request)
            response, size = await api.run(self.services, grant, data, language, _reading(request))
            if size < LARGE_BYTES:
                return json_response(msgspec.json.encode(response))
            return json_response(await asyncio.to_thread(msgspec.json.encode, response))

    async def _acting(self, request: Request, grant: Grant) -> Grant:
        """What the caller may do in the account of the address; raises NotFound."""
        account_id = request.path_params["account_id"]
        if account_id == ids.format_id(ids.ACCOUNT, grant.account.id):
            return grant
        number = ids.try_number(ids.ACCOUNT, account_id)
        found = None if number is None else await self.services.shared.acting(grant, AccountId(number))
        if found is None:
            raise NotFound(f"account {account_id}")
        return found

    async def events(self, request: Request, grant: Grant) -> Response:
        grant.require(READ)
        return await events.events(self.services, self.feed, grant, request)

    async def socket(self, socket: WebSocket) -> None:
        try:
            grant = socket.scope["grant"] = await sign_in(self.signin, socket)
            grant.require(READ)
        except (InClearError, MailError) as error:
            await socket.send_denial_response(refusal(error))
            return
        if SUBPROTOCOL not in socket.scope.get("subprotocols", ()):
            await socket.close()  # RFC 8887 §3: the client must ask for it
            return
        await socket.accept(SUBPROTOCOL)
        stands = self.signin.stands
        await JmapSocket(socket, self.services, self.feed, self._requests, grant=grant, stands=stands).run()

    async def upload(self, request: Request, grant: Grant) -> Response:
        acting = await self._acting(request, grant)
        if not may_change(acting):
            acting.require(WRITE)
        keeper = keeper_of(acting, grant)
        with self._uploads.enter(keeper.account.id, self.services.limits.uploads_at_once):
            return await blobs.upload(self.services, acting, request, keeper=keeper)

    async def download(self, request: Request, grant: Grant) -> Response:
        acting = await self._acting(request, grant)
        acting.require(READ)
        return await blobs.download(self.services, acting, request, home=grant)


async def _body(request: Request, most: int) -> bytes:
    declared = request.headers.get("content-length", "")
    too_long = RequestProblem("limit", f"at most {most} bytes in one request", limit="maxSizeRequest")
    if declared.isdigit() and int(declared) > most:
        raise too_long
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise too_long
        parts.append(chunk)
    return b"".join(parts)


def jmap_routes(services: JmapServices, signin: SignIn, feed: PushFeed) -> list[BaseRoute]:
    return Endpoints(services, signin, feed).routes()
