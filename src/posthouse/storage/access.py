"""What opens accounts, and what is remembered of it: credentials, sign-ins, devices, bans, sessions of browsers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

from posthouse.core.ids import AccountId
from posthouse.storage.rows import Credential

SIGN_INS_KEPT: Final = 500
"""Of one account; the oldest go first."""
DEVICES_KEPT: Final = 200
"""Of one account; those not used for longest go first, but none that waits or is blocked."""

KNOWN: Final = "known"
HELD: Final = "held"
BLOCKED: Final = "blocked"


class SignInRecord(Struct, frozen=True):
    """One attempt."""

    account: AccountId
    at: float
    outcome: str  # "ok", "new" (ok, from a new device), "held", "wrong", "refused"
    protocol: str
    ip: str
    client: str = ""
    kind: str = ""  # of the credential; "" when none fitted
    name: str = ""
    country: str = ""  # ISO 3166, when country data is installed


class Device(Struct, frozen=True):
    """A program at a place, by what it signs in with."""

    account: AccountId
    key: str  # digest of what makes it this one
    state: str  # KNOWN, HELD, BLOCKED
    protocol: str
    network: str
    client: str
    kind: str  # of the credential
    name: str
    country: str = ""
    created_at: float = 0.0
    used_at: float = 0.0
    used_ip: str = ""
    id: int = 0


class Ban(Struct, frozen=True):
    """Who is not heard until when."""

    kind: str  # "address", "network", "account"
    subject: str
    reason: str
    created_at: float
    expires_at: float  # 0: until lifted


class WebSession(Struct, frozen=True):
    """A browser that is signed in; `hash` is that of its token, which nobody keeps."""

    account: AccountId
    hash: str
    kind: str  # how it signed in: "password", "two-step", "passkey"
    created_at: float
    expires_at: float
    used_at: float = 0.0
    used_ip: str = ""
    client: str = ""
    id: int = 0


class Credentials(Protocol):
    """What opens an account beside its password."""

    async def of_account(self, account: AccountId) -> list[Credential]:
        """Those of the password first, then app passwords by age; empty for an account that is none."""
        ...

    async def of_certificate(self, fingerprint: str) -> list[Credential]:
        """Those of kind "certificate" with this secret, of any account."""
        ...

    async def put(self, credential: Credential) -> None:
        """Kind "password" replaces, or raises Conflict when its hash is not the account's any more; "app" raises
        Exists when the name is taken.  NotFound without the account."""
        ...

    async def revoke(self, account: AccountId, kind: str, name: str) -> None:
        """Raises NotFound."""
        ...

    async def replace(self, account: AccountId, credential: int, known: str, secret: str | None) -> bool:
        """Put `secret` in the place of `known` (None: remove the credential); False when it is another by now."""
        ...

    async def rehash(self, account: AccountId, known: str, better: str) -> bool:
        """Another hash of the same password; False when the account's is not `known` any more."""
        ...

    async def used(self, credential: int, at: float, ip: str, protocol: str) -> None:
        """Remember the last use; not awaited on stable storage."""
        ...


class Access(Protocol):
    """Changes of devices and bans send the hint "access" (account 0: bans)."""

    async def record(self, records: Sequence[SignInRecord], used: Sequence[tuple[int, float, str]]) -> None:
        """Sign-ins, and (device, at, ip) of devices used; not awaited on stable storage."""
        ...

    async def sign_ins(self, account: AccountId, limit: int = SIGN_INS_KEPT) -> list[SignInRecord]:
        """The newest first."""
        ...

    async def devices(self, account: AccountId) -> list[Device]: ...

    async def add_device(self, device: Device) -> Device:
        """The one of this account and key, made if there is none; its state is what it was."""
        ...

    async def set_devices(self, account: AccountId, devices: Sequence[int], state: str | None) -> int:
        """None forgets them; how many there were."""
        ...

    async def bans(self) -> list[Ban]: ...

    async def ban(self, ban: Ban) -> None:
        """A later ban of the same subject replaces it; those that ran out a day ago are removed on the way."""
        ...

    async def lift(self, kind: str, subject: str) -> bool: ...

    async def add_web_session(self, session: WebSession) -> None: ...

    async def web_session(self, hash: str) -> WebSession | None: ...  # noqa: A002 - its name

    async def web_sessions(self, account: AccountId) -> list[WebSession]: ...

    async def end_web_sessions(self, account: AccountId, sessions: Sequence[int] | None = None) -> int:
        """These, or all; how many there were."""
        ...
