"""STATUS.  RFC 9051 §6.3.11, RFC 8438, RFC 7889 §3, RFC 8474 §4.3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from posthouse.core.rights import READ
from posthouse.services.mailboxes import mailbox_id
from posthouse.storage.rows import Mailbox
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response

from .metadata import highest_modseq
from .state import CONDSTORE

if TYPE_CHECKING:
    from .session import ImapSession

_UID_MAX = 0xFFFFFFFF


async def status(session: ImapSession, command: c.Status) -> bytes:
    row = (await session.reach(command.mailbox, READ)).row
    items = await status_items(session, row, command.items)
    session.write(response.format_status(row.name, items, utf8=session.utf8))
    return b"OK STATUS completed"


async def status_items(
    session: ImapSession, row: Mailbox, names: Iterable[str]
) -> list[tuple[str, int | str]]:
    values: dict[str, int | str] = {
        "MESSAGES": row.messages,
        "UIDNEXT": row.uidnext,
        "UIDVALIDITY": row.uidvalidity,
        "UNSEEN": row.unseen,
        "DELETED": row.deleted,
        "SIZE": row.size_bytes,
        "DELETED-STORAGE": (row.deleted_bytes + 1023) // 1024,  # RFC 9208 §5.1: units of 1024 octets
        "HIGHESTMODSEQ": await highest_modseq(session, row, row.modseq) if "HIGHESTMODSEQ" in names else 0,
        "MAILBOXID": mailbox_id(row),
        "APPENDLIMIT": session.services.limits.append_max_bytes,
    }
    out: list[tuple[str, int | str]] = []
    for name in names:
        if name == "RECENT":
            out.append((name, await _recent(session, row)))
        elif name in values:
            out.append((name, values[name]))
        if name == "HIGHESTMODSEQ":
            # RFC 7162 §3.1: asking for it is a CONDSTORE enabling command.
            session.enable(CONDSTORE)
    return out


async def _recent(session: ImapSession, row: Mailbox) -> int:
    if row.recent_from >= row.uidnext:
        return 0
    ranges = [(row.recent_from, _UID_MAX)]
    rows = session.services.store.messages.fetch(row.account, row.id, ranges, ("uid",))
    return sum([len(chunk) async for chunk in rows])
