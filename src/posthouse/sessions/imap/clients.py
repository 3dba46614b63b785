"""Clients that get on badly with a capability: they say who they are by ID (RFC 2971) and are not offered it.

The administrator's table names programs.  One trouble is noticed without a name: a program that begins to compress and
then says nothing more hangs on it, and is not offered COMPRESS when it comes back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, final

from msgspec import Struct

if TYPE_CHECKING:
    from .session import ImapSession

NAME_MAX: Final = 100
COMPRESS: Final = "COMPRESS=DEFLATE"


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


@final
class Silenced:
    """Who fell silent after COMPRESS, by account and program; bounded, and forgotten after a while."""

    MAX: Final = 10_000
    KEPT_S: Final = 7 * 86400.0

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[int, str], float] = OrderedDict()

    def note(self, account: int, client: str, now: float) -> None:
        self._seen[account, client] = now
        self._seen.move_to_end((account, client))
        while len(self._seen) > self.MAX:
            self._seen.popitem(last=False)

    def has(self, account: int, client: str, now: float) -> bool:
        return self._seen.get((account, client), -self.KEPT_S) > now - self.KEPT_S


def hangs_on_compress(session: ImapSession) -> bool:
    """The program began to compress the last time, and then said nothing more."""
    services = session.services
    return session.account is not None and services.silenced.has(
        session.account.id, session.client, services.clock.now()
    )


def ended(session: ImapSession) -> None:
    """The connection is over."""
    if session.silent and session.account is not None:
        services = session.services
        services.silenced.note(session.account.id, session.client, services.clock.now())
