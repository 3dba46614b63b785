"""Result references: arguments taken from earlier responses of the same request (RFC 8620 §3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from posthouse.wire.jmap.error import MethodError

VALUES_MAX: Final = 100_000
"""Values that one reference may yield."""
EVERY: Final = "*"
ZERO: Final = "0"
BYTES_MAX: Final = 10_000_000
"""JSON that the references of one request may yield together: an echo of echoes doubles each time."""

Response = tuple[str, dict[str, Any], str]
"""Name, arguments, call id."""


class References:
    """Resolves the references of one request; counts what they take."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken = 0

    def resolve(self, arguments: dict[str, Any], responses: Sequence[Response]) -> dict[str, Any]:
        """The arguments with every `#name` replaced; raises MethodError."""
        if not any(name.startswith("#") for name in arguments):
            return arguments
        resolved: dict[str, Any] = {}
        for name, value in arguments.items():
            if not name.startswith("#"):
                resolved[name] = value
            elif name[1:] in arguments:
                # RFC 8620 §3.7: the same argument in normal and in referenced form.
                raise MethodError("invalidArguments", f"{name[1:]} is given twice, once as a reference")
            else:
                resolved[name[1:]] = self._value(name, value, responses)
        return resolved

    def _value(self, name: str, reference: Any, responses: Sequence[Response]) -> Any:
        if not (
            isinstance(reference, dict)
            and reference.keys() == {"resultOf", "name", "path"}
            and all(isinstance(part, str) for part in reference.values())
        ):
            raise MethodError("invalidArguments", f"{name} must have resultOf, name and path")
        for method, answer, call in responses:
            if call == reference["resultOf"]:
                if method != reference["name"]:
                    raise _wrong(f"{name}: the response {call!r} is of {method}, not {reference['name']}")
                value = evaluate(answer, reference["path"])
                self._taken += len(msgspec.json.encode(value))
                if self._taken > BYTES_MAX:
                    raise _wrong(f"{name}: the references of this request take more than {BYTES_MAX} bytes")
                return value
        raise _wrong(f"{name}: no earlier response to the call {reference['resultOf']!r}")


def evaluate(value: Any, path: str) -> Any:
    """RFC 6901 JSON Pointer, with `*` for all items of an array; raises MethodError."""
    if path and not path.startswith("/"):
        raise _wrong(f"the path {path[:100]!r} must begin with /")
    return _step(value, path.split("/")[1:], 0, [0])


def _step(value: Any, tokens: list[str], at: int, count: list[int]) -> Any:
    while at < len(tokens):
        token = tokens[at].replace("~1", "/").replace("~0", "~")
        at += 1
        if isinstance(value, dict):
            if token not in value:
                raise _wrong(f"there is no {token[:100]!r}")
            value = value[token]
        elif isinstance(value, list) and token == EVERY:
            found: list[Any] = []
            for item in value:
                got = _step(item, tokens, at, count)
                # RFC 8620 §3.7: an array for an item is flattened into the result.
                found += got if isinstance(got, list) else [got]
                count[0] += 1
                if count[0] > VALUES_MAX or len(found) > VALUES_MAX:
                    raise _wrong(f"a reference yields more than {VALUES_MAX} values")
            return found
        elif isinstance(value, list):
            # RFC 6901 §4: digits without leading zeros.
            if not token.isascii() or not token.isdigit() or (len(token) > 1 and token[0] == ZERO):
                raise _wrong(f"{token[:100]!r} is no index of an array")
            if len(token) > 9 or int(token) >= len(value):
                raise _wrong(f"the array has no item {token[:100]}")
            value = value[int(token)]
        else:
            raise _wrong(f"{token[:100]!r} is looked for in what is no object or array")
    return value


def _wrong(why: str) -> MethodError:
    return MethodError("invalidResultReference", why)
