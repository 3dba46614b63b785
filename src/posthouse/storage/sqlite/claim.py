"""Claims: who has a conversation, in a row and as keywords on each of its messages, in one transaction.

The keywords go with messages wherever they are moved or copied inside of the account, because they are flags; nothing
but this changes them (`AccountState.kept_bits` is left out of every other change of flags), and new messages of a
claimed conversation get them on delivery.
"""

from __future__ import annotations

from typing import Any, Final

from posthouse.core.errors import Forbidden, NotFound
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.rights import WRITE, combine
from posthouse.storage.sqlite import own_seen
from posthouse.storage.sqlite.audit import record
from posthouse.storage.sqlite.flags import write_flags
from posthouse.storage.sqlite.ledger import AccountState, Ledger
from posthouse.storage.sqlite.objects import hint_objects
from posthouse.storage.sqlite.requests import pack_flags, unpack_flags
from posthouse.storage.sqlite.team_requests import PruneTeams, PutClaim
from posthouse.storage.team_rows import CLAIM, MARK, NOTE, REMOVED_KEPT, Claim, Claimed

SELECT_CLAIM: Final = (
    "SELECT c.thread, c.holder, coalesce(h.address, ''), coalesce(h.name, ''), c.by, coalesce(b.address, ''), c.at,"
    " c.modseq, c.created FROM claim c LEFT JOIN account h ON h.id = c.holder LEFT JOIN account b ON b.id = c.by"
    " WHERE c.account = ?"
)
_PLACES: Final = (
    "SELECT mailbox, uid, flags, size FROM placement INDEXED BY placement_thread"
    " WHERE thread = ? AND account = ?"
)
_GONE: Final = (
    "NOT EXISTS (SELECT 1 FROM placement p INDEXED BY placement_thread"
    " WHERE p.thread = {0}.thread AND p.account = {0}.account)"
)


def conversation_exists(ledger: Ledger, account: int, thread: int) -> bool:
    sql = "SELECT 1 FROM placement INDEXED BY placement_thread WHERE thread = ? AND account = ? LIMIT 1"
    return ledger.execute(sql, (thread, account)).fetchone() is not None


def _read(ledger: Ledger, account: int, thread: int) -> Claim | None:
    row = ledger.execute(SELECT_CLAIM + " AND c.thread = ?", (account, thread)).fetchone()
    return None if row is None else Claim(*row)


def rights_on_all(ledger: Ledger, account: int, user: int) -> int:
    """What somebody may do in a whole account, which is shared with people by name only."""
    rows = ledger.execute(
        "SELECT negative, rights FROM acl WHERE account = ? AND mailbox = 0 AND grantee = ?", (account, user)
    ).fetchall()
    return combine(rows)


def may_hold(ledger: Ledger, account: int, user: int) -> bool:
    """Whether somebody may change messages of the whole account."""
    return bool(rights_on_all(ledger, account, user) & WRITE)


def put_claim(ledger: Ledger, request: PutClaim) -> Claimed:
    account = ledger.account(request.account)
    before = _read(ledger, account.id, request.thread)
    holder = 0 if before is None else before.holder
    if holder == request.holder:  # asked twice, or two gave it back
        return Claimed(done=True, claim=before)
    if holder != request.expected:
        return Claimed(done=False, claim=before)
    if not conversation_exists(ledger, account.id, request.thread):
        raise NotFound(f"conversation {request.thread}")
    if request.holder and not may_hold(ledger, account.id, request.holder):
        raise Forbidden(f"account {request.holder} may not change messages of account {account.id}")
    _write(ledger, account, request)
    _bound(ledger, account.id)
    after = _read(ledger, account.id, request.thread)
    record(
        ledger,
        account.id,
        request.user,
        "claim",
        conversation=f"T{request.thread}",
        before="" if before is None else before.address,
        after="" if after is None else after.address,
    )
    return Claimed(done=True, claim=after)


def _write(ledger: Ledger, account: AccountState, request: PutClaim) -> None:
    names = [MARK, request.keyword] if request.holder else []
    _mark(ledger, account, request.thread, ledger.keyword_bits(account, names))
    account.modseq += 1
    ledger.touch(account)
    ledger.execute(
        "INSERT INTO claim (account, thread, modseq, created, holder, by, at, keyword) VALUES (?1, ?2, ?3, ?3, ?4, ?5,"
        " ?6, ?7) ON CONFLICT (account, thread) DO UPDATE SET modseq = ?3, holder = ?4, by = ?5, at = ?6, keyword = ?7",
        (
            account.id,
            request.thread,
            account.modseq,
            request.holder,
            request.user,
            ledger.clock.now(),
            request.keyword if request.holder else "",
        ),
    )
    tell(ledger, account, CLAIM)


