"""Blob: upload, get, lookup (RFC 9404)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any, Final

from posthouse.core.errors import OverQuota
from posthouse.core.scope import WRITE
from posthouse.services.grant import Grant
from posthouse.storage.email_rows import Upload
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid
from posthouse.wire.jmap.value import is_unsigned

from . import arguments as a
from .blob_read import find, read_blob
from .context import Context
from .mailbox_rights import keeper_of
from .standard import SetResult, only_known, wanted_properties

UNKNOWN_TYPE: Final = "application/octet-stream"

Record = dict[str, Any]
DIGESTS: Final[dict[str, Callable[[bytes], Any]]] = {
    "sha": hashlib.sha1,
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
}
PROPERTIES: Final = (
    "id", "data:asText", "data:asBase64", "data", "size", *(f"digest:{name}" for name in DIGESTS),
)  # fmt: skip
DEFAULT: Final = ("id", "data", "size")
TYPES: Final = ("Mailbox", "Thread", "Email", "ContactCard")
SOURCES_MAX: Final = 64
"""maxDataSources: parts that one upload is put together from."""


class BlobGet(a.Get):
    offset: a.Unsigned | None = None
    length: a.Unsigned | None = None


class BlobUpload(a.Arguments):
    create: dict[a.Id, a.Record]


class BlobLookup(a.Arguments):
    ids: list[a.Id]
    type_names: list[str]


async def get_blobs(context: Context, args: BlobGet) -> Record:
    if args.ids is None:
        raise MethodError("invalidArguments", "name the ids of blobs")
    limit = context.services.limits.get_max
    if len(args.ids) > limit:
        raise MethodError("requestTooLarge", f"at most {limit} ids in one call (maxObjectsInGet)")
    properties = wanted_properties(args.properties or list(DEFAULT), PROPERTIES)
    listed: list[Record] = []
    missing: list[str] = []
    for text in dict.fromkeys(args.ids):
        name = ids.try_blob(context.deref(text))
        content = None if name is None else await read_blob(context, name)
        if content is None:
            missing.append(text)
        else:
            listed.append(_record(context, text, content, args, properties))
    return {"accountId": args.account_id, "list": listed, "notFound": missing}


def _record(context: Context, text: str, content: bytes, args: BlobGet, properties: list[str]) -> Record:
    """RFC 9404 §4.2: data and digests are of the range."""
    start = args.offset or 0
    stop = len(content) if args.length is None else start + args.length
    part = content[start:stop]
    found: Record = {"id": text}
    if start > len(content) or stop > len(content):
        found["isTruncated"] = True
    for name in properties:
        if name.startswith("digest:"):
            digest = DIGESTS[name.removeprefix("digest:")](part).digest()
            found[name] = base64.b64encode(digest).decode()
        elif name == "size":
            found["size"] = len(content)
        elif name.startswith("data"):
            context.spend(len(part))
            _add_data(found, name, part)
    return found


def _add_data(found: Record, name: str, part: bytes) -> None:
    try:
        text: str | None = part.decode("utf-8")
    except UnicodeDecodeError:
        text = None
        if name != "data:asBase64":
            found["isEncodingProblem"] = True
    match name:
        case "data:asText":
            found[name] = text
        case "data:asBase64":
            found[name] = base64.b64encode(part).decode()
        case _ if text is not None:
            found["data:asText"] = text
        case _:
            found["data:asBase64"] = base64.b64encode(part).decode()


async def keep_upload(context: Context, keeper: Grant, data: bytes, kind: str) -> Upload:
    """`keeper`: with whose uploads.  Raises SetError."""
    writer = context.services.store.contents.writer()
    try:
        writer.write(data)
        await writer.drain()
        draft = await writer.finish()
    finally:
        writer.abort()
    try:
        return await context.services.keep_upload(keeper, draft, kind)
    except OverQuota as error:
        raise SetError("overQuota", "too many uploads wait to be used; use them, or wait a day") from error


async def upload_blobs(context: Context, args: BlobUpload) -> Record:
    context.grant.require(WRITE)
    limits = context.services.limits
    if len(args.create) > limits.set_max:
        raise MethodError("requestTooLarge", f"at most {limits.set_max} blobs in one call (maxObjectsInSet)")
    result = SetResult()

    async def create(key: str, record: Record) -> None:
        only_known(record, ("data", "type"))
        kind = record.get("type")
        if kind is not None and (not isinstance(kind, str) or len(kind) > 255 or not kind.isprintable()):
            raise invalid("type", "a media type is wanted")
        data = await _assembled(context, record.get("data"))
        made = await keep_upload(context, keeper_of(context.grant, context.home), data, kind or UNKNOWN_TYPE)
        number = ids.format_id(ids.UPLOAD, made.id)
        context.created[key] = number
        result.created[key] = {"id": number, "type": made.type, "size": made.size}

    await result.each(args.create.items(), create, result.not_created)
    answer = result.answer(args.account_id, None, "")
    return {name: answer[name] for name in ("accountId", "created", "notCreated")}


async def _assembled(context: Context, sources: Any) -> bytes:
    """RFC 9404 §4.1 DataSourceObjects, joined; raises SetError."""
    if not isinstance(sources, list):
        raise invalid("data", "an array of sources is wanted")
    if len(sources) > SOURCES_MAX:
        raise SetError("tooLarge", f"at most {SOURCES_MAX} sources of one blob")
    limit = context.services.limits.upload_max_bytes
    parts: list[bytes] = []
    size = 0
    for source in sources:
        part = await _source(context, source)
        size += len(part)
        if size > limit:
            raise SetError("tooLarge", f"at most {limit} bytes", maxSize=limit)
        parts.append(part)
    return b"".join(parts)


async def _source(context: Context, source: Any) -> bytes:
    if not isinstance(source, dict):
        raise invalid("data", "a source is an object")
    match source:
        case {"data:asText": str(text)} if len(source) == 1:
            return text.encode("utf-8", "replace")
        case {"data:asBase64": str(text)} if len(source) == 1:
            try:
                return base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                raise invalid("data", "this is no base64") from None
        case {"blobId": str(text)} if source.keys() <= {"blobId", "offset", "length"}:
            name = ids.try_blob(context.deref(text))
            content = None if name is None else await read_blob(context, name)
            if content is None:
                raise SetError("blobNotFound", "there is no such blob", notFound=[text])
            start, length = source.get("offset") or 0, source.get("length")
            if not is_unsigned(start) or not (length is None or is_unsigned(length)):
                raise invalid("data", "offset and length are numbers")
            stop = len(content) if length is None else start + length
            if start > len(content) or stop > len(content):
                raise invalid("data", "the range is not inside of the blob")
            return content[start:stop]
    raise invalid("data", "a source has data:asText, data:asBase64 or blobId")


async def lookup_blobs(context: Context, args: BlobLookup) -> Record:
    """RFC 9404 §4.3: which records hold a blob."""
    limit = context.services.limits.get_max
    if len(args.ids) > limit:
        raise MethodError("requestTooLarge", f"at most {limit} ids in one call (maxObjectsInGet)")
    if unknown := [name for name in args.type_names if name not in TYPES]:
        raise MethodError("unknownDataType", f"no blobs belong to {unknown[0][:100]!r}")
    listed: list[Record] = []
    missing: list[str] = []
    for text in dict.fromkeys(args.ids):
        name = ids.try_blob(context.deref(text))
        if name is None or await find(context, name) is None:
            missing.append(text)
            continue
        matched: dict[str, list[str]] = {kind: [] for kind in args.type_names}
        if name.kind == ids.PICTURE and "ContactCard" in matched:
            cards = await context.services.store.contacts.cards_with(context.account.id, name.number)
            matched["ContactCard"] = [ids.format_id(ids.CARD, card) for card in cards]
        if name.kind == ids.EMAIL:
            columns = ("thread",)
            read = await context.services.store.emails.get(context.account.id, [name.number], columns)
            [(message, thread)] = read.rows
            visible = await context.visible()
            known = {
                "Email": [ids.format_id(ids.EMAIL, message)],
                "Thread": [ids.format_id(ids.THREAD, thread)],
                "Mailbox": [
                    ids.format_id(ids.MAILBOX, box)
                    for box, _ in read.places[message]
                    if visible is None or box in visible
                ],
            }
            matched = {kind: known.get(kind, []) for kind in args.type_names}
        listed.append({"id": text, "matchedIds": matched})
    return {"accountId": args.account_id, "list": listed, "notFound": missing}
