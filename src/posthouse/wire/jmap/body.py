"""Body parts of RFC 8621 §4.1.4: the structure, what is shown as text or as HTML, what is attached, and the values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from posthouse.mime.charset import codec_name, decode_bytes
from posthouse.mime.header import header_text
from posthouse.mime.params import param
from posthouse.mime.scan import MAX_HEADER, MULTIPART, Part
from posthouse.mime.section import decode_transfer, is_decodable
from posthouse.wire.jmap.header_form import raw_form, read_property, text_form, try_property
from posthouse.wire.jmap.ids import BlobName

BODY_PROPERTIES: Final = (
    "partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language", "location",
)  # fmt: skip
ALL_PROPERTIES: Final = (*BODY_PROPERTIES, "headers", "subParts")
_FIELD: Final = re.compile(r"^([^:\x00-\x20\x7f]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_NAME_END: Final = re.compile(rb"[;\"\r\n]")
_INLINE_TYPES: Final = ("image/", "audio/", "video/")
_MISSING_UTF8: Final = "\ufffd"


def raw_fields(block: bytes) -> list[tuple[str, str]]:
    """(name, raw value) of a header block: with the blank after the colon, without the last line end."""
    fields: list[tuple[str, str]] = _FIELD.findall(header_text(block[:MAX_HEADER]))
    return [(_told(name), value) for name, value in fields]


@final
class BodyPart:
    """One part of a message; `id` is None for multiparts."""

    __slots__ = ("blob", "content", "id", "parts", "raw", "source")

    def __init__(self, source: Part, content: bytes, number: str | None, blob: BlobName) -> None:
        self.source = source
        self.content = content
        self.id = number
        self.blob = blob
        self.parts: list[BodyPart] = []
        self.raw: bytes | None = None

    @property
    def is_multipart(self) -> bool:
        """One in which no part was found is what a reader sees of it: text."""
        return self.source.kind == MULTIPART and bool(self.source.children)

    @property
    def is_bare(self) -> bool:
        return self.source.kind == MULTIPART and not self.source.children

    @property
    def type(self) -> str:
        return "text/plain" if self.is_bare else _told(self.source.media_type)

    @property
    def disposition(self) -> str | None:
        found = self.source.disposition
        return _told(found.lower()) if found else None

    @property
    def name(self) -> str | None:
        found = self.source.filename
        return text_form(self._with_blanks(found)) if found else None

    def _with_blanks(self, name: str) -> str:
        """quirk(many senders): a name with blanks and without quotes, of which the grammar has the first word."""
        head = self.content[self.source.header_start : self.source.body_start][:MAX_HEADER]
        start = b"name=" + name.encode("utf-8", "surrogateescape") + b" "
        at = head.find(start)
        if at < 0:
            return name
        return header_text(_NAME_END.split(head[at + len(b"name=") :], maxsplit=1)[0]).strip()

    @property
    def is_text(self) -> bool:
        return self.is_bare or self.source.maintype.lower() == "text"

    def decoded(self) -> bytes:
        """Without the transfer encoding."""
        if self.raw is None:
            source = self.source
            self.raw = decode_transfer(self.content[source.body_start : source.body_end], source.encoding)
        return self.raw

    @property
    def charset(self) -> str | None:
        found = param(self.source.params, "charset")
        if found is not None and (self.is_text or not self.source.typed):
            return text_form(found)
        if self.is_text:
            return "us-ascii"
        return text_form(found) if found else None

    def fields(self) -> list[tuple[str, str]]:
        return raw_fields(self.content[self.source.header_start : self.source.body_start])

    def record(self, properties: Sequence[str], *, deep: bool = True) -> dict[str, Any]:
        """`deep`: with the parts in it."""
        found: dict[str, Any] = {}
        for name in properties:
            if name == "subParts":
                continue
            found[name] = self._property(name)
        if deep and self.is_multipart:
            found["subParts"] = [part.record(properties) for part in self.parts]
        return found

    def _property(self, name: str) -> Any:
        source = self.source
        match name:
            case "partId":
                return self.id
            case "blobId":
                if self.is_multipart:
                    return None
                return self.blob.part(source.body_start, source.size, source.encoding)
            case "size":
                encoded = (source.encoding or "").lower() in ("base64", "quoted-printable")
                return len(self.decoded()) if encoded and not self.is_multipart else source.size
            case "name":
                return self.name
            case "type":
                return self.type
            case "charset":
                return self.charset
            case "disposition":
                return self.disposition
            case "cid":
                return (text_form(source.content_id).strip("<> ") or None) if source.content_id else None
            case "language":
                return [_told(one) for one in source.language] or None
            case "location":
                return text_form(source.location) if source.location else None
            case "headers":
                return [{"name": key, "value": raw_form(value)} for key, value in self.fields()]
        wanted = try_property(name)
        if wanted is None:
            return None
        values = [value for key, value in self.fields() if key.lower() == wanted.name]
        return read_property(wanted, values)

    def value(self, max_bytes: int) -> dict[str, Any]:
        """RFC 8621 §4.1.4 EmailBodyValue; `max_bytes` 0: all of it."""
        raw = self.decoded()
        label = self.charset or ""
        text = decode_bytes(raw, label)
        problem = not is_decodable(self.source.encoding) or _badly_decoded(raw, label, text)
        text = text.replace("\r\n", "\n").replace("\0", "")
        if not text.isascii():
            text = text.encode("utf-8", "replace").decode() if not _encodable(text) else text
        cut = truncate(text, max_bytes, html=self.type == "text/html") if max_bytes else text
        return {"value": cut, "isEncodingProblem": problem, "isTruncated": len(cut) < len(text)}


def _told(text: str) -> str:
    """What JSON can hold: bytes of a header that are no text are surrogates here."""
    return text if text.isascii() else text_form(text)


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _badly_decoded(raw: bytes, label: str, text: str) -> bool:
    """Malformed sections were found, or the charset is unknown."""
    if raw.isascii() and "\ufffd" not in text:
        return codec_name(label) is None and bool(label)
    name = codec_name(label)
    if name is None or name == "ascii":
        return True
    try:
        raw.decode(name)
    except (UnicodeError, ValueError):
        return True
    return False


def truncate(text: str, max_bytes: int, *, html: bool) -> str:
    """RFC 8621 §4.2 maxBodyValueBytes: whole characters, and of HTML no half tag at the end."""
    raw = text.encode("utf-8")
    if len(raw) <= max_bytes:
        return text
    cut = raw[:max_bytes].decode("utf-8", "ignore")
    if html:
        opening = cut.rfind("<")
        if opening > cut.rfind(">"):
            cut = cut[:opening]
    return cut


@final
class Body:
    """The parts of one message (`scan`), sorted as RFC 8621 §4.1.4 suggests."""

    __slots__ = ("attachments", "by_id", "html", "root", "text")

    def __init__(self, root: Part, content: bytes, blob: BlobName) -> None:
        self.by_id: dict[str, BodyPart] = {}
        self.root = self._build(root, content, blob)
        text: list[BodyPart] = []
        html: list[BodyPart] = []
        self.attachments: list[BodyPart] = []
        _sort([self.root], "mixed", _Lists(text, html, self.attachments), inside=False)
        self.text, self.html = text, html

    def _build(self, root: Part, content: bytes, blob: BlobName) -> BodyPart:
        count = 0

        def make(source: Part) -> BodyPart:
            nonlocal count
            if source.kind == MULTIPART and source.children:
                part = BodyPart(source, content, None, blob)
                part.parts = [make(child) for child in source.children]
                return part
            count += 1
            part = BodyPart(source, content, str(count), blob)
            self.by_id[str(count)] = part
            return part

        return make(root)

    @property
    def has_attachment(self) -> bool:
        return any(part.disposition != "inline" for part in self.attachments)


@final
class _Lists:
    __slots__ = ("attachments", "html", "text")

    def __init__(
        self, text: list[BodyPart] | None, html: list[BodyPart] | None, attachments: list[BodyPart]
    ) -> None:
        self.text = text
        self.html = html
        self.attachments = attachments


def _is_inline(part: BodyPart, index: int, parent: str) -> bool:
    media = part.type.startswith(_INLINE_TYPES)
    if part.disposition == "attachment" or not (part.type in ("text/plain", "text/html") or media):
        return False
    # RFC 8621 §4.1.4: of multipart/related the first is shown; a text with a name that is not first is a file.
    return index == 0 or (parent != "related" and (media or not part.name))


def _sort(parts: list[BodyPart], parent: str, lists: _Lists, *, inside: bool) -> None:
    """RFC 8621 §4.1.4: the algorithm it suggests; `inside`: of a multipart/alternative."""
    before = (len(lists.text or ()), len(lists.html or ()))
    for index, part in enumerate(parts):
        if part.is_multipart:
            subtype = part.source.subtype.lower()
            below = _Lists(lists.text, lists.html, lists.attachments)
            _sort(part.parts, subtype, below, inside=inside or subtype == "alternative")
        elif not _is_inline(part, index, parent):
            lists.attachments.append(part)
        elif parent == "alternative":
            target = {"text/plain": lists.text, "text/html": lists.html}.get(part.type)
            (lists.attachments if target is None else target).append(part)
        else:
            if inside:
                if part.type == "text/plain":
                    lists.html = None
                if part.type == "text/html":
                    lists.text = None
            for target in (lists.text, lists.html):
                if target is not None:
                    target.append(part)
            if (lists.text is None or lists.html is None) and part.type.startswith(_INLINE_TYPES):
                lists.attachments.append(part)
    if parent == "alternative" and lists.text is not None and lists.html is not None:
        # RFC 8621 §4.1.4: only one of the two was found, so it serves for both.
        if len(lists.text) == before[0] and len(lists.html) != before[1]:
            lists.text += lists.html[before[1] :]
        elif len(lists.html) == before[1] and len(lists.text) != before[0]:
            lists.html += lists.text[before[0] :]
