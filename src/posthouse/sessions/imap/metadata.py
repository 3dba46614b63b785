"""GETMETADATA, SETMETADATA, and what LIST returns of them.  RFC 5464, RFC 9590."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from posthouse.core.errors import Forbidden, OverQuota, ScopeExceeded, Unavailable
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.rights import INSERT, LOOKUP, POST, READ, SEEN, WRITE
from posthouse.core.scope import WRITE as ACTION_WRITE
from posthouse.storage.rows import Mailbox
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response

from .answer import Answers
from .filters import refuse_value
from .state import SERVER

if TYPE_CHECKING:
    from .session import ImapSession

PREFIXES: Final = ("/private/", "/shared/")
ADMIN: Final = "/shared/admin"
ERRORS: Final[Answers] = {
    OverQuota: b"NO [METADATA TOOMANY] There are as many annotations as there may be; remove some first",
}


async def get_metadata(session: ImapSession, command: c.GetMetadata) -> bytes:
    row = await _target(session, command.mailbox)
    name = "" if row is None else row.name
    known = await _known(session, row)
    longest = 0
    found: list[tuple[str, bytes | None]] = []
    for entry, value in _chosen(known, command.entries, command.depth):
        if command.max_size is None or value is None or len(value) <= command.max_size:
            found.append((entry, value))
        else:
            longest = max(longest, len(value))
    if found:
        session.write(response.format_metadata(name, found, utf8=session.utf8))
    if longest:
        # RFC 5464 §4.2.1: the size of the biggest value that was left out.
        return b"OK [METADATA LONGENTRIES %d] GETMETADATA completed" % longest
    return b"OK GETMETADATA completed"


async def _target(session: ImapSession, name: str) -> Mailbox | None:
    """None: the server."""
    if not name:
        if session.eyes.folders or not session.eyes.mask & LOOKUP:
            raise ScopeExceeded("annotations of the server")
        return None
    place = await session.reach(name, LOOKUP)
    if not shows_metadata(place.rights):
        raise Forbidden(name)
    return place.row


def shows_metadata(rights: int) -> bool:
    """RFC 5464 §3.3: it takes the right to look up, and one to the messages."""
    return bool(rights & LOOKUP and rights & (READ | SEEN | WRITE | INSERT | POST))


async def _known(session: ImapSession, row: Mailbox | None) -> dict[str, bytes]:
    mailbox = SERVER if row is None else row.id
    rows = await session.services.store.metadata.entries(session.account_id, mailbox)
    known = {entry: value for _, entry, value in rows}
    if row is not None and row.account != session.account_id:
        known |= await _shared(session, row)
    if row is None and session.account is not None:
        # RFC 5464 §6.2.2, RFC 2142 §5: who keeps this server; read-only.
        known[ADMIN] = f"mailto:postmaster@{session.account.address.rpartition('@')[2]}".encode()
    return known


async def _shared(session: ImapSession, row: Mailbox) -> dict[str, bytes]:
    """What the owner of a mailbox and those who share it see alike."""
    rows = await session.services.store.metadata.entries(row.account, row.id)
    return {entry: value for _, entry, value in rows if entry.startswith("/shared/")}


def _chosen(
    known: dict[str, bytes], entries: Iterable[str], depth: int | None
) -> Iterator[tuple[str, bytes | None]]:
    """RFC 5464 §4.2.2: the entries, and what lies below them; NIL only for one that was named."""
    for entry in entries:
        if depth == 0:
            yield entry, known.get(entry)
            continue
        for name, value in known.items():
            below = name.startswith(entry + "/") and (depth is None or "/" not in name[len(entry) + 1 :])
            if name == entry or below:
                yield name, value


async def set_metadata(session: ImapSession, command: c.SetMetadata) -> bytes:
    row = await _target(session, command.mailbox)
    assert session.grant is not None  # by the table of states
    session.grant.require(ACTION_WRITE)  # private annotations take no right (RFC 5464 §3.3), but are a change
    mailbox = SERVER if row is None else row.id
    limits = session.services.limits
    if any(not entry.startswith(PREFIXES) for entry in command.values):
        return b"NO [CANNOT] Entries begin with /private/ or /shared/"
    if mailbox == SERVER and any(entry.startswith("/shared/") for entry in command.values):
        return b"NO [NOPERM] What all users of this server share is set by the administrator"
    if mailbox == SERVER:
        for entry, value in command.values.items():
            if (refusal := refuse_value(entry, value)) is not None:
                return refusal
    if any(value is not None and len(value) > limits.metadata_max_bytes for value in command.values.values()):
        return b"NO [METADATA MAXSIZE %d] The value is too long; shorten it" % limits.metadata_max_bytes
    if session.metadata_seen is not None:
        await announce(session)
    if row is not None and row.account != session.account_id:
        return await _set_foreign(session, row, command)
    modseq = await session.services.store.metadata.set(
        session.account_id, mailbox, command.values, entries_max=limits.metadata_max_entries
    )
    if session.metadata_seen is not None:
        session.metadata_seen[session.account_id] = modseq
    return b"OK SETMETADATA completed"


async def _set_foreign(session: ImapSession, row: Mailbox, command: c.SetMetadata) -> bytes:
    """RFC 5464 §3.3: private annotations are the user's own, shared ones stand with the owner of the mailbox."""
    shared = {entry: value for entry, value in command.values.items() if entry.startswith("/shared/")}
    private = {entry: value for entry, value in command.values.items() if entry not in shared}
    rights = await session.services.rights.on(session.eyes, row.account, row.id, row.name)
    if shared and not rights & WRITE:
        raise Forbidden(row.name)
    if shared and private:
        return b"NO [CANNOT] Private and shared annotations of another user's mailbox need two commands"
    limit = session.services.limits.metadata_max_entries
    owner = row.account if shared else session.account_id
    modseq = await session.services.store.metadata.set(owner, row.id, command.values, entries_max=limit)
    if session.metadata_seen is not None:
        session.metadata_seen[owner] = modseq
    return b"OK SETMETADATA completed"


