"""Access control lists: set, inherited, read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec.json import encode as json_encode

from posthouse.core.errors import NotFound, OverQuota
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.rights import changed, format_rights
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.rows import Hint, RightsEntry
from posthouse.storage.share_notice import KEPT, KIND, ShareNotice
from posthouse.storage.sqlite.audit import record
from posthouse.storage.sqlite.claim import may_hold, release
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.objects import add_object, keep_newest
from posthouse.storage.sqlite.requests import AnyRequest
from posthouse.storage.sqlite.sharing_requests import SetOwnSeen, SetRights

if TYPE_CHECKING:
    from posthouse.storage.sqlite.reads import Reader

DELIMITER: Final = "/"
_SELECT: Final = "SELECT account, mailbox, grantee, negative, rights FROM acl"
# A team is a group: what is granted to it is granted to its members.
OF_USER: Final = (
    " WHERE grantee IN (SELECT 0 UNION ALL SELECT ?1 UNION ALL SELECT m.account FROM acl m JOIN account t"
    " ON t.id = m.account AND t.team WHERE m.grantee = ?1 AND m.mailbox = 0 AND NOT m.negative)"
)
# Everybody is everybody of the owner's domain: one customer of a server does not put mailboxes before another's.
_NEAR: Final = (
    " AND (grantee <> 0 OR (SELECT domain FROM account WHERE id = acl.account)"
    " = (SELECT domain FROM account WHERE id = ?1))"
)
_grant: Final[Callable[..., RightsEntry]] = RightsEntry


def set_rights(ledger: Ledger, request: SetRights) -> None:
    account, mailbox, grantee = request.account, request.mailbox, request.grantee
    ledger.account(account)
    if mailbox:
        ledger.mailbox(account, mailbox)
    if grantee and ledger.try_account(grantee) is None:
        raise NotFound(f"account {grantee}")
    key = (account, mailbox, grantee, request.negative)
    row = ledger.execute(
        "SELECT rights FROM acl WHERE account = ? AND mailbox = ? AND grantee = ? AND negative = ?", key
    ).fetchone()
    rights = changed(0 if row is None else row[0], request.change)
    record(
        ledger,
        account,
        request.user,
        "rights",
        mailbox=mailbox,
        who=_name(ledger, grantee, negative=request.negative),
        before=format_rights(0 if row is None else row[0]),
        after=format_rights(rights),
    )
    if not rights:
        ledger.execute(
            "DELETE FROM acl WHERE account = ? AND mailbox = ? AND grantee = ? AND negative = ?", key
        )
    else:
        ledger.execute(
            "INSERT INTO acl (account, mailbox, grantee, negative, rights) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (account, mailbox, grantee, negative) DO UPDATE SET rights = excluded.rights",
            (*key, rights),
        )
        if row is None:
            _check_length(ledger, account, mailbox, request.entries_max)
    if not mailbox and grantee and not may_hold(ledger, account, grantee):
        release(ledger, ledger.account(account), grantee, user=request.user)
    if mailbox and grantee and not request.negative:
        _notice(ledger, request, 0 if row is None else row[0], rights)
    _tell(ledger, account, mailbox, grantee)


def _notice(ledger: Ledger, request: SetRights, before: int, after: int) -> None:
    if before == after:
        return
    who = ledger.execute("SELECT address, name FROM account WHERE id = ?", (request.user,)).fetchone()
    [(name,)] = ledger.execute("SELECT name FROM mailbox WHERE id = ?", (request.mailbox,)).fetchall()
    address, person = ("", "") if who is None else who
    notice = ShareNotice(
        ledger.clock.now(),
        request.user,
        address,
        person,
        request.account,
        request.mailbox,
        name,
        before,
        after,
    )
    tell_notice(ledger, request.grantee, notice)


def tell_notice(ledger: Ledger, to: AccountId, notice: ShareNotice) -> None:
    """RFC 9670 §3: who was given something, or loses it, is told; members of a team see it by themselves."""
    [(team,)] = ledger.execute("SELECT team FROM account WHERE id = ?", (to,)).fetchall()
    if team:
        return
    add_object(ledger, StoredObject(KIND, 0, json_encode(notice), to), 0)
    keep_newest(ledger, to, KIND, KEPT)


def _name(ledger: Ledger, grantee: AccountId, *, negative: bool) -> str:
    row = ledger.execute("SELECT address FROM account WHERE id = ?", (grantee,)).fetchone()
    return "-" * negative + ("anyone" if row is None else str(row[0]))


def _check_length(ledger: Ledger, account: AccountId, mailbox: MailboxId, limit: int) -> None:
    [(length,)] = ledger.execute(
        "SELECT count(*) FROM acl WHERE account = ? AND mailbox = ?", (account, mailbox)
    ).fetchall()
    if length > limit:
        raise OverQuota(f"more than {limit} entries in one list")


def _tell(ledger: Ledger, account: AccountId, mailbox: MailboxId, grantee: AccountId) -> None:
    """Those who have the mailbox open look whether they still may; for the grantee it may appear or vanish."""
    ledger.hints["rights", account, mailbox] = Hint("rights", account, mailbox)
    _tell_grantee(ledger, grantee)


def _tell_grantee(ledger: Ledger, grantee: AccountId) -> None:
    if not grantee:
        ledger.hint("rights")  # for those who watch what others share
        return
    ledger.hint("mailboxes", grantee)
    for (member,) in ledger.execute(
        "SELECT grantee FROM acl WHERE account = ? AND mailbox = 0", (grantee,)
    ).fetchall():
        ledger.hint("mailboxes", member)


def inherit(ledger: Ledger, account: AccountId, mailbox: int, name: str) -> None:
    """RFC 4314 §4: a new mailbox has the list of the one above it, and its kind of \\Seen (at the top INBOX has)."""
    above = name.rpartition(DELIMITER)[0]
    ledger.execute(
        "UPDATE mailbox SET own_seen = coalesce((SELECT own_seen FROM mailbox WHERE account = ?2 AND name = ?3), 0)"
        " WHERE id = ?1",
        (mailbox, account, above or "INBOX"),
    )
    grantees = ledger.execute(
        "INSERT INTO acl (account, mailbox, grantee, negative, rights)"
        " SELECT c.account, ?, c.grantee, c.negative, c.rights FROM mailbox m JOIN acl c ON c.account = m.account"
        " AND c.mailbox = m.id WHERE m.account = ? AND m.name = ? RETURNING grantee",
        (mailbox, account, above),
    ).fetchall()
    for (grantee,) in grantees:
        _tell_grantee(ledger, grantee)


def drop_grants(ledger: Ledger, grantee: AccountId) -> None:
    """What an account that goes was granted by others, and what it granted as a whole."""
    ledger.execute("DELETE FROM acl WHERE account = ?", (grantee,))
    for table in ("seen", "reader"):
        ledger.execute(f"DELETE FROM {table} WHERE user = ?", (grantee,))  # noqa: S608
    for account, mailbox in ledger.execute(
        "DELETE FROM acl WHERE grantee = ? RETURNING account, mailbox", (grantee,)
    ).fetchall():
        ledger.hints["rights", account, mailbox] = Hint("rights", account, mailbox)


class SqliteAcls:
    """`ports.Acls`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def entries(self, account: AccountId, mailbox: MailboxId) -> list[RightsEntry]:
        rows = self._reader.rows(_SELECT + " WHERE account = ? AND mailbox = ?", (account, mailbox))
        return [_grant(*row[:3], bool(row[3]), row[4]) for row in rows]

    async def entries_of(self, account: AccountId) -> list[RightsEntry]:
        rows = self._reader.rows(_SELECT + " WHERE account = ? AND mailbox <> 0", (account,))
        return [_grant(*row[:3], bool(row[3]), row[4]) for row in rows]

    async def granted(
        self, user: AccountId, account: AccountId | None = None, mailbox: MailboxId | None = None
    ) -> list[RightsEntry]:
        values: tuple[int, ...] = (user,)
        sql = _SELECT + OF_USER + _NEAR + " AND account <> ?1"
        if account is not None:
            sql, values = _SELECT + OF_USER + _NEAR + " AND account = ?2", (user, account)
            if mailbox is not None:
                sql, values = sql + " AND mailbox IN (0, ?3)", (*values, mailbox)
        rows = self._reader.rows(sql, values)
        return [_grant(*row[:3], bool(row[3]), row[4]) for row in rows]

    async def set(
        self,
        account: AccountId,
        mailbox: MailboxId,
        grantee: AccountId,
        *,
        negative: bool,
        change: tuple[str, int],
        entries_max: int,
        user: AccountId = NOBODY,
    ) -> None:
        await self._submit(SetRights(account, mailbox, grantee, negative, change, entries_max, user))

    async def unseen(self, user: AccountId, mailbox: MailboxId | None = None) -> dict[MailboxId, int]:
        sql = "SELECT mailbox, difference FROM reader WHERE user = ?1 AND (?2 IS NULL OR mailbox = ?2)"
        return dict(self._reader.rows(sql, (user, mailbox)))

    async def set_own_seen(self, account: AccountId, mailbox: MailboxId, *, on: bool) -> None:
        await self._submit(SetOwnSeen(account, mailbox, on))
