"""GETQUOTA, GETQUOTAROOT and SETQUOTA.  RFC 9208.  One root, "", for all mailboxes of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.errors import NotFound
from posthouse.services.mailboxes import canonical_name
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response

from .answer import Answers

if TYPE_CHECKING:
    from .session import ImapSession

ROOT: Final = ""
ERRORS: Final[Answers] = {
    NotFound: b"NO [NONEXISTENT] There is no quota of that name; GETQUOTAROOT tells which there are",
}


async def get_quota(session: ImapSession, command: c.GetQuota) -> bytes:
    if command.root != ROOT:
        raise NotFound(f"quota root {command.root!r}")
    session.write(await _quota(session))
    return b"OK GETQUOTA completed"


async def get_quota_root(session: ImapSession, command: c.GetQuotaRoot) -> bytes:
    # RFC 9208 §4.1.2: the mailbox need not exist yet.
    name = canonical_name(command.mailbox)
    session.write(response.format_quotaroot(name, (ROOT,), utf8=session.utf8))
    session.write(await _quota(session))
    return b"OK GETQUOTAROOT completed"


async def set_quota(_session: ImapSession, _command: c.SetQuota) -> bytes:
    return b"NO [NOPERM] Quotas are set by the administrator; ask for more space"


async def _quota(session: ImapSession) -> bytes:
    account = await session.services.store.directory.account(session.account_id)
    if account is None:
        raise NotFound(f"account {session.account_id}")
    # RFC 9208 §4.2.1: what is not limited is not listed.
    resources = []
    if account.quota_bytes:
        # RFC 9208 §5.1: units of 1024 octets; rounded so that a full account shows as full.
        resources.append(
            ("STORAGE", (account.used_bytes + 1023) // 1024, (account.quota_bytes + 1023) // 1024)
        )
    if account.quota_messages:
        resources.append(("MESSAGE", account.used_messages, account.quota_messages))
    return response.format_quota(ROOT, resources)
