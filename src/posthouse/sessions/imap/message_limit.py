"""MESSAGELIMIT: how many messages one command may touch, where the administrator sets that.  RFC 9738.

A command that names more does what it may with the newest of them, and its answer says where it ended: the client
goes on with the UIDs below.  COPY, and APPEND of several messages, do all or nothing (RFC 9051 §6.4.7, RFC 3502
§6.3.11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.storage.rows import UidRanges
from posthouse.wire.imap import response
from posthouse.wire.imap.response_code import code_messagelimit

if TYPE_CHECKING:
    from .session import ImapSession


def cut(session: ImapSession, ranges: UidRanges) -> tuple[UidRanges, int]:
    """What of the ranges one command may touch, and the lowest UID of that; 0 where it is all of them."""
    most, view = session.services.limits.command_messages_max, session.mailbox.view
    if not most or view.count(ranges) <= most:
        return ranges, 0
    kept = view.part(ranges, (-1, -most))
    return kept, kept[0][0]


def newest(session: ImapSession, uids: list[int]) -> tuple[list[int], int]:
    """The same for ascending UIDs."""
    most = session.services.limits.command_messages_max
    if not most or len(uids) <= most:
        return uids, 0
    return uids[-most:], uids[-most]


def tell(session: ImapSession, answer: bytes, lowest: int) -> bytes:
    """The answer of a command that was cut; where it has a code already, a line of its own before it tells."""
    if not lowest or not answer.startswith(b"OK "):
        return answer
    code = code_messagelimit(session.services.limits.command_messages_max, lowest)
    if answer.startswith(b"OK ["):
        session.write(response.ok(b"*", "There are more messages; go on below that UID", code))
        return answer
    return b"OK [%b] %b" % (code, answer.removeprefix(b"OK "))


def too_many(session: ImapSession, count: int) -> bytes | None:
    """The refusal of a command that does all or nothing."""
    most = session.services.limits.command_messages_max
    if not most or count <= most:
        return None
    return b"NO [%b] Too many messages for one command, nothing was done; name fewer" % code_messagelimit(
        most
    )
