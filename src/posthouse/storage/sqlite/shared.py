"""What several rows refer to: messages that have more than one placement, and blobs.

Most messages have one placement, and no row in `shared`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.json import encode as json_encode

from posthouse.storage.sqlite.ledger import Ledger

RUN_MIN: Final = 64
"""As many messages may be a run."""

_BETWEEN: Final = " FROM shared WHERE account = ? AND message BETWEEN ? AND ?"
_IN_RUN: Final = "SELECT count(*), total(refs = 2)" + _BETWEEN
_LISTED_THERE: Final = (
    "SELECT count(*) FROM json_each(?) w CROSS JOIN shared s ON s.account = ? AND s.message = w.value"
)
_DROP_RUN: Final = "DELETE" + _BETWEEN
_DROP_SECOND: Final = (
    "DELETE FROM shared WHERE account = ? AND refs = 2 AND message IN (SELECT value FROM json_each(?))"
    " RETURNING message"
)
_DROP_ONE: Final = (
    "UPDATE shared SET refs = refs - 1 WHERE account = ? AND message IN (SELECT value FROM json_each(?))"
    " RETURNING message"
)


def share_messages(ledger: Ledger, account: int, messages: list[int]) -> None:
    """Each has one placement more; to be called with each once."""
    if messages:
        ledger.execute(
            "INSERT INTO shared (account, message, refs) SELECT ?, value, 2 FROM json_each(?) WHERE true"
            " ON CONFLICT (account, message) DO UPDATE SET refs = refs + 1",
            (account, _listed(messages)),
        )


def drop_messages(ledger: Ledger, account: int, messages: Iterable[int]) -> None:
    """Take one placement from each; those without any go."""
    for once in _each_once(messages):
        if len(once) >= RUN_MIN and _drop_run(ledger, account, once):
            continue
        for sql in (_DROP_SECOND, _DROP_ONE):
            if once:
                rows = ledger.execute(sql, (account, _listed(once))).fetchall()
                once = list(set(once).difference([message for (message,) in rows])) if rows else once
        if once:
            gone = ledger.execute(
                "DELETE FROM message WHERE id IN (SELECT value FROM json_each(?)) RETURNING blob",
                (_listed(once),),
            ).fetchall()
            drop_blobs(ledger, [blob for (blob,) in gone])


def _drop_run(ledger: Ledger, account: int, once: list[int]) -> bool:
    """Whether these were the second placements of a run of messages, as of a mailbox that was copied; they are gone.

    perf: 10,000 take 4 ms, one by one 13.
    """
    run = (account, min(once), max(once))
    [(there, seconds)] = ledger.execute(_IN_RUN, run).fetchall()
    if there != len(once) or seconds != there:
        return False
    [(listed,)] = ledger.execute(_LISTED_THERE, (_listed(once), account)).fetchall()
    if listed != there:
        return False
    ledger.execute(_DROP_RUN, run)
    return True


def drop_blobs(ledger: Ledger, blobs: Iterable[int]) -> None:
    """Take one reference from each; those without any go, with their files."""
    for once in _each_once(blobs):
        rows = ledger.execute(
            "DELETE FROM blob WHERE refs = 1 AND id IN (SELECT value FROM json_each(?)) RETURNING id, file",
            (_listed(once),),
        ).fetchall()
        if len(rows) < len(once):
            left = list(set(once).difference([blob for blob, _ in rows]))
            ledger.execute(
                "UPDATE blob SET refs = refs - 1 WHERE id IN (SELECT value FROM json_each(?))",
                (_listed(left),),
            )
        ledger.dropped_files += [file for _, file in rows if file is not None]


def _listed(ids: list[int]) -> str:
    return json_encode(ids).decode()


def _each_once(ids: Iterable[int]) -> Iterator[list[int]]:
    """All of them, in lists that have each once."""
    rest = list(ids)
    while rest:
        once = set(rest)
        if len(once) == len(rest):
            yield rest
            return
        yield list(once)
        again = []
        for one in rest:
            if one in once:
                once.discard(one)
            else:
                again.append(one)
        rest = again
