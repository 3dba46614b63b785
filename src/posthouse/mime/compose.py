"""Building messages: letters, letters with files, delivery status notifications.  Bytes with CRLF come out.

Nothing is read from the surroundings: the caller gives the moment, the Message-ID and the boundary seed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, final

from posthouse.mime.address import format_mailbox
from posthouse.mime.charset import codec_name
from posthouse.mime.dates import format_date
from posthouse.mime.edit import encode_base64, encode_qp, header_end
from posthouse.mime.header import fold
from posthouse.mime.params import format_param
from posthouse.mime.words import encode_words

_EOL: Final = b"\r\n"
_MAX_LINE: Final = 998  # RFC 5322 §2.1.1

Person = tuple[str, str]
"""(display name or empty, address)"""


@final
@dataclass(slots=True)
class Attachment:
    filename: str
    content: bytes
    media_type: str = "application/octet-stream"
    content_id: str = ""
    inline: bool = False


@final
@dataclass(slots=True)
class Letter:
    """What a message says; `build` makes the bytes."""

    sender: Person
    to: list[Person] = field(default_factory=list)
    cc: list[Person] = field(default_factory=list)
    subject: str = ""
    text: str | None = None
    html: str | None = None
    charset: str = "utf-8"
    attachments: list[Attachment] = field(default_factory=list)
    reply_to: list[Person] = field(default_factory=list)
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    extra: list[tuple[str, str]] = field(default_factory=list)
    """Further fields, (name, readable text)."""


@final
class _Boundaries:
    """Boundaries made from the Message-ID: unguessable by the content only if the id is, so each is checked."""

    __slots__ = ("_count", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def next(self, bodies: list[bytes]) -> bytes:
        while True:
            self._count += 1
            digest = hashlib.sha256(f"{self._seed}/{self._count}".encode()).hexdigest()[:24]
            boundary = f"=_{digest}".encode("ascii")
            if not any(b"--" + boundary in body for body in bodies):
                return boundary


def build(letter: Letter, *, now: float, message_id: str, offset_minutes: int = 0) -> bytes:
    """The bytes of a letter.  `now`: seconds since the epoch; `message_id`: without brackets."""
    boundaries = _Boundaries(message_id)
    header = _people("From", [letter.sender])
    header += _people("To", letter.to) + _people("Cc", letter.cc) + _people("Reply-To", letter.reply_to)
    header += fold("Subject", encode_words(letter.subject)).encode("ascii")
    header += (
        f"Date: {format_date(now, offset_minutes=offset_minutes)}\r\nMessage-ID: <{message_id}>\r\n".encode()
    )
    if letter.in_reply_to:
        header += f"In-Reply-To: <{letter.in_reply_to}>\r\n".encode()
    if letter.references:
        header += fold("References", " ".join(f"<{one}>" for one in letter.references)).encode()
    for name, value in letter.extra:
        header += fold(name, encode_words(value)).encode("ascii")
    return header + b"MIME-Version: 1.0\r\n" + _content(letter, boundaries)


def _people(name: str, people: list[Person]) -> bytes:
    if not people:
        return b""
    return fold(name, ", ".join(format_mailbox(*person) for person in people)).encode("utf-8")


def _content(letter: Letter, boundaries: _Boundaries) -> bytes:
    """RFC 2046 §5.1.4 alternative inside RFC 2387 related inside §5.1.3 mixed, each only where needed."""
    bodies: list[bytes] = []
    if letter.text is not None or letter.html is None:
        bodies.append(text_part(letter.text or "", "plain", charset=letter.charset))
    if letter.html is not None:
        page = text_part(letter.html, "html", charset=letter.charset)
        inline = [_attachment(one) for one in letter.attachments if one.inline]
        bodies.append(
            multipart("related", [page, *inline], boundaries.next([page, *inline])) if inline else page
        )
    body = multipart("alternative", bodies, boundaries.next(bodies)) if len(bodies) > 1 else bodies[0]
    files = [_attachment(one) for one in letter.attachments if not (one.inline and letter.html is not None)]
    return multipart("mixed", [body, *files], boundaries.next([body, *files])) if files else body


def text_part(text: str, subtype: str, *, charset: str = "utf-8") -> bytes:
    """A text part with its header; encoding chosen by the content; text the charset cannot hold goes as UTF-8."""
    codec = codec_name(charset)
    if codec is None:
        codec = charset = "utf-8"
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        raw = normal.encode(codec)
        label = charset
    except (UnicodeError, LookupError):
        raw, label = normal.encode("utf-8", "replace"), "utf-8"
    if raw.isascii() and codec in ("utf-8", "ascii"):
        label = "us-ascii" if charset.lower() != "utf-8" else "utf-8"
    if raw.isascii() and max(map(len, raw.split(b"\n"))) <= 78 and b"\0" not in raw:
        encoding, body = b"7bit", raw.replace(b"\n", _EOL)
    elif sum(1 for byte in raw[:4096] if byte > 126) * 4 > min(len(raw), 4096):
        encoding, body = b"base64", encode_base64(raw.replace(b"\n", _EOL))
    else:
        encoding, body = b"quoted-printable", encode_qp(raw)
    return (
        b"Content-Type: text/%b; %b\r\nContent-Transfer-Encoding: %b\r\n\r\n"
        % (subtype.encode("ascii"), format_param("charset", label).encode("ascii"), encoding)
    ) + body


def _attachment(one: Attachment) -> bytes:
    kind = "inline" if one.inline else "attachment"
    name = format_param("filename", one.filename)
    header = fold("Content-Type", f"{one.media_type}; {_name_param(one.filename)}")
    header += fold("Content-Disposition", f"{kind}; {name}") + "Content-Transfer-Encoding: base64\r\n"
    if one.content_id:
        header += f"Content-ID: <{one.content_id}>\r\n"
    return header.encode("utf-8") + _EOL + encode_base64(one.content)


def _name_param(filename: str) -> str:
    """The old `name` parameter, as an encoded word where needed: some clients read nothing else."""
    if filename.isascii() and filename.isprintable():
        return format_param("name", filename)
    return f'name="{encode_words(filename)}"'


def multipart(subtype: str, parts: list[bytes], boundary: bytes, *, params: bytes = b"") -> bytes:
    """RFC 2046 §5.1.1: header and body of a multipart; each part brings its own header."""
    marker = b"--" + boundary
    header = b'Content-Type: multipart/%b;%b\r\n boundary="%b"\r\n\r\n' % (
        subtype.encode("ascii"),
        params,
        boundary,
    )
    joined = b"".join([marker + _EOL + part + _EOL for part in parts])
    return header + joined + marker + b"--\r\n"


@final
@dataclass(slots=True)
class RecipientStatus:
    """RFC 3464 §2.3: one recipient of a delivery status notification."""

    address: str
    action: str
    """failed, delayed, delivered, relayed or expanded"""
    status: str
    """x.y.z"""
    diagnostic: str = ""
    """What the other side said: `550 5.1.1 ...`."""
    original: str = ""
    """ORCPT as it was given: `rfc822;...`."""
    remote: str = ""
    attempted_at: float | None = None
    retry_until: float | None = None


@final
@dataclass(slots=True)
class Report:
    """RFC 3464: what a delivery status notification says."""

    reporting_mta: str
    sender: Person
    to: str
    subject: str
    text: str
    recipients: list[RecipientStatus]
    arrived: float | None = None
    envelope_id: str = ""
    received_from: str = ""
    extra: list[tuple[str, str]] = field(default_factory=list)


_RETURNED: Final = {
    (True, True): b"message/rfc822",
    (True, False): b"message/global",  # RFC 6533 §4.2, §4.3
    (False, True): b"text/rfc822-headers",
    (False, False): b"message/global-headers",
}


def build_report(report: Report, *, returned: bytes, whole: bool, now: float, message_id: str) -> bytes:
    """RFC 6522 §3 multipart/report: words for people, fields for machines, the message or its header.

    `returned`: the whole original message (`whole`), or its header block.
    """
    boundaries = _Boundaries(message_id)
    header = _people("From", [report.sender]) + _people("To", [("", report.to)])
    header += fold("Subject", encode_words(report.subject)).encode("ascii")
    header += f"Date: {format_date(now)}\r\nMessage-ID: <{message_id}>\r\n".encode()
    # RFC 3834 §5: answers by machines say so, so that no machine answers them
    header += b"Auto-Submitted: auto-replied\r\n"
    for name, value in report.extra:
        header += fold(name, encode_words(value)).encode("ascii")
    status = _status_part(report)
    ascii_header = returned[: header_end(returned)].isascii()
    kind = _RETURNED[whole, ascii_header]
    eight = b"Content-Transfer-Encoding: 8bit\r\n" if not returned.isascii() else b""
    original = b"Content-Type: %b\r\n%b\r\n%b" % (kind, eight, returned)
    parts = [text_part(report.text, "plain"), status, original]
    params = b" report-type=delivery-status;"
    return (
        header + b"MIME-Version: 1.0\r\n" + multipart("report", parts, boundaries.next(parts), params=params)
    )


def _status_part(report: Report) -> bytes:
    out = ""
    if report.envelope_id:
        out += f"Original-Envelope-Id: {_line(report.envelope_id)}\r\n"
    out += f"Reporting-MTA: dns; {report.reporting_mta}\r\n"
    if report.received_from:
        out += f"Received-From-MTA: dns; {_line(report.received_from)}\r\n"
    if report.arrived is not None:
        out += f"Arrival-Date: {format_date(report.arrived)}\r\n"
    for one in report.recipients:
        out += "\r\n"
        if one.original:
            out += f"Original-Recipient: {_line(one.original)}\r\n"
        address_type = "rfc822" if one.address.isascii() else "utf-8"
        out += f"Final-Recipient: {address_type}; {_line(one.address)}\r\n"
        out += f"Action: {one.action}\r\nStatus: {one.status}\r\n"
        if one.remote:
            out += f"Remote-MTA: dns; {_line(one.remote)}\r\n"
        if one.diagnostic:
            out += fold("Diagnostic-Code", f"smtp; {_line(one.diagnostic)}")
        if one.attempted_at is not None:
            out += f"Last-Attempt-Date: {format_date(one.attempted_at)}\r\n"
        if one.retry_until is not None:
            out += f"Will-Retry-Until: {format_date(one.retry_until)}\r\n"
    return machine_part("delivery-status", out)


def machine_part(kind: str, fields: str) -> bytes:
    """The part of a report for machines; RFC 6533 §4.1, §5: with UTF-8 in it, it is the internationalised form."""
    if fields.isascii():
        return f"Content-Type: message/{kind}\r\n\r\n{fields}".encode()
    head = f"Content-Type: message/global-{kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return (head + fields).encode("utf-8", "replace")


def _line(text: str) -> str:
    """One line of printable text: no field can be smuggled in."""
    return " ".join(text[:_MAX_LINE].split())
