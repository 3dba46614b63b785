"""Sessions of browsers: a random token in a cookie, its hash in the store; listed, and ended one by one or all."""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Final

from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.storage.access import WebSession
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account

LIFE_S: Final = 30 * 86400.0
CLIENT_MAX: Final = 200
_TOKEN_BYTES: Final = 32


class WebSessions:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def begin(self, account: Account, kind: str, ip: str, client: str) -> str:
        """The token, for the cookie; nobody keeps it."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._clock.now()
        client = "".join(char for char in client[:CLIENT_MAX] if char.isprintable())
        session = WebSession(account.id, _hash(token), kind, now, now + LIFE_S, now, ip, client)
        await self._store.access.add_web_session(session)
        return token

    async def find(self, token: str) -> tuple[WebSession, Account] | None:
        """The session of a token, while it lives and its account may sign in by HTTP."""
        if not token or len(token) > 100:
            return None
        session = await self._store.access.web_session(_hash(token))
        if session is None or session.expires_at <= self._clock.now():
            return None
        account = await self._store.directory.account(session.account)
        if account is None or not account.enabled or "http" not in account.protocols:
            return None
        domain = await self._store.directory.domain(account.address.rpartition("@")[2])
        return (session, account) if domain is not None and domain.enabled else None

    async def of_account(self, account: AccountId) -> list[WebSession]:
        now = self._clock.now()
        return [one for one in await self._store.access.web_sessions(account) if one.expires_at > now]

    async def end(self, account: AccountId, sessions: list[int] | None = None) -> int:
        """These, or all."""
        return await self._store.access.end_web_sessions(account, sessions)


def _hash(token: str) -> str:
    # 256 bits of chance need no slow hash.
    data = token.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=32, person=b"web session").hexdigest()
