"""Outside providers of identity: OpenID Connect, and the ways of Feishu and WeCom that resemble it.

What a provider sends is bounded, and believed only after its signature and every claim that binds it were checked.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from posthouse.core.discreet import Discreet
from posthouse.core.errors import Forbidden, Unavailable
from posthouse.core.lazy import lazy
from posthouse.core.sentence import Sentence

if TYPE_CHECKING:
    import httpx
    from joserfc import errors, jwk, jwt
else:
    httpx, jwt, jwk, errors = lazy("httpx"), lazy("joserfc.jwt"), lazy("joserfc.jwk"), lazy("joserfc.errors")

ANSWER_MAX: Final = 256 * 1024
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "ES384")
"""Never `none`, and never one with a shared secret: the public key of a provider would be that secret."""
SKEW_S: Final = 120
KEYS_S: Final = 3600.0
KEYS_AGAIN_S: Final = 60.0
LOOPBACK: Final = frozenset(("127.0.0.1", "::1", "localhost"))


class Preset(Struct, frozen=True):
    style: str = "oidc"  # "oidc", "feishu", "wecom"
    issuer: str = ""
    scope: str = "openid email profile"
    address_claims: tuple[str, ...] = ("email",)
    verified: bool = True  # the claim email_verified has to be true
    authorize: str = ""
    api: str = ""


PRESETS: Final[dict[str, Preset]] = {
    "oidc": Preset(),
    "keycloak": Preset(),
    # Entra has no email_verified; addresses are its administrator's, so the issuer has to name one tenant.
    "entra": Preset(address_claims=("email", "preferred_username"), verified=False),
    "google": Preset(issuer="https://accounts.google.com"),
    "feishu": Preset(
        "feishu",
        scope="",
        address_claims=("enterprise_email", "email"),
        verified=False,
        authorize="https://accounts.feishu.cn/open-apis/authen/v1/authorize",
        api="https://open.feishu.cn/open-apis/authen",
    ),
    "wecom": Preset(
        "wecom",
        scope="",
        address_claims=("biz_mail", "email"),
        verified=False,
        authorize="https://login.work.weixin.qq.com/wwlogin/sso/login",
        api="https://qyapi.weixin.qq.com/cgi-bin",
    ),
}


class ProviderSettings(Discreet, Struct, frozen=True):
    HIDDEN: ClassVar[tuple[str, ...]] = ("client_secret",)
    name: str  # in addresses
    label: str  # on the button
    preset: str
    issuer: str
    client_id: str
    client_secret: str
    domains: tuple[str, ...]
    provision: bool = False
    agent_id: str = ""  # of WeCom
    authorize: str = ""  # instead of the preset's
    api: str = ""


class Identity(Struct, frozen=True):
    address: str
    name: str


class Provider:
    """One per provider and process."""

    def __init__(
        self,
        settings: ProviderSettings,
        connect: Callable[[], httpx.AsyncClient],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._preset = PRESETS[settings.preset]
        self.issuer = (settings.issuer or self._preset.issuer).rstrip("/")
        self._connect = connect
        self._now = now
        self._metadata: tuple[float, dict[str, Any]] = (0.0, {})
        self._keys: tuple[float, jwk.KeySet | None] = (0.0, None)

    # --- to the provider ---

    async def address(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes.  Raises Unavailable."""
        settings, style = self.settings, self._preset.style
        if style == "wecom":
            query = {
                "login_type": "CorpApp",
                "appid": settings.client_id,
                "agentid": settings.agent_id,
                "redirect_uri": redirect,
                "state": state,
            }
            return f"{settings.authorize or self._preset.authorize}?{urlencode(query)}"
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": settings.client_id,
            "redirect_uri": redirect,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if style == "feishu":
            return f"{settings.authorize or self._preset.authorize}?{urlencode(query)}"
        where = str((await self._discover())["authorization_endpoint"])
        query |= {"scope": self._preset.scope, "nonce": nonce}
        return where + ("&" if "?" in where else "?") + urlencode(query)

    # --- and back ---

    async def identity(self, code: str, redirect: str, nonce: str, verifier: str) -> Identity:
        """Raises Forbidden (not to be believed, or nobody of ours), Unavailable."""
        find = {"oidc": self._oidc, "feishu": self._feishu, "wecom": self._wecom}[self._preset.style]
        claims = await find(code, redirect, nonce, verifier)
        address = next((str(claims[c]) for c in self._preset.address_claims if claims.get(c)), "").lower()
        if self._preset.verified and claims.get("email_verified") is not True:
            raise Forbidden(Sentence("provider.unverified", name=self.settings.name, address=repr(address)))
        if address.rpartition("@")[2] not in self.settings.domains:
            raise Forbidden(Sentence("provider.domain", name=self.settings.name, address=repr(address)))
        return Identity(address, str(claims.get("name") or "")[:200])

    async def _oidc(self, code: str, redirect: str, nonce: str, verifier: str) -> dict[str, Any]:
        metadata = await self._discover()
        values = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
        }
        if self.settings.client_secret:
            values["client_secret"] = self.settings.client_secret
        found = await self._ask("POST", str(metadata["token_endpoint"]), data=values)
        token = found.get("id_token")
        if not isinstance(token, str):
            raise Forbidden(_reason(self.settings.name, found))
        claims = await self._verified(token, nonce)
        if (
            not any(claims.get(name) for name in self._preset.address_claims)
            and "userinfo_endpoint" in metadata
        ):
            head = {"authorization": f"Bearer {found.get('access_token')}"}
            more = await self._ask("GET", str(metadata["userinfo_endpoint"]), headers=head)
            # OpenID Connect Core §5.3.2: of the same subject, or of nobody.
            if more.get("sub") == claims["sub"]:
                claims = more | claims
        return claims

    async def _verified(self, token: str, nonce: str) -> dict[str, Any]:
        """OpenID Connect Core §3.1.3.7."""
        for fresh in (False, True):
            keys = await self._key_set(fresh=fresh)
            try:
                decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
                break
            except (errors.JoseError, ValueError) as error:
                if fresh:
                    raise Forbidden(self._refused(str(error))) from error
        claims, now = dict(decoded.claims), self._now()
        audience = claims.get("aud")
        audience = audience if isinstance(audience, list) else [audience]
        expires, issued = claims.get("exp"), claims.get("iat")
        for right, what in (
            (claims.get("iss") == (await self._discover())["issuer"], "another issuer"),
            (self.settings.client_id in audience, "for another client"),
            (len(audience) == 1 or claims.get("azp") == self.settings.client_id, "for another party"),
            (isinstance(expires, int | float) and expires + SKEW_S > now, "expired"),
            (isinstance(issued, int | float) and issued - SKEW_S < now, "from the future"),
            (claims.get("nonce") == nonce, "of another sign-in"),
            (isinstance(claims.get("sub"), str), "of nobody"),
        ):
            if not right:
                raise Forbidden(self._refused(f"it is {what}"))
        return claims

    def _refused(self, said: str) -> Sentence:
        return Sentence("provider.token", name=self.settings.name, said=said)

    async def _key_set(self, *, fresh: bool) -> jwk.KeySet:
        at, keys = self._keys
        if keys is None or self._now() - at > (KEYS_AGAIN_S if fresh else KEYS_S):
            found = await self._ask("GET", str((await self._discover())["jwks_uri"]))
            usable = [
                key for key in found.get("keys", []) if isinstance(key, dict) and key.get("use") != "enc"
            ]
            usable = [key for key in usable if key.get("kty") in ("RSA", "EC", "OKP")]
            try:
                keys = jwk.KeySet.import_key_set({"keys": usable})
            except (errors.JoseError, ValueError, TypeError) as error:
                raise Unavailable(self._refused(f"its keys cannot be read: {error}")) from error
            self._keys = (self._now(), keys)
        return keys

    async def _discover(self) -> dict[str, Any]:
        at, found = self._metadata
        if not found or self._now() - at > KEYS_S:
            found = await self._ask("GET", f"{self.issuer}/.well-known/openid-configuration")
            # OpenID Connect Discovery §4.3: the issuer is the one that was asked.
            if str(found.get("issuer")).rstrip("/") != self.issuer:
                raise Unavailable(Sentence("provider.issuer", name=self.settings.name, issuer=self.issuer))
            self._metadata = (self._now(), found)
        return found

    async def _feishu(self, code: str, redirect: str, _nonce: str, verifier: str) -> dict[str, Any]:
        """https://open.feishu.cn: OAuth 2.0 with a JSON body, and a profile instead of an identity token."""
        base = self.settings.api or self._preset.api
        values = {
            "grant_type": "authorization_code",
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret,
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        found = await self._ask("POST", f"{base}/v2/oauth/token", json=values)
        token = found.get("access_token")
        if not isinstance(token, str):
            raise Forbidden(_reason(self.settings.name, found))
        head = {"authorization": f"Bearer {token}"}
        who = await self._ask("GET", f"{base}/v1/user_info", headers=head)
        return dict(who.get("data") or {})

    async def _wecom(self, code: str, _redirect: str, _nonce: str, _verifier: str) -> dict[str, Any]:
        """https://developer.work.weixin.qq.com: the code is asked about with a token of the application."""
        base = self.settings.api or self._preset.api
        mine = {"corpid": self.settings.client_id, "corpsecret": self.settings.client_secret}
        token = (await self._ask("GET", f"{base}/gettoken", params=mine)).get("access_token")
        who = await self._ask(
            "GET", f"{base}/auth/getuserinfo", params={"access_token": str(token), "code": code}
        )
        user = who.get("userid")
        if not token or not isinstance(user, str):
            raise Forbidden(_reason(self.settings.name, who))
        return await self._ask("GET", f"{base}/user/get", params={"access_token": str(token), "userid": user})

    async def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        """A JSON object, refusals included.  Raises Unavailable."""
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise Unavailable(Sentence("provider.clear", host=self.settings.name))
        try:
            async with self._connect() as http, http.stream(method, url, **options) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_MAX:
                        raise Unavailable(Sentence("provider.unclear", host=self.settings.name))
            if response.status_code >= 500:
                raise Unavailable(
                    Sentence("provider.http", host=self.settings.name, status=response.status_code)
                )
            return msgspec.json.decode(bytes(body), type=dict[str, Any])
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            said = str(error) or type(error).__name__
            raise Unavailable(Sentence("provider.away", host=self.settings.name, said=said)) from error


def _reason(provider: str, found: dict[str, Any]) -> Sentence:
    named = (found.get(name) for name in ("error_description", "error", "errmsg", "msg"))
    said = " ".join(str(next((text for text in named if text), "")).split())[:200]
    if not said:
        return Sentence("provider.unclear", host=provider)
    return Sentence("provider.denied", host=provider, said=said)
