"""Long-lived tokens for programs that use our API: `phk_`, the account's number, and 256 bits of chance.

They are credentials of an account and act as it: what they open is never more than the account itself may do at that
moment.  A keyed hash is kept; a token is looked up at each request, so a revoked one is refused at once.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from posthouse.core.errors import Expired, Forbidden, Invalid, NotFound, SignInFailed
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.core.scope import ALL, Scope
from posthouse.core.sentence import Sentence
from posthouse.services.credentials import NAME_MAX, is_within, normal_networks
from posthouse.services.grant import Grant, Origin
from posthouse.services.oauth.errors import OAuthError
from posthouse.services.oauth.scope import OWN_API, Part, Scopes, parse_scope
from posthouse.services.seal import Seals
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Credential

KIND: Final = "api"
PREFIX: Final = "phk_"
TOKENS_MAX: Final = 50
"""Of one account."""
USE_NOTED_S: Final = 60.0
"""The last use is written once in so many seconds."""
_ID_BYTES: Final = 8
_CHANCE_BYTES: Final = 32
_LENGTH: Final = _ID_BYTES + _CHANCE_BYTES


class ApiTokens:
    """One per process."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seals = Seals(store)
        self._noted: dict[int, float] = {}

    async def add(
        self,
        account: Account,
        name: str,
        scope: str,
        *,
        expires_at: float = 0.0,
        networks: Sequence[str] = (),
    ) -> tuple[Credential, str]:
        """The new token and its text, told once.  Raises Invalid, Exists."""
        if account.team:
            raise Invalid(Sentence("token.team"))
        name = name.strip()
        if not 0 < len(name) <= NAME_MAX or not name.isprintable():
            raise Invalid(Sentence("token.name", limit=NAME_MAX))
        if expires_at and expires_at <= self._clock.now():
            raise Invalid(Sentence("token.expired"))
        scopes = token_scopes(scope)
        if len(await self.of_account(account.id)) >= TOKENS_MAX:
            raise Invalid(Sentence("token.many", limit=TOKENS_MAX))
        chance = secrets.token_bytes(_CHANCE_BYTES)
        admin = scopes.parts.get("admin", Part())
        one = Credential(
            account.id,
            KIND,
            name,
            await self._hash(account.id, chance),
            protocols=tuple(scopes.parts),
            networks=normal_networks(networks),
            created_at=self._clock.now(),
            expires_at=expires_at,
            actions=admin.actions,
            folders=admin.folders,
        )
        await self._store.credentials.put(one)
        body = int(account.id).to_bytes(_ID_BYTES, "big") + chance
        return one, PREFIX + base64.urlsafe_b64encode(body).rstrip(b"=").decode()

    async def of_account(self, account: AccountId) -> list[Credential]:
        return [one for one in await self._store.credentials.of_account(account) if one.kind == KIND]

    async def revoke(self, account: AccountId, number: int) -> Credential:
        """By its number; at once.  Raises NotFound."""
        for one in await self.of_account(account):
            if one.id == number:
                await self._store.credentials.revoke(account, KIND, one.name)
                return one
        raise NotFound(Sentence("token.none", number=number))

    async def api_grant(self, token: str, origin: Origin) -> tuple[Grant, Scopes]:
        """Raises SignInFailed, Expired."""
        account, chance = _parse(token)
        owner = await self._store.directory.account(account)
        known = await self._hash(account, chance)
        for one in await self.of_account(account):
            if not hmac.compare_digest(one.secret, known):
                continue
            if one.expires_at and one.expires_at <= self._clock.now():
                raise Expired(f"{origin.connection}: the token {one.name!r}")
            if one.networks and not is_within(origin.peer_ip, one.networks):
                raise Forbidden(Sentence("token.network", name=repr(one.name), ip=origin.peer_ip))
            if owner is None or not owner.enabled or not await self._is_served(owner):
                break
            await self._note(one, origin)
            scope = Scope((origin.protocol,))
            return Grant(owner, KIND, scope, one.name, str(one.id), one.expires_at), scopes_of(one)
        raise SignInFailed(f"{origin.connection}: the token is unknown or revoked")

    async def _is_served(self, owner: Account) -> bool:
        domain = await self._store.directory.domain(owner.address.rpartition("@")[2])
        return domain is not None and domain.enabled

    async def _note(self, one: Credential, origin: Origin) -> None:
        now = self._clock.now()
        if one.used_ip == origin.peer_ip and now - self._noted.get(one.id, 0.0) < USE_NOTED_S:
            return
        if len(self._noted) > 10_000:
            self._noted.clear()
        self._noted[one.id] = now
        await self._store.credentials.used(one.id, now, origin.peer_ip, origin.protocol)

    async def _hash(self, account: AccountId, chance: bytes) -> str:
        key = await self._seals.key(b"api token")
        return blake2b(b"%d %b" % (account, chance), key=key, digest_size=32).hexdigest()


def token_scopes(text: str) -> Scopes:
    """A scope of our own API and nothing else.  Raises Invalid."""
    try:
        scopes = parse_scope(text)
    except OAuthError as error:
        raise Invalid(Sentence("token.unknown", given=text, known=" ".join(OWN_API))) from error
    if not scopes.parts or scopes.identity or scopes.parts.keys() - set(OWN_API):
        raise Invalid(Sentence("token.scope"))
    return scopes


def scopes_of(one: Credential) -> Scopes:
    parts = {name: Part() for name in one.protocols if name != "admin"}
    if "admin" in one.protocols:
        parts["admin"] = Part(one.actions or ALL, one.folders)
    return Scopes(parts)


def _parse(token: str) -> tuple[AccountId, bytes]:
    """Raises SignInFailed."""
    text = token.removeprefix(PREFIX)
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) < 100 else b""
    except ValueError:
        data = b""
    if not token.startswith(PREFIX) or len(data) != _LENGTH:
        raise SignInFailed("no token of ours")
    return AccountId(int.from_bytes(data[:_ID_BYTES], "big") & (2**63 - 1)), data[_ID_BYTES:]
