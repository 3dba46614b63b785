"""What came back about a submission: notices about its delivery, and receipts of who read it (RFC 8621 §7).

They refer to the email that was sent, so they stand in its conversation.
"""

from __future__ import annotations

import asyncio
from typing import Final

from msgspec import Struct, field

from posthouse.wire.jmap.ids import EMAIL, BlobName, format_id

from .context import Context
from .email import read_emails
from .email_properties import Wanted
from .mdn import parse_receipt
from .submission_send import Submission

LOOKED_AT_MAX: Final = 200
"""Emails of the conversation, the oldest that came after the one that was sent."""
_TYPE: Final = "header:Content-Type"


class Reports(Struct):
    dsn: list[str] = field(default_factory=list)
    mdn: list[str] = field(default_factory=list)
    displayed: set[str] = field(default_factory=set)
    """Addresses at which it was seen, in lower case."""


async def reports_of(context: Context, one: Submission) -> Reports:
    """Blobs of the notices and receipts that came about it, in the order in which they came."""
    found = Reports()
    rows = await context.emails.threads(context.account.id, [one.thread])
    later = [message for _, message in rows if message > one.email][:LOOKED_AT_MAX]
    if not later:
        return found
    _, records = await read_emails(context, later, Wanted(["id", _TYPE], None, (False, False, False), 0))
    receipts: list[int] = []
    for message, record in sorted(records.items()):
        kind = "".join((record[_TYPE] or "").split()).replace('"', "").lower()
        if not kind.startswith("multipart/report;"):
            continue
        if "report-type=delivery-status" in kind:
            found.dsn.append(format_id(EMAIL, message))
        elif "report-type=disposition-notification" in kind:
            receipts.append(message)
    async for chunk in context.emails.contents(context.account.id, receipts):
        for message, _, content in chunk:
            receipt = await asyncio.to_thread(parse_receipt, content, BlobName(EMAIL, message))
            if receipt is None:
                continue
            found.mdn.append(format_id(EMAIL, message))
            if receipt["disposition"]["type"] == "displayed":
                found.displayed.add((receipt["finalRecipient"] or "").partition(";")[2].strip().lower())
    return found
