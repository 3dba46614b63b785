"""Outgoing mail signed (DKIM) where its bytes are final: a connection has been made, the message is about to go.

So a message that had to be re-coded for a 7-bit host carries a signature of what is sent, mail that waited is signed
with the key of today, and hosts that cannot be reached cost no signature.  Whether and as whom a message may be signed
is decided when it is accepted (`signer_for`), because only then is known who sent it: what merely passes through, an
alias say, is not signed, or anybody could have a forgery signed by sending it to one.

Concurrency: everything on one event loop; the bodies of long messages are hashed in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from posthouse.core.errors import Invalid
from posthouse.core.ports import Clock
from posthouse.mailauth.canonical import BodyDigests
from posthouse.mailauth.dkim_sign import BODY_FORM, sign
from posthouse.mime.authors import author_domains
from posthouse.mime.edit import header_end
from posthouse.services.dkim import DkimKeys
from posthouse.services.letter import Envelope, Origin
from posthouse.storage.content_ports import Content

THREAD_BYTES: Final = 64 * 1024
"""A longer body is hashed in a thread."""
HEADER_BYTES_MAX: Final = 512 * 1024
REMEMBERED: Final = 256
"""Signatures kept for the other destinations of a message."""


class Signer:
    """One per worker."""

    def __init__(self, keys: DkimKeys, clock: Clock, hostname: str) -> None:
        self._keys = keys
        self._clock = clock
        self._hostname = hostname
        self._made: dict[tuple[int, str], tuple[tuple[str, ...], bytes]] = {}

    # --- when a message is accepted ---

    async def signer_for(self, header: bytes, envelope: Envelope, origin: Origin, *, relayed: bool) -> str:
        """The domain to sign as; "": not at all.

        An account may sign as the domain it writes from; what this system wrote, and clients in `relay_networks`
        (`relayed`), as any domain of ours.
        """
        authors = author_domains(header)
        if origin.account is not None:
            own = [origin.account.address.rpartition("@")[2]]
            if envelope.sender is not None:
                own.insert(0, envelope.sender.domain)  # checked at MAIL: it is the account's
            allowed = [one for one in authors if one in own] + own
        elif origin.listener == "internal":
            allowed = [*authors, self._hostname]
        elif relayed:
            allowed = authors
        else:
            return ""
        for domain in allowed:
            if found := await self._keys.signer_of(domain):
                return found
        return ""

    # --- when it leaves ---

    async def fields(self, domain: str, content: Content, skip: int, *, blob: int = 0) -> bytes:
        """The DKIM-Signature fields of what stands behind `skip`; b"" when the domain has no keys now.

        `blob`: names the content, whose signature then serves further destinations.
        """
        keys = await self._keys.signing(domain)
        if not keys:
            return b""
        selectors = tuple(key.selector for key in keys)
        known = self._made.get((blob, domain)) if blob else None
        if known is not None and known[0] == selectors:
            return known[1]
        header, digest = await _header_and_digest(content, skip)
        fields = sign(header, digest, domain=domain, keys=keys, now=self._clock.now())
        if blob:
            if len(self._made) >= REMEMBERED:
                del self._made[next(iter(self._made))]
            self._made[blob, domain] = selectors, fields
        return fields


async def _header_and_digest(content: Content, skip: int) -> tuple[bytes, bytes]:
    if isinstance(content, bytes):
        data = content[skip:] if skip else content
        end = header_end(data)
        if len(data) - end <= THREAD_BYTES:
            return data[:end], _digest(data, end)
        return data[:end], await asyncio.to_thread(_digest, data, end)
    return await _large(content.chunks(skip))


def _digest(data: bytes, start: int) -> bytes:
    digests = BodyDigests([(BODY_FORM, None)])
    digests.feed_view(data, start)
    return digests.value(BODY_FORM, None)


async def _large(chunks: AsyncIterator[bytes]) -> tuple[bytes, bytes]:
    """Pieces of at most 256 KiB; memory stays bounded."""
    header = b""
    digests = BodyDigests([(BODY_FORM, None)])
    complete = False
    async for chunk in chunks:
        if complete:
            await asyncio.to_thread(digests.feed, chunk)
            continue
        header += chunk
        end = header_end(header)
        if end < len(header):
            header, body = header[:end], header[end:]
            digests.feed(body)
            complete = True
        elif len(header) > HEADER_BYTES_MAX:
            raise Invalid("the header has no end")
    digests.finish()
    return header, digests.value(BODY_FORM, None)
