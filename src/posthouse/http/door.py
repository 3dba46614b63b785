"""In front of every HTTP application: a request names the host it is for, once, by what can be the name of a host.

Addresses that go into answers (redirects, JMAP's session, policies of pages) are made of that name, and what is put
together of a name with a slash in it leads elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.responses import PlainTextResponse

HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""RFC 9110 §7.2, without what no host of ours can have."""
NUMBER_DIGITS: Final = 18

App = Callable[[Any, Any, Any], Awaitable[None]]


def names_a_host(headers: list[tuple[bytes, bytes]]) -> bool:
    """One Host field and no more; none is HTTP/1.0's way."""
    found = [value for name, value in headers if name == b"host"]
    return len(found) <= 1 and all(HOST.fullmatch(value.decode("latin-1")) for value in found)


async def enter(app: App, scope: Any, receive: Any, send: Any) -> None:
    if names_a_host(scope["headers"]):
        await app(scope, receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1002})
    else:
        await PlainTextResponse("The field Host names no host.\n", 400)(scope, receive, send)


def try_number(text: str) -> int | None:
    """A number in an address, of so many digits at most."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS else None
