"""Placements: flags, copy and move, expunge, the \\Recent mark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from posthouse.core.errors import OverQuota
from posthouse.core.flags import DELETED, FIRST_KEYWORD_BIT
from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.rows import Copied, Expunged, UidRanges
from posthouse.storage.sqlite.ledger import AccountState, Ledger, MailboxState
from posthouse.storage.sqlite.requests import (
    ClaimRecent,
    Copy,
    Expunge,
    FlagRow,
    FlagsAnswer,
    StoreFlags,
    pack_flags,
    unpack_flags,
)

_IN_RANGE: Final = " FROM placement WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?"
_SELECT_FLAGS: Final = "SELECT uid, flags, modseq, size" + _IN_RANGE
_SELECT_WHOLE: Final = "SELECT uid, message, flags, size, date, savedate" + _IN_RANGE
_UPDATE_FLAGS: Final = (
    "UPDATE placement SET flags = ?, modseq = ? WHERE account = ? AND mailbox = ? AND uid = ?"
)
_DELETE: Final = "DELETE FROM placement WHERE account = ? AND mailbox = ? AND uid = ?"
_ADD_EXPUNGED: Final = "INSERT INTO expunged (account, mailbox, modseq, uid) VALUES (?, ?, ?, ?)"
_ALL: Final[UidRanges] = [(1, 0xFFFFFFFF)]


def _select(ledger: Ledger, sql: str, mailbox: MailboxState, uids: UidRanges) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for first, last in uids:
        rows += ledger.execute(sql, (mailbox.account, mailbox.id, first, last)).fetchall()
    return rows


def store_flags(ledger: Ledger, request: StoreFlags) -> FlagsAnswer:
    account = ledger.account(request.account)
    mailbox = ledger.mailbox(request.account, request.mailbox)
    add, keep = unpack_flags(request.add), ~unpack_flags(request.remove)
    replace = None if request.replace is None else unpack_flags(request.replace)
    limit, known = request.unchanged_since, request.known_modseq
    touched: list[FlagRow] = []
    refused: list[int] = []
    surprising: list[int] = []
    updates = []
    modseq = account.modseq + 1
    for uid, stored, seen_modseq, size in _select(ledger, _SELECT_FLAGS, mailbox, request.uids):
        # RFC 7162 §3.1.3: a message that changed after UNCHANGEDSINCE is left alone.
        if limit is not None and seen_modseq > limit:
            refused.append(uid)
            continue
        if known is not None and seen_modseq > known:
            surprising.append(uid)
        old = unpack_flags(stored)
        new = (old if replace is None else replace) & keep | add
        if new == old:
            touched.append((uid, stored, seen_modseq))
            continue
        packed = pack_flags(new)
        touched.append((uid, packed, modseq))
        updates.append((packed, modseq, mailbox.account, mailbox.id, uid))
        mailbox.count(old, size, -1)
        mailbox.count(new, size, 1)
    if updates:
        ledger.bump(account, mailbox)
        ledger.executemany(_UPDATE_FLAGS, updates)
    return FlagsAnswer(touched, refused, mailbox.modseq, surprising)


def claim_recent(ledger: Ledger, request: ClaimRecent) -> int:
    mailbox = ledger.mailbox(request.account, request.mailbox)
    first: int = mailbox.recent_from
    if first != mailbox.uidnext:
        mailbox.recent_from = mailbox.uidnext
        ledger.touch(mailbox)
    return first


def copy(ledger: Ledger, request: Copy) -> Copied:
    account = ledger.account(request.account)
    source = ledger.mailbox(request.account, request.mailbox)
    to_account = ledger.account(request.to_account)
    target = ledger.mailbox(request.to_account, request.to_mailbox)
    rows = _select(ledger, _SELECT_WHOLE, source, request.uids)
    if not rows:
        return Copied(target.uidvalidity, [], [], source.modseq)
    stays = account is to_account and request.move
    if not stays:
        _take_room(ledger, to_account, rows)
    if account is not to_account:
        new_rows = _into_account(ledger, account, to_account, rows)
    else:
        new_rows = rows
        if not request.move:
            ledger.executemany("UPDATE message SET refs = refs + 1 WHERE id = ?", [(r[1],) for r in rows])
    uids = _append(ledger, to_account, target, new_rows)
    if request.move:
        _remove(ledger, account, source, rows)
        if not stays:
            _give_back(ledger, account, rows)
    return Copied(target.uidvalidity, [r[0] for r in rows], uids, source.modseq)


def _take_room(ledger: Ledger, account: AccountState, rows: list[tuple[Any, ...]]) -> None:
    size = sum(row[3] for row in rows)
    over_bytes = account.quota_bytes and account.used_bytes + size > account.quota_bytes
    over_count = account.quota_messages and account.used_messages + len(rows) > account.quota_messages
    if over_bytes or over_count:
        raise OverQuota(f"account {account.id}")
    account.used_bytes += size
    account.used_messages += len(rows)
    ledger.touch(account)


def _into_account(
    ledger: Ledger, account: AccountState, to_account: AccountState, rows: list[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """The rows as they will stand in another account: messages of its own, its own keyword bits."""
    names = dict(
        ledger.execute("SELECT position, name FROM keyword WHERE account = ?", (account.id,)).fetchall()
    )
    made: dict[int, int] = {}
    result = []
    for uid, message, flags, size, date, savedate in rows:
        bits = unpack_flags(flags)
        keywords = [name for at, name in names.items() if bits >> (FIRST_KEYWORD_BIT + at) & 1]
        bits &= (1 << FIRST_KEYWORD_BIT) - 1
        if keywords:
            bits |= ledger.keyword_bits(to_account, keywords)
        if message in made:
            ledger.execute("UPDATE message SET refs = refs + 1 WHERE id = ?", (made[message],))
        else:
            made[message] = _clone_message(ledger, message, to_account)
        result.append((uid, made[message], pack_flags(bits), size, date, savedate))
    return result


def _clone_message(ledger: Ledger, message: int, to_account: AccountState) -> int:
    number = ledger.take_id("message")
    facts = (
        "sent_at, has_attachment, header_size, envelope, bodystructure, body, layout, header_fields, message_id,"
        " subject, base_subject, sort_from, sort_to, sort_cc, preview"
    )
    ledger.execute(
        f"INSERT INTO message (id, account, blob, refs, thread, {facts})"  # noqa: S608
        f" SELECT ?, ?, blob, 1, ?, {facts} FROM message WHERE id = ?",
        (number, to_account.id, number, message),
    )
    ledger.execute(
        "UPDATE blob SET refs = refs + 1 WHERE id = (SELECT blob FROM message WHERE id = ?)", (message,)
    )
    return number


def _append(
    ledger: Ledger, account: AccountState, target: MailboxState, rows: list[tuple[Any, ...]]
) -> list[int]:
    modseq = ledger.bump(account, target)
    savedate = float(int(ledger.clock.now()))
    first = target.uidnext
    new = ledger.rows["placement"]
    for uid, (_, message, flags, size, date, _) in enumerate(rows, first):
        new.append((account.id, target.id, uid, message, flags, modseq, size, date, savedate))
        target.count(unpack_flags(flags), size, 1)
    target.uidnext = first + len(rows)
    ledger.flush()
    return list(range(first, target.uidnext))


def _remove(
    ledger: Ledger, account: AccountState, mailbox: MailboxState, rows: Iterable[tuple[Any, ...]]
) -> None:
    """Take rows of _SELECT_WHOLE out of the mailbox; messages, blobs and the account's usage are the caller's."""
    modseq = ledger.bump(account, mailbox)
    gone = []
    for uid, _, flags, size, *_ in rows:
        gone.append((account.id, mailbox.id, modseq, uid))
        mailbox.count(unpack_flags(flags), size, -1)
    ledger.executemany(_DELETE, [(a, m, uid) for a, m, _, uid in gone])
    ledger.executemany(_ADD_EXPUNGED, gone)


def _give_back(ledger: Ledger, account: AccountState, rows: list[tuple[Any, ...]]) -> None:
    account.used_bytes -= sum(row[3] for row in rows)
    account.used_messages -= len(rows)
    ledger.touch(account)
    ledger.drop_messages(row[1] for row in rows)


def expunge(ledger: Ledger, request: Expunge) -> Expunged:
    account = ledger.account(request.account)
    mailbox = ledger.mailbox(request.account, request.mailbox)
    if request.only_deleted and not mailbox.deleted:
        return Expunged([], mailbox.modseq)
    uids = _ALL if request.uids is None else request.uids
    rows = _select(ledger, _SELECT_WHOLE, mailbox, uids)
    if request.only_deleted:
        rows = [row for row in rows if unpack_flags(row[2]) & DELETED]
    if rows:
        _remove(ledger, account, mailbox, rows)
        _give_back(ledger, account, rows)
    return Expunged([row[0] for row in rows], mailbox.modseq)


def expunge_all(ledger: Ledger, account: AccountId, mailbox: MailboxId) -> None:
    expunge(ledger, Expunge(account, mailbox, None, only_deleted=False))


def move_all(ledger: Ledger, account: AccountId, mailbox: MailboxId, to_mailbox: MailboxId) -> None:
    copy(ledger, Copy(account, mailbox, _ALL, account, to_mailbox, move=True))
