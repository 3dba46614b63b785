"""What several rows refer to: messages that have more than one placement, and blobs.

Most messages have one placement, and no row in `shared`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.json import encode as json_encode

from posthouse.storage.sqlite.ledger import Ledger

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
