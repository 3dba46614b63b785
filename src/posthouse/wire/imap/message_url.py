"""IMAP URLs that name a message or a part of one, relative to the session.  RFC 5092, RFC 4469 §3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from .cursor import Cursor, ParseError
from .fetch_item import BodySection
from .mailbox_name import fold_inbox
from .parse_fetch import fetch

_SHAPE: Final = re.compile(
    r"(?:(?:(?P<root>/)|(?![^/;]*:))(?P<mailbox>[^;/][^;]*?)(?:;UIDVALIDITY=(?P<uidvalidity>[1-9][0-9]{0,9}))?)?/?;UID=(?P<uid>[1-9][0-9]{0,9})"
    r"(?:/;SECTION=(?P<section>[^;]+?))?(?:/;PARTIAL=(?P<first>[0-9]{1,10})(?:\.(?P<length>[1-9][0-9]{0,9}))?)?/?",
    re.IGNORECASE,
)
_REST: Final = 0xFFFFFFFF


@dataclass(slots=True)
class MessageUrl:
    """`mailbox` is None for the selected one, and `beside` says that its name begins where that of the selected one
    has its last level (RFC 4469 §3)."""

    mailbox: str | None
    beside: bool
    uidvalidity: int | None
    uid: int
    section: BodySection


def try_message_url(text: str) -> MessageUrl | None:
    found = _SHAPE.fullmatch(text)
    if found is None:
        return None
    try:
        section = _section(found["section"] or "", found["first"], found["length"])
        name = None if found["mailbox"] is None else unquote_to_bytes(found["mailbox"]).decode("utf-8")
    except (ParseError, UnicodeDecodeError):
        return None
    uidvalidity = None if found["uidvalidity"] is None else int(found["uidvalidity"])
    mailbox = None if name is None else fold_inbox(name.removesuffix("/"))
    beside = mailbox is not None and not found["root"]
    return MessageUrl(mailbox, beside, uidvalidity, int(found["uid"]), section)


def _section(text: str, first: str | None, length: str | None) -> BodySection:
    """RFC 5092 §11: a section is what stands between the brackets of BODY[]."""
    partial = b"" if first is None else f"<{first}.{length or _REST}>".encode()
    line = b" 1 BODY.PEEK[%b]%b\r\n" % (unquote_to_bytes(text), partial)
    c = Cursor([line], {})
    item = fetch(c).items[0]
    c.end()
    if not isinstance(item, BodySection):
        raise c.expected("a section")
    return item
