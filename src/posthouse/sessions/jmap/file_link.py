"""File/sign: links that a browser opens by itself, to a PDF or to all files of an email (`docs/jmap-extensions.md`)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from posthouse.wire.jmap import ids

from . import arguments as a
from .blob_read import find
from .context import Context

Listed = Annotated[list[a.Id], Meta(max_length=100)]


class FileSign(a.Arguments):
    blob_ids: Listed = field(default_factory=list)
    email_ids: Listed = field(default_factory=list)


async def sign_files(context: Context, args: FileSign) -> dict[str, Any]:
    links, account = context.services.links, context.account.id
    blobs: dict[str, str] = {}
    for text in args.blob_ids:
        name = ids.try_blob(text)
        if name is not None and await find(context, name) is not None:
            blobs[text] = await links.sign(account, "pdf", text)
    emails: dict[str, str] = {}
    for text in args.email_ids:
        name = ids.try_blob(text)
        if name is not None and name.kind == ids.EMAIL and await find(context, name) is not None:
            emails[text] = await links.sign(account, "zip", text)
    return {"accountId": args.account_id, "blobs": blobs, "emails": emails}
