"""Signing in elsewhere for a migration: the codes that the person sees, and the token that comes of them.

Nothing is kept here meanwhile.  What has to come back, the secret half of the codes and the refresh token, goes through
the browser sealed and bound to the account, so it is good for this account here and of no use to anybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from posthouse.client import device_grant
from posthouse.client.device_grant import Codes, DeviceClient, Pending
from posthouse.core.errors import Forbidden, Invalid, Unavailable
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.services.seal import Seals
from posthouse.storage.ports import Store

T = TypeVar("T")
SEALED_MAX: Final = 12_000


class _Asked(Struct):
    provider: str
    device_code: str
    until: float


class _Granted(Struct):
    provider: str
    refresh: str


class MigrationSignIn:
    """`clients`: providers at which people can sign in themselves."""

    def __init__(self, store: Store, clock: Clock, clients: Mapping[str, DeviceClient]) -> None:
        self._clock = clock
        self._seals = Seals(store)
        self.clients = clients

    def _client(self, provider: str) -> DeviceClient:
        found = self.clients.get(provider)
        if found is None:
            raise Invalid(Sentence("migration.no_sign_in", provider=provider or Sentence("migration.server")))
        return found

    async def begin(self, account: AccountId, provider: str) -> tuple[Codes, str]:
        """What the person is shown, and what comes back by `poll`.  Raises Invalid, Forbidden, Unavailable."""
        codes = await device_grant.begin(self._client(provider))
        asked = _Asked(provider, codes.device_code, self._clock.now() + codes.life_s)
        return codes, await self._seals.seal(msgspec.json.encode(asked), f"code of account {account}")

    async def poll(self, account: AccountId, handle: str) -> str | Pending:
        """What stands for the password from now on.  Raises Forbidden (refused, too late), Unavailable, Invalid."""
        asked = await self._opened(handle, f"code of account {account}", _Asked)
        if asked.until < self._clock.now():
            raise Forbidden(Sentence("provider.over"))
        tokens = await device_grant.poll(self._client(asked.provider), asked.device_code)
        if isinstance(tokens, Pending):
            return tokens
        granted = _Granted(asked.provider, tokens.refresh)
        return await self._seals.seal(msgspec.json.encode(granted), f"grant of account {account}")

    async def refresh_token(self, account: AccountId, provider: str, sealed: str) -> str:
        """Raises Invalid: it is none of this account at this provider."""
        granted = await self._opened(sealed, f"grant of account {account}", _Granted)
        if granted.provider != provider:
            raise Invalid(Sentence("migration.other"))
        return granted.refresh

    async def access_token(self, provider: str, refresh: str) -> str:
        """Raises Forbidden (it is good no more), Unavailable, Invalid."""
        return (await device_grant.renewed(self._client(provider), refresh)).access

    async def _opened(self, sealed: str, bound_to: str, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(await self._seals.unseal(sealed[:SEALED_MAX], bound_to), type=kind)
        except (Unavailable, ValueError) as error:
            raise Invalid(Sentence("migration.not_mine")) from error
