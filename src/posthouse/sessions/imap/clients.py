"""Clients that get on badly with a capability: they say who they are by ID (RFC 2971) and are not offered it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

NAME_MAX: Final = 100


class ClientSwitch(Struct, frozen=True):
    """`name` and `version` are beginnings of what ID says, compared without case; "" matches all."""

    name: str
    off: tuple[str, ...]  # capabilities as they stand in CAPABILITY
    version: str = ""

    def matches(self, params: Mapping[str, str | None]) -> bool:
        name, version = params.get("name") or "", params.get("version") or ""
        return name.lower().startswith(self.name.lower()) and version.lower().startswith(self.version.lower())


def switched_off(switches: Iterable[ClientSwitch], params: Mapping[str, str | None]) -> frozenset[str]:
    return frozenset(name for switch in switches if switch.matches(params) for name in switch.off)


def client_name(params: Mapping[str, str | None]) -> str:
    """Name and version, printable and short, as it is kept with the sign-in."""
    text = " ".join(value for key in ("name", "version") if (value := params.get(key)))
    return "".join(char for char in text[:NAME_MAX] if char.isprintable())
