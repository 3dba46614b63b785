"""What is computed once, at delivery, and stored with a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from posthouse.mime.dates import parse_date
from posthouse.mime.envelope import envelope_text, first_mailbox
from posthouse.mime.header import Header, header_bytes
from posthouse.mime.layout import pack_layout
from posthouse.mime.preview import preview_of
from posthouse.mime.scan import LEAF, MAX_HEADER, MESSAGE, MULTIPART, Data, Part, scan_with_header
from posthouse.mime.structure import structure_texts
from posthouse.mime.threads import MAX_SUBJECT, base_subject, message_id, references
from posthouse.mime.words import decode_words

HEADER_FIELDS: Final = (
    "date", "from", "to", "cc", "bcc", "subject", "sender", "reply-to", "message-id", "in-reply-to", "references",
    "content-type", "content-transfer-encoding", "mime-version", "list-id", "list-post", "list-unsubscribe",
    "list-unsubscribe-post", "list-help", "list-archive", "list-subscribe", "x-priority", "importance", "priority",
    "precedence", "auto-submitted", "disposition-notification-to", "newsgroups", "followup-to", "x-mailer",
    "user-agent", "x-spam-flag", "x-spam-status", "delivered-to", "return-path", "resent-date", "resent-from",
    "x-original-to", "x-uniform-type-identifier", "x-universally-unique-identifier",
)  # fmt: skip
"""Fields kept in `MessageFacts.header_fields`: FETCH of any of these needs no message bytes.

Their numbers are stored with messages (`kept`): new ones are added at the end, none is removed."""

KEPT_FIELDS: Final = frozenset(name.upper().encode("ascii") for name in HEADER_FIELDS)
"""The same in the form of `section.Section.names`."""

MAX_HEADER_FIELDS: Final = 32 * 1024
"""Octets of `header_fields`; a message with more keeps none, and FETCH reads the message."""

MAX_SORT_KEY: Final = 255

_KEPT: Final = frozenset(HEADER_FIELDS)


@final
@dataclass(slots=True)
class MessageFacts:
    size: int
    header_size: int
    """Octets of the header with its blank line."""
    envelope: bytes
    """IMAP wire form of ENVELOPE, parentheses included; 7-bit, with literals for 8-bit values."""
    bodystructure: bytes
    body: bytes
    preview: str
    message_id: str
    """Without brackets; empty when there is none."""
    references: tuple[str, ...]
    """Ids of earlier messages, oldest first, without brackets."""
    subject: str
    base_subject: str
    sort_from: str
    sort_to: str
    sort_cc: str
    sent_at: float | None
    """Seconds since the epoch, from the Date field."""
    has_attachment: bool
    header_fields: bytes
    """The fields of `HEADER_FIELDS` as they stand in the message, in its order; empty when too large."""
    layout: bytes
    """`layout.unpack_layout` makes the part tree of it."""
    is_report: bool
    """It says what became of another letter (RFC 6522)."""


def facts_of(data: Data) -> MessageFacts:
    """Read a whole message once.  Never raises on content."""
    root, header = scan_with_header(data)
    body, extended = structure_texts(data, root)
    subject = decode_words((header.first("subject") or "")[: MAX_SUBJECT * 4])[:MAX_SUBJECT]
    date = header.first("date")
    return MessageFacts(
        size=len(data),
        header_size=root.body_start,
        envelope=header_bytes(envelope_text(header)),
        bodystructure=header_bytes(extended),
        body=header_bytes(body),
        preview=preview_of(data, root),
        message_id=_kept_id(message_id(header)),
        references=tuple(map(_kept_id, references(header))),
        subject=subject,
        base_subject=base_subject(subject),
        sort_from=_sort_key(header, "from"),
        sort_to=_sort_key(header, "to"),
        sort_cc=_sort_key(header, "cc"),
        sent_at=parse_date(date) if date else None,
        has_attachment=has_attachment(root),
        header_fields=_kept_fields(header, root),
        layout=pack_layout(root),
        is_report=root.media_type == "multipart/report",
    )


def _kept_id(name: str) -> str:
    """Bytes that are no UTF-8 have no place in a database; the same id is the same text all the same."""
    return name if name.isascii() else name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _kept_fields(header: Header, root: Part) -> bytes:
    if root.body_start > MAX_HEADER:
        return b""
    kept = header_bytes("".join([field for field, name, _ in header.lines if name.lower() in _KEPT]))
    return kept if len(kept) <= MAX_HEADER_FIELDS else b""


def _sort_key(header: Header, name: str) -> str:
    """RFC 5256 §3: the mailbox of the first address, folded to upper case."""
    return first_mailbox(header, name).upper()[:MAX_SORT_KEY].encode("utf-8", "replace").decode("utf-8")


def has_attachment(root: Part) -> bool:
    """Whether a person would say the message carries a file."""
    stack = [(root, "")]
    while stack:
        part, parent = stack.pop()
        if part.kind == MULTIPART:
            stack.extend((child, part.subtype.lower()) for child in part.children)
        elif _is_attachment(part, parent):
            return True
    return False


def _is_attachment(part: Part, parent: str) -> bool:
    disposition = (part.disposition or "").lower()
    if disposition == "attachment":
        return parent != "signed" or part.subtype.lower() not in (
            "pgp-signature",
            "pkcs7-signature",
            "x-pkcs7-signature",
        )
    if part.kind == MESSAGE:
        return parent not in ("report", "digest")
    if parent in ("related", "signed", "report", "encrypted", "alternative"):
        return False
    if part.kind == LEAF and part.maintype.lower() != "text":
        return True
    return disposition != "inline" and part.filename is not None
