"""The audit log: written with the change it tells of, in the same transaction.

Nothing is written of what somebody does in an account of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.json import decode, encode

from posthouse.core.flags import FIRST_KEYWORD_BIT, SYSTEM_FLAGS
from posthouse.core.ids import AccountId
from posthouse.storage.rows import AuditEntry
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.requests import AnyRequest, StoreFlags, unpack_flags
from posthouse.storage.sqlite.sharing_requests import NoteAudit, PruneAudit

if TYPE_CHECKING:
    from posthouse.storage.sqlite.reads import Reader

RANGES_MAX: Final = 200
"""Ranges of UIDs that one entry names."""
MESSAGES_MAX: Final = 20
"""Message-IDs that one entry names."""
_INSERT: Final = (
    "INSERT INTO audit (at, account, actor, account_name, actor_name, action, mailbox, facts)"
    " SELECT ?1, ?2, ?3, coalesce((SELECT address FROM account WHERE id = ?2), ''),"
    " coalesce((SELECT address FROM account WHERE id = ?3), ''), ?4,"
    " coalesce((SELECT name FROM mailbox WHERE id = ?5), ''), ?6"
)
_entry: Final[Callable[..., AuditEntry]] = AuditEntry


def record(ledger: Ledger, account: int, user: int, action: str, *, mailbox: int = 0, **facts: Any) -> None:
    """`user` 0: an administrator."""
    ledger.execute(_INSERT, (ledger.clock.now(), account, user, action, mailbox, encode(facts).decode()))


def record_flags(ledger: Ledger, request: StoreFlags, uids: Sequence[int]) -> None:
    names: dict[str, list[str]] = {}
    for what in ("add", "remove", "replace"):
        bits = getattr(request, what)
        if bits is not None and (what == "replace" or bits):
            names[what] = _names(ledger, request.account, unpack_flags(bits) & request.changeable)
    record(
        ledger,
        request.account,
        request.user,
        "flags",
        mailbox=request.mailbox,
        uids=ranges(uids),
        **names,
    )


def _names(ledger: Ledger, account: int, bits: int) -> list[str]:
    names = [name for name, bit in SYSTEM_FLAGS.items() if bits & bit]
    if bits >> FIRST_KEYWORD_BIT:
        rows = ledger.execute("SELECT position, name FROM keyword WHERE account = ?", (account,)).fetchall()
        names += [name for position, name in rows if bits >> (FIRST_KEYWORD_BIT + position) & 1]
    return names


def record_gone(
    ledger: Ledger, account: int, user: int, mailbox: int, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Rows of (uid, message, ...) are about to be expunged."""
    named = encode([row[1] for row in rows[:MESSAGES_MAX]]).decode()
    found = ledger.execute(
        "SELECT m.message_id FROM json_each(?) w JOIN message m ON m.id = w.value", (named,)
    ).fetchall()
    record(
        ledger,
        account,
        user,
        "expunge",
        mailbox=mailbox,
        uids=ranges([row[0] for row in rows]),
        messages=[text for (text,) in found if text],
    )


def place(ledger: Ledger, account: int, mailbox: int) -> str:
    row = ledger.execute(
        "SELECT a.address, m.name FROM account a JOIN mailbox m ON m.account = a.id WHERE a.id = ? AND m.id = ?",
        (account, mailbox),
    ).fetchone()
    return "" if row is None else f"{row[0]}/{row[1]}"


def ranges(uids: Iterable[int]) -> str:
    """`1:3,7`, cut where it is very long."""
    out: list[list[int]] = []
    for uid in uids:
        if out and uid == out[-1][1] + 1:
            out[-1][1] = uid
        elif len(out) == RANGES_MAX:
            return ",".join(_range(*pair) for pair in out) + ",..."
        else:
            out.append([uid, uid])
    return ",".join(_range(*pair) for pair in out)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}:{last}"


def note(ledger: Ledger, request: NoteAudit) -> None:
    entry = request.entry
    ids = [
        ledger.execute("SELECT id FROM account WHERE address = ?", (address,)).fetchone()
        for address in (entry.account, entry.actor)
    ]
    ledger.execute(
        "INSERT INTO audit (at, account, actor, account_name, actor_name, action, mailbox, facts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.at,
            *(0 if row is None else row[0] for row in ids),
            entry.account,
            entry.actor,
            entry.action,
            entry.mailbox,
            encode(entry.facts).decode(),
        ),
    )


def prune(ledger: Ledger, request: PruneAudit) -> int:
    rows = ledger.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT ?) AND (at < ?"
        " OR id <= (SELECT max(id) FROM audit) - ?) RETURNING 1",
        (request.limit, request.before, request.kept),
    ).fetchall()
    return len(rows)


class SqliteAudit:
    """`ports.Audit`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def note(self, entry: AuditEntry) -> None:
        await self._submit(NoteAudit(entry))

    async def recent(self, limit: int, account: AccountId | None = None) -> list[AuditEntry]:
        rows = self._reader.rows(
            "SELECT at, account_name, actor_name, action, mailbox, facts FROM audit"
            " WHERE ?1 IS NULL OR id IN (SELECT id FROM audit WHERE account = ?1 UNION SELECT id FROM audit"
            " WHERE actor = ?1) ORDER BY id DESC LIMIT ?2",
            (account, limit),
        )
        return [_entry(*row[:5], decode(row[5])) for row in reversed(rows)]

    async def page(
        self, before: int, limit: int, *, account: str = "", domains: Sequence[str] | None = None
    ) -> list[tuple[int, AuditEntry]]:
        # The domain of an address is what stands behind its last @: a quoted local part may hold others.
        rows = self._reader.rows(
            "SELECT id, at, account_name, actor_name, action, mailbox, facts FROM audit"
            " WHERE (?1 = 0 OR id < ?1) AND (?2 = '' OR account_name = ?2 OR actor_name = ?2)"
            " AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(?3) d WHERE"
            " substr(account_name, -length(d.value) - 1) = '@' || d.value OR"
            " substr(actor_name, -length(d.value) - 1) = '@' || d.value)) ORDER BY id DESC LIMIT ?4",
            (before, account, None if domains is None else encode(list(domains)).decode(), limit),
        )
        return [(row[0], _entry(*row[1:6], decode(row[6]))) for row in rows]
