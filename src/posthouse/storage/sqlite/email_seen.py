"""What emails look like to one user of a team, where mailboxes have \\Seen for each (`own_seen`)."""

# ruff: noqa: S608 - values are bound; what is written into the text are numbers and names of this file

from __future__ import annotations

from typing import Any, Final

import apsw

from posthouse.core.flags import DELETED, SEEN
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import unpack_flags

CHANGED_WORDS: Final = (
    "SELECT s.modseq, p.message, p.thread, m.created FROM mailbox b CROSS JOIN seen s INDEXED BY seen_modseq"
    " ON s.mailbox = b.id AND s.user = ?4 AND s.modseq >= ?2 CROSS JOIN placement p ON p.account = s.account"
    " AND p.mailbox = s.mailbox AND p.uid = s.uid CROSS JOIN message m ON m.id = p.message"
    " WHERE b.account = ?1 AND b.own_seen AND b.modseq >= ?2"
    " AND (?3 IS NULL OR b.id IN (SELECT value FROM json_each(?3)))"
)
"""Emails of which the user said something of its own since: rows as those of placements that changed."""
_UNTOUCHED: Final = (
    "SELECT b.id FROM mailbox b WHERE b.account = ?1 AND b.own_seen AND b.modseq > ?2"
    " AND coalesce((SELECT p.modseq FROM placement p WHERE p.account = ?1 AND p.mailbox = b.id"
    " ORDER BY p.uid DESC LIMIT 1), 0) <= ?2"
    " AND NOT EXISTS (SELECT 1 FROM stretch t WHERE t.account = ?1 AND t.mailbox = b.id AND t.modseq > ?2)"
    " AND NOT EXISTS (SELECT 1 FROM departed d WHERE d.account = ?1 AND d.mailbox = b.id AND d.modseq > ?2)"
    " AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.mailbox = b.id AND s.user = ?3 AND s.modseq > ?2)"
)
Row = tuple[Any, ...]


def word(alias: str, user: int) -> str:
    """An expression: what the user said of the placement, or NULL."""
    if user == NOBODY:
        return "NULL"
    return (
        f"(SELECT own.seen FROM seen own WHERE own.account = {alias}.account AND own.mailbox = {alias}.mailbox"
        f" AND own.uid = {alias}.uid AND own.user = {int(user)})"
    )


def seen_as(flags: Any, own: int | None) -> int:
    """Flags of a placement, \\Seen being that of the user who said `own`."""
    bits = unpack_flags(flags)
    return bits if own is None else bits & ~SEEN | own


def user_in(reader: Reader, account: int, user: int) -> int:
    """The user, or NOBODY where no mailbox of the account has \\Seen for each."""
    if user == NOBODY:
        return NOBODY
    row = reader.row("SELECT 1 FROM mailbox WHERE account = ? AND own_seen LIMIT 1", (account,))
    return NOBODY if row is None else user


def untouched(reader: Reader, account: int, since: int, user: int) -> set[int]:
    """Mailboxes in which nothing happened since but that others read."""
    return {box for (box,) in reader.rows(_UNTOUCHED, (account, since, user))}


def words_since(reader: Reader, account: int, since: int) -> bool:
    """Whether anybody said something of its own after a modseq."""
    sql = (
        "SELECT 1 FROM mailbox b CROSS JOIN seen s ON s.account = b.account AND s.mailbox = b.id"
        " WHERE b.account = ?1 AND b.own_seen AND b.modseq > ?2 AND s.modseq > ?2 LIMIT 1"
    )
    return reader.row(sql, (account, since)) is not None


def in_view(rows: list[Row]) -> list[tuple[int, int, int, int]]:
    """(thread, message, mailbox, first eight flags) of rows that have what the user said behind."""
    found = []
    for thread, message, mailbox, flags, seen in rows:
        low = flags & 0xFF if isinstance(flags, int) else flags[0]
        if seen is not None:
            low = low & ~SEEN | seen
        if not low & DELETED:
            found.append((thread, message, mailbox, low))
    return found


def all_places(connection: apsw.Connection, *, account: int, own: str) -> list[tuple[int, int, int, int]]:
    rows = connection.execute(
        f"SELECT p.thread, p.message, p.mailbox, p.flags, {own} FROM placement p WHERE p.account = ?",
        (account,),
    )
    return in_view(rows.fetchall())
