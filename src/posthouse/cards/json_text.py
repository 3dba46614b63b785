"""JSON inside of other texts."""

from __future__ import annotations

from typing import Any

import msgspec

TEXT_MAX = 64 * 1024


def try_json(text: str) -> Any:
    """The value; None for what is none, or longer than a property of a card is."""
    if len(text) > TEXT_MAX:
        return None
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None


def json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
