"""What is kept of a push subscription."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

SUBSCRIPTION: Final = "PushSubscription"


class Subscription(Struct):
    device: str
    url: str
    keys: dict[str, str] | None
    code: str
    expires: float
    types: list[str] | None
    credential: str  # kind and name of what signed in
    verified: bool = False
