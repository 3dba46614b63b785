"""A queued message as it leaves: what the client is handed, and the pieces notices need of it."""

from __future__ import annotations

from posthouse.client.parcel import Parcel, ParcelRecipient, Sign
from posthouse.core.address import Address, parse_address
from posthouse.core.errors import Invalid
from posthouse.mime.edit import header_end
from posthouse.services.signing import Signer
from posthouse.storage.content_ports import Content
from posthouse.storage.rows import QueueJob


def parcel_of(job: QueueJob, content: Content, skip: int, signer: Signer | None = None) -> Parcel:
    entry = job.entry
    sign: Sign | None = None
    if signer is not None and entry.sign_as:

        async def sign(what: Content, start: int) -> bytes:
            # What was re-coded for one host is its own content; the stored one is the same for all.
            blob = entry.blob if what is content else 0
            return await signer.fields(entry.sign_as, what, start, blob=blob)

    size = len(content) if isinstance(content, bytes) else content.size
    body = entry.body
    if body == "7BIT" and isinstance(content, bytes) and not content.isascii():
        body = "8BITMIME"  # what the sender declared was not so
    return Parcel(
        destination=job.destination,
        sender=queue_address(entry.sender) if entry.sender else None,
        # RFC 3461 §6.1: a notice may only go with NOTIFY=NEVER
        recipients=[
            ParcelRecipient(queue_address(one.address), one.notify if entry.sender else ("NEVER",), one.orcpt)
            for one in entry.recipients
        ],
        content=content,
        skip=skip,
        size=size - skip,
        body=body,
        smtputf8=entry.smtputf8,
        requiretls=entry.requiretls,
        ret=entry.ret if entry.sender else None,
        envid=entry.envid,
        sign=sign,
        signer=entry.sign_as,
    )


def queue_address(text: str) -> Address:
    try:
        return parse_address(text)
    except Invalid:  # taken in by an older rule: the remote host decides
        local, _, domain = text.rpartition("@")
        return Address(local, domain)


async def header_of(content: Content) -> bytes:
    """The header with its blank line."""
    if isinstance(content, bytes):
        return content[: header_end(content)]
    data = b""
    async for chunk in content.chunks():
        data += chunk
        if (end := header_end(data)) < len(data):
            return data[:end]
    return data


async def whole_of(content: Content) -> bytes:
    return content if isinstance(content, bytes) else b"".join([chunk async for chunk in content.chunks()])
