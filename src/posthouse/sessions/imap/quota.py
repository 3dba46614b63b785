"""GETQUOTA, GETQUOTAROOT and SETQUOTA.  RFC 9208.

One root for all mailboxes of an account: "" for one's own, the address for those of somebody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.errors import NotFound, ScopeExceeded
from posthouse.core.ids import AccountId
from posthouse.core.rights import ALL, READ
from posthouse.services.mailboxes import canonical_name
from posthouse.services.namespaces import try_foreign
from posthouse.storage.rows import AuditEntry
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response

from .answer import Answers

if TYPE_CHECKING:
    from .session import ImapSession

ROOT: Final = ""
RESOURCES: Final = {"STORAGE": ("quota_bytes", 1024), "MESSAGE": ("quota_messages", 1)}
"""RFC 9208 §5: by name, where the limit is kept, and in what units it is told."""
LIMIT_MAX: Final = (1 << 53) - 1
ERRORS: Final[Answers] = {
    NotFound: b"NO [NONEXISTENT] There is no quota of that name; GETQUOTAROOT tells which there are",
}


async def get_quota(session: ImapSession, command: c.GetQuota) -> bytes:
    session.write(await _quota(session, command.root, await _owner(session, command.root)))
    return b"OK GETQUOTA completed"


async def _owner(session: ImapSession, root: str) -> AccountId:
    """The account of a root; raises NotFound unless one of its mailboxes may be read, or by an administrator."""
    if root == ROOT:
        return session.account_id
    if is_administrator(session):
        account = await session.services.store.directory.account_by_address(root)
        if account is not None:
            return account.id
    for place in await session.services.rights.all(session.eyes):
        found = try_foreign(place.row.name)
        if found is not None and found.address == root and place.rights & READ:
            return place.row.account
    raise NotFound(f"quota root {root!r}")


async def get_quota_root(session: ImapSession, command: c.GetQuotaRoot) -> bytes:
    # RFC 9208 §4.1.2: the mailbox need not exist yet.
    name, root, account = canonical_name(command.mailbox), ROOT, session.account_id
    if (found := try_foreign(name)) is not None:
        # RFC 9208 §6: the right to read.
        row = (await session.reach(name, READ)).row
        name, root, account = row.name, found.address, row.account
    elif not session.eyes.allows(name):
        raise ScopeExceeded(name)
    session.write(response.format_quotaroot(name, (root,), utf8=session.utf8))
    session.write(await _quota(session, root, account))
    return b"OK GETQUOTAROOT completed"


async def set_quota(session: ImapSession, command: c.SetQuota) -> bytes:
    """RFC 9208 §4.1.3: limits that are not named are taken away."""
    if not is_administrator(session):
        return b"NO [NOPERM] Quotas are set by the administrator; ask for more space"
    owner = await _owner(session, command.root)
    limits = dict(command.limits)
    if limits.keys() - RESOURCES.keys():
        return b"NO [CANNOT] Only STORAGE and MESSAGE can be limited"
    if any(not 0 < limit <= LIMIT_MAX for limit in limits.values()):
        return b"NO [CANNOT] A limit is at least 1; leave the resource out for no limit"
    changes = {
        column: limits[name] * unit if name in limits else 0 for name, (column, unit) in RESOURCES.items()
    }
    account = await session.services.store.directory.update_account(owner, changes)
    await session.services.store.audit.note(
        AuditEntry(session.services.clock.now(), account.address, _address(session), "command", facts=changes)
    )
    session.write(await _quota(session, command.root, owner))
    return b"OK SETQUOTA completed"


def is_administrator(session: ImapSession) -> bool:
    """Only with all that the account may do: an app password for reading does not open the server."""
    named = session.services.limits.administrators
    return _address(session) in named and session.eyes.mask == ALL and not session.eyes.folders


def _address(session: ImapSession) -> str:
    return "" if session.account is None else session.account.address


async def _quota(session: ImapSession, root: str, owner: AccountId) -> bytes:
    account = await session.services.store.directory.account(owner)
    if account is None:
        raise NotFound(f"account {owner}")
    # RFC 9208 §4.2.1: what is not limited is not listed.
    resources = []
    if account.quota_bytes:
        # RFC 9208 §5.1: units of 1024 octets; rounded so that a full account shows as full.
        resources.append(
            ("STORAGE", (account.used_bytes + 1023) // 1024, (account.quota_bytes + 1023) // 1024)
        )
    if account.quota_messages:
        resources.append(("MESSAGE", account.used_messages, account.quota_messages))
    return response.format_quota(root, resources)
