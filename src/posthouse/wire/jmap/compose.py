"""A message out of an Email object (RFC 8621 §4.6).  Pure; the bytes of blobs are given.  Raises SetError."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, final

from posthouse.mime.dates import format_date
from posthouse.mime.edit import encode_base64, encode_qp, has_8bit
from posthouse.mime.header import fold
from posthouse.mime.params import format_param
from posthouse.mime.words import encode_words
from posthouse.wire.jmap.error import SetError, invalid
from posthouse.wire.jmap.header_form import HeaderProperty
from posthouse.wire.jmap.header_write import header_properties, written

Record = dict[str, Any]
PARTS_MAX: Final = 1000
DEPTH_MAX: Final = 20
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}")
_CID_BAD: Final = re.compile(r"[<>\s\x00-\x1f\x7f]")
_LINE_MAX: Final = 998
_PART_NAMES: Final = frozenset((
    "partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language", "location", "subParts",
))  # fmt: skip
_CONTENT_FIELDS: Final = {
    "content-type": "type",
    "content-disposition": "disposition",
    "content-id": "cid",
    "content-language": "language",
    "content-location": "location",
}


def blob_ids(record: Record) -> list[str]:
    """Blobs that the parts of an Email object name."""
    found: list[str] = []
    stack: list[Any] = [record.get("bodyStructure")]
    for name in ("textBody", "htmlBody", "attachments"):
        listed = record.get(name)
        stack += listed if isinstance(listed, list) else []
    while stack and len(found) <= PARTS_MAX:
        part = stack.pop()
        if isinstance(part, dict):
            if isinstance(part.get("blobId"), str):
                found.append(part["blobId"])
            inner = part.get("subParts")
            stack += inner if isinstance(inner, list) else []
    return list(dict.fromkeys(found))


@final
class Composer:
    """Makes one message."""

    def __init__(
        self, record: Record, blobs: Mapping[str, bytes], known: dict[str, HeaderProperty], *, seed: str
    ) -> None:
        """`known`: convenience properties that stand for header fields; `seed`: of boundaries."""
        self.record = record
        self.blobs = blobs
        self.known = known
        self.seed = seed
        self.values: Record = {}
        self._boundaries = 0
        self._parts = 0

    def message(self, *, now: float, message_id: str) -> bytes:
        """The bytes, with CRLF line ends; Date and Message-ID are added where they are missing."""
        record = self.record
        self.values = self._body_values()
        fields = header_properties(record, self.known)
        structure = self._structure()
        header: list[str] = []
        names = set()
        for name, one in fields.items():
            if one.name.startswith("content-"):
                raise invalid(name, "belongs to a body part")
            if one.name == "mime-version" or record[name] is None:
                continue
            names.add(one.name)
            header += written(one, name, record[name])
        if "date" not in names:
            header.append(fold("Date", format_date(now)))
        if "message-id" not in names:
            header.append(f"Message-ID: <{message_id}>\r\n")
        header.append("MIME-Version: 1.0\r\n")
        return "".join(header).encode("utf-8", "replace") + self._part(structure, "bodyStructure", 0)

    # --- what the parts are ---

    def _body_values(self) -> Record:
        values = self.record.get("bodyValues") or {}
        if not isinstance(values, dict):
            raise invalid("bodyValues", "an object is wanted")
        for one in values.values():
            if not isinstance(one, dict) or not isinstance(one.get("value"), str):
                raise invalid("bodyValues", "each is an object with a value")
            # RFC 8621 §4.6: what is broken or cut off must not become a message.
            if one.get("isEncodingProblem") or one.get("isTruncated"):
                raise invalid("bodyValues", "isEncodingProblem and isTruncated must be false")
            if unknown := one.keys() - {"value", "isEncodingProblem", "isTruncated"}:
                raise invalid("bodyValues", f"no such properties: {', '.join(unknown)[:100]}")
        return values

    def _structure(self) -> Record:
        record = self.record
        lists = [name for name in ("textBody", "htmlBody", "attachments") if record.get(name) is not None]
        structure = record.get("bodyStructure")
        if structure is not None:
            if lists:
                raise SetError(
                    "invalidProperties",
                    "give bodyStructure or lists of parts, not both",
                    ["bodyStructure", *lists],
                )
            if not isinstance(structure, dict):
                raise invalid("bodyStructure", "an object is wanted")
            return structure
        text = self._one_of("textBody", "text/plain")
        html = self._one_of("htmlBody", "text/html")
        files = record.get("attachments") or []
        if not isinstance(files, list) or not all(isinstance(one, dict) for one in files):
            raise invalid("attachments", "an array of parts is wanted")
        # RFC 8621 §4.6: a part that is shown inside of the page goes with it (RFC 2387).
        inline = [
            one for one in files if html is not None and one.get("cid") and one.get("disposition") == "inline"
        ]
        files = [{"disposition": "attachment", **one} for one in files if not any(one is i for i in inline)]
        if html is not None and inline:
            html = {"type": "multipart/related", "subParts": [html, *inline]}
        body: Record
        if text is not None and html is not None:
            body = {"type": "multipart/alternative", "subParts": [text, html]}
        else:
            body = text or html or {"type": "text/plain", "partId": ""}
        if body.get("partId") == "" and text is None and html is None:
            self.values = {**self.values, "": {"value": ""}}
            if files and not self.record.get("bodyValues"):
                return {"type": "multipart/mixed", "subParts": files} if len(files) > 1 else files[0]
        return {"type": "multipart/mixed", "subParts": [body, *files]} if files else body

    def _one_of(self, name: str, kind: str) -> Record | None:
        """RFC 8621 §4.6: exactly one part of this type."""
        listed = self.record.get(name)
        if listed is None:
            return None
        if not isinstance(listed, list) or len(listed) != 1 or not isinstance(listed[0], dict):
            raise invalid(name, "exactly one part is wanted")
        part = listed[0]
        if part.get("type", kind) != kind:
            raise invalid(name, f"the part must be {kind}")
        return {**part, "type": kind}

    # --- parts as bytes ---

    def _part(self, part: Any, where: str, depth: int) -> bytes:
        """Header and body."""
        if not isinstance(part, dict):
            raise invalid(where, "a part is an object")
        self._parts += 1
        if self._parts > PARTS_MAX or depth > DEPTH_MAX:
            raise invalid(where, f"more than {PARTS_MAX} parts, or deeper than {DEPTH_MAX}")
        self._check(part, where)
        own = header_properties(part, {})
        fields = [line for name, one in own.items() for line in written(one, name, part[name])]
        given = {one.name for one in own.values()}
        kind = part.get("type")
        if kind is None:
            kind = _default_type(part)
        if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
            raise invalid(f"{where}/type", "no media type")
        fields += self._described(part, where)
        if kind.lower().startswith("multipart/"):
            return self._multipart(part, where, depth, (kind, fields))
        body, encoding, params = self._leaf(part, kind.lower(), where)
        if part.get("name") and part.get("disposition") is None:
            params += f"; {_name_param(part['name'])}"
        if "content-type" not in given:
            fields.insert(0, fold("Content-Type", kind + params))
        fields.append(f"Content-Transfer-Encoding: {encoding}\r\n")
        return "".join(fields).encode("utf-8", "replace") + b"\r\n" + body

    def _check(self, part: Record, where: str) -> None:
        wrong = [name for name in part if name not in _PART_NAMES and not name.startswith("header:")]
        if wrong:
            raise SetError(
                "invalidProperties", f"{where}: no such properties: {wrong[0][:100]}", [f"{where}/{wrong[0]}"]
            )
        for name in part:
            field = name.split(":")[1].lower() if name.startswith("header:") else ""
            if field == "content-transfer-encoding":
                raise invalid(f"{where}/{name}", "the server chooses the encoding")
            if field in _CONTENT_FIELDS and part.get(_CONTENT_FIELDS[field]) is not None:
                raise SetError(
                    "invalidProperties", f"{name} and {_CONTENT_FIELDS[field]} are the same field",
                    [f"{where}/{name}", f"{where}/{_CONTENT_FIELDS[field]}"],
                )  # fmt: skip
        for name in ("partId", "blobId", "name", "disposition", "cid", "location", "charset"):
            if part.get(name) is not None and not isinstance(part[name], str):
                raise invalid(f"{where}/{name}", "a string is wanted")

    def _described(self, part: Record, where: str) -> list[str]:
        fields: list[str] = []
        if (disposition := part.get("disposition")) is not None:
            if not _TOKEN.fullmatch(disposition):
                raise invalid(f"{where}/disposition", "no disposition")
            name = f"; {format_param('filename', part['name'])}" if part.get("name") else ""
            fields.append(fold("Content-Disposition", disposition + name))
        if (cid := part.get("cid")) is not None:
            if not cid or _CID_BAD.search(cid):
                raise invalid(f"{where}/cid", "a content id without brackets and blanks is wanted")
            fields.append(f"Content-ID: <{cid}>\r\n")
        if (tags := part.get("language")) is not None:
            if not isinstance(tags, list) or not all(
                isinstance(tag, str) and _TOKEN.fullmatch(tag) for tag in tags
            ):
                raise invalid(f"{where}/language", "an array of language tags is wanted")
            fields.append(fold("Content-Language", ", ".join(tags)))
        if (place := part.get("location")) is not None:
            if _CID_BAD.search(place):
                raise invalid(f"{where}/location", "a URI is wanted")
            fields.append(fold("Content-Location", place))
        return fields

    def _multipart(self, part: Record, where: str, depth: int, head: tuple[str, list[str]]) -> bytes:
        inner = part.get("subParts")
        if not isinstance(inner, list) or not inner:
            raise invalid(f"{where}/subParts", "a multipart has parts")
        if part.get("partId") is not None or part.get("blobId") is not None:
            raise invalid(f"{where}/partId", "a multipart has parts, not content")
        bodies = [self._part(one, f"{where}/subParts/{at}", depth + 1) for at, one in enumerate(inner)]
        boundary = self._boundary(bodies)
        kind, fields = head
        fields.insert(0, f'Content-Type: {kind};\r\n boundary="{boundary}"\r\n')
        marker = b"--" + boundary.encode()
        joined = b"".join([marker + b"\r\n" + body + b"\r\n" for body in bodies])
        return "".join(fields).encode("utf-8", "replace") + b"\r\n" + joined + marker + b"--\r\n"

    def _boundary(self, bodies: list[bytes]) -> str:
        while True:
            self._boundaries += 1
            digest = hashlib.sha256(f"{self.seed}/{self._boundaries}".encode()).hexdigest()[:24]
            if not any(f"--=_{digest}".encode() in body for body in bodies):
                return f"=_{digest}"

    def _leaf(self, part: Record, kind: str, where: str) -> tuple[bytes, str, str]:
        """Encoded body, its encoding, parameters of the type."""
        number, blob = part.get("partId"), part.get("blobId")
        if (number is None) == (blob is None):
            raise SetError(
                "invalidProperties", f"{where}: give partId or blobId", [f"{where}/partId", f"{where}/blobId"]
            )
        if part.get("subParts"):
            raise invalid(f"{where}/subParts", "only multiparts have parts")
        if number is not None:
            if number not in self.values:
                raise invalid(f"{where}/partId", "bodyValues has no such part")
            # RFC 8621 §4.6: with partId the server chooses the charset.
            if part.get("charset") is not None:
                raise invalid(f"{where}/charset", "must not be given with partId")
            if not kind.startswith("text/"):
                raise invalid(f"{where}/type", "with partId it must be text")
            return (*_encode_text(self.values[number]["value"]), "; charset=utf-8")
        charset = part.get("charset")
        params = f"; {format_param('charset', charset)}" if charset else ""
        return (*_encode_blob(self.blobs[blob], kind), params)  # type: ignore[index]


def _default_type(part: Record) -> str:
    if part.get("subParts"):
        return "multipart/mixed"
    return "text/plain" if "partId" in part else "application/octet-stream"


def _encode_text(text: str) -> tuple[bytes, str]:
    raw = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    if raw.isascii() and b"\0" not in raw and max(map(len, raw.split(b"\n"))) <= 78:
        return raw.replace(b"\n", b"\r\n"), "7bit"
    if sum(1 for byte in raw[:4096] if byte > 126) * 4 > min(len(raw), 4096):
        return encode_base64(raw.replace(b"\n", b"\r\n")), "base64"
    return encode_qp(raw), "quoted-printable"


def _encode_blob(raw: bytes, kind: str) -> tuple[bytes, str]:
    if kind in ("message/rfc822", "message/global"):
        # RFC 2046 §5.2.1: no encoding of a message inside but 7bit, 8bit, binary.
        return raw, "8bit" if has_8bit(raw) else "7bit"
    if kind.startswith("text/") and raw.isascii() and b"\0" not in raw:
        lines = raw.split(b"\n")
        clean = all(line.endswith(b"\r") for line in lines[:-1]) and raw.count(b"\r") == len(lines) - 1
        if clean and max(map(len, lines)) <= 78:
            return raw, "7bit"
    return encode_base64(raw), "base64"


def _name_param(name: str) -> str:
    """The old `name` parameter, as an encoded word where needed: some clients read nothing else."""
    if name.isascii() and name.isprintable():
        return format_param("name", name)
    return f'name="{encode_words(name)}"'
