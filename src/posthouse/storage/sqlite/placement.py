"""Placements: copy and move, expunge, the \\Recent mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.json import encode as json_encode

from posthouse.core.errors import OverQuota
from posthouse.core.flags import DELETED, FIRST_KEYWORD_BIT
from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.rows import Copied, Expunged, UidRanges
from posthouse.storage.sqlite import audit, own_seen
from posthouse.storage.sqlite.ledger import AccountState, Ledger, MailboxState
from posthouse.storage.sqlite.ranges import note_departed, note_expunged, try_copy, try_expunge
from posthouse.storage.sqlite.requests import (
    Copy,
    Expunge,
    Flags,
    pack_flags,
    unpack_flags,
)
from posthouse.storage.sqlite.shared import drop_messages, share_messages
from posthouse.storage.team_rows import CLAIMED

_IN_RANGE: Final = " FROM placement WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?"
_SELECT_WHOLE: Final = "SELECT uid, message, flags, size, date, savedate, thread" + _IN_RANGE
_DELETE: Final = (
    "DELETE FROM placement WHERE account = ? AND mailbox = ? AND uid IN (SELECT value FROM json_each(?))"
)
_ALL: Final[UidRanges] = [(1, 0xFFFFFFFF)]


def select(ledger: Ledger, sql: str, mailbox: MailboxState, uids: UidRanges) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for first, last in uids:
        rows += ledger.execute(sql, (mailbox.account, mailbox.id, first, last)).fetchall()
    return rows


def copy(ledger: Ledger, request: Copy) -> Copied:
    if (done := try_copy(ledger, request)) is not None:
        return done
    account = ledger.account(request.account)
    source = ledger.mailbox(request.account, request.mailbox)
    to_account = ledger.account(request.to_account)
    target = ledger.mailbox(request.to_account, request.to_mailbox)
    rows = select(ledger, _SELECT_WHOLE, source, request.uids)
    if not rows:
        return Copied(target.uidvalidity, [], [], source.modseq)
    # Among mailboxes of a team what each user has seen goes along; else what the one who copies has.
    carries = source.own_seen and target.own_seen and account is to_account
    own = request.user and source.own_seen and not carries
    seen = own_seen.as_seen(ledger, source, request.user, rows) if own else rows
    if not (account is to_account and request.move):
        take_room(ledger, to_account, rows)
    if account is not to_account:
        new_rows = _into_account(ledger, account, to_account, seen, request.keep)
    else:
        if source is not target:
            there = _in_mailbox(ledger, account, target, rows)
        else:
            there = (
                set() if request.move else {row[1] for row in rows}
            )  # what is moved leaves it before it comes in
        keep = request.keep | ledger.kept_bits(account)
        kept = seen if keep == -1 else [_kept(row, keep) for row in seen]
        new_rows = _once_each(ledger, account, there, kept)
        if not request.move:
            share_messages(ledger, account.id, [row[1] for row in rows if row[1] not in there])
    puts = request.user and target.own_seen and not carries
    marked = own_seen.take_seen(new_rows) if puts else []
    uids = append(ledger, to_account, target, new_rows)
    own_seen.put_seen(ledger, target, request.user, [uids[at] for at in marked])
    if carries:
        own_seen.carry(ledger, source, target, new_rows, uids)
    if request.user:
        _record_copy(ledger, request, [row[0] for row in rows], uids)
    if request.move:
        remove(ledger, account, source, rows)
        if account is not to_account:
            give_back(ledger, account, rows)
        elif there:
            drop_messages(ledger, account.id, [row[1] for row in rows if row[1] in there])
    return Copied(target.uidvalidity, [r[0] for r in rows], uids, source.modseq)


def _record_copy(ledger: Ledger, request: Copy, source: list[int], uids: list[int]) -> None:
    """In the log of each account that is not the one's who does it."""
    action = "move" if request.move else "copy"
    for account, mailbox in (
        (request.account, request.mailbox),
        (request.to_account, request.to_mailbox),
    ):
        if account != request.user and (request.move or account == request.to_account):
            audit.record(
                ledger,
                account,
                request.user,
                action,
                mailbox=mailbox,
                uids=audit.ranges(source),
                to=audit.place(ledger, request.to_account, request.to_mailbox),
                as_uids=audit.ranges(uids),
            )
        if request.account == request.to_account:
            return


