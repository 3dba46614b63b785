"""A picture of a stranger's server, fetched so that the stranger learns of this server and of nobody else.

The name is resolved once, every address found is judged, and the connection goes to the very address that was judged;
the same for each redirect.  What comes back is bounded in time and size, and a picture by its first bytes or nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from posthouse.client.post import is_public
from posthouse.core.lazy import lazy

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy("httpx")

TIMEOUT_S: Final = 10.0
"""For all of it: name, connection, redirects, content."""
SIZE_MAX_BYTES: Final = 10 * 1024 * 1024
REDIRECTS_MAX: Final = 4
URL_MAX: Final = 4096
PORTS: Final = (80, 443)
PIXELS_MAX: Final = 50_000_000
"""A picture of more would cost its reader's browser hundreds of megabytes, however small the file is."""
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_HEADERS: Final = {
    "User-Agent": "Mozilla/5.0 (compatible; Posthouse picture proxy)",
    "Accept": "image/avif,image/webp,image/png,image/gif,image/jpeg",
    "Accept-Encoding": "identity",
}

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class PictureError(Exception):
    """There is no picture to be had; the text says why."""


class Picture(Struct, frozen=True):
    type: str
    content: bytes


def kind_of(content: bytes) -> str | None:
    """The media type by the first bytes; None: no picture that browsers show without running anything (SVG can)."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp" and content[8:12] in (b"avif", b"avis"):
        return "image/avif"
    if content.startswith(b"BM") and content[6:10] == bytes(4):
        return "image/bmp"
    return None


def pixels_of(kind: str, content: bytes) -> int:
    """Width times height where the beginning says it (the kinds that pack flat colour without bound); else 0."""
    try:
        if kind == "image/png":
            width, height = struct.unpack_from(">II", content, 16)
        elif kind == "image/gif":
            width, height = struct.unpack_from("<HH", content, 6)
        elif kind == "image/bmp":
            width, height = struct.unpack_from("<ii", content, 18)
        else:
            return 0
    except struct.error:
        return 0
    return abs(int(width) * int(height))


def split_url(url: str, ports: Sequence[int] = PORTS) -> tuple[str, str, int]:
    """Scheme, host (ASCII), port; raises PictureError for what is never fetched."""
    if len(url) > URL_MAX or any(ord(char) <= 32 or ord(char) == 127 for char in url) or "\\" in url:
        raise PictureError("the URL is malformed")
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = (parts.hostname or "").rstrip(".")
        host = host if host.isascii() else host.encode("idna").decode()
    except (ValueError, UnicodeError) as error:
        raise PictureError("the URL is malformed") from error
    if parts.scheme not in ("http", "https") or not host or len(host) > 253 or "%" in host:
        raise PictureError("the URL is no http or https URL")
    if parts.username is not None or parts.password is not None:
        raise PictureError("the URL holds a user")
    if port not in ports:
        raise PictureError(f"port {port} is not asked for pictures")
    return parts.scheme, host, port


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


class PictureFetcher:
    """`may_call` judges an address, `resolve` finds those of a name; with `ports` and `context` these are for tests."""

    def __init__(
        self,
        may_call: Callable[[str], bool] = is_public,
        resolve: Resolve = _resolve,
        ports: Sequence[int] = PORTS,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._may_call = may_call
        self._resolve = resolve
        self._ports = ports
        self._context = context

    async def fetch(self, url: str) -> Picture:
        """Raises PictureError."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                for _ in range(REDIRECTS_MAX + 1):
                    found = await self._once(url)
                    if isinstance(found, Picture):
                        return found
                    url = found
        except (OSError, TimeoutError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise PictureError(f"the server of the picture: {type(error).__name__}") from error
        raise PictureError("too many redirects")

    async def _once(self, url: str) -> Picture | str:
        """The picture, or where the server says it is."""
        scheme, host, port = split_url(url, self._ports)
        addresses = await self._resolve(host, port)
        # One address inside is enough: nobody's pictures live both inside and outside.
        if not addresses or not all(self._may_call(one) for one in addresses):
            raise PictureError(f"{host} is no public host")
        address = ipaddress.ip_address(addresses[0])
        # The address that was judged is the one that is called: a name cannot change its mind in between.
        target = httpx.URL(url).copy_with(host=str(address), fragment=None)
        named = f"[{host}]" if ":" in host else host
        usual = port == (443 if scheme == "https" else 80)
        headers = {**_HEADERS, "Host": named if usual else f"{named}:{port}"}
        # One client for each: no cookies, no connections, nothing from the environment is carried from one to the next.
        if self._context is None:  # once: reading the certificate store takes 40 ms
            self._context = await asyncio.to_thread(ssl.create_default_context)
        transport = httpx.AsyncHTTPTransport(verify=self._context, trust_env=False)
        async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=TIMEOUT_S) as http:
            request = httpx.Request("GET", target, headers=headers, extensions={"sni_hostname": host})
            response = await http.send(request, stream=True, follow_redirects=False)
            try:
                if response.status_code in _REDIRECTS:
                    return str(urljoin(url, response.headers.get("location", "")))
                return await _read(response)
            finally:
                await response.aclose()


async def _read(response: httpx.Response) -> Picture:
    if response.status_code != 200:
        raise PictureError(f"the server of the picture says {response.status_code}")
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise PictureError("the picture is packed, which nobody asked for")
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > SIZE_MAX_BYTES:
        raise PictureError(f"the picture is larger than {SIZE_MAX_BYTES} bytes")
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > SIZE_MAX_BYTES:
            raise PictureError(f"the picture is larger than {SIZE_MAX_BYTES} bytes")
        if len(content) >= 64 and kind_of(bytes(content[:64])) is None:
            break  # it will not become one
    kind = kind_of(bytes(content[:64]))
    if kind is None:
        raise PictureError("that is no picture")
    if pixels_of(kind, bytes(content[:64])) > PIXELS_MAX:
        raise PictureError(f"the picture has more than {PIXELS_MAX} pixels")
    return Picture(kind, bytes(content))
