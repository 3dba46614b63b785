"""The list of a mailbox with marked emails (pinned ones, say) first, without looking at all of it.

Few emails have such a keyword.  Which ones is looked for once, and then kept up to date by what changed since: flags
that change, and whatever comes into a mailbox, get a new modseq.  What left falls out when its row is read.
"""

# ruff: noqa: S608 - values are bound; what is written into the text are names of this file

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, final

import apsw
from msgspec.json import encode as json_encode

from posthouse.core.flags import DELETED
from posthouse.storage import email_rows as e
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.stretch import select_changed

MARKED_MAX: Final = 1000
"""With more marked emails in a mailbox the query goes through all of it."""
CHANGED_MAX: Final = 5000
"""After more changes the mailbox is looked through again."""
_REMEMBERED: Final = 512
Row = tuple[Any, ...]


@final
class Marked:
    """Which emails of a mailbox had one of some keywords at a modseq."""

    __slots__ = ("messages", "modseq")

    def __init__(self, modseq: int, messages: set[int]) -> None:
        self.modseq = modseq
        self.messages = messages


def mark_of(order: Sequence[e.Order]) -> int:
    """The keywords that come first in an order which goes on by date; 0: it is no such order."""
    *marks, last = order or (e.Order("none"),)
    if last.key != "date" or not all(one.key == "keyword" and not one.ascending for one in marks):
        return 0
    bits = 0
    for one in marks:
        bits |= one.bit
    return bits


def look_through(connection: apsw.Connection, account: int, mailbox: int, mark: int) -> Marked:
    """For a thread: all of a mailbox."""
    with connection:
        modseq: Any = connection.execute("SELECT modseq FROM account WHERE id = ?", (account,)).get
        rows: list[Any] = connection.execute(
            "SELECT message FROM placement WHERE account = ? AND mailbox = ? AND flags & ? <> 0 LIMIT ?",
            (account, mailbox, mark, MARKED_MAX + 1),
        ).fetchall()
    return Marked(modseq, {message for (message,) in rows})


@final
class MarkedFirst:
    """One per process, used on its event loop."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: OrderedDict[tuple[int, int, int], Marked] = OrderedDict()

    def learn(self, account: int, mailbox: int, mark: int, marked: Marked) -> None:
        self._known[account, mailbox, mark] = marked
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def rows(
        self, account: Any, mailbox: int, order: Sequence[e.Order], limit: int
    ) -> list[tuple[int, int]] | None:
        """(message, thread) of the first emails, at least `limit` if there are so many; None: look through first.

        Of a mailbox without \\Deleted, in an account whose flags are numbers.
        """
        mark = mark_of(order)
        known = self._known.get((account, mailbox, mark))
        if known is None:
            return None
        self._known.move_to_end((account, mailbox, mark))
        with self._reader.snapshot_of(account) as (modseq, _):
            if not self._follow(known, account, mailbox, mark, modseq):
                del self._known[account, mailbox, mark]
                return None
            return self._first(known, account, mailbox, order, limit)

    def _follow(self, known: Marked, account: int, mailbox: int, mark: int, modseq: int) -> bool:
        if modseq < known.modseq:  # another database than before
            return False
        if modseq > known.modseq:
            changed = self._reader.rows(
                select_changed("p.message, p.flags & ?4", most="?5"),
                (account, known.modseq, mailbox, mark, CHANGED_MAX + 1),
            )
            if len(changed) > CHANGED_MAX:
                return False
            for message, has in changed:
                (known.messages.add if has else known.messages.discard)(message)
            known.modseq = modseq
        return len(known.messages) <= MARKED_MAX

    def _first(
        self, known: Marked, account: int, mailbox: int, order: Sequence[e.Order], limit: int
    ) -> list[tuple[int, int]]:
        # The keywords of an email are those of all its placements; `shared` names those with more than one.
        shared = self._reader.rows(
            "SELECT k.message, k.flags FROM shared s CROSS JOIN message m ON m.id = s.message CROSS JOIN placement k"
            " INDEXED BY placement_thread ON k.thread = m.thread AND k.message = m.id WHERE s.account = ?1"
            " AND k.flags & ?2 <> 0 AND NOT k.flags & ?3",
            (account, mark_of(order), DELETED),
        )
        flags: dict[int, int] = {}
        for message, bits in shared:
            flags[message] = flags.get(message, 0) | bits
        wanted = known.messages | flags.keys()
        rows = self._reader.rows(
            "SELECT p.message, p.thread, p.date, p.flags FROM json_each(?) w CROSS JOIN message m ON m.id = w.value"
            " CROSS JOIN placement p INDEXED BY placement_thread ON p.thread = m.thread AND p.message = m.id"
            " WHERE p.account = ? AND p.mailbox = ?",
            (json_encode(sorted(wanted)).decode(), account, mailbox),
        )
        *marks, date = order
        sign = 1 if date.ascending else -1

        def place(row: Row) -> Row:
            bits = row[3] | flags.get(row[0], 0)
            return (*(not bits & one.bit for one in marks), sign * row[2], -row[0])

        first = [(message, thread) for message, thread, _, _ in sorted(rows, key=place)]
        marked = {message for message, _ in first}
        direction = "ASC" if date.ascending else "DESC"
        others = self._reader.rows(
            "SELECT p.message, p.thread FROM placement p WHERE p.account = ? AND p.mailbox = ?"
            f" ORDER BY p.date {direction}, p.message DESC LIMIT ?",
            (account, mailbox, limit + len(marked)),
        )
        return first + [row for row in others if row[0] not in marked]
