"""Server-sent events: StateChange objects as they happen (RFC 8620 §7.3)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import lru_cache, partial
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from posthouse.core.ids import AccountId
from posthouse.services.grant import Grant
from posthouse.services.presence import KIND as PRESENCE
from posthouse.services.push_feed import PushFeed
from posthouse.sessions.jmap.push_types import TYPES, own_types, shared_types
from posthouse.sessions.jmap.services import JmapServices
from posthouse.wire.jmap.error import RequestProblem
from posthouse.wire.jmap.ids import ACCOUNT, format_id

from .answer import CORS

PING_MIN_S: Final = 30
PING_MAX_S: Final = 3600
SHARED_MAX: Final = 50
"""Accounts of others whose changes one connection is told of."""
LAST_EVENT_MAX: Final = 2000
_STATE: Final = re.compile(r"(?:^|\.)(\d{1,18})-(\d{1,18})(?=\.|$)")
LIFE_S: Final = 3600.0
"""A connection ends after that long, and the client signs in anew: what opened it may have been revoked."""


def state_change(changes: Mapping[AccountId, tuple[int, frozenset[str]]]) -> dict[str, Any]:
    """RFC 8620 §7.1, of modseq and types by account."""
    changed = {
        format_id(ACCOUNT, account): {
            # What is not stored has no state to come back to: each time it is another one.
            name: f"{time.time_ns() // 1000}" if name == PRESENCE else str(modseq)
            for name in sorted(types)
        }
        for account, (modseq, types) in changes.items()
    }
    return {"@type": "StateChange", "changed": changed}


def wanted_types(text: str) -> frozenset[str]:
    """`*` or a list; unknown ones are those of no record here."""
    if text in {"*", ""}:
        return frozenset(TYPES)
    return frozenset(text.split(",")) & frozenset(TYPES)


@lru_cache(64)
def _event(account: AccountId, modseq: int, types: frozenset[str]) -> bytes:
    """A change of the only account that a connection is told of; many connections are told the same."""
    data = msgspec.json.encode(state_change({account: (modseq, types)}))
    return b"event: state\nid: %d\ndata: %b\n\n" % (modseq, data)


class EventStream:
    """One connection; `accounts`: the types to tell of by account, the caller's own first, then those shared with it.

    `write`: sends an event at once, False if it cannot; None: there is no such way.
    """

    def __init__(
        self,
        feed: PushFeed,
        accounts: Mapping[AccountId, frozenset[str]],
        write: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._feed = feed
        self._types = accounts
        self._known = dict.fromkeys(accounts, 0)
        self._waiting: dict[AccountId, frozenset[str]] = {}
        self._wake = asyncio.Event()
        self._write = write
        self._greeted = False
        self._sent_at = 0.0

    def told(self, account: AccountId, modseq: int, types: frozenset[str]) -> None:
        """Changes that nobody took yet become one."""
        self._known[account] = modseq
        types &= self._types[account]
        if not types:
            return
        straight = self._greeted and not self._waiting and len(self._known) == 1
        if straight and self._write is not None and self._write(_event(account, modseq, types)):
            self._sent_at = asyncio.get_running_loop().time()
            return
        self._waiting[account] = types | self._waiting.get(account, frozenset())
        self._wake.set()

    async def events(self, request: Request, *, once: bool, ping_s: int) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = loop.time() + LIFE_S
        stops: list[Callable[[], None]] = []
        try:
            last = last_states(request.headers.get("last-event-id", ""), next(iter(self._known)))
            begun: dict[AccountId, int] = {}  # what the client knows of
            for account in self._known:
                modseq, stop = await self._feed.listen(account, partial(self.told, account))
                stops.append(stop)
                self._known[account] = modseq
                begun[account] = min(last.get(account, modseq), modseq)
                if begun[account] < modseq:
                    now, types = await self._feed.changed(account, begun[account])
                    self.told(account, now, frozenset(types))
            self._sent_at = loop.time()
            yield b": hello\nid: %b\n\n" % push_state(begun).encode()
            self._greeted = not once
            while (left := end - loop.time()) > 0:
                # RFC 8620 §7.3: a ping when that long nothing was sent.
                quiet = self._sent_at + ping_s - loop.time() if ping_s else left
                if quiet <= 0:
                    self._sent_at = loop.time()
                    yield b'event: ping\ndata: {"interval": %d}\n\n' % ping_s
                    continue
                try:
                    async with asyncio.timeout(min(quiet, left)):
                        await self._wake.wait()
                except TimeoutError:
                    continue
                self._wake.clear()
                if not self._waiting:
                    continue
                waiting, self._waiting = self._waiting, {}
                changes = {account: (self._known[account], types) for account, types in waiting.items()}
                data = msgspec.json.encode(state_change(changes))
                self._sent_at = loop.time()
                yield b"event: state\nid: %b\ndata: %b\n\n" % (push_state(self._known).encode(), data)
                if once:
                    return
        finally:
            self._greeted = False
            for stop in stops:
                stop()


def _writer(request: Request) -> Callable[[bytes], bool] | None:
    """As a chunk of the body, past the layers between; HTTP/1.0 has no chunks."""
    pipe = request.scope.get("state", {}).get("pipe")
    if pipe is None or request.scope["http_version"] != "1.1":
        return None
    return lambda data: bool(pipe.try_write(b"%x\r\n%b\r\n" % (len(data), data)))


def push_state(known: Mapping[AccountId, int]) -> str:
    """RFC 8620 §7.3, RFC 8887 §4.3.5.1: what a client says when it comes back: the state of each account."""
    if len(known) == 1:
        return str(*known.values())
    return ".".join(f"{account}-{modseq}" for account, modseq in known.items())


def last_states(text: object, own: AccountId) -> dict[AccountId, int]:
    """The same read back; nothing of what we did not write."""
    if not isinstance(text, str) or len(text) > LAST_EVENT_MAX:
        return {}
    if text.isascii() and text.isdigit() and len(text) < 19:
        return {own: int(text)}
    return {AccountId(int(found[1])): int(found[2]) for found in _STATE.finditer(text)}


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
    accounts = await push_accounts(services, grant, wanted_types(query.get("types", "*")))
    stream = EventStream(feed, accounts, _writer(request))
    return StreamingResponse(
        stream.events(request, once=query.get("closeafter") == "state", ping_s=ping_s),
        headers={**CORS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        media_type="text/event-stream",
    )


async def push_accounts(
    services: JmapServices, grant: Grant, wanted: frozenset[str]
) -> dict[AccountId, frozenset[str]]:
    """What a caller is told of, of the types wanted; what is shared later is told from its next connection on."""
    found = {grant.account.id: own_types(grant) & wanted}
    for one in (await services.shared.all(grant))[:SHARED_MAX]:
        if types := shared_types(services, one) & wanted:
            found[one.account.id] = types
    return found
