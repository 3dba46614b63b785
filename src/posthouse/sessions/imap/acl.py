"""GETACL, SETACL, DELETEACL, LISTRIGHTS and MYRIGHTS.  RFC 4314 §3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.errors import Forbidden, Invalid, NotFound, OverQuota
from posthouse.core.rights import ADMINISTER, LETTERS, SHOWS, format_rights, parse_change
from posthouse.services.acl import Identifier
from posthouse.storage.rows import Mailbox
from posthouse.wire.imap import acl_command as c
from posthouse.wire.imap.format_acl import format_acl, format_listrights, format_myrights

from .answer import Answers

if TYPE_CHECKING:
    from .session import ImapSession

ERRORS: Final[Answers] = {
    Invalid: b"BAD The identifier, or one of the rights, is none; rights are of lrswipkxtecda",
    OverQuota: b"NO [LIMIT] The access control list is full; remove entries first",
}
_NOBODY: Final = (
    b"NO [CANNOT] There is no account of that address here; use the full address, anyone, or owner"
)
_KEEPS: Final = b"NO [CANNOT] The owner, and members of a team, keep the rights they have as such"


async def get_acl(session: ImapSession, command: c.GetAcl) -> bytes:
    row = (await session.reach(command.mailbox, ADMINISTER)).row
    entries = [
        (entry.identifier, format_rights(entry.rights)) for entry in await session.services.acl.entries(row)
    ]
    session.write(format_acl(row.name, entries, utf8=session.utf8))
    return b"OK GETACL completed"


async def set_acl(session: ImapSession, command: c.SetAcl) -> bytes:
    change = parse_change(command.change)
    return await _change(session, command.mailbox, command.identifier, change) or b"OK SETACL completed"


async def delete_acl(session: ImapSession, command: c.DeleteAcl) -> bytes:
    return await _change(session, command.mailbox, command.identifier, ("=", 0)) or b"OK DELETEACL completed"


async def _change(
    session: ImapSession, mailbox: str, identifier: str, change: tuple[str, int]
) -> bytes | None:
    row = (await session.reach(mailbox, ADMINISTER)).row
    found = await _identify(session, row, identifier)
    if found is None:
        return _NOBODY
    try:
        await session.services.acl.set(row, found, change, user=session.account_id)
    except Forbidden:
        return _KEEPS
    return None


async def list_rights(session: ImapSession, command: c.ListRights) -> bytes:
    row = (await session.reach(command.mailbox, ADMINISTER)).row
    found = await _identify(session, row, command.identifier)
    if found is None:
        return _NOBODY
    always = format_rights(await session.services.acl.always(row, found))
    # No two rights are tied, and those that cannot be taken are not listed again.
    optional = [letter for letter in LETTERS if letter not in always]
    session.write(format_listrights(row.name, command.identifier, always, optional, utf8=session.utf8))
    return b"OK LISTRIGHTS completed"


async def _identify(session: ImapSession, row: Mailbox, text: str) -> Identifier | None:
    try:
        return await session.services.acl.identify(row, text)
    except NotFound:
        return None


async def my_rights(session: ImapSession, command: c.MyRights) -> bytes:
    # RFC 4314 §4: any of l, r, i, k, x, a will do.
    place = await session.services.rights.need_any(session.eyes, command.mailbox, SHOWS)
    session.write(format_myrights(place.row.name, format_rights(place.rights), utf8=session.utf8))
    return b"OK MYRIGHTS completed"
