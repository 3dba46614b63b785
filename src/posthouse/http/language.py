"""In which language a client would like to be answered."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import HTTPConnection

from posthouse.http.texts import LANGUAGES

_WISHES_MAX = 20


def wished_language(request: HTTPConnection, first: Sequence[str] = ()) -> str | None:
    """The first of ours that is wished for by `first`, or else by Accept-Language; None: none of ours."""
    wishes = [*first, *_accepted(request.headers.get("accept-language", ""))]
    for wish in wishes[:_WISHES_MAX]:
        if (known := wish.lower().partition("-")[0]) in LANGUAGES:
            return known
    return None


def _accepted(header: str) -> list[str]:
    """RFC 9110 §12.5.4, in the order of preference."""
    found = []
    for position, item in enumerate(header[:500].split(",")[:_WISHES_MAX]):
        name, _, weight = item.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1.0)
        except ValueError:
            quality = 0.0
        found.append((-quality, position, name.strip()))
    return [name for quality, _, name in sorted(found) if quality < 0]
