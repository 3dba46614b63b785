"""The first emails by date of many mailboxes, or of the whole account, without looking at all of them.

Each mailbox has an index by date.  They are looked at in the order of their first dates, and one whose first email
comes after all that were found ends it: of two hundred mailboxes mostly a handful is read, each as far as the window.
"""

# ruff: noqa: S608 - values are bound; what is written into the text are numbers and names of this file

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from msgspec import Struct
from msgspec.json import encode as json_encode

from posthouse.storage import email_rows as e
from posthouse.storage.sqlite.email_query import Query
from posthouse.storage.sqlite.ledger import Execute

_PLAIN: Final = (e.Compare, e.Keyword, e.Attachment)
"""Conditions that an email meets or does not whatever else there is."""


class Spread(Struct, frozen=True):
    """Emails in any of some mailboxes, and what else has to hold."""

    among: tuple[int, ...] | None  # None: any
    without: tuple[int, ...]
    rest: tuple[e.Condition, ...]

    def where(self) -> tuple[str, tuple[Any, ...]]:
        """On the rows of `mailbox b`; the values come behind the account."""
        listed = json_encode(list(self.without if self.among is None else self.among)).decode()
        word = "NOT IN" if self.among is None else "IN"
        return f"b.account = ?1 AND b.id {word} (SELECT value FROM json_each(?2))", (listed,)


def try_spread(condition: e.Condition) -> Spread | None:
    among: tuple[int, ...] | None = None
    without: tuple[int, ...] = ()
    rest: list[e.Condition] = []
    for part in _parts(condition):
        if isinstance(part, e.InMailbox | e.NotOnlyIn) and among is None and not without:
            among = part.mailboxes if isinstance(part, e.InMailbox) else None
            without = part.mailboxes if isinstance(part, e.NotOnlyIn) else ()
        elif _is_plain(part):
            rest.append(part)
        else:
            return None
    return Spread(among, without, tuple(rest))


def _parts(condition: e.Condition) -> Iterator[e.Condition]:
    if isinstance(condition, e.Every):
        for part in condition.of:
            yield from _parts(part)
    else:
        yield condition


def _is_plain(condition: e.Condition) -> bool:
    if isinstance(condition, e.Every | e.Either | e.Neither):
        return all(_is_plain(part) for part in condition.of)
    return isinstance(condition, _PLAIN)


class Merge(Struct):
    """One question."""

    account: int
    spread: Spread
    ascending: bool
    first: int
    collapse: bool
    long_flags: bool
    clean: bool
    user: int


def is_by_date(order: Sequence[e.Order]) -> bool:
    return len(order) == 1 and order[0].key == "date"


def merged(execute: Execute, asked: Merge) -> list[tuple[int, int]]:
    """(message, thread) of the first ones in order; of each thread the first one with `collapse`."""
    sign = 1 if asked.ascending else -1
    best: dict[int, tuple[float, int, int]] = {}
    with _moment(execute):
        for box, date in _by_first_date(execute, asked):
            bound = max(best.values())[0] if len(best) == asked.first else None
            if bound is not None and sign * date > bound:
                break
            for message, thread, at in _first_of(execute, asked, box, bound):
                key = thread if asked.collapse else message
                row = (sign * at, sign * message, thread)
                if key not in best or row < best[key]:
                    best[key] = row
            if len(best) > asked.first:
                best = dict(sorted(best.items(), key=lambda one: one[1])[: asked.first])
    return [(sign * message, thread) for _, message, thread in sorted(best.values())]


@contextmanager
def _moment(execute: Execute) -> Iterator[None]:
    execute("BEGIN")
    try:
        yield
    finally:
        execute("COMMIT")


def _by_first_date(execute: Execute, asked: Merge) -> list[tuple[int, float]]:
    where, values = asked.spread.where()
    way = "" if asked.ascending else "DESC"
    rows: list[tuple[int, float]] = execute(
        "SELECT b.id, (SELECT p.date FROM placement p WHERE p.account = ?1 AND p.mailbox = b.id"
        f" ORDER BY p.date {way} LIMIT 1) AS at FROM mailbox b WHERE {where} AND b.messages > 0 ORDER BY at {way}",
        (asked.account, *values),
    ).fetchall()
    return rows


def _first_of(
    execute: Execute, asked: Merge, box: int, bound: float | None
) -> Iterator[tuple[int, int, float]]:
    """Of one mailbox, in order, as many as can matter; `bound`: the last date, on the way of the order, that does."""
    sign, operator = (1, "<=") if asked.ascending else (-1, ">=")
    within = () if bound is None else (e.Compare("date", operator, sign * bound),)
    query = Query(
        asked.account,
        e.Every((e.InMailbox((box,)), *within, *asked.spread.rest)),
        (e.Order("date", asked.ascending),),
        long_flags=asked.long_flags,
        clean=asked.clean,
        user=asked.user,
    )
    if not asked.collapse:
        yield from execute(f"{query.dated_sql} LIMIT {int(asked.first)}", query.values)
        return
    threads: set[int] = set()
    for row in execute(query.dated_sql, query.values):
        if row[1] not in threads:
            threads.add(row[1])
            yield row
            if len(threads) == asked.first:
                return


def count_spread(execute: Execute, account: int, spread: Spread) -> int:
    """How many emails lie in these mailboxes, by the counters of the mailboxes; none of the account has \\Deleted."""
    where, values = spread.where()
    with _moment(execute):
        [(placed,)] = execute(
            f"SELECT coalesce(sum(b.messages), 0) FROM mailbox b WHERE {where}", (account, *values)
        ).fetchall()
        # Those in several of them were counted more than once.
        [(again,)] = execute(
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM shared s CROSS JOIN message m"
            " ON m.id = s.message CROSS JOIN placement p INDEXED BY placement_thread ON p.thread = m.thread"
            " AND p.message = m.id CROSS JOIN mailbox b ON b.id = p.mailbox"
            f" WHERE s.account = ?1 AND {where} GROUP BY s.message)",
            (account, *values),
        ).fetchall()
    return int(placed - again)