async def highest_modseq(session: ImapSession, row: Mailbox, modseq: int) -> int:
    """RFC 7162 §3.2: the mod-sequence of a mailbox that stands at `modseq`, for this user.

    Private annotations at mailboxes of others move it for who made them alone.
    """
    if row.account == session.account_id:
        return modseq
    store = session.services.store
    own = await store.metadata.moved(session.account_id, row.id)
    if own <= modseq:
        return modseq
    # What happened before the annotation may not have been told yet.
    return own if (await store.mailboxes.by_id(row.account, row.id)).modseq == modseq else modseq


async def begin_announcing(session: ImapSession) -> None:
    """ENABLE METADATA (RFC 5464 §4.4): from now on other sessions' changes are told."""
    directory = session.services.store.directory
    places = await session.services.rights.all(session.eyes)
    session.metadata_seen = {}
    for number in {session.account_id, *(place.row.account for place in places)}:
        account = await directory.account(number)
        session.metadata_seen[number] = 0 if account is None else account.modseq


async def announce(session: ImapSession) -> None:
    """RFC 5464 §4.4.2: entries that others have changed since the last look."""
    try:
        await _announce(session)
    except Unavailable:
        return  # the command itself succeeded; the next one looks again


async def _announce(session: ImapSession) -> None:
    seen, store = session.metadata_seen, session.services.store
    changed: list[tuple[AccountId, MailboxId, str]] = []
    for number, since in list((seen or {}).items()):
        account = await store.directory.account(number)
        if seen is None or account is None or account.modseq <= since:
            continue
        found = await store.metadata.changed(number, since)
        seen[number] = account.modseq
        # What others have noted for themselves at their own mailboxes is theirs.
        own = number == session.account_id
        changed += [(number, box, entry) for box, entry in found if own or entry.startswith("/shared/")]
    if not changed:
        return
    names = await _names(session)
    by_mailbox: dict[MailboxId, list[str]] = {}
    for number, mailbox, entry in changed:
        if mailbox in names and (mailbox != SERVER or number == session.account_id):
            by_mailbox.setdefault(mailbox, []).append(entry)
    for mailbox, entries in by_mailbox.items():
        session.write(response.format_metadata_changed(names[mailbox], entries, utf8=session.utf8))


async def _names(session: ImapSession) -> dict[MailboxId, str]:
    """What may be told of."""
    notify = session.notify
    places = await session.services.rights.all(session.eyes)
    rows = [place.row for place in places if not place.foreign or shows_metadata(place.rights)]
    names = {row.id: row.name for row in rows if notify is None or notify.tells_metadata(row)}
    if notify is None or notify.tells_metadata(None):
        names[SERVER] = ""
    return names


async def all_values(session: ImapSession, rows: Iterable[Mailbox]) -> dict[MailboxId, dict[str, bytes]]:
    """For LIST (RFC 9590): the annotations of all mailboxes by one query, and one for each of somebody else."""
    found: dict[MailboxId, dict[str, bytes]] = {}
    for mailbox, entry, value in await session.services.store.metadata.entries(session.account_id):
        found.setdefault(mailbox, {})[entry] = value
    for row in rows:
        if row.account != session.account_id:
            found.setdefault(row.id, {}).update(await _shared(session, row))
    return found
