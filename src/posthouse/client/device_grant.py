"""Signing in at a provider of mail by the device grant (RFC 8628), a step at a time: for who cannot wait in between.

The person reads a code here and types it at the provider's own page, so no password of theirs comes this way.  What the
provider says is bounded, and its addresses are fixed by the settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from posthouse.core.errors import Forbidden, Unavailable
from posthouse.core.lazy import lazy
from posthouse.core.sentence import Sentence

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy("httpx")

GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
TIMEOUT_S: Final = 20.0
ANSWER_MAX: Final = 64 * 1024
INTERVAL_S: Final = 5
"""RFC 8628 §3.2: between two questions, where the provider does not say."""
INTERVAL_MAX_S: Final = 60
LIFE_MAX_S: Final = 1800


class DeviceClient(Struct, frozen=True):
    """What a provider knows this server as; a public client, so there is no secret."""

    client_id: str
    device_url: str
    token_url: str
    scope: str
    ca_file: str = ""


class Codes(Struct, frozen=True):
    device_code: str  # the secret half
    user_code: str
    url: str
    interval_s: int
    life_s: int


class Pending(Struct, frozen=True):
    """The person is not done yet; `slower`: ask five seconds less often from now on (RFC 8628 §3.5)."""

    slower: bool


class Tokens(Struct, frozen=True):
    access: str
    refresh: str  # "": the provider gave no new one


def office365(client_id: str, tenant: str, ca_file: str = "") -> DeviceClient:
    """Entra ID, for IMAP of Exchange Online; `tenant`: a directory, or "organizations" for all of them."""
    base = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
    scope = "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
    return DeviceClient(client_id, f"{base}/devicecode", f"{base}/token", scope, ca_file)


async def begin(client: DeviceClient) -> Codes:
    """RFC 8628 §3.1.  Raises Unavailable, Forbidden (the provider does not know this client)."""
    found = await _ask(client, client.device_url, {"client_id": client.client_id, "scope": client.scope})
    # RFC 8628 §3.2; Google says `verification_url`.
    url = found.get("verification_uri") or found.get("verification_url")
    device, user = found.get("device_code"), found.get("user_code")
    if not (isinstance(url, str) and isinstance(device, str) and isinstance(user, str)):
        raise Forbidden(_reason(found, client.device_url))
    if urlsplit(url).scheme != "https" and urlsplit(client.device_url).scheme == "https":
        raise Forbidden(Sentence("provider.clear", host=_host(client.device_url)))
    interval = min(max(_number(found.get("interval"), INTERVAL_S), 1), INTERVAL_MAX_S)
    life = min(max(_number(found.get("expires_in"), LIFE_MAX_S), 60), LIFE_MAX_S)
    return Codes(device[:4096], user[:64], url[:1000], interval, life)


async def poll(client: DeviceClient, device_code: str) -> Tokens | Pending:
    """RFC 8628 §3.4.  Raises Forbidden (refused, or too late), Unavailable."""
    values = {"grant_type": GRANT, "device_code": device_code, "client_id": client.client_id}
    found = await _ask(client, client.token_url, values)
    if found.get("error") in ("authorization_pending", "slow_down"):
        return Pending(found["error"] == "slow_down")
    tokens = _tokens(found, client.token_url)
    if not tokens.refresh:
        raise Forbidden(Sentence("provider.no_refresh", host=_host(client.token_url)))
    return tokens


async def waited(
    client: DeviceClient, codes: Codes, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Tokens:
    """Ask until the person is done.  Raises Forbidden (refused, or too late), Unavailable."""
    interval, left = codes.interval_s, codes.life_s
    while left > 0:
        await sleep(interval)
        left -= interval
        found = await poll(client, codes.device_code)
        if isinstance(found, Tokens):
            return found
        interval += INTERVAL_S * found.slower
    raise Forbidden(Sentence("provider.over"))


async def renewed(client: DeviceClient, refresh: str) -> Tokens:
    """RFC 6749 §6.  Raises Forbidden (it is good no more), Unavailable."""
    values = {
        "grant_type": "refresh_token",
        "refresh_token": refresh,
        "client_id": client.client_id,
        "scope": client.scope,
    }
    return _tokens(await _ask(client, client.token_url, values), client.token_url)


async def _ask(client: DeviceClient, url: str, values: dict[str, str]) -> dict[str, Any]:
    try:
        async with (
            httpx.AsyncClient(
                verify=_context(client), timeout=TIMEOUT_S, follow_redirects=False, trust_env=False
            ) as http,
            http.stream("POST", url, data=values) as response,
        ):
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > ANSWER_MAX:
                    raise Unavailable(Sentence("provider.unclear", host=_host(url)))
            status = response.status_code
    except httpx.HTTPError as error:
        said = str(error) or type(error).__name__
        raise Unavailable(Sentence("provider.away", host=_host(url), said=said)) from error
    if status >= 500 or status == 429:
        raise Unavailable(Sentence("provider.http", host=_host(url), status=status))
    try:
        return msgspec.json.decode(bytes(body), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Unavailable(Sentence("provider.unclear", host=_host(url))) from error


def _context(client: DeviceClient) -> Any:
    if not client.ca_file:
        return True
    import ssl  # noqa: PLC0415

    return ssl.create_default_context(cafile=client.ca_file)


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _tokens(found: dict[str, Any], url: str) -> Tokens:
    access, refresh = found.get("access_token"), found.get("refresh_token", "")
    if not isinstance(access, str) or not isinstance(refresh, str):
        raise Forbidden(_reason(found, url))
    return Tokens(access, refresh)


def _reason(found: dict[str, Any], url: str) -> Sentence:
    """RFC 6749 §5.2, in one line."""
    text = " ".join(str(found.get("error_description") or found.get("error") or "").split())[:200]
    if not text:
        return Sentence("provider.unclear", host=_host(url))
    return Sentence("provider.denied", host=_host(url), said=text)


def _number(value: object, otherwise: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)  # quirk(Entra v1): numbers as strings
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
