"""One HTTPS POST to an address that a user gave: only to hosts that everybody can reach, no redirects."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from posthouse.client.networks import leads_to

TIMEOUT_S: Final = 10.0
HEAD_MAX_BYTES: Final = 16 * 1024


class PostError(Exception):
    """Nothing was sent, or no answer came."""


_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")


def is_public(ip: str) -> bool:
    """Not of this machine, this network, or reserved; what leads to an IPv4 address is judged by that."""
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        if (inner := leads_to(address)) is not None:
            return is_public(str(inner))
        # Global unicast is 2000::/3; what is outside of it is local, reserved, or an IPv4 address in another form.
        if address not in _GLOBAL_UNICAST or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def check_url(url: str) -> tuple[str, int, str]:
    """Host, port, target of an https URL; raises PostError."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError as error:
        raise PostError("the URL is malformed") from error
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise PostError("only https URLs without a user are called")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise PostError("the URL is malformed")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, port, target


class Poster:
    """`may_call` judges each address of a host; `context` is for tests."""

    def __init__(
        self, may_call: Callable[[str], bool] = is_public, context: ssl.SSLContext | None = None
    ) -> None:
        self._may_call = may_call
        self._context = context  # None until needed: reading the certificate store takes 40 ms and 3 MiB

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer; raises PostError."""
        host, port, target = check_url(url)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._post(host, port, target, (body, headers))
        except (
            OSError,
            TimeoutError,
            UnicodeError,  # a name that cannot be looked up: a label of it is empty, or too long
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ) as error:
            raise PostError(f"{host}: {type(error).__name__}") from error

    async def _post(self, host: str, port: int, target: str, message: tuple[bytes, dict[str, str]]) -> int:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # The address that was judged is the one that is called: a name cannot change its mind in between.
        addresses = [info[4][0] for info in found if self._may_call(str(info[4][0]))]
        if not addresses:
            raise PostError(f"{host} is no public host")
        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context)
        reader, writer = await asyncio.open_connection(
            str(addresses[0]), port, ssl=self._context, server_hostname=host, limit=HEAD_MAX_BYTES
        )
        body, headers = message
        name = f"[{host}]" if ":" in host else host
        fields = {
            "Host": name if port == 443 else f"{name}:{port}",
            "Content-Length": str(len(body)),
            **headers,
        }
        head = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
        try:
            writer.write(f"POST {target} HTTP/1.1\r\nConnection: close\r\n{head}\r\n".encode() + body)
            await writer.drain()
            words = (await reader.readuntil(b"\r\n")).split(b" ", 2)
            if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
                raise PostError(f"{host}: no HTTP answer")
            return int(words[1])
        finally:
            writer.close()
