"""\\Seen of each user: mailboxes of teams where one reads without the others' mail becoming read.

The flag in the placement stands for everybody who has no row of its own in `seen`.  `reader` counts by how much the
unseen messages of a user differ from those of the mailbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.json import encode as json_encode

from posthouse.core.flags import DELETED, SEEN
from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.rows import Hint, UidRanges
from posthouse.storage.sqlite.ledger import AccountState, Ledger, MailboxState
from posthouse.storage.sqlite.requests import (
    FlagRow,
    FlagsAnswer,
    StoreFlags,
    pack_flags,
    unpack_flags,
)
from posthouse.storage.sqlite.sharing_requests import SetOwnSeen
from posthouse.storage.sqlite.stretch import note_range, note_uids

Row = tuple[Any, ...]
SELECT_SEEN: Final = (
    "SELECT uid, seen, modseq FROM seen WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?"
    " AND user = ?"
)
_SELECT_FLAGS: Final = (
    "SELECT uid, flags, modseq, size FROM placement WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?"
)
_UPDATE_FLAGS: Final = (
    "UPDATE placement SET flags = ?, modseq = ? WHERE account = ? AND mailbox = ? AND uid = ?"
)
_PUT: Final = (
    "INSERT INTO seen (account, mailbox, uid, user, seen, modseq) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (account, mailbox, uid, user) DO UPDATE SET seen = excluded.seen, modseq = excluded.modseq"
)
_COUNT: Final = (
    "INSERT INTO reader (account, mailbox, user, difference) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (mailbox, user) DO UPDATE SET difference = difference + excluded.difference"
)
_WORDS: Final = (
    "SELECT s.user, s.seen, p.flags FROM seen s JOIN placement p ON p.account = s.account AND p.mailbox = s.mailbox"
    " AND p.uid = s.uid WHERE s.account = ? AND s.mailbox = ?"
)


def _seen_by(ledger: Ledger, mailbox: MailboxState, user: int, uids: UidRanges) -> dict[int, tuple[int, int]]:
    """uid -> (seen, modseq) where the user has a word of its own."""
    found: dict[int, tuple[int, int]] = {}
    for first, last in uids:
        rows = ledger.execute(SELECT_SEEN, (mailbox.account, mailbox.id, first, last, user)).fetchall()
        found.update((uid, (seen, modseq)) for uid, seen, modseq in rows)
    return found


def overlaid(flags: int, own: tuple[int, int] | None) -> int:
    return flags if own is None else flags & ~SEEN | own[0]


def store_flags(
    ledger: Ledger, account: AccountState, mailbox: MailboxState, request: StoreFlags
) -> tuple[FlagsAnswer, list[int], list[int]]:
    """As `flags.store_flags`, the UIDs that lost \\Deleted, and those that changed for all.

    The change of \\Seen is the user's alone; if nobody acts, that of all who said nothing of their own.
    """
    add, keep = unpack_flags(request.add), ~unpack_flags(request.remove)
    replace = None if request.replace is None else unpack_flags(request.replace)
    own = _seen_by(ledger, mailbox, request.user, request.uids) if request.user else {}
    answer = FlagsAnswer([], [], 0)
    updates: list[Row] = []
    words: list[Row] = []
    shown: list[int] = []
    difference, modseq = 0, account.modseq + 1
    rows: list[Row] = []
    for first, last in request.uids:
        rows += ledger.execute(_SELECT_FLAGS, (mailbox.account, mailbox.id, first, last)).fetchall()
    for uid, stored, base_modseq, size in rows:
        base, word = unpack_flags(stored), own.get(uid)
        old = overlaid(base, word)
        last_modseq = base_modseq if word is None else max(base_modseq, word[1])
        if request.unchanged_since is not None and last_modseq > request.unchanged_since:
            answer.refused.append(uid)
            continue
        if request.known_modseq is not None and last_modseq > request.known_modseq:
            answer.surprising.append(uid)
        new = (old if replace is None else replace) & keep | add
        new = old & ~request.changeable | new & request.changeable
        if new == old:
            answer.changed.append(_row(uid, old, last_modseq))
            continue
        answer.changed.append(_row(uid, new, modseq))
        shared = new & ~SEEN | base & SEEN if request.user else new
        if shared != base:
            updates.append((pack_flags(shared), modseq, mailbox.account, mailbox.id, uid))
            mailbox.count(base, size, -1)
            mailbox.count(shared, size, 1)
            if base & DELETED > shared & DELETED:
                shown.append(uid)
        if request.user and (new ^ old) & SEEN:
            words.append((mailbox.account, mailbox.id, uid, request.user, new & SEEN, modseq))
            difference += (old & SEEN) - (new & SEEN)
    if updates or words:
        ledger.bump(account, mailbox)
        ledger.executemany(_UPDATE_FLAGS, updates)
        note_uids(ledger, mailbox, modseq, [row[-1] for row in updates])
        ledger.executemany(_PUT, words)
        if words:
            ledger.execute(_COUNT, (mailbox.account, mailbox.id, request.user, difference))
        if updates and not request.user:
            recount(ledger, mailbox)
    answer.modseq = mailbox.modseq
    return answer, shown, [row[-1] for row in updates]


def _row(uid: int, flags: int, modseq: int) -> FlagRow:
    return uid, pack_flags(flags), modseq


def recount(ledger: Ledger, mailbox: MailboxState) -> None:
    """After the flags of placements changed."""
    key = mailbox.account, mailbox.id
    differences: dict[int, int] = {}
    for user, seen, flags in ledger.execute(_WORDS, key).fetchall():
        differences[user] = differences.get(user, 0) + (unpack_flags(flags) & SEEN) - seen
    sql = "UPDATE reader SET difference = ? WHERE account = ? AND mailbox = ? AND user = ?"
    ledger.executemany(sql, [(change, *key, user) for user, change in differences.items()])


def as_seen(ledger: Ledger, mailbox: MailboxState, user: int, rows: list[Row]) -> list[Row]:
    """Rows of (uid, message, flags, ...) with the user's \\Seen."""
    if not rows:
        return rows
    own = _seen_by(ledger, mailbox, user, [(rows[0][0], rows[-1][0])])
    return [(*row[:2], pack_flags(overlaid(unpack_flags(row[2]), own.get(row[0]))), *row[3:]) for row in rows]


