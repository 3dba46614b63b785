"""A JMAP request: strict I-JSON, its limits, its shape (RFC 8620 §3.3, RFC 7493)."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any, Final

import msgspec
from msgspec import Struct

from posthouse.wire.jmap.error import RequestProblem

MAX_DEPTH: Final = 64
"""Nesting of arrays and objects in a request."""
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"')
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_decode: Final = msgspec.json.Decoder().decode


class RequestLimits(Struct, frozen=True):
    """Each has the name under which RFC 8620 §2 announces it."""

    size_max_bytes: int = 10_000_000
    calls_max: int = 64


class Call(Struct, array_like=True):
    name: str
    arguments: dict[str, Any]
    id: str


class JmapRequest(Struct):
    using: list[str]
    calls: list[Call]
    created: dict[str, str] | None


def parse_json(data: bytes) -> Any:
    """The value of an I-JSON text; raises RequestProblem (notJSON)."""
    try:
        value = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestProblem("notJSON", f"the request is not JSON: {error}"[:300]) from None
    names, deep = _measure(value)
    if deep:
        raise RequestProblem("notJSON", f"the request is nested deeper than {MAX_DEPTH} levels")
    # RFC 7493 §2.3: no name twice.  Each name of an object is followed by the only colons outside of strings.
    if _STRING.sub(b"", data).count(b":") != names:
        raise RequestProblem("notJSON", "an object of the request has a name twice (RFC 7493)")
    # RFC 7493 §2.1: no surrogate that is not half of a pair.
    if _SURROGATE.search(data) and not _is_text(value):
        raise RequestProblem("notJSON", "a string of the request holds half a character (RFC 7493)")
    return value


def _measure(value: Any) -> tuple[int, bool]:
    """How many names the objects have together; whether it is too deep."""
    names = depth = 0
    level = [value]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            return names, True
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                names += len(one)
                below += [v for v in one.values() if isinstance(v, dict | list)]
            elif isinstance(one, list):
                below += [v for v in one if isinstance(v, dict | list)]
        level = below
    return names, False


def _is_text(value: Any) -> bool:
    try:
        msgspec.json.encode(value)
    except (UnicodeEncodeError, msgspec.MsgspecError):
        return False
    return True


def parse_request(value: Any, limits: RequestLimits, known: Container[str]) -> JmapRequest:
    """The Request object in a JSON value; raises RequestProblem (notRequest, unknownCapability, limit)."""
    if not isinstance(value, dict):
        raise RequestProblem("notRequest", "a request is an object with `using` and `methodCalls`")
    using, calls, created = value.get("using"), value.get("methodCalls"), value.get("createdIds")
    if not isinstance(using, list) or not all(isinstance(one, str) for one in using):
        raise RequestProblem("notRequest", "`using` must be an array of strings")
    if not isinstance(calls, list):
        raise RequestProblem("notRequest", "`methodCalls` must be an array")
    if created is not None and not (
        isinstance(created, dict) and all(isinstance(one, str) for one in created.values())
    ):
        raise RequestProblem("notRequest", "`createdIds` must be an object of ids")
    for one in using:
        if one not in known:
            raise RequestProblem("unknownCapability", f"this server has no capability {one[:200]!r}")
    if len(calls) > limits.calls_max:
        raise RequestProblem(
            "limit", f"at most {limits.calls_max} method calls in one request", limit="maxCallsInRequest"
        )
    return JmapRequest(using, [_call(one) for one in calls], None if created is None else dict(created))


def _call(one: Any) -> Call:
    if (
        isinstance(one, list)
        and len(one) == 3
        and isinstance(one[0], str)
        and isinstance(one[1], dict)
        and isinstance(one[2], str)
    ):
        return Call(*one)
    raise RequestProblem("notRequest", "a method call is an array of name, arguments and call id")
