"""Blob/copy: from one account to another (RFC 8620 §6.3)."""

from __future__ import annotations

from typing import Any

from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError

from . import arguments as a
from .blob import UNKNOWN_TYPE, keep_upload
from .blob_read import find, read_blob
from .context import Context
from .mailbox_rights import keeper_of, require_change
from .standard import SetResult

Record = dict[str, Any]


class BlobCopy(a.Arguments):
    from_account_id: str
    blob_ids: list[a.Id]


async def copy_blobs(context: Context, args: BlobCopy) -> Record:
    require_change(context)
    limits = context.services.limits
    if len(args.blob_ids) > limits.set_max:
        raise MethodError("requestTooLarge", f"at most {limits.set_max} blobs in one call (maxObjectsInSet)")
    try:
        source = await context.acting(args.from_account_id)
    except MethodError as error:
        raise MethodError("fromAccountNotFound", "there is no such account, or it is not yours") from error
    result = SetResult()

    async def copy(text: str, _: None) -> None:
        name = ids.try_blob(context.deref(text))
        stored = None if name is None else await find(source, name)
        content = None if name is None or stored is None else await read_blob(source, name)
        if content is None or name is None or stored is None:
            raise SetError("notFound", "there is no such blob in the account it is to come from")
        if len(content) > limits.upload_max_bytes:
            raise SetError("tooLarge", f"at most {limits.upload_max_bytes} bytes (maxSizeUpload)")
        kind = UNKNOWN_TYPE if name.steps else stored.type
        made = await keep_upload(context, keeper_of(context.grant, context.home), content, kind)
        result.created[text] = {"id": ids.format_id(ids.UPLOAD, made.id)}

    await result.each([(text, None) for text in dict.fromkeys(args.blob_ids)], copy, result.not_created)
    return {
        "fromAccountId": args.from_account_id,
        "accountId": args.account_id,
        "copied": {old: made["id"] for old, made in result.created.items()} or None,
        "notCopied": {old: error.answer() for old, error in result.not_created.items()} or None,
    }
