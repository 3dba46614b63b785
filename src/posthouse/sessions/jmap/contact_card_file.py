"""ContactCard/parse and ContactCard/export: blobs of vCards to cards and back (our own, docs/jmap-extensions.md)."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

from posthouse.cards.jscontact import Card
from posthouse.cards.vcard_values import split_cards
from posthouse.core.errors import OverQuota
from posthouse.core.scope import WRITE
from posthouse.services.contact_files import export_vcards, read_card
from posthouse.storage.contact_rows import EVERY_CARD, CardCondition, InBook
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError

from . import arguments as a
from .blob_read import read_blob
from .book_rights import contacts, narrowed
from .context import Context

Record = dict[str, Any]
MEDIA_TYPE: Final = "text/vcard"


class CardParse(a.Arguments):
    blob_ids: list[a.Id]


class CardExport(a.Arguments):
    ids: list[a.Id] | None = None
    address_book_id: a.Id | None = None
    version: Literal["3.0", "4.0"] = "4.0"


async def parse_cards(context: Context, args: CardParse) -> Record:
    contacts(context)
    limits = context.services.limits
    if len(args.blob_ids) > limits.get_max:
        raise MethodError("requestTooLarge", "too many blobs in one call (maxObjectsInGet)")
    parsed: dict[str, list[Card]] = {}
    not_parsable: list[str] = []
    not_found: list[str] = []
    for text in dict.fromkeys(args.blob_ids):
        name = ids.try_blob(context.deref(text))
        content = None if name is None else await read_blob(context, name)
        if content is None:
            not_found.append(text)
            continue
        context.spend(len(content))
        found = await asyncio.to_thread(_parse, content, limits.set_max)
        if found:
            parsed[text] = found
        else:
            not_parsable.append(text)
    return {
        "accountId": args.account_id,
        "parsed": parsed or None,
        "notParsable": not_parsable or None,
        "notFound": not_found or None,
    }


def _parse(content: bytes, most: int) -> list[Card]:
    found: list[Card] = []
    for part in split_cards(content):
        card = read_card(part)
        if card is not None:
            found.append(card)
        if len(found) > most:
            raise MethodError("requestTooLarge", f"at most {most} cards of one blob (maxObjectsInSet)")
    return found


async def export_cards(context: Context, args: CardExport) -> Record:
    """The file becomes an upload of the account; raises MethodError."""
    service = contacts(context)
    context.home.require(WRITE)
    account, limits = context.account.id, context.services.limits
    condition: CardCondition = EVERY_CARD
    if args.address_book_id is not None:
        condition = InBook(context.number(ids.ADDRESS_BOOK, args.address_book_id) or 0)
    numbers = await service.contacts.ids(account, narrowed(context, condition))
    if args.ids is not None:
        wanted = {context.number(ids.CARD, one) for one in args.ids}
        numbers = [number for number in numbers if number in wanted]
    writer = service.store.contents.writer()
    try:
        async for piece in export_vcards(service, account, version=args.version, ids=numbers):
            writer.write(piece)
            if writer.must_drain:
                await writer.drain()
            if writer.size > limits.upload_max_bytes:
                raise MethodError(
                    "tooLarge",
                    f"the file would be longer than {limits.upload_max_bytes} bytes; name fewer cards",
                )
        draft = await writer.finish()
    finally:
        writer.abort()
    try:
        # What somebody makes of books of others is with the own uploads.
        keeper = context.grant if context.grant.books is None else context.home
        made = await context.services.keep_upload(keeper, draft, MEDIA_TYPE)
    except OverQuota:
        raise MethodError("overQuota", "too many uploads wait to be used; use them, or wait a day") from None
    blob = ids.format_id(ids.UPLOAD, made.id)
    return {"accountId": args.account_id, "blobId": blob, "size": made.size, "type": made.type}
