"""Which messages of a mailbox came or changed since a modseq, without an index of modseqs.

An entry of such an index for every message was moved at every change of flags, two thirds of what STORE of a whole
mailbox took, and written for every letter.  Instead `stretch` has a row for 64 UIDs in a row some of whose flags were
changed once, with the modseq of the last time; the rows of `placement` there tell which they were.  What is new needs
no record: modseqs of arrivals ascend with the UIDs, so of the newest messages all that stand above the last one which
has an older modseq came or changed since, and below it nothing came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from posthouse.storage.rows import UidRanges
from posthouse.storage.sqlite.ledger import Ledger, MailboxState

_UIDS: Final = 64
_CHANGED: Final = (
    "WITH box (account, id, known) AS MATERIALIZED (SELECT b.account, b.id, coalesce((SELECT uid FROM (SELECT q.uid,"
    " q.modseq FROM placement q WHERE q.account = b.account AND q.mailbox = b.id ORDER BY q.uid DESC LIMIT {most})"
    " WHERE modseq <= ?2 LIMIT 1), 0) FROM mailbox b WHERE b.account = ?1 AND b.modseq > ?2 AND {boxes})"
    " SELECT {columns} FROM box b CROSS JOIN stretch s ON s.account = b.account AND s.mailbox = b.id"
    " AND s.number <= b.known / 64 AND s.modseq > ?2"
    " CROSS JOIN placement p ON p.account = s.account AND p.mailbox = s.mailbox"
    " AND p.uid BETWEEN s.number * 64 AND min(s.number * 64 + 63, b.known) AND p.modseq > ?2"
    " UNION ALL SELECT {columns} FROM box b CROSS JOIN placement p ON p.account = b.account AND p.mailbox = b.id"
    " AND p.uid > b.known AND p.modseq > ?2 LIMIT {most}"
)


def select_changed(columns: str, boxes: str = "b.id = ?3", *, most: str = "-1") -> str:
    """Columns of the placements `p` whose modseq is past ?2, in the mailboxes `b` of the account ?1 so chosen.

    `most`: with more of them some are left out, and no more than so many are looked at for where the newest begin.
    """
    return _CHANGED.format(columns=columns, boxes=boxes, most=most)


def note_range(
    ledger: Ledger, mailbox: MailboxState, modseq: int, uids: UidRanges, first: int, last: int
) -> None:
    """Flags were changed in these ranges, of no UIDs below `first` or past `last`."""
    numbers: set[int] = set()
    for low, high in uids:
        numbers.update(range(max(low, first) // _UIDS, (min(high, last) // _UIDS) + 1))
    _note(ledger, mailbox, modseq, numbers)


def note_uids(ledger: Ledger, mailbox: MailboxState, modseq: int, uids: Iterable[int]) -> None:
    """Flags of these UIDs were changed."""
    _note(ledger, mailbox, modseq, {uid // _UIDS for uid in uids})


def _note(ledger: Ledger, mailbox: MailboxState, modseq: int, numbers: Iterable[int]) -> None:
    ledger.rows["stretch"] += [(mailbox.account, mailbox.id, number, modseq) for number in numbers]
