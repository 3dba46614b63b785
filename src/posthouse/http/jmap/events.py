"""Server-sent events: StateChange objects as they happen (RFC 8620 §7.3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from posthouse.services.grant import Grant
from posthouse.services.push_feed import PushFeed
from posthouse.sessions.jmap.services import JmapServices
from posthouse.wire.jmap.error import RequestProblem
from posthouse.wire.jmap.ids import ACCOUNT, format_id

from .answer import CORS

TYPES: Final = (
    "Mailbox", "Thread", "Email", "EmailDelivery", "Identity", "EmailSubmission", "VacationResponse", "Quota",
    "Settings",
    "WebmailItem",
    "Snooze",
    "AddressBook",
    "ContactCard",
)  # fmt: skip
PING_MIN_S: Final = 30
PING_MAX_S: Final = 3600
LIFE_S: Final = 3600.0
"""A connection ends after that long, and the client signs in anew: what opened it may have been revoked."""


def state_change(account: int, modseq: int, types: frozenset[str]) -> dict[str, Any]:
    """RFC 8620 §7.1."""
    changed = {format_id(ACCOUNT, account): {name: str(modseq) for name in sorted(types)}}
    return {"@type": "StateChange", "changed": changed}


def wanted_types(text: str) -> frozenset[str]:
    """`*` or a list; unknown ones are those of no record here."""
    if text in {"*", ""}:
        return frozenset(TYPES)
    return frozenset(text.split(",")) & frozenset(TYPES)


class EventStream:
    """One connection."""

    def __init__(self, feed: PushFeed, account: int, types: frozenset[str]) -> None:
        self._feed = feed
        self._account = account
        self._types = types
        self._waiting: tuple[int, frozenset[str]] | None = None
        self._wake = asyncio.Event()

    def told(self, modseq: int, types: frozenset[str]) -> None:
        """Changes that nobody took yet become one."""
        types &= self._types
        if not types:
            return
        if self._waiting is not None:
            types |= self._waiting[1]
        self._waiting = modseq, types
        self._wake.set()

    async def events(self, request: Request, *, once: bool, ping_s: int) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = loop.time() + LIFE_S
        modseq, stop = await self._feed.listen(self._account, self.told)  # type: ignore[arg-type]
        try:
            await self._missed(request, modseq)
            yield b": hello\n\n"
            while (left := end - loop.time()) > 0:
                try:
                    async with asyncio.timeout(min(ping_s, left) if ping_s else left):
                        await self._wake.wait()
                except TimeoutError:
                    if ping_s:
                        yield b'event: ping\ndata: {"interval": %d}\n\n' % ping_s
                    continue
                self._wake.clear()
                if self._waiting is None:
                    continue
                (modseq, types), self._waiting = self._waiting, None
                data = msgspec.json.encode(state_change(self._account, modseq, types))
                yield b"event: state\nid: %d\ndata: %b\n\n" % (modseq, data)
                if once:
                    return
        finally:
            stop()

    async def _missed(self, request: Request, modseq: int) -> None:
        """RFC 8620 §7.3: a client that comes back tells what it heard last."""
        last = request.headers.get("last-event-id", "")
        if last.isascii() and last.isdigit() and len(last) < 19 and int(last) < modseq:
            now, types = await self._feed.changed(self._account, int(last))  # type: ignore[arg-type]
            self.told(now, frozenset(types))


async def events(services: JmapServices, feed: PushFeed, grant: Grant, request: Request) -> Response:
    """Raises RequestProblem."""
    most = services.limits.event_sources_max
    if feed.listeners(grant.account.id) >= most:
        raise RequestProblem("limit", f"at most {most} event streams of one account", limit="maxEventSources")
    query = request.query_params
    ping = query.get("ping", "0")
    ping_s = int(ping) if ping.isascii() and ping.isdigit() and len(ping) < 10 else 0
    if ping_s:
        ping_s = min(max(ping_s, PING_MIN_S), PING_MAX_S)
    stream = EventStream(feed, grant.account.id, wanted_types(query.get("types", "*")))
    return StreamingResponse(
        stream.events(request, once=query.get("closeafter") == "state", ping_s=ping_s),
        headers={**CORS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        media_type="text/event-stream",
    )
