"""Clients that get on badly with a capability: they say who they are by ID (RFC 2971) and are not offered it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct


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
