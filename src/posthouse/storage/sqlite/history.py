"""What left the mailboxes of an account is remembered for clients that come back, but not for ever.

RFC 7162 §3.2.5: a server that has forgotten tells all UIDs that are not there; RFC 8620 §5.2: cannotCalculateChanges.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from posthouse.core.ids import AccountId
from posthouse.storage.sqlite.connection import DATABASE_NAME, open_reader, reading
from posthouse.storage.sqlite.email_requests import CutHistory
from posthouse.storage.sqlite.ledger import Ledger

HISTORY_ROWS_MAX: Final = 20_000
"""Rows of one account in each of the tables; one that has more is cut to the newer half.  A row is what one change took
out of one mailbox (`departed`), or a run of its UIDs (`expunged`)."""

_NTH: Final = "SELECT modseq FROM {} WHERE account = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?"
_TABLES: Final = ("departed", "expunged")


def cut_history(ledger: Ledger, request: CutHistory) -> None:
    """Keep the last `keep` rows of an account, at least, and all of the change to which the oldest belongs."""
    account = request.account
    found: list[int] = []
    for table in _TABLES:
        rows = ledger.execute(_NTH.format(table), (account, request.keep)).fetchall()
        found += [modseq for (modseq,) in rows]
    if found:
        first = max(found)
        for table in (*_TABLES, "gone"):
            ledger.execute(f"DELETE FROM {table} WHERE account = ? AND modseq < ?", (account, first))  # noqa: S608
        ledger.execute("UPDATE account SET history = ? WHERE id = ? AND history < ?", (first, account, first))


def long_histories(root: Path, rows_max: int = HISTORY_ROWS_MAX) -> list[AccountId]:
    """Accounts that have more rows; to be called in a thread."""
    with reading():
        connection = open_reader(root / DATABASE_NAME)
        try:
            found: set[AccountId] = set()
            for table in _TABLES:
                sql = f"SELECT account FROM {table} GROUP BY account HAVING count(*) > ?"  # noqa: S608
                rows: list[Any] = connection.execute(sql, (rows_max,)).fetchall()
                found.update(account for (account,) in rows)
        finally:
            connection.close()
    return sorted(found)
