"""The lens on HTTP: requests of JMAP and OAuth, those of one connection as one dialogue.

Bodies are read as they pass, up to a bound; what is shown of them is `lens.http`'s to say.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from posthouse.lens import CLIENT, SERVER
from posthouse.lens.http import form_lines, json_lines, request_lines, status_line
from posthouse.services.lens import Recorder, Tap

BODY_MAX: Final = 64 * 1024
"""Octets of a body that are read."""
IDLE_S: Final = 30.0
"""A dialogue ends when no request came for so long."""
SERVICES: Final = (
    ("/.well-known/jmap", "jmap"),
    ("/jmap/", "jmap"),
    ("/.well-known/oauth-authorization-server", "oauth"),
    ("/.well-known/openid-configuration", "oauth"),
    ("/oauth/", "oauth"),
)

FORMS: Final = frozenset(
    f"/oauth/{name}" for name in ("token", "revoke", "introspect", "device_authorization", "register")
)
"""What programs send; forms of pages, in which people type passwords, are not read."""


class Overheard:
    """An ASGI application around another one."""

    def __init__(self, inner: Any, recorder: Recorder) -> None:
        self._inner = inner
        self._recorder = recorder
        self._taps: dict[tuple[str, Any], tuple[Tap, asyncio.TimerHandle]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        service = next((name for prefix, name in SERVICES if path.startswith(prefix)), None)
        if service is None or scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        scope.get("state", {}).pop("pipe", None)  # what goes that way is not heard
        exchange = _Exchange(self._tap(service, scope), scope, receive, send)
        await self._inner(scope, exchange.receive, exchange.send)

    def _tap(self, service: str, scope: Any) -> Tap:
        client = tuple(scope.get("client") or ("unix", 0))
        key = (service, client)
        if (found := self._taps.get(key)) is not None:
            found[1].cancel()
            tap = found[0]
        else:
            tap = self._recorder.begin(service, f"{client[0]}:{client[1]}")
            if scope.get("scheme") in ("https", "wss"):
                tap.note("tls", "")
        timer = asyncio.get_running_loop().call_later(IDLE_S, self._idle, key)
        self._taps[key] = (tap, timer)
        return tap

    def _idle(self, key: tuple[str, Any]) -> None:
        self._taps.pop(key)[0].end()

    def close(self) -> None:
        for tap, timer in self._taps.values():
            timer.cancel()
            tap.end()
        self._taps.clear()


class _Exchange:
    """One request and its answer."""

    def __init__(self, tap: Tap, scope: Any, receive: Any, send: Any) -> None:
        self._tap = tap
        self._receive, self._send = receive, send
        self._kind = {SERVER: "", CLIENT: _header(scope, b"content-type")}
        self._bodies = {CLIENT: b"", SERVER: b""}
        self._path = scope["path"]
        self._octets = 0
        self._status = 0
        tap.grant = lambda: scope.get("grant")
        query = scope.get("query_string", b"").decode("ascii", "replace")
        tap.tell(request_lines(scope.get("method", "GET"), scope["path"], query))

    async def receive(self) -> Any:
        message = await self._receive()
        if message["type"] == "http.request":
            self._add(CLIENT, message.get("body", b""))
            if not message.get("more_body"):
                self._tell(CLIENT)
        elif message["type"] == "websocket.receive" and message.get("text"):
            self._tap.tell(json_lines(CLIENT, message["text"][:BODY_MAX].encode()))
        return message

    async def send(self, message: Any) -> None:
        match message["type"]:
            case "http.response.start":
                self._status = message["status"]
                self._kind[SERVER] = _header({"headers": message.get("headers", ())}, b"content-type")
            case "http.response.body":
                self._octets += len(message.get("body", b""))
                self._add(SERVER, message.get("body", b""))
                if not message.get("more_body"):
                    self._tap.tell([status_line(self._status, self._octets)])
                    self._tell(SERVER)
            case "websocket.send" if message.get("text"):
                self._tap.tell(
                    json_lines(SERVER, message["text"][:BODY_MAX].encode(), calls="methodResponses")
                )
        await self._send(message)

    def _add(self, side: str, data: bytes) -> None:
        if len(self._bodies[side]) <= BODY_MAX:
            self._bodies[side] += data[: BODY_MAX + 1]

    def _tell(self, side: str) -> None:
        body, kind = self._bodies[side], self._kind[side].partition(";")[0].strip().lower()
        self._bodies[side] = b""
        if not body:
            return
        if kind == "application/json":
            calls = "methodCalls" if side == CLIENT else "methodResponses"
            self._tap.tell(json_lines(side, body, calls=calls))
        elif kind == "application/x-www-form-urlencoded" and self._path in FORMS:
            self._tap.tell(form_lines(body))


def _header(scope: Any, name: bytes) -> str:
    for key, value in scope.get("headers", ()):
        if key.lower() == name:
            return str(value.decode("latin-1"))
    return ""
