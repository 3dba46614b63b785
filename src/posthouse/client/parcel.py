"""What is sent, and what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from msgspec import Struct

from posthouse.core.address import Address
from posthouse.storage.content_ports import Content

CHUNK_BYTES: Final = 64 * 1024

Sign = Callable[[Content, int], Awaitable[bytes]]
"""(content, bytes at its start that are not sent) -> the signature fields to put on top of what is sent."""


class ParcelRecipient(Struct):
    address: Address
    notify: tuple[str, ...] = ()
    orcpt: str | None = None


class Parcel(Struct):
    """A message and those of its recipients that go to one destination."""

    destination: str  # domain, address literal, or HOST:PORT
    sender: Address | None
    recipients: list[ParcelRecipient]
    content: Content
    skip: int = 0  # bytes at the start of the content that are not sent
    size: int = 0  # of what is sent
    body: str = "7BIT"
    smtputf8: bool = False
    requiretls: bool = False
    ret: str | None = None
    envid: str | None = None
    sign: Sign | None = None
    signer: str = ""  # whose signature `sign` makes


class Result(Struct):
    """What became of a recipient; `status` is "code x.y.z text"."""

    status: str
    remote: str = ""  # the host that said it; empty: nobody did, the status is our own
    dsn: bool = False  # the host reports deliveries itself (RFC 3461)
    tls: str = ""
    signed: str = ""  # the domain that signed

    @property
    def delivered(self) -> bool:
        return self.status.startswith("2")

    @property
    def permanent(self) -> bool:
        return self.status.startswith("5")

    @property
    def enhanced(self) -> str:
        return self.status.split(" ", 2)[1]


class Transit:
    """A parcel on its way: results come in, the recipients without one are still to be tried."""

    __slots__ = ("content", "parcel", "results", "sent_whole", "signature")

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.content: bytes | None = None  # re-coded for peers that take 7-bit only
        self.signature: bytes | None = None  # of what is sent; None: not made yet
        self.results: list[Result | None] = [None] * len(parcel.recipients)
        self.sent_whole = False

    @property
    def open(self) -> list[int]:
        return [index for index, result in enumerate(self.results) if result is None]

    def close(self, status: str, *, remote: str = "") -> None:
        for index in self.open:
            self.results[index] = Result(status, remote)


async def chunks(parcel: Parcel, content: bytes | None) -> AsyncIterator[bytes]:
    """The message, without its signature, in pieces."""
    data = parcel.content if content is None else content
    skip = parcel.skip if content is None else 0
    if isinstance(data, bytes):
        for start in range(skip, len(data), CHUNK_BYTES):
            yield data[start : start + CHUNK_BYTES]
    else:
        async for chunk in data.chunks(skip):
            yield chunk


async def signature(transit: Transit) -> bytes:
    """Made when it is needed first: hosts that cannot be reached cost none."""
    if transit.signature is None:
        parcel = transit.parcel
        if parcel.sign is None:
            transit.signature = b""
        elif transit.content is None:
            transit.signature = await parcel.sign(parcel.content, parcel.skip)
        else:
            transit.signature = await parcel.sign(transit.content, 0)
    return transit.signature