def _once_each(
    ledger: Ledger, account: AccountState, there: set[int], rows: list[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """The rows as they will stand in another mailbox of the account, which has each message once.

    RFC 8621 §4.1.1: an Email is in a mailbox or is not; the copy of one that is `there` already is another message.
    """
    result = []
    for row in rows:
        if row[1] in there:
            number, thread = _clone_message(ledger, row[1], account, thread=row[6])
            row = (row[0], number, *row[2:6], thread)
        result.append(row)
    return result


def _in_mailbox(
    ledger: Ledger, account: AccountState, mailbox: MailboxState, rows: list[tuple[Any, ...]]
) -> set[int]:
    """Messages of the rows, which stand in one mailbox, that are in this other one too."""
    if not mailbox.messages:
        return set()
    listed = json_encode([row[1] for row in rows]).decode()
    shared = {
        message
        for (message,) in ledger.execute(
            "SELECT message FROM shared WHERE account = ? AND message IN (SELECT value FROM json_each(?))",
            (account.id, listed),
        ).fetchall()
    }
    pairs = [(row[6], row[1]) for row in rows if row[1] in shared]
    found = ledger.execute(
        "SELECT p.message FROM json_each(?) w CROSS JOIN placement p ON p.thread = w.value ->> 0"
        " AND p.message = w.value ->> 1 WHERE p.account = ? AND p.mailbox = ?",
        (json_encode(pairs).decode(), account.id, mailbox.id),
    ).fetchall()
    return {message for (message,) in found}


def _kept(row: tuple[Any, ...], keep: int) -> tuple[Any, ...]:
    return (*row[:2], pack_flags(unpack_flags(row[2]) & keep), *row[3:])


def take_room(ledger: Ledger, account: AccountState, rows: list[tuple[Any, ...]]) -> None:
    size = sum(row[3] for row in rows)
    over_bytes = account.quota_bytes and account.used_bytes + size > account.quota_bytes
    over_count = account.quota_messages and account.used_messages + len(rows) > account.quota_messages
    if over_bytes or over_count:
        raise OverQuota(f"account {account.id}")
    account.used_bytes += size
    account.used_messages += len(rows)
    ledger.touch(account)


def _into_account(
    ledger: Ledger,
    account: AccountState,
    to_account: AccountState,
    rows: list[tuple[Any, ...]],
    keep: int,
) -> list[tuple[Any, ...]]:
    """The rows as they will stand in another account: messages of its own, its own keyword bits."""
    names = dict(
        ledger.execute("SELECT position, name FROM keyword WHERE account = ?", (account.id,)).fetchall()
    )
    made: dict[int, tuple[int, int]] = {}
    result = []
    for uid, message, flags, size, date, savedate, _ in rows:
        bits = unpack_flags(flags) & keep
        keywords = [name for at, name in names.items() if bits >> (FIRST_KEYWORD_BIT + at) & 1]
        keywords = [
            name for name in keywords if not name.lower().startswith(CLAIMED)
        ]  # of that team's claims
        bits &= (1 << FIRST_KEYWORD_BIT) - 1
        if keywords:
            bits |= ledger.keyword_bits(to_account, keywords)
        if message in made:
            share_messages(ledger, to_account.id, [made[message][0]])
        else:
            made[message] = _clone_message(ledger, message, to_account)
        number, thread = made[message]
        result.append((uid, number, pack_flags(bits), size, date, savedate, thread))
    return result


def _clone_message(
    ledger: Ledger, message: int, to_account: AccountState, *, thread: int = 0
) -> tuple[int, int]:
    """A message of the same bytes and its thread (by default one of its own)."""
    number = ledger.take_id("message")
    thread = thread or number
    facts = (
        "sent_at, has_attachment, header_size, envelope, bodystructure, body, layout, header_fields, message_id,"
        " subject, base_subject, sort_from, sort_to, sort_cc, preview"
    )
    ledger.execute(
        f"INSERT INTO message (id, account, blob, refs, thread, created, {facts})"  # noqa: S608
        f" SELECT ?, ?, blob, 1, ?, ?, {facts} FROM message WHERE id = ?",
        (number, to_account.id, thread, to_account.modseq + 1, message),
    )
    ledger.execute(
        "UPDATE blob SET refs = refs + 1 WHERE id = (SELECT blob FROM message WHERE id = ?)", (message,)
    )
    return number, thread


def append(
    ledger: Ledger, account: AccountState, target: MailboxState, rows: list[tuple[Any, ...]]
) -> list[int]:
    """Put rows of _SELECT_WHOLE into the mailbox; their new UIDs."""
    modseq = ledger.bump(account, target)
    savedate = float(int(ledger.clock.now()))
    first = target.uidnext
    new = ledger.rows["placement"]
    for uid, (_, message, flags, size, date, _, thread) in enumerate(rows, first):
        new.append((account.id, target.id, uid, message, flags, modseq, size, date, savedate, thread))
    count_rows(target, rows, 1)
    target.uidnext = first + len(rows)
    ledger.flush()
    return list(range(first, target.uidnext))


def count_rows(mailbox: MailboxState, rows: Sequence[tuple[Any, ...]], sign: int) -> None:
    """Rows of _SELECT_WHOLE come or go."""
    sizes: dict[Flags, list[int]] = {}
    for row in rows:
        sizes.setdefault(row[2], []).append(row[3])
    for flags, alike in sizes.items():
        mailbox.count_alike(unpack_flags(flags), sign * len(alike), sign * sum(alike))


def remove(
    ledger: Ledger, account: AccountState, mailbox: MailboxState, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Take rows of _SELECT_WHOLE out of the mailbox; messages, blobs and the account's usage are the caller's."""
    modseq = ledger.bump(account, mailbox)
    if mailbox.own_seen:
        own_seen.forget(ledger, mailbox, rows)
    count_rows(mailbox, rows, -1)
    uids = sorted([row[0] for row in rows])
    note_expunged(ledger, mailbox, modseq, uids)
    note_departed(ledger, mailbox, modseq, [(row[1], row[6]) for row in rows])
    ledger.execute(_DELETE, (account.id, mailbox.id, json_encode(uids).decode()))


def give_back(ledger: Ledger, account: AccountState, rows: list[tuple[Any, ...]]) -> None:
    account.used_bytes -= sum(row[3] for row in rows)
    account.used_messages -= len(rows)
    ledger.touch(account)
    drop_messages(ledger, account.id, [row[1] for row in rows])


def expunge(ledger: Ledger, request: Expunge) -> Expunged:
    account = ledger.account(request.account)
    mailbox = ledger.mailbox(request.account, request.mailbox)
    if request.only_deleted and not mailbox.deleted:
        return Expunged([], mailbox.modseq)
    uids = _ALL if request.uids is None else request.uids
    if (done := try_expunge(ledger, request, uids)) is not None:
        return done
    rows = select(ledger, _SELECT_WHOLE, mailbox, uids)
    if request.only_deleted:
        rows = [row for row in rows if unpack_flags(row[2]) & DELETED]
    if rows:
        if request.user:
            audit.record_gone(ledger, request.account, request.user, request.mailbox, rows)
        remove(ledger, account, mailbox, rows)
        give_back(ledger, account, rows)
    return Expunged([row[0] for row in rows], mailbox.modseq)


def expunge_all(ledger: Ledger, account: AccountId, mailbox: MailboxId) -> None:
    expunge(ledger, Expunge(account, mailbox, None, only_deleted=False))


def move_all(ledger: Ledger, account: AccountId, mailbox: MailboxId, to_mailbox: MailboxId) -> None:
    copy(ledger, Copy(account, mailbox, _ALL, account, to_mailbox, move=True))
