"""Parameters of requests: bounded, and each at most once."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from posthouse.core.errors import Invalid, TooLarge

BODY_MAX: Final = 16 * 1024
QUERY_MAX: Final = 8 * 1024
FIELDS_MAX: Final = 40
FORM: Final = "application/x-www-form-urlencoded"
REPEATABLE: Final = frozenset(("resource",))
"""RFC 8707 §2."""


class Fields:
    """`fields["name"]` is "" when it was not sent."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}
        for name, value in pairs:
            # RFC 6749 §3.1: a parameter without a value is one that was not sent; none is sent twice.
            if not value:
                continue
            if name in REPEATABLE:
                self._lists.setdefault(name, []).append(value)
            elif name in self._values:
                raise Invalid(f"{name} was sent twice")
            self._values[name] = value

    def __getitem__(self, name: str) -> str:
        return self._values.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def all(self, name: str) -> list[str]:
        return self._lists.get(name, [])


def parse_fields(text: bytes) -> Fields:
    """Raises Invalid."""
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError as error:
        raise Invalid("the parameters cannot be read") from error
    if any(c < " " and c not in "\r\n\t" for pair in pairs for value in pair for c in value):
        raise Invalid("the parameters hold control characters")
    return Fields(pairs)


def query_of(request: Request) -> Fields:
    """Raises Invalid, TooLarge."""
    query = request.scope["query_string"]
    if len(query) > QUERY_MAX:
        raise TooLarge("the address is too long", limit=QUERY_MAX)
    return parse_fields(query)


async def form_of(request: Request) -> Fields:
    """Raises Invalid, TooLarge."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Invalid(f"the body has to be {FORM}")
    return parse_fields(await body_of(request))


async def body_of(request: Request, limit: int = BODY_MAX) -> bytes:
    """Raises TooLarge."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise TooLarge("the body is too long", limit=limit)
    return bytes(data)
