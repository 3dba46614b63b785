"""Putting a message into the account: what /set, /import and /copy have in common."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any, Final

from posthouse.core.errors import OverQuota
from posthouse.core.ids import MailboxId
from posthouse.mime.edit import header_of
from posthouse.mime.facts import facts_of
from posthouse.services.quota import has_room
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.rows import ContentDraft, Delivery, LocalCopy, Mailbox
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import SetError, invalid
from posthouse.wire.jmap.value import is_keyword, try_utc

from .context import Context
from .email_properties import KEYWORDS

Record = dict[str, Any]
INLINE_BYTES: Final = 32 * 1024
"""Messages up to this size are read on the event loop, larger ones in a thread."""
KEYWORDS_MAX: Final = 100
"""Keywords of one email that a client may set."""
_LONE_LF: Final = re.compile(rb"(?<!\r)\n")


def keyword_names(value: Any) -> list[str]:
    """Of a `keywords` object, in lower case; raises SetError."""
    if value is None:
        return []
    if not isinstance(value, dict) or not all(one is True for one in value.values()):
        raise invalid("keywords", "an object of keyword to true is wanted")
    for name in value:
        check_keyword(name)
    if len(value) > KEYWORDS_MAX:
        raise SetError("tooManyKeywords", f"at most {KEYWORDS_MAX} keywords of an email")
    return list(dict.fromkeys(name.lower() for name in value))


def check_keyword(name: str) -> None:
    if not is_keyword(name):
        raise invalid("keywords", f"{name[:100]!r} is no keyword")


def mailbox_numbers(context: Context, value: Any, boxes: dict[int, Mailbox]) -> list[MailboxId]:
    """Of a `mailboxIds` object; raises SetError."""
    if not isinstance(value, dict) or not value or not all(one is True for one in value.values()):
        raise invalid("mailboxIds", "an object of at least one mailbox id to true is wanted")
    check_mailbox_count(context, len(value))
    return [mailbox_number(context, text, boxes) for text in value]


def check_mailbox_count(context: Context, count: int) -> None:
    limit = context.services.limits.mailboxes_of_email_max
    if count > limit:
        raise SetError("tooManyMailboxes", f"an email is in at most {limit} mailboxes (maxMailboxesPerEmail)")


def mailbox_number(context: Context, text: str, boxes: dict[int, Mailbox]) -> MailboxId:
    row = boxes.get(context.number(ids.MAILBOX, text) or 0)
    if row is None:
        raise invalid("mailboxIds", f"there is no mailbox {text[:100]}")
    return row.id


def received_at(record: Record, default: float) -> float:
    value = record.get("receivedAt")
    if value is None:
        return default
    moment = try_utc(value)
    if moment is None:
        raise invalid("receivedAt", "a UTCDate is wanted")
    return moment


def flags_of(names: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    """System flags as bits, and the other keywords."""
    bits, others = 0, []
    for name in names:
        if name in KEYWORDS:
            bits |= KEYWORDS[name]
        else:
            others.append(name)
    return bits, tuple(others)


async def store_message(
    context: Context, content: bytes, boxes: list[MailboxId], names: list[str], date: float
) -> tuple[int, Record]:
    """The message and what /set tells of it; raises SetError, OverQuota, Unavailable."""
    services, account = context.services, context.account
    if len(content) > services.limits.message_max_bytes:
        limit = services.limits.message_max_bytes
        raise SetError("tooLarge", f"at most {limit} bytes", maxSize=limit)
    known = await services.store.directory.account(account.id)
    if known is not None and not has_room(known, len(content)):
        raise OverQuota(account.address)
    inline = len(content) <= INLINE_BYTES
    facts = facts_of(content) if inline else await asyncio.to_thread(facts_of, content)
    draft = await _draft(context, content)
    flags, keywords = flags_of(names)
    user = (context.reader(await context.mailboxes()) if context.foreign else None) or NOBODY
    copies = [LocalCopy(account.id, box, None, flags, keywords, date, user=user) for box in boxes]
    delivery = Delivery(services.ids.trace(), draft, facts, copies)
    [stored] = await services.store.messages.deliver([delivery], together=True)
    message = stored.placed[0].message
    read = await services.store.emails.get(account.id, [message], ("thread",))
    thread = read.rows[0][1] if read.rows else message
    number = ids.format_id(ids.EMAIL, message)
    told = {
        "id": number,
        "blobId": number,
        "threadId": ids.format_id(ids.THREAD, thread),
        "size": len(content),
    }
    return message, told


async def _draft(context: Context, content: bytes) -> ContentDraft:
    writer = context.services.store.contents.writer()
    try:
        writer.write(content)
        await writer.drain()
        return await writer.finish()
    finally:
        writer.abort()


def as_message(raw: bytes) -> bytes | None:
    """The message in a blob, with CRLF line ends; None: it is none."""
    head = raw[:65536]
    if not header_of(head).lines or not raw[:1].strip():
        return None
    if b"\r\n" in head or b"\n" not in head:
        return raw
    return _LONE_LF.sub(b"\r\n", raw)
