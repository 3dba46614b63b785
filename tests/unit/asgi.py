"""One request to an ASGI application, without a socket."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import quote

import msgspec


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def ask(
    app: Any,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    headers: dict[str, str] | None = None,
    scheme: str = "https",
    client: str = "192.0.2.1",
    chunk: int = 1 << 16,
) -> Answer:
    path, _, query = target.partition("?")
    pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (b"host", b"mail.example.test"),
            *((k.encode(), v.encode()) for k, v in (headers or {}).items()),
        ],
        "client": (client, 4711),
        "server": ("mail.example.test", 443),
    }

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.Event().wait()  # the client stays
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(event: Any) -> None:
        sent.append(event)

    await app(scope, receive, send)
    start = sent[0]
    found = {key.decode().lower(): value.decode() for key, value in start["headers"]}
    return Answer(start["status"], found, b"".join(event.get("body", b"") for event in sent[1:]))
