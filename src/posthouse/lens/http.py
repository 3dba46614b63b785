"""Requests of JMAP and OAuth 2.0 as the lens shows them: what was asked, call by call, without secrets and content."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qsl

from posthouse.lens.line import CLIENT, SECRET, SERVER, Line, visible

CALL_MAX: Final = 400
"""Characters of a call's arguments that are shown."""
TEXT_MAX: Final = 120
DEPTH_MAX: Final = 12
ITEMS_MAX: Final = 8
SECRETS: Final = frozenset(
    (
        *(
            "access_token",
            "assertion",
            "auth",
            "client_secret",
            "code",
            "code_verifier",
            "device_code",
            "id_token",
        ),
        *(
            "id_token_hint",
            "p256dh",
            "password",
            "refresh_token",
            "registration_access_token",
            "secret",
            "token",
        ),
        "verificationCode",
    )
)
CONTENT: Final = frozenset(
    ("bodyValues", "data:asText", "data:asBase64", "htmlBody", "textBody", "preview", "content")
)


def request_lines(method: str, path: str, query: str) -> list[Line]:
    shown = "&".join(f"{name}={value}" for name, value in _pairs(query))
    return [Line(CLIENT, visible(f"{method} {path}{'?' + shown if shown else ''}".encode()))]


def form_lines(body: bytes) -> list[Line]:
    """A form of OAuth: a line for each field."""
    return [
        Line(CLIENT, visible(f"{name}={value}".encode()))
        for name, value in _pairs(body.decode("utf-8", "replace"))
    ]


def json_lines(side: str, body: bytes, *, calls: str = "methodCalls") -> list[Line]:
    """A JMAP request or response, call by call; any other object field by field."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return [Line(side, block="literal", octets=len(body))]
    if isinstance(found, dict) and isinstance(found.get(calls), list):
        return [_call(side, one) for one in found[calls][:64]]
    if isinstance(found, dict):
        return [
            Line(side, _bounded(f"{name}: {_dump(_clean({name: value})[name])}"))
            for name, value in found.items()
        ]
    return [Line(side, block="literal", octets=len(body))]


def status_line(status: int, octets: int) -> Line:
    return Line(SERVER, f"HTTP {status}", octets=octets)


def _call(side: str, call: Any) -> Line:
    match call:
        case [str(name), dict(arguments), *_]:
            return Line(side, _bounded(f"{name} {_dump(_clean(arguments))}"))
    return Line(side, _bounded(_dump(_clean({"call": call})["call"])))


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    for name, value in parse_qsl(text[:8192], keep_blank_values=True, max_num_fields=None)[:40]:
        yield name, SECRET if name in SECRETS or name == "state" else value[:TEXT_MAX]


def _clean(value: Any, depth: int = 0) -> Any:
    if isinstance(value, dict):
        if depth > DEPTH_MAX:
            return "…"
        return {
            name: SECRET if name in SECRETS else "…" if name in CONTENT and one else _clean(one, depth + 1)
            for name, one in list(value.items())[:40]
        }
    if isinstance(value, list):
        if depth > DEPTH_MAX:
            return "…"
        shown = [_clean(one, depth + 1) for one in value[:ITEMS_MAX]]
        return [*shown, f"… {len(value)}"] if len(value) > ITEMS_MAX else shown
    if isinstance(value, str) and len(value) > TEXT_MAX:
        return value[:TEXT_MAX] + "…"
    return value


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _bounded(text: str) -> str:
    text = visible(text.encode("utf-8", "replace"))
    return text if len(text) <= CALL_MAX else text[:CALL_MAX] + "…"
