"""The device's side of the device grant (RFC 8628), and the keeping of its refresh token in a file.

What the other side sends is bounded and checked: its discovery document has to name the issuer that was asked for, and
every address in it has to be https (or loopback).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
TIMEOUT_S: Final = 20.0
ANSWER_MAX: Final = 256 * 1024
INTERVAL_S: Final = 5.0
LOOPBACK: Final = frozenset(("127.0.0.1", "::1", "localhost"))


class LoginFailed(Exception):
    """`key` is the text that says why, in `cli.texts`."""

    def __init__(self, key: str, **fields: str) -> None:
        super().__init__(key)
        self.key = key
        self.fields = fields


class DeviceLogin:
    def __init__(
        self,
        issuer: str,
        client: str,
        scope: str,
        context: ssl.SSLContext,
        file: Path | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._client = client
        self._scope = scope
        self._context = context
        self._file = file
        self._sleep = sleep

    async def token(self, ask: Callable[[str, str], None]) -> dict[str, Any]:
        """The answer of the token endpoint; `ask` is told address and code.  Raises LoginFailed."""
        async with httpx.AsyncClient(verify=self._context, timeout=TIMEOUT_S) as http:
            endpoints = await self._discover(http)
            found = await self._renewed(http, endpoints) or await self._granted(http, endpoints, ask)
        self._keep(found)
        return found

    async def _discover(self, http: httpx.AsyncClient) -> dict[str, str]:
        found = await self._send(http, "GET", f"{self._issuer}/.well-known/openid-configuration")
        # RFC 8414 §3.3: another issuer's document is an attempt to have the token sent elsewhere.
        if found.get("issuer") != self._issuer:
            raise LoginFailed("login.mixed", found=str(found.get("issuer"))[:200])
        if not isinstance(found.get("device_authorization_endpoint"), str):
            raise LoginFailed("login.no_device")
        return {name: str(value) for name, value in found.items() if name.endswith("_endpoint")}

    async def _renewed(self, http: httpx.AsyncClient, endpoints: dict[str, str]) -> dict[str, Any] | None:
        """By the refresh token of the last time; None: there is none, or it is good no more."""
        try:
            saved = msgspec.json.decode(self._file.read_bytes()) if self._file is not None else None
        except (OSError, msgspec.MsgspecError):
            saved = None
        if not isinstance(saved, dict) or saved.get("issuer") != self._issuer or "refresh_token" not in saved:
            return None
        values = {"grant_type": "refresh_token", "refresh_token": str(saved["refresh_token"])}
        answer = await self._send(
            http, "POST", endpoints["token_endpoint"], values | {"client_id": self._client}
        )
        return answer if "access_token" in answer else None

    async def _granted(
        self, http: httpx.AsyncClient, endpoints: dict[str, str], ask: Callable[[str, str], None]
    ) -> dict[str, Any]:
        start = {"client_id": self._client, "scope": self._scope}
        codes = await self._send(http, "POST", endpoints["device_authorization_endpoint"], start)
        if "device_code" not in codes:
            raise LoginFailed("login.answer", error=_error(codes))
        ask(str(codes.get("verification_uri")), str(codes.get("user_code")))
        interval = float(codes.get("interval") or INTERVAL_S)
        values = {"grant_type": GRANT, "device_code": str(codes["device_code"]), "client_id": self._client}
        while True:
            await self._sleep(interval)
            answer = await self._send(http, "POST", endpoints["token_endpoint"], values)
            if "access_token" in answer:
                return answer
            error = answer.get("error")
            if error == "slow_down":  # RFC 8628 §3.5: five seconds more, for good
                interval += INTERVAL_S
            elif error == "access_denied":
                raise LoginFailed("login.refused")
            elif error == "expired_token":
                raise LoginFailed("login.expired")
            elif error != "authorization_pending":
                raise LoginFailed("login.answer", error=_error(answer))

    async def _send(
        self, http: httpx.AsyncClient, method: str, url: str, values: dict[str, str] | None = None
    ) -> dict[str, Any]:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise LoginFailed("login.insecure")
        try:
            async with http.stream(method, url, data=values) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_MAX:
                        raise LoginFailed("login.answer", error="too long an answer")
            found = msgspec.json.decode(bytes(body), type=dict[str, Any])
        except httpx.HTTPError as error:
            raise LoginFailed("login.away", error=str(error) or type(error).__name__) from error
        except msgspec.MsgspecError as error:
            raise LoginFailed("login.answer", error=f"HTTP {response.status_code}") from error
        return found

    def _keep(self, found: dict[str, Any]) -> None:
        if self._file is None or "refresh_token" not in found:
            return
        text = msgspec.json.encode({"issuer": self._issuer, "refresh_token": found["refresh_token"]})
        staged = self._file.with_name(self._file.name + ".new")
        with contextlib.suppress(FileNotFoundError):
            staged.unlink()
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, text)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        staged.replace(self._file)


def _error(answer: dict[str, Any]) -> str:
    return str(answer.get("error_description") or answer.get("error") or "?")[:200]
