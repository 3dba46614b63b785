"""Sender rewriting: whoever passes a letter on puts an own address into its envelope, so that SPF goes on to hold.

`SRS0=hash=time=domain=local@forwarder` leads back to `local@domain`; a second forwarder makes
`SRS1=hash=first forwarder==...` of it, which leads to the first, so addresses do not grow with every hop.
The scheme is the one that is in use everywhere (no RFC describes it).
"""

from __future__ import annotations

import hmac
from hashlib import blake2b
from typing import Final

from posthouse.core.address import Address, try_address
from posthouse.core.ports import Clock
from posthouse.storage.ports import Directory

AGE_MAX_DAYS: Final = 21
"""How long bounces find their way back."""

_DAYS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HASH_LENGTH: Final = 6


class Srs:
    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._secret = b""

    async def forward(self, sender: str, account: str) -> str:
        """The sender of a letter that `account` passes on: unchanged when it is null or of a domain of ours."""
        address = try_address(sender)
        if address is None or address.is_literal or await self._directory.domain(address.domain) is not None:
            return sender
        own = account.rpartition("@")[2]
        key = await self._key()
        local = address.local
        tag, _, rest = local.partition("=")
        if tag.upper() == "SRS0" and rest:
            core = f"{address.domain}=={rest}"
            return str(Address(f"SRS1={_hash(key, core)}={core}", own))
        if tag.upper() == "SRS1" and rest.partition("=")[2]:
            core = rest.partition("=")[2]
            return str(Address(f"SRS1={_hash(key, core)}={core}", own))
        core = f"{self._day()}={address.domain}={local}"
        return str(Address(f"SRS0={_hash(key, core)}={core}", own))

    async def back(self, address: Address) -> Address | None:
        """Where a bounce to a rewritten address goes; None when it is none of ours, or too old."""
        tag, _, rest = address.local.partition("=")
        if tag.upper() not in {"SRS0", "SRS1"}:
            return None
        given, _, core = rest.partition("=")
        known = _hash(await self._key(), core).lower()
        if not core or not hmac.compare_digest(known.encode(), given.lower().encode()):
            return None
        if tag.upper() == "SRS1":
            host, _, inner = core.partition("==")
            return try_address(str(Address(f"SRS0={inner}", host)))
        day, _, origin = core.partition("=")
        host, _, local = origin.partition("=")
        return try_address(str(Address(local, host))) if local and self._is_recent(day) else None

    def _number(self) -> int:
        return int(self._clock.now() // 86400) % 1024

    def _day(self) -> str:
        return _DAYS[self._number() >> 5] + _DAYS[self._number() & 31]

    def _is_recent(self, day: str) -> bool:
        if len(day) != 2 or any(one not in _DAYS for one in day.upper()):
            return False
        then = (_DAYS.index(day[0].upper()) << 5) + _DAYS.index(day[1].upper())
        return (self._number() - then) % 1024 <= AGE_MAX_DAYS

    async def _key(self) -> bytes:
        """From the secret of the installation."""
        if not self._secret:
            self._secret = await self._directory.setting("signin.secret") or b""
        return self._secret


def _hash(key: bytes, core: str) -> str:
    """Case is not kept by every host on the way, so it does not count."""
    digest = blake2b(core.lower().encode(), key=key[:64], digest_size=8, person=b"srs").digest()
    number = int.from_bytes(digest, "big")
    return "".join(_DAYS[number >> 5 * at & 31] for at in range(_HASH_LENGTH))