def take_seen(rows: list[Row]) -> list[int]:
    """The places of the rows with \\Seen, which they lose: it will be the user's alone."""
    marked = [at for at, row in enumerate(rows) if unpack_flags(row[2]) & SEEN]
    for at in marked:
        rows[at] = (*rows[at][:2], pack_flags(unpack_flags(rows[at][2]) & ~SEEN), *rows[at][3:])
    return marked


def words_of(ledger: Ledger, mailbox: MailboxState, user: int, uids: Sequence[int]) -> dict[int, int]:
    """uid -> seen, where the user has a word of its own."""
    if not user or not mailbox.own_seen:
        return {}
    rows = ledger.execute(
        "SELECT uid, seen FROM seen WHERE account = ? AND mailbox = ? AND user = ?"
        " AND uid IN (SELECT value FROM json_each(?))",
        (mailbox.account, mailbox.id, user, json_encode(list(uids)).decode()),
    )
    return dict(rows.fetchall())


def say(ledger: Ledger, mailbox: MailboxState, user: int, words: dict[int, int], difference: int) -> None:
    """The user says of these UIDs what it has seen; it has so many more unseen ones by that."""
    if words:
        key = mailbox.account, mailbox.id
        ledger.executemany(_PUT, [(*key, uid, user, seen, mailbox.modseq) for uid, seen in words.items()])
        ledger.execute(_COUNT, (*key, user, difference))


def put_seen(ledger: Ledger, mailbox: MailboxState, user: int, uids: list[int]) -> None:
    """Messages that have just come are seen by the user who put them there."""
    if uids:
        key = mailbox.account, mailbox.id
        ledger.executemany(_PUT, [(*key, uid, user, 1, mailbox.modseq) for uid in uids])
        ledger.execute(_COUNT, (*key, user, -len(uids)))


def carry(
    ledger: Ledger, source: MailboxState, target: MailboxState, rows: Sequence[Row], uids: Sequence[int]
) -> None:
    """Rows of (uid, message, flags, ...) have come from another mailbox of the kind, and have these UIDs now."""
    words: list[Row] = []
    differences: dict[int, int] = {}
    for (old, _, flags, *_), uid in zip(rows, uids, strict=True):
        found = ledger.execute(
            "SELECT user, seen FROM seen WHERE account = ? AND mailbox = ? AND uid = ?",
            (source.account, source.id, old),
        ).fetchall()
        for user, seen in found:
            words.append((target.account, target.id, uid, user, seen, target.modseq))
            differences[user] = differences.get(user, 0) + (unpack_flags(flags) & SEEN) - seen
    ledger.executemany(_PUT, words)
    ledger.executemany(_COUNT, [(target.account, target.id, *change) for change in differences.items()])


def forget(ledger: Ledger, mailbox: MailboxState, rows: Sequence[Row]) -> None:
    """Messages, rows of (uid, message, flags, ...), leave the mailbox."""
    key = mailbox.account, mailbox.id
    differences: dict[int, int] = {}
    for uid, _, flags, *_ in rows:
        words = ledger.execute(
            "DELETE FROM seen WHERE account = ? AND mailbox = ? AND uid = ? RETURNING user, seen", (*key, uid)
        ).fetchall()
        for user, seen in words:
            differences[user] = differences.get(user, 0) + seen - (unpack_flags(flags) & SEEN)
    ledger.executemany(_COUNT, [(*key, user, change) for user, change in differences.items()])


def set_own_seen(ledger: Ledger, request: SetOwnSeen) -> None:
    account = ledger.account(request.account)
    mailbox = ledger.mailbox(request.account, request.mailbox)
    if mailbox.own_seen == request.on:
        return
    key = request.account, request.mailbox
    if not request.on:
        # What some users see changes, so the messages have changed (RFC 7162 §3.1).
        modseq = ledger.bump(account, mailbox)
        ledger.execute(
            "UPDATE placement SET modseq = ? WHERE account = ? AND mailbox = ? AND uid IN"
            " (SELECT uid FROM seen WHERE account = ? AND mailbox = ?)",
            (modseq, *key, *key),
        )
        note_range(ledger, mailbox, modseq, [(1, mailbox.uidnext - 1)], 1, mailbox.uidnext - 1)
        for table in ("seen", "reader"):
            ledger.execute(f"DELETE FROM {table} WHERE account = ? AND mailbox = ?", key)  # noqa: S608
    ledger.execute("UPDATE mailbox SET own_seen = ? WHERE id = ?", (request.on, request.mailbox))
    ledger.flush()
    ledger.forget_states()
    ledger.hints["rights", *key] = Hint("rights", AccountId(request.account), MailboxId(request.mailbox))
    ledger.hint("mailboxes", request.account)
