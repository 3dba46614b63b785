"""Blob/copy: from one account to another (RFC 8620 §6.3)."""

from __future__ import annotations

from typing import Any

from posthouse.core.errors import OverQuota
from posthouse.core.ids import AccountId
from posthouse.core.scope import WRITE
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError

from . import arguments as a
from .blob_read import find, read_blob
from .context import Context
from .mailbox_rights import require_change
from .standard import SetResult

Record = dict[str, Any]


class BlobCopy(a.Arguments):
    from_account_id: str
    blob_ids: list[a.Id]


def keeper_of(context: Context) -> AccountId:
    """With whose uploads it is kept: who may change no more than some mailboxes of an account keeps it with the own."""
    partly = not context.scope.allows(WRITE) or (context.scope.exact and bool(context.scope.folders))
    return context.home.account.id if partly else context.account.id


async def copy_blobs(context: Context, args: BlobCopy) -> Record:
    require_change(context)
    limits, store = context.services.limits, context.services.store
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
        writer = store.contents.writer()
        try:
            writer.write(content)
            await writer.drain()
            draft = await writer.finish()
        finally:
            writer.abort()
        try:
            made = await store.uploads.add(
                keeper_of(context),
                draft,
                "application/octet-stream" if name.steps else stored.type,
                bytes_max=limits.uploaded_max_bytes,
                count_max=limits.uploaded_max,
            )
        except OverQuota as error:
            why = "too many uploads wait to be used; use them, or wait a day"
            raise SetError("overQuota", why) from error
        result.created[text] = {"id": ids.format_id(ids.UPLOAD, made.id)}

    await result.each([(text, None) for text in dict.fromkeys(args.blob_ids)], copy, result.not_created)
    return {
        "fromAccountId": args.from_account_id,
        "accountId": args.account_id,
        "copied": {old: made["id"] for old, made in result.created.items()} or None,
        "notCopied": {old: error.answer() for old, error in result.not_created.items()} or None,
    }
