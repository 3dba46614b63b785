"""Properties of an Email: where each comes from, and how it is read (RFC 8621 §4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from posthouse.core.flags import ANSWERED, DRAFT, FIRST_KEYWORD_BIT, FLAGGED, SEEN
from posthouse.mime.facts import HEADER_FIELDS, has_attachment
from posthouse.mime.preview import preview_of
from posthouse.mime.scan import scan
from posthouse.wire.jmap.body import ALL_PROPERTIES, BODY_PROPERTIES, Body, BodyPart, raw_fields
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.header_form import HeaderProperty, raw_form, read_property, try_property
from posthouse.wire.jmap.ids import EMAIL, MAILBOX, THREAD, BlobName, format_id
from posthouse.wire.jmap.value import format_utc

Record = dict[str, Any]

HEADER_PROPERTIES: Final[dict[str, HeaderProperty]] = {
    "messageId": HeaderProperty("message-id", "Message-ID", "MessageIds"),
    "inReplyTo": HeaderProperty("in-reply-to", "In-Reply-To", "MessageIds"),
    "references": HeaderProperty("references", "References", "MessageIds"),
    "sender": HeaderProperty("sender", "Sender", "Addresses"),
    "from": HeaderProperty("from", "From", "Addresses"),
    "to": HeaderProperty("to", "To", "Addresses"),
    "cc": HeaderProperty("cc", "Cc", "Addresses"),
    "bcc": HeaderProperty("bcc", "Bcc", "Addresses"),
    "replyTo": HeaderProperty("reply-to", "Reply-To", "Addresses"),
    "subject": HeaderProperty("subject", "Subject", "Text"),
    "sentAt": HeaderProperty("date", "Date", "Date"),
}
"""Convenience properties and the header field each stands for (RFC 8621 §4.1.3)."""
CHANGING: Final = ("mailboxIds", "keywords")
STORED: Final = {
    "blobId": (),
    "threadId": ("thread",),
    "size": ("size",),
    "receivedAt": ("date",),
    "hasAttachment": ("has_attachment",),
    "preview": ("preview",),
}
"""Columns of the store that a property needs."""
LASTING: Final = ("id", *STORED)
BODY: Final = ("bodyStructure", "bodyValues", "textBody", "htmlBody", "attachments")
KNOWN: Final = frozenset((*LASTING, *CHANGING, *HEADER_PROPERTIES, "headers", *BODY))
DEFAULT_GET: Final = (
    "id", "blobId", "threadId", *CHANGING, "size", "receivedAt", *HEADER_PROPERTIES, "hasAttachment", "preview",
    "bodyValues", "textBody", "htmlBody", "attachments",
)  # fmt: skip
DEFAULT_PARSE: Final = (*HEADER_PROPERTIES, "hasAttachment", "preview", "bodyValues", "textBody", "htmlBody",
                        "attachments")  # fmt: skip
KEYWORDS: Final = {"$seen": SEEN, "$answered": ANSWERED, "$flagged": FLAGGED, "$draft": DRAFT}
"""RFC 8621 §4.1.1: the system flags of IMAP that JMAP shows."""
_KEPT: Final = frozenset(HEADER_FIELDS)
PROPERTIES_MAX: Final = 200
BODY_PROPERTIES_MAX: Final = 40
"""Of every part of every email."""
NAMES_MAX: Final = 16_000
"""Characters of all names together: each stands in the answer once for every email."""


def _bounded(names: Sequence[str], most: int) -> tuple[str, ...]:
    """Each once; raises MethodError."""
    found = tuple(dict.fromkeys(names))
    if len(found) > most or sum(map(len, found)) > NAMES_MAX:
        raise MethodError(
            "requestTooLarge", f"at most {most} properties in one call, of {NAMES_MAX} characters"
        )
    return found


@final
class Wanted:
    """What /get or /parse has to return for each email; raises MethodError for what there is not."""

    __slots__ = ("bodies", "body_properties", "headers", "max_bytes", "properties", "simple", "values")

    def __init__(
        self,
        properties: Sequence[str],
        body_properties: Sequence[str] | None,
        values: tuple[bool, bool, bool],
        max_bytes: int,
    ) -> None:
        """`values`: fetchTextBodyValues, fetchHTMLBodyValues, fetchAllBodyValues."""
        self.properties = _bounded(properties, PROPERTIES_MAX)
        self.body_properties = (
            BODY_PROPERTIES if body_properties is None else _bounded(body_properties, BODY_PROPERTIES_MAX)
        )
        self.values = values
        self.max_bytes = max_bytes
        self.simple = tuple(name for name in self.properties if name in LASTING)
        self.headers: dict[str, HeaderProperty] = {}
        self.bodies = [name for name in self.properties if name in BODY or name == "headers"]
        for name in self.properties:
            if name in HEADER_PROPERTIES:
                self.headers[name] = HEADER_PROPERTIES[name]
            elif name not in KNOWN:
                if (found := try_property(name)) is None:
                    raise MethodError("invalidArguments", f"an Email has no property {name[:200]!r}")
                self.headers[name] = found
        for name in self.body_properties:
            if name not in ALL_PROPERTIES and try_property(name) is None:
                raise MethodError("invalidArguments", f"a body part has no property {name[:200]!r}")

    @property
    def lasting(self) -> tuple[str, ...]:
        """What of it no change of an email changes, but the bodies."""
        return (*self.simple, *self.headers)

    def changing(
        self, places: Sequence[tuple[int, int]], visible: frozenset[int] | None, keywords: KeywordNames
    ) -> Record:
        """What the mailboxes and flags of an email say, those that are visible."""
        found: Record = {}
        mine = [place for place in places if visible is None or place[0] in visible]
        if "mailboxIds" in self.properties:
            found["mailboxIds"] = {format_id(MAILBOX, box): True for box, _ in mine}
        if "keywords" in self.properties:
            flags = 0
            for _, one in mine:
                flags |= one
            found["keywords"] = keywords.shown(flags)
        return found

    @property
    def needs_content(self) -> bool:
        """Beyond what is kept beside the message."""
        return bool(self.bodies) or any(one.name not in _KEPT for one in self.headers.values())

    @property
    def columns(self) -> tuple[str, ...]:
        found = [column for name in self.properties for column in STORED.get(name, ())]
        if self.headers and not self.needs_content:
            found.append("header_fields")
        return tuple(dict.fromkeys(found))

    # --- from what is kept ---

    def from_kept(self, kept: bytes) -> Record:
        return self._headers(raw_fields(kept))

    def _headers(self, fields: list[tuple[str, str]]) -> Record:
        by_name: dict[str, list[str]] = {one.name: [] for one in self.headers.values()}
        for key, value in fields:
            if (values := by_name.get(key.lower())) is not None:
                values.append(value)
        return {name: read_property(one, by_name[one.name]) for name, one in self.headers.items()}

    # --- from the message ---

    def from_content(self, content: bytes, blob: BlobName) -> tuple[Record, int]:
        """Header and body properties, and how many bytes of values they hold; for a thread."""
        body = Body(scan(content), content, blob)
        root = body.root
        fields = root.fields()
        found = self._headers(fields)
        size = 0
        for name in self.bodies:
            match name:
                case "headers":
                    found[name] = [{"name": key, "value": raw_form(value)} for key, value in fields]
                case "bodyStructure":
                    found[name] = root.record(self.body_properties)
                case "bodyValues":
                    found[name] = self._values(body)
                    size = sum(len(one["value"]) for one in found[name].values())
                case "textBody":
                    found[name] = self._parts(body.text)
                case "htmlBody":
                    found[name] = self._parts(body.html)
                case "attachments":
                    found[name] = self._parts(body.attachments)
        return found, size

    def _parts(self, parts: list[BodyPart]) -> list[Record]:
        return [part.record(self.body_properties, deep=False) for part in parts]

    def _values(self, body: Body) -> Record:
        text, html, every = self.values
        chosen: dict[str, BodyPart] = {}
        for on, parts in ((every, body.by_id.values()), (text, body.text), (html, body.html)):
            for part in parts if on else ():
                if part.is_text and part.id is not None:
                    chosen[part.id] = part
        return {number: part.value(self.max_bytes) for number, part in chosen.items()}

    def parsed(self, content: bytes, blob: BlobName) -> tuple[Record, int]:
        """RFC 8621 §4.9: of a message that is no Email of the account."""
        found, size = self.from_content(content, blob)
        for name in self.properties:
            match name:
                case "blobId":
                    found[name] = str(blob)
                case "size":
                    found[name] = len(content)
                case "hasAttachment":
                    found[name] = has_attachment(scan(content))
                case "preview":
                    found[name] = preview_of(content, scan(content))
                case "id" | "threadId" | "mailboxIds" | "keywords" | "receivedAt":
                    found[name] = None
        return {name: found[name] for name in self.properties}, size


@final
class KeywordNames:
    """Flags as keywords, and back; of one account."""

    __slots__ = ("_names", "_seen")

    def __init__(self, registered: Sequence[str]) -> None:
        self._names = dict(KEYWORDS)
        for at, name in enumerate(registered):
            # RFC 8621 §4.1.1: keywords are shown in lower case.
            self._names.setdefault(name.lower(), 1 << (FIRST_KEYWORD_BIT + at))
        self._seen: dict[int, dict[str, bool]] = {}

    def bit(self, name: str) -> int:
        """0: nobody has it."""
        return self._names.get(name.lower(), 0)

    def shown(self, flags: int) -> dict[str, bool]:
        found = self._seen.get(flags)
        if found is None:
            found = self._seen[flags] = {name: True for name, bit in self._names.items() if flags & bit}
        return found


def metadata(name: str, message: int, columns: dict[str, Any]) -> Any:
    """One property of LASTING, from a row."""
    match name:
        case "id" | "blobId":
            return format_id(EMAIL, message)
        case "threadId":
            return format_id(THREAD, columns["thread"])
        case "size":
            return columns["size"]
        case "receivedAt":
            return format_utc(columns["date"])
        case "hasAttachment":
            return bool(columns["has_attachment"])
        case _:
            return columns[name]
