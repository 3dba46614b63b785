"""The bytes of a blob: a message, an upload, a part of either.  Whose it is, is asked of the rows each time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from msgspec import Struct

from posthouse.mime.section import decode_transfer
from posthouse.storage.content_ports import Content
from posthouse.wire.jmap.ids import EMAIL, ENCODINGS, PICTURE, SCRIPT, BlobName

from .book_rights import seen
from .context import Context


class Stored(Struct):
    """What a blob's first step is in the store."""

    content: Content
    size: int
    type: str


async def find(context: Context, name: BlobName) -> Stored | None:
    """The message or upload that a blob is in; None: the account has none, or the credential may not see it."""
    store, account = context.services.store, context.account.id
    if name.kind == EMAIL:
        read = await store.emails.get(account, [name.number], ("blob", "size"))
        visible = await context.visible()
        if not read.rows:
            return None
        places = read.places[name.number]
        if visible is not None and not any(box in visible for box, _ in places):
            return None
        _, blob, size = read.rows[0]
        return Stored(await store.contents.read(blob), size, "message/rfc822")
    if name.kind == SCRIPT:
        return await _script(context, name.number)
    if name.kind == PICTURE:
        if not await _may_see_picture(context, name.number):
            return None
        row = await store.contacts.media(account, name.number)
        return None if row is None else Stored(await store.contents.read(row[0]), row[1], row[2])
    upload = None
    if not (context.scope.exact and context.scope.folders):
        # Whoever shares some mailboxes does not share what was uploaded; a credential for some sees its own.
        upload = await store.uploads.get(account, name.number, context.grant.maker)
    if upload is None and context.foreign:
        # What somebody who may not change the whole account uploads for it is kept with the own uploads.
        upload = await store.uploads.get(context.home.account.id, name.number, context.home.maker)
    if upload is None:
        return None
    return Stored(await store.contents.read(upload.blob), upload.size, upload.type)


async def _may_see_picture(context: Context, number: int) -> bool:
    if context.grant.books is None:
        return not context.scope.folders
    contacts = context.services.store.contacts
    _, cards = await contacts.get(context.account.id, await contacts.cards_with(context.account.id, number))
    return any(seen(context, card.books) for card in cards)


async def _script(context: Context, number: int) -> Stored | None:
    """The number holds that of the script and the checksum of its content: what was changed is another blob."""
    if not context.scope.whole:
        return None
    for one in await context.services.store.scripts.of_account(context.account.id):
        content = one.content.encode()
        if one.id == number >> 32 and zlib.crc32(content) == number & 0xFFFFFFFF:
            return Stored(content, len(content), "application/sieve")
    return None


async def whole(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    return b"".join([piece async for piece in content.chunks()])


async def read_blob(context: Context, name: BlobName) -> bytes | None:
    """All of it, decoded; None: there is none."""
    stored = await find(context, name)
    if stored is None:
        return None
    if not name.steps:
        return await whole(stored.content)
    start, length, letter = name.steps[0]
    if start + length > stored.size:
        return None
    if isinstance(stored.content, bytes):
        data = stored.content[start : start + length]
    else:
        data = b"".join([piece async for piece in stored.content.chunks(start, start + length)])
    return await asyncio.to_thread(_inside, data, letter, name.steps[1:])


def _inside(data: bytes, letter: str, steps: tuple[tuple[int, int, str], ...]) -> bytes | None:
    data = decode_transfer(data, ENCODINGS[letter])
    for start, length, inner in steps:
        if start + length > len(data):
            return None
        data = decode_transfer(data[start : start + length], ENCODINGS[inner])
    return data


async def pieces(content: Content, start: int, stop: int) -> AsyncIterator[bytes]:
    """A range, in pieces of at most 256 KiB."""
    if isinstance(content, bytes):
        for at in range(start, stop, 256 << 10):
            yield content[at : min(at + (256 << 10), stop)]
        return
    async for piece in content.chunks(start, stop):
        yield piece
