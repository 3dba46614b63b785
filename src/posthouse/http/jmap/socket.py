"""JMAP over WebSocket (RFC 8887): requests and their responses, and push, on one connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from posthouse.core.errors import MailError
from posthouse.core.ids import AccountId
from posthouse.http.language import wished_language
from posthouse.services.grant import Grant
from posthouse.services.push_feed import PushFeed
from posthouse.sessions.jmap import api
from posthouse.sessions.jmap.capability import CAPABILITIES
from posthouse.sessions.jmap.push_types import TYPES
from posthouse.sessions.jmap.services import JmapServices
from posthouse.wire.jmap.error import RequestProblem
from posthouse.wire.jmap.request import RequestLimits, parse_json, parse_request

from .events import LIFE_S, last_states, push_accounts, push_state, state_change
from .gate import Gate

SUBPROTOCOL: Final = "jmap"
GOING_AWAY: Final = 1001
NOT_TEXT: Final = 1003
POLICY: Final = 1008
TRY_LATER: Final = 1013


class JmapSocket:
    """One connection.  Requests run side by side, so responses may come in another order (RFC 8887 §4.3)."""

    def __init__(
        self,
        socket: WebSocket,
        services: JmapServices,
        feed: PushFeed,
        gate: Gate,
        *,
        grant: Grant,
        stands: Callable[[Grant], Awaitable[bool]],
    ) -> None:
        """`stands`: whether what opened it still would."""
        self._socket = socket
        self._services = services
        self._feed = feed
        self._gate = gate
        self._grant = grant
        self._stands = stands
        self._tasks: set[asyncio.Task[None]] = set()
        self._stops: list[Callable[[], None]] = []
        self._states: dict[AccountId, int] = {}
        self._news: dict[AccountId, tuple[int, frozenset[str]]] = {}  # not told yet
        self._telling: asyncio.Task[None] | None = None
        self._types: dict[AccountId, frozenset[str]] = {}

    async def run(self) -> None:
        try:
            async with asyncio.timeout(LIFE_S):
                while True:
                    event = await self._socket.receive()
                    if event["type"] != "websocket.receive":
                        return
                    text = event.get("text")
                    if text is None:
                        await self._socket.close(NOT_TEXT)  # RFC 8887 §4.1: text frames only
                        return
                    await self._take(text.encode())
        except TimeoutError:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(GOING_AWAY)
        finally:
            self._unlisten()
            for task in self._tasks:
                task.cancel()
            if self._telling is not None:
                self._telling.cancel()

    async def _take(self, data: bytes) -> None:
        try:
            if len(data) > self._services.limits.request_max_bytes:
                raise RequestProblem(
                    "limit",
                    f"at most {self._services.limits.request_max_bytes} bytes in one request",
                    limit="maxSizeRequest",
                )
            value = parse_json(data)
        except RequestProblem as problem:
            await self._refuse(problem, None)
            return
        kind = value.get("@type") if isinstance(value, dict) else None
        number = value.get("id") if isinstance(value, dict) else None
        match kind:
            case "Request":
                if len(self._tasks) >= self._services.limits.requests_at_once:
                    most = self._services.limits.requests_at_once
                    full = RequestProblem("limit", f"at most {most} at once", limit="maxConcurrentRequests")
                    await self._refuse(full, number)
                    return
                task = asyncio.get_running_loop().create_task(self._answer(value, number))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case "WebSocketPushEnable":
                await self._listen(value)
            case "WebSocketPushDisable":
                self._unlisten()
            case _:
                await self._refuse(RequestProblem("notRequest", "@type is none that is known"), number)

    async def _answer(self, value: dict[str, Any], number: Any) -> None:
        limits = self._services.limits
        if not await self._may_go_on():
            return
        try:
            with self._gate.enter(self._grant.account.id, limits.requests_at_once):
                wanted = RequestLimits(limits.request_max_bytes, limits.calls_max)
                request = parse_request(value, wanted, CAPABILITIES)
                response, _ = await api.answer(
                    self._services, self._grant, request, wished_language(self._socket)
                )
        except RequestProblem as problem:
            await self._refuse(problem, number)
            return
        response["@type"] = "Response"
        if isinstance(number, str):
            response["requestId"] = number
        await self._send(response)

    async def _refuse(self, problem: RequestProblem, number: Any) -> None:
        document = problem.document()
        document["@type"] = "RequestError"
        document["requestId"] = number if isinstance(number, str) else None
        await self._send(document)

    async def _send(self, value: Any) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it went away
            await self._socket.send_text(msgspec.json.encode(value).decode())

    # --- push ---

    async def _listen(self, value: dict[str, Any]) -> None:
        """RFC 8887 §4.3.5.2: the types wanted (null: all), and the state that the client knows."""
        given = value.get("dataTypes")
        wanted = frozenset(TYPES)
        if isinstance(given, list):
            wanted &= frozenset(one for one in given if isinstance(one, str))
        self._unlisten()
        own = self._grant.account.id
        if self._feed.listeners(own) >= self._services.limits.event_sources_max:
            await self._refuse(
                RequestProblem("limit", "too many push connections", limit="maxEventSources"), None
            )
            return
        known = last_states(value.get("pushState"), own)
        self._types = await push_accounts(self._services, self._grant, wanted)
        for account in self._types:
            modseq, stop = await self._feed.listen(account, partial(self._told, account))
            self._stops.append(stop)
            self._states[account] = modseq
            with contextlib.suppress(MailError):
                if known.get(account, modseq) < modseq:
                    now, types = await self._feed.changed(account, known[account])
                    self._told(account, now, frozenset(types))

    def _told(self, account: AccountId, modseq: int, types: frozenset[str]) -> None:
        self._states[account] = modseq
        if types := types & self._types[account]:
            _, before = self._news.get(account, (0, frozenset()))
            self._news[account] = (modseq, before | types)
            if self._telling is None:
                self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        """All that is new at once: a client that does not read costs what one change costs."""
        try:
            while self._news and await self._may_go_on():
                news, self._news = self._news, {}
                await self._send(state_change(news) | {"pushState": push_state(self._states)})
        finally:
            self._telling = None

    async def _may_go_on(self) -> bool:
        """What opened the connection may have been revoked since: then it ends, as a new one would be refused."""
        try:
            if await self._stands(self._grant):
                return True
            code = POLICY
        except MailError:
            code = TRY_LATER
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.close(code)
        return False

    def _unlisten(self) -> None:
        for stop in self._stops:
            stop()
        self._stops.clear()
        self._states.clear()
        self._news.clear()
