"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE and NAMESPACE.  RFC 9051 §6.3.4 to §6.3.8, §6.3.10."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.errors import Conflict, Exists, OverQuota, ScopeExceeded
from posthouse.core.ids import AccountId
from posthouse.core.rights import DELETE, WRITE
from posthouse.services.mailboxes import DELIMITER, INBOX, OTHER_USERS, SHARED, canonical_name, mailbox_id
from posthouse.services.namespaces import is_foreign
from posthouse.services.rights import owner_name
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.rows import ROLES
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response

from .answer import Answers
from .state import REV2
from .text import CHINESE, NAMESPACES_ZH

if TYPE_CHECKING:
    from .session import ImapSession

CREATE_ERRORS: Final[Answers] = {
    OverQuota: b"NO [LIMIT] The account has as many mailboxes as it may; delete some first",
}
DELETE_ERRORS: Final[Answers] = {
    Conflict: b"NO [HASCHILDREN] The mailbox has mailboxes below it; delete those first",
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
        if is_foreign(canonical_name(command.mailbox)):
            return b"NO [USEATTR] Mailboxes of other users have no special use here"
        rows = await session.services.store.mailboxes.list(session.account_id)
        taken = next((row.name for row in rows if row.role == role), None)
        if taken is not None:
            return b"NO [USEATTR] Another mailbox has this special use already"
    owner, name = await session.services.rights.room(session.eyes, command.mailbox)
    row = await session.services.mailboxes.create(owner, name, role, user=_other(session, owner))
    tell_normalised(session, command.mailbox)
    # RFC 8474 §4.2
    return b"OK [MAILBOXID (%b)] CREATE completed" % mailbox_id(row).encode()


async def delete(session: ImapSession, command: c.Delete) -> bytes:
    place = await session.reach(command.mailbox, DELETE)
    if owner_name(place) == INBOX:
        return b"NO [CANNOT] INBOX cannot be deleted; delete its messages"
    selected = session.selected
    user = _other(session, place.row.account)
    await session.services.mailboxes.delete(place.row.account, owner_name(place), user=user)
    if selected is not None and selected.id == place.row.id:
        selected.shared.deleted = True
        session.deselect()
    tell_normalised(session, command.mailbox, ("\\NonExistent",))
    return b"OK DELETE completed"


async def rename(session: ImapSession, command: c.Rename) -> bytes:
    # RFC 4314 §4: the right to delete the old name, and to create below the parent of the new one.
    place = await session.reach(command.mailbox, DELETE)
    owner, new_name = await session.services.rights.room(session.eyes, command.new_name)
    if owner != place.row.account:
        return b"NO [CANNOT] A mailbox stays with its owner; CREATE one there and COPY the messages"
    name = owner_name(place)
    if place.foreign and name == INBOX:
        return b"NO [CANNOT] INBOX of another user cannot be renamed"
    await session.services.mailboxes.rename(owner, name, new_name, user=_other(session, owner))
    if is_denormalised(command.mailbox) or is_denormalised(command.new_name):
        _tell_old_name(session, canonical_name(command.new_name), command.mailbox)
    return b"OK RENAME completed"


def is_denormalised(name: str) -> bool:
    """Whether the server knows the mailbox by another spelling; a delimiter at the end is none."""
    return canonical_name(name) != name.removesuffix(DELIMITER)


def tell_normalised(session: ImapSession, given: str, attributes: tuple[str, ...] = ()) -> None:
    """RFC 9051 §6.3.9.7: how the name that the client wrote is spelled here."""
    if is_denormalised(given):
        _tell_old_name(session, canonical_name(given), given, attributes)


def _tell_old_name(session: ImapSession, name: str, old_name: str, attributes: tuple[str, ...] = ()) -> None:
    if session.enabled & REV2:
        session.write(response.format_list(attributes, name, utf8=session.utf8, old_name=old_name))


def _other(session: ImapSession, owner: AccountId) -> AccountId:
    """For the log of the owner: who does it, if it is somebody else."""
    return NOBODY if owner == session.account_id else session.account_id


async def subscribe(session: ImapSession, command: c.Subscribe) -> bytes:
    _need_writing(session, command.mailbox)
    await session.services.mailboxes.subscribe(session.account_id, command.mailbox, on=True)
    return b"OK SUBSCRIBE completed"


async def unsubscribe(session: ImapSession, command: c.Unsubscribe) -> bytes:
    _need_writing(session, command.mailbox)
    await session.services.mailboxes.subscribe(session.account_id, command.mailbox, on=False)
    return b"OK UNSUBSCRIBE completed"


def _need_writing(session: ImapSession, name: str) -> None:
    """Subscriptions are the account's: a credential for reading, or for other mailboxes, leaves them as they are."""
    if not session.eyes.allows(canonical_name(name)) & WRITE:
        raise ScopeExceeded(name)


async def namespace(session: ImapSession, _command: c.Namespace) -> bytes:
    session.write(format_namespaces(session))
    return b"OK NAMESPACE completed"


def format_namespaces(session: ImapSession) -> bytes:
    # RFC 2342 §5: the personal mailboxes have no prefix.
    others, shared = (_namespace(session, name) for name in (OTHER_USERS, SHARED))
    return response.format_namespace([("", DELIMITER)], [others], [shared], utf8=session.utf8)


def _namespace(session: ImapSession, name: str) -> tuple[str, ...]:
    # RFC 5255 §3.4: for people to read; the names on the wire are the same in every language.
    translated = (NAMESPACES_ZH[name] + DELIMITER,) if session.language == CHINESE else ()
    return (name + DELIMITER, DELIMITER, *translated)