def tell(ledger: Ledger, account: AccountState, kind: str) -> None:
    hint_objects(ledger, AccountId(account.id), kind, account.modseq)


def _mark(ledger: Ledger, account: AccountState, thread: int, bits: int) -> None:
    """These are the bits of claims that the messages of the conversation have, and no others."""
    changes: dict[int, dict[Any, list[int]]] = {}
    for box, uid, packed, size in ledger.execute(_PLACES, (thread, account.id)).fetchall():
        old = unpack_flags(packed)
        new = old & ~ledger.kept_bits(account) | bits
        if new != old:
            changes.setdefault(box, {}).setdefault(pack_flags(new), []).append(uid)
            state = ledger.mailbox(AccountId(account.id), MailboxId(box))
            state.count(old, size, -1)
            state.count(new, size, 1)
    for box, alike in changes.items():
        state = ledger.mailbox(AccountId(account.id), MailboxId(box))
        modseq = ledger.bump(account, state)
        for packed, uids in alike.items():
            write_flags(ledger, state, packed, modseq, uids)
        if state.own_seen:
            own_seen.recount(ledger, state)


def claim_bits(ledger: Ledger, account: AccountState, thread: int) -> int:
    """What a new message of the conversation gets."""
    row = ledger.execute(
        "SELECT keyword FROM claim WHERE account = ? AND thread = ? AND holder <> 0", (account.id, thread)
    ).fetchone()
    return 0 if row is None else ledger.keyword_bits(account, [MARK, row[0]])


def release(ledger: Ledger, account: AccountState, holder: int, *, user: AccountId) -> None:
    """All that somebody has in this account is given back, who may not have it any more."""
    rows = ledger.execute(
        "SELECT thread FROM claim WHERE account = ? AND holder = ?", (account.id, holder)
    ).fetchall()
    for (thread,) in rows:
        number = AccountId(account.id)
        _write(ledger, account, PutClaim(number, thread, user, AccountId(0), AccountId(holder), keyword=""))


def release_all(ledger: Ledger, holder: AccountId) -> None:
    """The same in every account, of somebody who goes."""
    sql = "SELECT DISTINCT account FROM claim WHERE holder = ?"
    for (account,) in ledger.execute(sql, (holder,)).fetchall():
        release(ledger, ledger.account(account), holder, user=AccountId(0))
    ledger.flush()


def _bound(ledger: Ledger, account: int) -> None:
    """Claims given back are remembered for /changes, but not for ever."""
    _forget(ledger, "claim", "holder = 0", account)


def _forget(ledger: Ledger, table: str, gone: str, account: int) -> None:
    [(count,)] = ledger.execute(
        f"SELECT count(*) FROM {table} WHERE account = ? AND {gone}",  # noqa: S608
        (account,),
    ).fetchall()
    if count > REMOVED_KEPT:
        [(last,)] = ledger.execute(
            f"SELECT modseq FROM {table} WHERE account = ? AND {gone} ORDER BY modseq LIMIT 1 OFFSET ?",  # noqa: S608
            (account, count - REMOVED_KEPT // 2),
        ).fetchall()
        ledger.execute(
            f"DELETE FROM {table} WHERE account = ? AND {gone} AND modseq <= ?",  # noqa: S608
            (account, last),
        )
        ledger.execute("UPDATE account SET history = max(history, ?) WHERE id = ?", (last, account))


def forget_notes(ledger: Ledger, account: int) -> None:
    _forget(ledger, "note", "text IS NULL", account)


def prune_teams(ledger: Ledger, request: PruneTeams) -> int:
    """What was said about conversations that are gone: given back, and removed, as members would do it."""
    pruned = 0
    for table, kind, key, live, gone in (
        ("claim", CLAIM, "thread", "holder <> 0", "holder = 0, keyword = ''"),
        ("note", NOTE, "id", "text IS NOT NULL", "text = NULL, mentions = '[]'"),
    ):
        rows = ledger.execute(
            f"SELECT account, {key} FROM {table} WHERE {live} AND {_GONE.format(table)} LIMIT ?",  # noqa: S608
            (request.limit,),
        ).fetchall()
        pruned = max(pruned, len(rows))
        for number, row in rows:
            account = ledger.account(number)
            account.modseq += 1
            ledger.touch(account)
            ledger.execute(
                f"UPDATE {table} SET modseq = ?, {gone} WHERE account = ? AND {key} = ?",  # noqa: S608
                (account.modseq, number, row),
            )
            tell(ledger, account, kind)
        for number in {number for number, _ in rows}:
            (_bound if table == "claim" else forget_notes)(ledger, number)
    return pruned
