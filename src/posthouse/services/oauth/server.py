"""Giving out codes and tokens, taking them back, and saying what they are good for.

Tokens are opaque: `pha_` access, `phr_` refresh, `phc_` code, `phd_` device code.  Every use looks the grant up, so a
signed token would save nothing, could not be taken back at once, and could be confused about its signature.

A refresh token is good once.  It names its grant and generation under a keyed hash, so that an older one is recognised
for ever without being remembered: whoever shows one has it from somewhere else, and the grant is revoked.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
from collections.abc import Sequence
from hashlib import blake2b, sha256
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.core.errors import Conflict, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.services.oauth.clients import CODE, REFRESH, Clients
from posthouse.services.oauth.errors import OAuthError
from posthouse.services.oauth.keys import Keys
from posthouse.services.oauth.scope import Scopes, parse_scope
from posthouse.services.oauth.settings import OAuthSettings
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account
from posthouse.storage.tokens import AccessToken, TokenClient, TokenGrant, TokenRequest

TOKEN_MAX: Final = 200
"""Characters of any token of ours; longer ones are none."""
RESOURCES_MAX: Final = 5
IDENTITY_S: Final = 600.0
"""Life of an identity token."""
_REFRESH: Final = struct.Struct(">QI20s")
_MAC_BYTES: Final = 16


class Asked(Struct, frozen=True):
    """An authorization request that was found in order."""

    client: TokenClient
    scopes: Scopes
    audience: tuple[str, ...]
    redirect: str
    challenge: str = ""
    nonce: str = ""


class Issued(Struct, frozen=True):
    """The answer of the token endpoint."""

    access_token: str
    expires_in: int
    scope: str
    refresh_token: str = ""
    id_token: str = ""


def hash_token(token: str) -> bytes:
    return sha256(token.encode()).digest()


def new_token(kind: str) -> str:
    return f"ph{kind}_{secrets.token_urlsafe(32)}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class AuthorizationServer:
    def __init__(self, store: Store, clock: Clock, settings: OAuthSettings) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self.clients = Clients(store, clock, settings.issuer)
        self.keys = Keys(store, clock)
        self._secret = b""

    async def derived_key(self, purpose: bytes) -> bytes:
        """A key of its own for each purpose, from the secret of the installation."""
        if not self._secret:
            secret = await self.store.directory.setting("signin.secret")
            if secret is None:
                raise NotFound(Sentence("store.no_secret"))
            self._secret = secret
        return blake2b(purpose, key=self._secret, digest_size=32, person=b"oauth").digest()

    # --- what may be asked ---

    def audience(self, resources: Sequence[str]) -> tuple[str, ...]:
        """RFC 8707 §2: the resources asked for; none: all of ours.  Raises OAuthError("invalid_target")."""
        known = {*self.settings.own, *self.settings.resources}
        unknown = [one for one in resources if one.rstrip("/") not in known and one not in known]
        if unknown or len(resources) > RESOURCES_MAX:
            raise OAuthError("invalid_target", f"unknown resource; known are: {' '.join(sorted(known))}")
        chosen = [one if one in known else one.rstrip("/") for one in resources]
        return tuple(dict.fromkeys(chosen)) or (self.settings.issuer,)

    def scopes(self, client: TokenClient, text: str) -> Scopes:
        """Of a request; an empty one asks for all that the client may have.  Raises OAuthError("invalid_scope")."""
        most = parse_scope(client.scope)
        asked = parse_scope(text) if text else most
        if not asked.within(most):
            raise OAuthError("invalid_scope", f"this client may ask for: {most}")
        return asked

    # --- authorization code ---

    async def grant_code(self, asked: Asked, account: Account, signed_in_at: float) -> str:
        """The code, once its person agreed."""
        code, now = new_token("c"), self.clock.now()
        request = TokenRequest(
            hash_token(code),
            "code",
            asked.client.id,
            str(asked.scopes),
            asked.audience,
            now + self.settings.code_s,
            account.id,
            asked.redirect,
            asked.challenge,
            asked.nonce,
            signed_in_at,
            state="granted",
        )
        await self.keep(request, now)
        return code

    async def keep(self, request: TokenRequest, now: float) -> None:
        try:
            await self.store.tokens.ask(request, now, waiting_max=self.settings.waiting_max)
        except OverQuota as error:
            raise OAuthError("temporarily_unavailable", "too many requests are waiting; try again") from error

    async def exchange_code(
        self,
        client: TokenClient,
        code: str,
        *,
        redirect: str,
        verifier: str,
        resources: Sequence[str],
        ip: str,
    ) -> Issued:
        """RFC 6749 §4.1.3.  Raises OAuthError."""
        _may(client, CODE)
        request = await self.store.tokens.request(hash_token(code)) if len(code) <= TOKEN_MAX else None
        if request is None or request.kind != "code" or request.client != client.id:
            raise OAuthError("invalid_grant", "the code is unknown, has expired, or is another client's")
        # RFC 6749 §4.1.3: the redirect URI is the one of the authorization request.
        if not hmac.compare_digest(request.redirect.encode(), redirect.encode()):
            raise OAuthError("invalid_grant", "redirect_uri is not the one of the authorization request")
        _check_verifier(request.challenge, verifier)
        return await self.exchange(client, request, resources, ip)

    async def exchange(
        self, client: TokenClient, request: TokenRequest, resources: Sequence[str], ip: str
    ) -> Issued:
        now = self.clock.now()
        if request.expires_at <= now and request.state != "spent":
            raise OAuthError(
                "expired_token" if request.kind == "device" else "invalid_grant", "it has expired"
            )
        account = await self.account(request.account)
        scopes = parse_scope(request.scope)
        grant = TokenGrant(
            account.id,
            client.id,
            request.scope,
            request.audience,
            signed_in_at=request.signed_in_at,
            created_at=now,
            expires_at=now + self.settings.access_s,
            used_at=now,
            used_ip=ip,
        )
        refresh = b""
        if REFRESH in client.grants and (scopes.parts or "offline_access" in scopes.identity):
            refresh = secrets.token_bytes(20)
            grant = msgspec.structs.replace(
                grant, refresh=sha256(refresh).digest(), expires_at=now + self.settings.refresh_s
            )
        access, token = self._access(request.scope, self._narrowed(request.audience, resources), now)
        number = await self._redeem(request, grant, token)
        return Issued(
            access,
            int(self.settings.access_s),
            request.scope,
            await self._refresh_text(number, 0, refresh) if refresh else "",
            await self._identity(account, client, scopes, request, access),
        )

    async def _redeem(self, request: TokenRequest, grant: TokenGrant, token: AccessToken) -> int:
        try:
            number = await self.store.tokens.redeem(
                request.hash, grant, token, grants_max=self.settings.grants_max
            )
        except NotFound as error:
            raise OAuthError("invalid_grant", "it has expired") from error
        if not number:
            # RFC 6749 §4.1.2: a code used twice has leaked; what was given for it is taken back.
            raise OAuthError("invalid_grant", "it was used before; all that was given for it is revoked")
        return number

    def _narrowed(self, audience: tuple[str, ...], resources: Sequence[str]) -> tuple[str, ...]:
        """RFC 8707 §2.2: a token for some of the resources of the grant."""
        if not resources:
            return audience
        wanted = self.audience(resources)
        whole = self.settings.issuer in audience
        if not all(one in audience or (whole and one in self.settings.own) for one in wanted):
            raise OAuthError("invalid_target", f"the grant is for: {' '.join(audience)}")
        return wanted

    def _access(self, scope: str, audience: tuple[str, ...], now: float) -> tuple[str, AccessToken]:
        text = new_token("a")
        return text, AccessToken(hash_token(text), scope, audience, now + self.settings.access_s)

    async def account(self, number: AccountId) -> Account:
        account = await self.store.directory.account(number)
        domain = (
            None if account is None else await self.store.directory.domain(account.address.rpartition("@")[2])
        )
        if account is None or not account.enabled or domain is None or not domain.enabled:
            raise OAuthError("invalid_grant", "the account is closed")
        return account

    # --- refresh ---

    async def _refresh_text(self, grant: int, generation: int, chance: bytes) -> str:
        body = _REFRESH.pack(grant, generation, chance)
        return "phr_" + _text(body + await self._mac(body))

    async def _mac(self, body: bytes) -> bytes:
        key = await self.derived_key(b"refresh")
        return blake2b(body, key=key, digest_size=_MAC_BYTES).digest()

    async def parse_refresh(self, text: str) -> tuple[int, int, bytes] | None:
        """(grant, generation, chance) of a refresh token that was ever given out."""
        if not text.startswith("phr_") or len(text) > TOKEN_MAX:
            return None
        try:
            data = base64.urlsafe_b64decode(text[4:] + "=" * (-len(text[4:]) % 4))
        except ValueError:
            return None
        body, mac = data[: _REFRESH.size], data[_REFRESH.size :]
        if len(body) < _REFRESH.size or not hmac.compare_digest(mac, await self._mac(body)):
            return None
        grant, generation, chance = _REFRESH.unpack(body)
        return grant, generation, chance

    async def refresh(
        self, client: TokenClient, text: str, *, scope: str, resources: Sequence[str], ip: str
    ) -> Issued:
        """RFC 6749 §6, RFC 9700 §4.14.  Raises OAuthError."""
        _may(client, REFRESH)
        parsed = await self.parse_refresh(text)
        old = await self.store.tokens.grant(parsed[0]) if parsed is not None else None
        if parsed is None or old is None or old.client != client.id:
            raise OAuthError(
                "invalid_grant", "the refresh token is unknown, or another client's; sign in again"
            )
        now = self.clock.now()
        if parsed[1] != old.generation or not hmac.compare_digest(sha256(parsed[2]).digest(), old.refresh):
            await self.store.tokens.revoke([old.id])
            raise OAuthError(
                "invalid_grant", "the refresh token was used before: the grant is revoked, sign in again"
            )
        if old.expires_at <= now:
            raise OAuthError("invalid_grant", "the grant was not used for too long; sign in again")
        await self.account(old.account)
        scopes = parse_scope(scope) if scope else parse_scope(old.scope)
        if not scopes.within(parse_scope(old.scope)):
            raise OAuthError("invalid_scope", f"the grant is for: {old.scope}")
        chance = secrets.token_bytes(20)
        access, token = self._access(str(scopes), self._narrowed(old.audience, resources), now)
        grant = msgspec.structs.replace(
            old,
            refresh=sha256(chance).digest(),
            generation=old.generation + 1,
            expires_at=now + self.settings.refresh_s,
            used_at=now,
            used_ip=ip,
        )
        try:
            await self.store.tokens.refresh(old, grant, token)
        except Conflict as error:  # the same token at the same moment: one of the two is not its owner
            await self.store.tokens.revoke([old.id])
            raise OAuthError(
                "invalid_grant", "the refresh token was used before: the grant is revoked"
            ) from error
        renewed = await self._refresh_text(old.id, grant.generation, chance)
        return Issued(access, int(self.settings.access_s), str(scopes), renewed)

    # --- looking and taking back ---

    async def find(self, text: str) -> tuple[AccessToken, TokenGrant] | None:
        """A living access token and its grant."""
        if not text.startswith("pha_") or len(text) > TOKEN_MAX:
            return None
        found = await self.store.tokens.access(hash_token(text))
        return None if found is None or found[0].expires_at <= self.clock.now() else found

    async def revoke(self, client: TokenClient, text: str) -> None:
        """RFC 7009 §2.1: a refresh token takes its grant along, an access token only itself."""
        parsed = await self.parse_refresh(text)
        if parsed is not None:
            grant = await self.store.tokens.grant(parsed[0])
            if grant is not None and grant.client == client.id:
                await self.store.tokens.revoke([grant.id])
            return
        found = await self.find(text)
        if found is not None and found[1].client == client.id:
            await self.store.tokens.revoke_access(found[0].hash)

    async def _identity(
        self, account: Account, client: TokenClient, scopes: Scopes, request: TokenRequest, access: str
    ) -> str:
        """OpenID Connect Core §2, §3.1.3.6; "" without the scope `openid`."""
        if "openid" not in scopes.identity:
            return ""
        now = int(self.clock.now())
        claims = {
            "iss": self.settings.issuer,
            "aud": client.id,
            "iat": now,
            "exp": now + int(IDENTITY_S),
            "auth_time": int(request.signed_in_at),
            "at_hash": _text(sha256(access.encode()).digest()[:16]),
            **claims_of(account, scopes),
        }
        if request.nonce:
            claims["nonce"] = request.nonce
        return await self.keys.sign(claims)


def claims_of(account: Account, scopes: Scopes) -> dict[str, object]:
    """OpenID Connect Core §5.4: who it is, as far as the scope tells."""
    claims: dict[str, object] = {"sub": str(account.id)}
    if "email" in scopes.identity:
        claims |= {"email": account.address, "email_verified": True}
    if "profile" in scopes.identity:
        claims |= {"name": account.name or account.address, "preferred_username": account.address}
        claims["locale"] = account.language
    return claims


def _may(client: TokenClient, grant_type: str) -> None:
    if grant_type not in client.grants:
        raise OAuthError("unauthorized_client", "this client may not use the grant type")


def _check_verifier(challenge: str, verifier: str) -> None:
    if not challenge:
        # RFC 9700 §4.8.2: a verifier without a challenge is a sign of somebody who stripped the challenge.
        if verifier:
            raise OAuthError("invalid_grant", "the authorization request had no code_challenge")
        return
    # RFC 7636 §4.1, §4.6: 43 to 128 unreserved characters, whose SHA-256 is the challenge.
    given = _text(sha256(verifier.encode()).digest()) if 43 <= len(verifier) <= 128 else ""
    if not hmac.compare_digest(given.encode(), challenge.encode()):
        raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge")
