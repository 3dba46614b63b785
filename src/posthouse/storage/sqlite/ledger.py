"""What the writer knows and has not written yet.

Accounts and mailboxes that are being written to are held as objects; new rows wait in lists.  `flush` writes all of it
with one prepared statement per table, so a group of deliveries costs a handful of statements however large it is.
Objects stay valid from one transaction to the next, because nobody else writes; after a rollback all of it is
forgotten and read again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any, Final

import apsw

from posthouse.core.errors import NotFound
from posthouse.core.flags import DELETED, FIRST_KEYWORD_BIT, SEEN
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.ports import Clock
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite.journal_index import JournalIndex
from posthouse.storage.team_rows import CLAIMED

Execute = Callable[..., Any]

_BLOCK: Final = {"account": 1, "mailbox": 1}
_LARGE_BLOCK: Final = 1024
"""Ids reserved at a time: one write per so many messages; a restart skips the rest of a block."""
_STATES_MAX: Final = 20_000
"""Accounts and mailboxes held between transactions."""
_ARRIVED_MAX: Final = 64
"""Messages that a hint tells of; of more the mailbox is read."""


class AccountState:
    __slots__ = (
        "dirty",
        "id",
        "kept_bits",
        "keywords",
        "modseq",
        "quota_bytes",
        "quota_messages",
        "roles",
        "team",
        "uidvalidity",
        "used_bytes",
        "used_messages",
    )

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.id: int
        self.modseq: int
        self.id, self.modseq, self.used_bytes, self.used_messages = row[:4]
        self.quota_bytes, self.quota_messages, self.uidvalidity = row[4:7]
        self.team = bool(row[7])
        self.keywords: dict[str, int] | None = None
        self.kept_bits = 0  # keywords that only claims put and take; known with `keywords`
        self.roles: dict[str, int] | None = None
        self.dirty = False

    def has_room(self, size: int, messages: int = 1) -> bool:
        return not (
            (self.quota_bytes and self.used_bytes + size > self.quota_bytes)
            or (self.quota_messages and self.used_messages + messages > self.quota_messages)
        )


class MailboxState:
    __slots__ = (
        "account",
        "deleted",
        "deleted_bytes",
        "dirty",
        "id",
        "messages",
        "modseq",
        "own_seen",
        "recent_from",
        "size_bytes",
        "uidnext",
        "uidvalidity",
        "unseen",
    )

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.id, self.account, self.uidvalidity, self.uidnext, self.modseq, self.messages = row[:6]
        self.unseen, self.deleted, self.size_bytes, self.deleted_bytes, self.recent_from = row[6:11]
        self.own_seen = bool(row[11])
        self.dirty = False

    def count_alike(self, flags: int, count: int, size: int) -> None:
        """Add messages with the same flags, or take them away (both numbers are negative)."""
        self.messages += count
        self.size_bytes += size
        if not flags & SEEN:
            self.unseen += count
        if flags & DELETED:
            self.deleted += count
            self.deleted_bytes += size

    def count(self, flags: int, size: int, sign: int) -> None:
        """Add (1) or take away (-1) one message."""
        self.messages += sign
        self.size_bytes += sign * size
        if not flags & SEEN:
            self.unseen += sign
        if flags & DELETED:
            self.deleted += sign
            self.deleted_bytes += sign * size


_READ_ACCOUNT: Final = (
    "SELECT id, modseq, used_bytes, used_messages, quota_bytes, quota_messages, uidvalidity, team"
    " FROM account WHERE id = ?"
)
_READ_MAILBOX: Final = (
    "SELECT id, account, uidvalidity, uidnext, modseq, messages, unseen, deleted, size_bytes, deleted_bytes,"
    " recent_from, own_seen FROM mailbox WHERE id = ?"
)
_WRITE_ACCOUNT: Final = (
    "UPDATE account SET modseq = ?, used_bytes = ?, used_messages = ?, uidvalidity = ? WHERE id = ?"
)
_WRITE_MAILBOX: Final = (
    "UPDATE mailbox SET uidnext = ?, modseq = ?, messages = ?, unseen = ?, deleted = ?, size_bytes = ?,"
    " deleted_bytes = ?, recent_from = ? WHERE id = ?"
)
_INSERTS: Final = {
    "blob": "INSERT INTO blob (id, refs, size, codec, file, bytes) VALUES (?, ?, ?, ?, ?, ?)",
    "message": (
        "INSERT INTO message (id, account, blob, refs, thread, sent_at, has_attachment, header_size, envelope,"
        " bodystructure, body, layout, header_fields, message_id, subject, base_subject,"
        " sort_from, sort_to, sort_cc, preview, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    "shared": "INSERT INTO shared (account, message, refs) VALUES (?, ?, ?)",
    "placement": (
        "INSERT INTO placement (account, mailbox, uid, message, flags, modseq, size, date, savedate, thread)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    "stretch": (
        "INSERT INTO stretch (account, mailbox, number, modseq) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, mailbox, number) DO UPDATE SET modseq = excluded.modseq"
    ),
    "seen": "INSERT INTO seen (account, mailbox, uid, user, seen, modseq) VALUES (?, ?, ?, ?, ?, ?)",
    "reader": (
        "INSERT INTO reader (account, mailbox, user, difference) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (mailbox, user) DO UPDATE SET difference = difference + excluded.difference"
    ),
    "thread_ref": "INSERT OR IGNORE INTO thread_ref (account, hash, thread) VALUES (?, ?, ?)",
    "queue_message": (
        "INSERT INTO queue_message (id, blob, sender, trace, arrived_at, expires_at, not_before, size, body,"
        " smtputf8, requiretls, ret, envid, account, message_id, sign_as)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    "queue_recipient": (
        "INSERT INTO queue_recipient (id, message, state, due_at, next_attempt, lease_owner, lease_until, attempts,"
        " warned, address, destination, route, orcpt, notify, last_status, remote)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    "object": (
        "INSERT INTO object (account, kind, id, modseq, created, ref, value) VALUES (?, ?, ?, ?, ?, ?, ?)"
    ),
    "journal": (
        "INSERT INTO journal (trace, at, message_hash, lines) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (trace) DO UPDATE SET lines = CAST(lines || excluded.lines AS BLOB)"
    ),
}


class Ledger:
    def __init__(
        self, connection: apsw.Connection, clock: Clock, claims: Container[tuple[int, int]] = ()
    ) -> None:
        self.execute: Execute = connection.execute
        self.executemany = connection.executemany
        self.clock = clock
        self.claims = claims  # mailboxes (account, id) where sessions are told of what arrives
        self.claimed_to: dict[int, int] = {}  # mailbox -> UIDs below it were claimed by who selected it
        self.hints: dict[tuple[str, int, int], Hint] = {}
        self.dropped_files: list[str] = []
        self._accounts: dict[int, AccountState] = {}
        self._mailboxes: dict[int, MailboxState] = {}
        self._touched: list[AccountState | MailboxState] = []
        self._ids: dict[str, tuple[int, int]] = {}  # name -> (next, end of the reserved block)
        self._threads: dict[tuple[int, int], int] = {}
        self.rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _INSERTS}
        self._journal_index = JournalIndex(self.execute)

    # ------------------------------------------------------------------ transactions

    def flush(self) -> None:
        """Write what waits; the rows are in the transaction afterwards."""
        if self.rows["journal"]:
            self._journal_index.note(self.rows["journal"])
        for table, rows in self.rows.items():
            if rows:
                self.executemany(_INSERTS[table], rows)
                rows.clear()
        self._threads.clear()
        if self._touched:
            touched, self._touched = self._touched, []
            accounts = [s for s in touched if isinstance(s, AccountState)]
            mailboxes = [s for s in touched if isinstance(s, MailboxState)]
            self.executemany(
                _WRITE_ACCOUNT,
                [(s.modseq, s.used_bytes, s.used_messages, s.uidvalidity, s.id) for s in accounts],
            )
            self.executemany(_WRITE_MAILBOX, [_mailbox_values(s) for s in mailboxes])
            for state in touched:
                state.dirty = False

    def forget(self) -> None:
        """After a rollback: what is held may never have happened."""
        for rows in self.rows.values():
            rows.clear()
        self._touched.clear()
        self._threads.clear()
        self._ids.clear()
        self._journal_index.forget()
        self.forget_states()
        self.hints.clear()
        self.dropped_files.clear()

    def forget_savepoint(self, hints: dict[tuple[str, int, int], Hint], dropped_files: list[str]) -> None:
        """After a rollback to a savepoint that was set flushed, with what was noted before it."""
        self.forget()
        self.hints = hints
        self.dropped_files = dropped_files

    def forget_states(self) -> None:
        """To be called flushed, after something else than this object changed accounts or mailboxes."""
        self._accounts.clear()
        self._mailboxes.clear()

    def trim(self) -> None:
        if len(self._accounts) + len(self._mailboxes) > _STATES_MAX:
            self.forget_states()

    # ------------------------------------------------------------------ ids

    def take_id(self, name: str) -> int:
        """The next id of this kind; never given twice, not even after a deletion or a crash."""
        following: int
        end: int
        following, end = self._ids.get(name, (0, 0))
        if following == end:
            block = _BLOCK.get(name, _LARGE_BLOCK)
            [(end,)] = self.execute(
                "INSERT INTO sequence (name, reserved) VALUES (?, 1 + ?)"
                " ON CONFLICT (name) DO UPDATE SET reserved = reserved + ? RETURNING reserved",
                (name, block, block),
            ).fetchall()
            following = end - block
        self._ids[name] = (following + 1, end)
        return following

    # ------------------------------------------------------------------ accounts and mailboxes

    def try_account(self, account: int) -> AccountState | None:
        state = self._accounts.get(account)
        if state is None:
            row = self.execute(_READ_ACCOUNT, (account,)).fetchone()
            if row is None:
                return None
            state = self._accounts[account] = AccountState(row)
        return state

    def account(self, account: AccountId) -> AccountState:
        state = self.try_account(account)
        if state is None:
            raise NotFound(f"account {account}")
        return state

    def try_mailbox(self, account: int, mailbox: int) -> MailboxState | None:
        state = self._mailboxes.get(mailbox)
        if state is None:
            row = self.execute(_READ_MAILBOX, (mailbox,)).fetchone()
            if row is None:
                return None
            state = self._mailboxes[mailbox] = MailboxState(row)
        return state if state.account == account else None

    def has_mailbox(self, mailbox: MailboxId) -> bool:
        """Of whatever account."""
        return (
            mailbox in self._mailboxes
            or self.execute("SELECT 1 FROM mailbox WHERE id = ?", (mailbox,)).fetchone() is not None
        )

    def mailbox(self, account: AccountId, mailbox: MailboxId) -> MailboxState:
        state = self.try_mailbox(account, mailbox)
        if state is None:
            raise NotFound(f"mailbox {mailbox} of account {account}")
        return state

    def touch(self, *states: AccountState | MailboxState) -> None:
        """Every change of a state is announced here (or by `bump`), before or after it is made."""
        for state in states:
            if not state.dirty:
                state.dirty = True
                self._touched.append(state)

    def bump(self, account: AccountState, mailbox: MailboxState) -> int:
        """The next modseq of the account, given to the mailbox; hints at it."""
        account.modseq += 1
        mailbox.modseq = account.modseq
        self.touch(account, mailbox)
        self.hints["mailbox", account.id, mailbox.id] = Hint(
            "mailbox", AccountId(account.id), MailboxId(mailbox.id), mailbox.modseq
        )
        return account.modseq

    def arrive(self, account: AccountState, mailbox: MailboxState, flags: int) -> tuple[int, int]:
        """UID and modseq of a message that comes into the mailbox; the hint tells of it as long as nothing else did."""
        key = "mailbox", account.id, mailbox.id
        before, since, uid = self.hints.get(key), mailbox.modseq, mailbox.uidnext
        claimed = (account.id, mailbox.id) in self.claims and mailbox.recent_from == uid
        mailbox.uidnext += 1
        mailbox.recent_from += claimed
        modseq = self.bump(account, mailbox)
        arrived: tuple[tuple[int, int, int], ...] = ((uid, flags, modseq),)
        if before is not None:
            since, arrived = before.since, before.arrived + arrived
        if since >= 0 and len(arrived) <= _ARRIVED_MAX and flags < 1 << 63:
            hint = self.hints[key]
            self.hints[key] = Hint(
                "mailbox", hint.account, hint.mailbox, modseq, since=since, arrived=arrived, claimed=claimed
            )
        return uid, modseq

    def hint(self, kind: str, account: int = 0) -> None:
        self.hints[kind, account, 0] = Hint(kind, AccountId(account))

    def roles(self, account: AccountState) -> dict[str, int]:
        if account.roles is None:
            rows = self.execute(
                "SELECT role, id FROM mailbox WHERE account = ? AND role IS NOT NULL", (account.id,)
            )
            account.roles = dict(rows.fetchall())
        return account.roles

    # ------------------------------------------------------------------ keywords

    def keyword_bits(self, account: AccountState, names: Sequence[str]) -> int:
        """The bits of the names; unknown ones are registered."""
        known = self._keywords(account)
        bits = 0
        for name in names:
            position = known.get(name.lower())
            if position is None:
                position = len(known)
                self.execute(
                    "INSERT INTO keyword (account, position, name) VALUES (?, ?, ?)",
                    (account.id, position, name),
                )
                known[name.lower()] = position
                if account.team and name.lower().startswith(CLAIMED):
                    account.kept_bits |= 1 << (FIRST_KEYWORD_BIT + position)
            bits |= 1 << (FIRST_KEYWORD_BIT + position)
        return bits

    def _keywords(self, account: AccountState) -> dict[str, int]:
        if account.keywords is None:
            rows = self.execute(
                "SELECT name, position FROM keyword WHERE account = ?", (account.id,)
            ).fetchall()
            account.keywords = {name.lower(): position for name, position in rows}
            if account.team:
                found = [at for name, at in account.keywords.items() if name.startswith(CLAIMED)]
                account.kept_bits = sum([1 << (FIRST_KEYWORD_BIT + at) for at in found])
        return account.keywords

    def kept_bits(self, account: AccountState) -> int:
        """Keywords that no change of flags touches: those of claims, in the account of a team."""
        if account.team:
            self._keywords(account)
        return account.kept_bits

    # ------------------------------------------------------------------ threads

    def thread(self, account: int, hashes: Sequence[int], message: int) -> int:
        """The thread of a message with these Message-ID hashes (its own first); `message` if it starts one."""
        if not hashes:
            return message
        pending = self._threads
        found = [pending[account, h] for h in hashes if (account, h) in pending]
        marks = ",".join("?" * len(hashes))
        rows = self.execute(
            f"SELECT hash, thread FROM thread_ref WHERE account = ? AND hash IN ({marks})",  # noqa: S608
            (account, *hashes),
        ).fetchall()
        known = {h for h, _ in rows}
        found += [thread for _, thread in rows]
        thread: int = min(found, default=message)
        for value in hashes:
            if value not in known and (account, value) not in pending:
                pending[account, value] = thread
                self.rows["thread_ref"].append((account, value, thread))
        return thread


def _mailbox_values(s: MailboxState) -> tuple[int, ...]:
    return (
        s.uidnext,
        s.modseq,
        s.messages,
        s.unseen,
        s.deleted,
        s.size_bytes,
        s.deleted_bytes,
        s.recent_from,
        s.id,
    )
