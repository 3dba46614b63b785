"""COPY, MOVE and EXPUNGE of whole ranges of UIDs: statements over sets, without a row for each message in Python.

For most such commands nothing depends on the single message.  Where it does (another account, a message that is in the
target already, a \\Seen of each user) `placement` goes through the rows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from msgspec.json import decode as json_decode
from msgspec.json import encode as json_encode

from posthouse.core.errors import OverQuota
from posthouse.core.flags import DELETED
from posthouse.storage.rows import Copied, Expunged, UidRanges
from posthouse.storage.sqlite.flags import RANGES_MAX, Kind, kinds_in
from posthouse.storage.sqlite.ledger import AccountState, Ledger, MailboxState
from posthouse.storage.sqlite.requests import Copy, Expunge, Flags, unpack_flags
from posthouse.storage.sqlite.shared import drop_messages

_IN_RANGE: Final = " FROM placement WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?"
_COPY: Final = (
    "INSERT INTO placement (account, mailbox, uid, message, flags, modseq, size, date, savedate, thread)"
    " SELECT account, ?, ? + {}, message, flags, ?, size, date, ?, thread" + _IN_RANGE
)
# perf: runs of UIDs stay runs; to count the rows costs a third more.
_COPY_RUN: Final = _COPY.format("uid")
_COPY_COUNTED: Final = _COPY.format("row_number() OVER (ORDER BY uid)")
_SHARE: Final = (
    "INSERT INTO shared (account, message, refs) SELECT account, message, 2"
    + _IN_RANGE
    + " ON CONFLICT (account, message) DO UPDATE SET refs = refs + 1"
)
_ANY_SHARED: Final = (
    "SELECT EXISTS (SELECT 1 FROM placement p CROSS JOIN shared s ON s.account = p.account AND s.message = p.message"
    " WHERE p.account = ? AND p.mailbox = ? AND p.uid BETWEEN ? AND ?)"
)
_EMAILS: Final = "SELECT json_group_array(json_array(message, thread))" + _IN_RANGE
_DELETE: Final = "DELETE" + _IN_RANGE


def note_expunged(ledger: Ledger, mailbox: MailboxState, modseq: int, uids: list[int]) -> None:
    """Remember ascending UIDs that left the mailbox, as few rows."""
    rows: list[tuple[int, int, int, int, int]] = []
    first = last = uids[0]
    for uid in uids[1:]:
        if uid != last + 1:
            rows.append((mailbox.account, mailbox.id, modseq, first, last))
            first = uid
        last = uid
    rows.append((mailbox.account, mailbox.id, modseq, first, last))
    ledger.executemany(
        "INSERT INTO expunged (account, mailbox, modseq, uid, last) VALUES (?, ?, ?, ?, ?)", rows
    )


def note_departed(ledger: Ledger, mailbox: MailboxState, modseq: int, emails: list[tuple[int, int]]) -> None:
    """Remember (message, thread) pairs that left the mailbox."""
    ledger.execute(
        "INSERT INTO departed (account, modseq, mailbox, emails) VALUES (?, ?, ?, ?)",
        (mailbox.account, modseq, mailbox.id, json_encode(emails).decode()),
    )


def try_copy(ledger: Ledger, request: Copy) -> Copied | None:
    """None: it has to be done row by row."""
    account = ledger.account(request.account)
    source = ledger.mailbox(request.account, request.mailbox)
    target = ledger.mailbox(request.to_account, request.to_mailbox)
    plain = request.account == request.to_account and source is not target and not request.user
    if request.light or len(request.uids) > RANGES_MAX or not plain or request.keep != -1:
        return None
    if source.own_seen or target.own_seen or (target.messages and _has_shared(ledger, source, request.uids)):
        return None
    kinds = kinds_in(ledger, source, request.uids)
    uids = sorted([uid for kind in kinds.values() for uid in kind.uids])
    if not uids:
        return Copied(target.uidvalidity, [], [], source.modseq)
    if not request.move:
        size = sum([kind.size for kind in kinds.values()])
        if not account.has_room(size, len(uids)):
            raise OverQuota(f"account {account.id}")
        account.used_bytes += size
        account.used_messages += len(uids)
        for first, last in request.uids:
            ledger.execute(_SHARE, (source.account, source.id, first, last))
    made = _place(ledger, account, source, target, request.uids, uids)
    _count(target, kinds, 1)
    if request.move:
        _remove(ledger, account, source, request.uids, kinds)
    return Copied(target.uidvalidity, uids, made, source.modseq)


def _has_shared(ledger: Ledger, source: MailboxState, uids: UidRanges) -> bool:
    """Whether a message may be in some other mailbox too."""
    for first, last in uids:
        [(found,)] = ledger.execute(_ANY_SHARED, (source.account, source.id, first, last)).fetchall()
        if found:
            return True
    return False


def _place(
    ledger: Ledger,
    account: AccountState,
    source: MailboxState,
    target: MailboxState,
    ranges: UidRanges,
    uids: list[int],
) -> list[int]:
    """The new UIDs; `uids` are those in the ranges."""
    modseq = ledger.bump(account, target)
    savedate = float(int(ledger.clock.now()))
    start = target.uidnext
    for first, last in ranges:
        inside = uids[bisect_left(uids, first) : bisect_right(uids, last)]
        if not inside:
            continue
        is_run = inside[-1] - inside[0] + 1 == len(inside)
        sql, base = (_COPY_RUN, inside[0]) if is_run else (_COPY_COUNTED, 1)
        values = (target.id, target.uidnext - base, modseq, savedate, source.account, source.id, first, last)
        ledger.execute(sql, values)
        target.uidnext += len(inside)
    return list(range(start, target.uidnext))


def _count(mailbox: MailboxState, kinds: dict[Flags, Kind], sign: int) -> None:
    for flags, kind in kinds.items():
        mailbox.count_alike(unpack_flags(flags), sign * len(kind.uids), sign * kind.size)


def _remove(
    ledger: Ledger, account: AccountState, mailbox: MailboxState, uids: UidRanges, kinds: dict[Flags, Kind]
) -> list[tuple[int, int]]:
    """Take all that stands in the ranges out of the mailbox; (message, thread) of each."""
    modseq = ledger.bump(account, mailbox)
    _count(mailbox, kinds, -1)
    note_expunged(ledger, mailbox, modseq, sorted([uid for kind in kinds.values() for uid in kind.uids]))
    emails: list[tuple[int, int]] = []
    for first, last in uids:
        where = (mailbox.account, mailbox.id, first, last)
        [(pairs,)] = ledger.execute(_EMAILS, where).fetchall()
        emails += json_decode(pairs)
        ledger.execute(_DELETE, where)
    note_departed(ledger, mailbox, modseq, emails)
    return emails


def try_expunge(ledger: Ledger, request: Expunge, uids: UidRanges) -> Expunged | None:
    """None: it has to be done row by row."""
    mailbox = ledger.mailbox(request.account, request.mailbox)
    if request.light or len(uids) > RANGES_MAX or request.user or mailbox.own_seen:
        return None
    kinds = kinds_in(ledger, mailbox, uids)
    if request.only_deleted and not all(unpack_flags(flags) & DELETED for flags in kinds):
        return None
    gone = sorted([uid for kind in kinds.values() for uid in kind.uids])
    if gone:
        account = ledger.account(request.account)
        emails = _remove(ledger, account, mailbox, uids, kinds)
        account.used_bytes -= sum([kind.size for kind in kinds.values()])
        account.used_messages -= len(gone)
        ledger.touch(account)
        drop_messages(ledger, account.id, [message for message, _ in emails])
    return Expunged(gone, mailbox.modseq)
