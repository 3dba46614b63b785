"""What an authorization server remembers: clients, grants, access tokens, and requests that wait for an answer.

Every secret is 256 bits of chance, so its SHA-256 keeps it.  A grant is what one person allowed one program once;
it dies as a whole, with its refresh token and every access token, in one transaction, and is looked up at each
sign-in: so a revoked one is refused by every worker at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from posthouse.core.ids import AccountId


class TokenClient(Struct, frozen=True):
    """A program that may ask for grants.  Times are seconds since the epoch."""

    id: str
    name: str  # shown to the person who is asked
    secret: bytes = b""  # SHA-256; empty: a public client, which cannot keep one
    redirects: tuple[str, ...] = ()
    scope: str = ""  # the most it may ask for
    grants: tuple[str, ...] = ()  # grant types it may use
    registered: bool = False  # by itself (RFC 7591), not by the administrator
    created_at: float = 0.0


class TokenGrant(Struct, frozen=True):
    account: AccountId
    client: str
    scope: str
    audience: tuple[str, ...] = ()
    refresh: bytes = b""  # hash of the refresh token that is good now; empty: none was given
    generation: int = 0  # how often it was replaced
    signed_in_at: float = 0.0
    created_at: float = 0.0
    expires_at: float = 0.0
    used_at: float = 0.0
    used_ip: str = ""
    used_protocol: str = ""
    used_client: str = ""  # as it names itself: User-Agent, ID
    id: int = 0


class AccessToken(Struct, frozen=True):
    hash: bytes
    scope: str
    audience: tuple[str, ...]
    expires_at: float
    grant: int = 0


class TokenRequest(Struct, frozen=True):
    """An authorization code (kind "code"), or a device that waits for somebody to type its code ("device")."""

    hash: bytes  # of the code, of the device code
    kind: str
    client: str
    scope: str
    audience: tuple[str, ...]
    expires_at: float
    account: AccountId = AccountId(0)
    redirect: str = ""
    challenge: str = ""  # RFC 7636
    nonce: str = ""  # OpenID Connect
    signed_in_at: float = 0.0
    user_code: str = ""
    state: str = "waiting"  # "waiting", "granted", "denied", "spent"
    interval_s: float = 0.0
    polled_at: float = 0.0
    too_fast: bool = False  # of the last poll
    grant: int = 0  # what a spent one was exchanged for


class Tokens(Protocol):
    """`storage.ports.Tokens`; errors as there."""

    async def client(self, client: str) -> TokenClient | None: ...
    async def clients(self) -> list[TokenClient]: ...
    async def put_client(self, client: TokenClient, *, registered_max: int = 0) -> None:
        """Raises Exists; OverQuota when so many have registered themselves already."""
        ...

    async def delete_client(self, client: str) -> None:
        """With its grants.  Raises NotFound."""
        ...

    async def grants(self, account: AccountId | None = None, client: str | None = None) -> list[TokenGrant]:
        """The newest first."""
        ...

    async def grant(self, grant: int) -> TokenGrant | None: ...
    async def access(self, token: bytes) -> tuple[AccessToken, TokenGrant] | None:
        """By the hash of an access token."""
        ...

    async def ask(self, request: TokenRequest, now: float, *, waiting_max: int) -> None:
        """Keep a request; those that expired go.  Raises OverQuota when too many wait, Exists for the user code."""
        ...

    async def request(self, code: bytes) -> TokenRequest | None:
        """By the hash of its code."""
        ...

    async def device(self, user_code: str) -> TokenRequest | None: ...
    async def answer(self, request: TokenRequest) -> None:
        """What the person decided on a device.  Raises NotFound when it is gone, Conflict when it was answered."""
        ...

    async def poll(self, code: bytes, now: float, slower_s: float) -> TokenRequest:
        """Note that a device asked; too early makes its interval longer by `slower_s`.  Raises NotFound.

        Not awaited on stable storage.
        """
        ...

    async def redeem(self, code: bytes, grant: TokenGrant, token: AccessToken, *, grants_max: int) -> int:
        """Spend a granted request for a new grant with its first access token; the number of the grant.

        0: the request had been spent before, and the grant that it was spent for is revoked.  Raises NotFound.  Of
        more than `grants_max` grants of the account, those not used for longest go.
        """
        ...

    async def refresh(self, old: TokenGrant, grant: TokenGrant, token: AccessToken) -> None:
        """Replace the refresh token, and add an access token; expired ones go.  Raises Conflict when `old` is not
        the state of the grant any more."""
        ...

    async def revoke(self, grants: Sequence[int]) -> int:
        """How many there were."""
        ...

    async def revoke_access(self, token: bytes) -> None:
        """One access token."""
        ...

    async def used(self, grant: int, at: float, ip: str, protocol: str, client: str) -> None:
        """Remember the last use; not awaited on stable storage."""
        ...
