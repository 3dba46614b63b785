"""Who guesses passwords: failures are counted per address, network and account, and end in bans, by all workers.

A ban ends by itself, and lasts twice as long each time within a day.  It never keeps out a user who signs in from a
network that a device of theirs is known from: `services.devices` says so, and `SignIn` asks.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final

from msgspec import Struct

from posthouse.core.address import customer_of, parse_address, parse_network
from posthouse.core.errors import Invalid
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.services.shared import SOURCES_MAX, Counts
from posthouse.storage.access import Ban
from posthouse.storage.ports import Store
from posthouse.storage.rows import Hint

DAY_S: Final = 86400.0
LOOPBACK: Final = "127.0.0.0/8"
KINDS: Final = ("address", "network", "account")


class BanSettings(Struct, frozen=True):
    free_failures: int = 3
    """Failures per client address that are answered at once."""
    failure_delay_max_s: float = 8.0
    failure_window_s: float = 600.0
    failures_max: int = 30
    """Different wrong secrets from one address within the window; then it is banned."""
    network_failures_max: int = 100
    """The same for an IPv4 /24 or IPv6 /48, when they come from three addresses or more."""
    account_failures_max: int = 100
    """The same at one account, from wherever."""
    ban_s: float = 600.0
    ban_max_s: float = DAY_S


@lru_cache(maxsize=8192)  # perf: bench/sign_in.py; three times the rate of known passwords
def network_of(ip: str) -> str:
    """The IPv4 /24 or IPv6 /48 of an address, loopback as a whole; "" for what is none."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None) or address
    if mapped.is_loopback:
        return LOOPBACK
    return str(ipaddress.ip_network((mapped, 24 if mapped.version == 4 else 48), strict=False))


def normal_subject(kind: str, subject: str) -> str:
    """The form in which a ban is kept.  Raises Invalid."""
    if kind == "account":
        return parse_address(subject).key
    try:
        if kind == "network":
            return str(parse_network(subject))
        return customer_of(str(ipaddress.ip_address(subject)))
    except ValueError as error:
        raise Invalid(Sentence("ban.subject", given=repr(subject))) from error


class Bans:
    """One per process."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: BanSettings,
        sleep: Callable[[float], Awaitable[None]],
        counts: Counts,
    ) -> None:
        """`counts`: the failures, of all workers."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._sleep = sleep
        self._counts = counts
        self._bans: dict[tuple[str, str], Ban] = {}
        self._networks: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, Ban]] = []
        self._stale = True
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def close(self) -> None:
        self._unsubscribe()

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == "access" and not hint.account:
            self._stale = True

    async def ban_of(self, ip: str, account: str) -> Ban | None:
        """The ban that keeps this client out, if any; `account` is the name it gave."""
        if self._stale:
            await self._load()
        if not self._bans:
            return None
        now = self._clock.now()
        for key in (("address", customer_of(ip)), ("account", account)):
            if (ban := self._bans.get(key)) is not None and _holds(ban, now):
                return ban
        if self._networks and ip:
            address = ipaddress.ip_address(customer_of(ip))
            for network, ban in self._networks:
                if address in network and _holds(ban, now):
                    return ban
        return None

    async def _load(self) -> None:
        self._stale = False
        bans = await self._store.access.bans()
        self._bans = {(ban.kind, ban.subject): ban for ban in bans}
        self._networks = [(ipaddress.ip_network(ban.subject), ban) for ban in bans if ban.kind == "network"]

    async def failed(self, ip: str, account: str, secret: bytes) -> None:
        """Count a failure; the answer waits ever longer, other sessions do not.

        `secret` is a digest of what was tried: a program that repeats an old password is no guesser.
        """
        settings = self._settings
        count = 0
        now = self._clock.monotonic()
        source = customer_of(ip) if ip else ""
        for kind, subject, limit in (
            ("address", source, settings.failures_max),
            ("network", network_of(ip), settings.network_failures_max),
            ("account", account, settings.account_failures_max),
        ):
            if not subject:
                continue
            until = now + settings.failure_window_s
            failures = self._counts.add(kind, subject, now=now, until=until, secret=secret, source=source)
            if kind == "address":
                count = failures.count
            if failures.distinct < limit or (kind == "network" and failures.sources < SOURCES_MAX):
                continue
            if kind == "account" or not ipaddress.ip_address(ip.partition("%")[0]).is_loopback:
                self._counts.forget(kind, subject, now)
                await self._begin(kind, subject, failures.distinct)
        excess = count - settings.free_failures
        if excess > 0:
            await self._sleep(min(0.25 * 2.0 ** min(excess, 20), settings.failure_delay_max_s))

    async def _begin(self, kind: str, subject: str, count: int) -> None:
        now = self._clock.now()
        duration = self._settings.ban_s
        before = self._bans.get((kind, subject))
        if before is not None and before.expires_at > now - DAY_S:
            duration = min(2 * (before.expires_at - before.created_at), self._settings.ban_max_s)
        if before is not None and before.expires_at == 0.0:
            return
        reason = f"{count} wrong passwords"
        await self._store.access.ban(Ban(kind, subject, reason, now, now + duration))
        self._stale = True


def _holds(ban: Ban, now: float) -> bool:
    return ban.expires_at == 0.0 or ban.expires_at > now
