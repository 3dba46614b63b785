"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE and NAMESPACE.  RFC 9051 §6.3.4 to §6.3.8, §6.3.10."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.errors import Conflict, Exists, Forbidden, OverQuota
from posthouse.services.mailboxes import DELIMITER, canonical_name
from posthouse.storage.rows import ROLES
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response

from .answer import Answers
from .select import mailbox_id

if TYPE_CHECKING:
    from .session import ImapSession

CREATE_ERRORS: Final[Answers] = {
    OverQuota: b"NO [LIMIT] The account has as many mailboxes as it may; delete some first",
}
DELETE_ERRORS: Final[Answers] = {
    Conflict: b"NO [HASCHILDREN] The mailbox has mailboxes below it; delete those first",
    Forbidden: b"NO [CANNOT] INBOX cannot be deleted; delete its messages",
}
RENAME_ERRORS: Final[Answers] = {
    Exists: b"NO [ALREADYEXISTS] A mailbox of the new name exists already; choose another name",
}


async def create(session: ImapSession, command: c.Create) -> bytes:
    role = None
    if command.special_use:
        role = command.special_use[0].lower().removeprefix("\\")
        # RFC 6154 §3: a use that is not supported, or several where one is possible, is refused with USEATTR.
        if len(command.special_use) > 1 or role not in ROLES or role == "inbox":
            return b"NO [USEATTR] One special use is possible, of \\Sent \\Drafts \\Junk \\Trash \\Archive"
        rows = await session.services.store.mailboxes.list(session.account_id)
        taken = next((row.name for row in rows if row.role == role), None)
        if taken is not None:
            return b"NO [USEATTR] Another mailbox has this special use already"
    row = await session.services.mailboxes.create(session.account_id, command.mailbox, role)
    # RFC 8474 §4.2
    return b"OK [MAILBOXID (%b)] CREATE completed" % mailbox_id(row).encode()


async def delete(session: ImapSession, command: c.Delete) -> bytes:
    name = canonical_name(command.mailbox)
    selected = session.selected
    if selected is not None:
        row = await session.services.store.mailboxes.get(session.account_id, name)
        await session.services.mailboxes.delete(session.account_id, name)
        if row.id == selected.id:
            selected.shared.deleted = True
            session.deselect()
    else:
        await session.services.mailboxes.delete(session.account_id, name)
    return b"OK DELETE completed"


async def rename(session: ImapSession, command: c.Rename) -> bytes:
    await session.services.mailboxes.rename(session.account_id, command.mailbox, command.new_name)
    return b"OK RENAME completed"


async def subscribe(session: ImapSession, command: c.Subscribe) -> bytes:
    await session.services.mailboxes.subscribe(session.account_id, command.mailbox, on=True)
    return b"OK SUBSCRIBE completed"


async def unsubscribe(session: ImapSession, command: c.Unsubscribe) -> bytes:
    await session.services.mailboxes.subscribe(session.account_id, command.mailbox, on=False)
    return b"OK UNSUBSCRIBE completed"


async def namespace(session: ImapSession, _command: c.Namespace) -> bytes:
    session.write(format_namespaces(session))
    return b"OK NAMESPACE completed"


def format_namespaces(session: ImapSession) -> bytes:
    # RFC 5255 §3.4: TRANSLATION is for prefixes with a name; the personal one is empty.
    return response.format_namespace([("", DELIMITER)], utf8=session.utf8)
