"""Write requests about access control lists, each user's own \\Seen, and the audit log."""

from __future__ import annotations

from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.rows import AuditEntry
from posthouse.storage.sqlite.request_class import Request


class SetOwnSeen(Request):
    account: AccountId
    mailbox: MailboxId
    on: bool


class SetRights(Request):
    account: AccountId
    mailbox: MailboxId
    grantee: AccountId
    negative: bool
    change: tuple[str, int]
    entries_max: int
    user: AccountId = AccountId(0)


class NoteAudit(Request):
    entry: AuditEntry


class PruneAudit(Request):
    """Drop the oldest entries, so many at a time: those before a moment, and those that are too many."""

    result = int
    synced = False
    before: float
    kept: int
    limit: int
