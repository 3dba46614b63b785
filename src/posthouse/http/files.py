"""What signed links lead to: a PDF for the browser's own viewer, or all files of a letter as one archive."""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from posthouse.core.errors import MailError, NotFound
from posthouse.core.ids import AccountId
from posthouse.http.door import try_number
from posthouse.mime.params import format_param
from posthouse.mime.scan import scan
from posthouse.services.file_links import PATH
from posthouse.services.grant import of_password
from posthouse.sessions.jmap import blob_read
from posthouse.sessions.jmap.context import Context
from posthouse.sessions.jmap.services import JmapServices
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.body import Body, BodyPart

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
# The viewer is the browser's; what the file holds may fetch nothing, and be framed by our own page only.
_PDF_POLICY: Final = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]+')
NAME_MAX: Final = 120
PDF_WITHIN: Final = 1024
"""Where the mark of a PDF must begin."""


def file_routes(services: JmapServices) -> list[BaseRoute]:
    async def file(request: Request) -> Response:
        given = request.path_params
        kind, text = given["kind"], given["name"]
        name = ids.try_blob(text)
        try:
            number, until = try_number(given["account"]), try_number(given["until"])
            if number is None or until is None:
                raise NotFound
            account = await services.links.check(AccountId(number), until, given["mac"], kind, text)
            context = Context(services, of_password(account), (), {})
            if name is None:
                raise NotFound
            return await (_pdf(context, name) if kind == "pdf" else _archive(context, name))
        except NotFound:
            return _refused(404, "This link is not good, or no longer. Open the letter again.")
        except MailError:
            return _refused(503, "The store is away at the moment. Try again shortly.")

    return [Route(f"{PATH}/{{account:str}}/{{until:str}}/{{mac:str}}/{{kind:str}}/{{name:str}}", file)]


def _refused(status: int, text: str) -> Response:
    return PlainTextResponse(text + "\n", status, headers=_HEADERS)


async def _pdf(context: Context, name: ids.BlobName) -> Response:
    content = await blob_read.read_blob(context, name)
    if content is None:
        raise NotFound
    if b"%PDF-" not in content[:PDF_WITHIN]:
        return _refused(415, "That is no PDF.")
    headers = {**_HEADERS, "Content-Security-Policy": _PDF_POLICY, "Content-Disposition": "inline"}
    return Response(content, media_type="application/pdf", headers=headers)


async def _archive(context: Context, name: ids.BlobName) -> Response:
    content = await blob_read.read_blob(context, name)
    if content is None:
        raise NotFound
    body = await asyncio.to_thread(lambda: Body(scan(content), content, name))
    headers = {
        **_HEADERS,
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": f"attachment; {format_param('filename', f'{name}.zip')}",
    }
    return StreamingResponse(_packed(body.attachments), media_type="application/zip", headers=headers)


class _Sink:
    """What the archive writes to: a stream that cannot go back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        data, self._parts = b"".join(self._parts), []
        return data


async def _packed(parts: list[BodyPart]) -> AsyncIterator[bytes]:
    """Stored, not deflated: what is attached is mostly packed already.  One file at a time, in a thread."""
    sink = _Sink()
    archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED)  # type: ignore[call-overload]
    taken: set[str] = set()
    for number, part in enumerate(parts, 1):
        await asyncio.to_thread(_add, archive, _entry(part.name, number, taken), part)
        yield sink.take()
    archive.close()
    yield sink.take()


def _add(archive: zipfile.ZipFile, name: str, part: BodyPart) -> None:
    archive.writestr(zipfile.ZipInfo(name), part.decoded())


def _entry(name: str | None, number: int, taken: set[str]) -> str:
    """A name that leads nowhere and is there once."""
    plain = _UNSAFE.sub("_", name or "").strip(" .") or f"file-{number}"
    stem, dot, suffix = plain[-NAME_MAX:].rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem else (suffix, "")
    found, again = stem + suffix, 1
    while found.casefold() in taken:
        again += 1
        found = f"{stem} ({again}){suffix}"
    taken.add(found.casefold())
    return found
