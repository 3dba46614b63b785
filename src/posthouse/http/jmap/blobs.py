"""Upload and download (RFC 8620 §6)."""

from __future__ import annotations

import binascii
import re
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from posthouse.core.errors import NotFound
from posthouse.mime.params import format_param
from posthouse.services.grant import Grant
from posthouse.sessions.jmap import blob_read
from posthouse.sessions.jmap.context import Context
from posthouse.sessions.jmap.services import JmapServices
from posthouse.storage.content_ports import Content
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import RequestProblem

from .answer import CORS, json_response, not_found

_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(?:;[ -~]{0,200})?")
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
OCTETS: Final = "application/octet-stream"
STREAM_FROM_BYTES: Final = 1 << 20
"""Parts in base64 longer than this are decoded as they are sent."""


def media_type(text: str | None) -> str:
    return text if text and _MEDIA_TYPE.fullmatch(text) else OCTETS


async def upload(services: JmapServices, grant: Grant, request: Request, *, keeper: Grant) -> Response:
    """`keeper`: with whose uploads it is kept.  Raises RequestProblem, OverQuota, Unavailable."""
    limits = services.limits
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limits.upload_max_bytes:
        raise _too_large(limits.upload_max_bytes)
    writer = services.store.contents.stream()
    try:
        async for chunk in request.stream():
            writer.write(chunk)
            if writer.size > limits.upload_max_bytes:
                raise _too_large(limits.upload_max_bytes)
            if writer.must_drain:
                await writer.drain()
        draft = await writer.finish()
    finally:
        writer.abort()
    made = await services.keep_upload(keeper, draft, media_type(request.headers.get("content-type")))
    answer = {
        "accountId": ids.format_id(ids.ACCOUNT, grant.account.id),
        "blobId": ids.format_id(ids.UPLOAD, made.id),
        "type": made.type,
        "size": made.size,
    }
    return json_response(answer, 201)


def _too_large(limit: int) -> RequestProblem:
    return RequestProblem("limit", f"at most {limit} bytes in one upload", limit="maxSizeUpload")


async def download(services: JmapServices, grant: Grant, request: Request, *, home: Grant) -> Response:
    """RFC 8620 §6.2; a range of bytes is served too (RFC 9110 §14)."""
    name = ids.try_blob(request.path_params["blob_id"])
    if name is None:
        return not_found("There is no such blob.")
    context = Context(services, grant, (), {})
    context.home = home
    stored = await blob_read.find(context, name)
    if stored is None:
        return not_found("There is no such blob.")
    headers = _headers(request, media_type(request.query_params.get("accept")))
    content: Content | None = stored.content
    start, stop = 0, stored.size
    if name.steps:
        start, length, letter = name.steps[0]
        stop = start + length
        if stop > stored.size:
            return not_found("There is no such blob.")
        if (
            len(name.steps) == 1
            and letter == "b"
            and length > STREAM_FROM_BYTES
            and "range" not in request.headers
        ):
            return StreamingResponse(_decoded(stored.content, start, stop), 200, headers)
        if len(name.steps) > 1 or letter != "n":
            content = await blob_read.read_blob(context, name)
            if content is None:
                return not_found("There is no such blob.")
            start, stop = 0, len(content)
    return _ranged(content, start, stop, request, headers)


def _headers(request: Request, kind: str) -> dict[str, str]:
    name = request.path_params["name"][:255].replace("\r", " ").replace("\n", " ")
    return {
        **CORS,
        "Content-Type": kind,
        "Content-Disposition": f"attachment; {format_param('filename', name)}",
        # RFC 8620 §6.2: what a blob id names never changes.
        "Cache-Control": "private, immutable, max-age=31536000",
        "ETag": f'"{request.path_params["blob_id"]}"',
        "Accept-Ranges": "bytes",
        # What somebody mailed is shown as a file, never run as a page of ours.
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def _ranged(
    content: Content | None, start: int, stop: int, request: Request, headers: dict[str, str]
) -> Response:
    if content is None:
        raise NotFound
    size, status = stop - start, 200
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if match := _RANGE.fullmatch(request.headers.get("range", "")):
        span = _span(match[1], match[2], size)
        if span is None:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        first, last = span
        headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
        start, stop, status = start + first, start + last, 206
    headers["Content-Length"] = str(stop - start)
    if isinstance(content, bytes):
        return Response(content[start:stop], status, headers)
    return StreamingResponse(content.chunks(start, stop), status, headers)


def _span(first: str, last: str, size: int) -> tuple[int, int] | None:
    """RFC 9110 §14.1.2: a range with its end exclusive; None: it cannot be satisfied."""
    if not first:
        if not last or not int(last) or not size:
            return None
        return max(0, size - int(last)), size
    start = int(first)
    end = int(last) + 1 if last else size
    return (start, min(end, size)) if start < min(end, size) else None


async def _decoded(content: Content, start: int, stop: int) -> AsyncIterator[bytes]:
    """Base64 piece by piece; what is no base64 is skipped, what follows padding begins anew."""
    rest = b""
    async for piece in blob_read.pieces(content, start, stop):
        *ended, open_ = (rest + piece).split(b"=")
        for stretch in ended:
            if stretch:
                yield _stretch(_NOT_BASE64.sub(b"", stretch))
        clean = _NOT_BASE64.sub(b"", open_)
        whole = len(clean) - len(clean) % 4
        rest = clean[whole:]
        if whole:
            yield binascii.a2b_base64(clean[:whole])
    if rest:
        yield _stretch(rest)


def _stretch(clean: bytes) -> bytes:
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
