"""Which messages match: what SEARCH, SORT, THREAD and ESEARCH share.  RFC 9051 §6.4.4, RFC 7162 §3.1.5.

Rows are tested with the cheapest columns that can decide; only messages that are still open are read.  Text is
decoded and compared in a thread; what runs on the event loop is cut into pieces of a few milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from posthouse.wire.imap import command as c
from posthouse.wire.imap import search_key as k
from posthouse.wire.imap.response import add_relevancy

from .likeness import Scores, relevancy
from .search_index import INDEX_FROM, SCANNED_MAX, ask_alike, ask_index, sought_of
from .search_match import (
    ALL_COLUMNS,
    COLUMNS,
    FLAG_COLUMNS,
    PLACEMENT_COLUMNS,
    Matcher,
    Plan,
    Row,
    Test,
)
from .state import CONDSTORE, Selected
from .view import dense_ranges

if TYPE_CHECKING:
    from .session import ImapSession

_T = TypeVar("_T")
PIECE_ROWS = 2048
"""Rows tested before other work of the event loop gets its turn."""
_MODSEQ = COLUMNS.index("modseq")


class Found:
    """UIDs that match (in the order of the mailbox), those that need the message, and the highest modseq."""

    __slots__ = ("modseq", "open", "scores", "uids")

    def __init__(self, uids: list[int] | None = None) -> None:
        self.uids: list[int] = uids or []
        self.open: list[int] = []
        self.modseq: int | None = None
        self.scores: Scores = {}

    def relevancies(self, uids: Sequence[int]) -> list[int]:
        """RFC 6203 §4."""
        return [relevancy(self.scores, uid) for uid in uids]

    def with_relevancy(self, esearch: bytes, command: c.Search, uids: Sequence[int]) -> bytes:
        """The ESEARCH response, with RELEVANCY when that was asked for; `uids` as they stand in it."""
        if not uids or "RELEVANCY" not in (command.returns or ()):
            return esearch
        return add_relevancy(esearch, self.relevancies(uids), command.partial)

    def add(self, rows: list[Row], test: Test, *, modseq: bool) -> None:
        for row in rows:
            if answer := test(row):
                self.uids.append(row[0])
                if modseq and row[_MODSEQ] > (self.modseq or 0):
                    self.modseq = row[_MODSEQ]
            elif answer is None:
                self.open.append(row[0])


INLINE_ROWS = 1000
"""Rows that are worked on without a thread: a few milliseconds."""


async def find(session: ImapSession, key: k.SearchKey, *, uid: bool, scored: bool = False) -> Found:
    """The messages of the selected mailbox that match; `scored`: how well is asked for."""
    if _asks_modseq(key):
        session.enable(CONDSTORE)
    # New messages count as soon as they are there; their EXISTS goes out before the result that may name them.
    await session.sync(expunge=False, by_uid=uid)
    if isinstance(key, k.All):
        return Found(session.mailbox.view.uids.tolist())
    return await find_in(session, session.mailbox, key, session.flag_lists.keywords, scored=scored)


async def find_in(
    session: ImapSession,
    selected: Selected,
    key: k.SearchKey,
    keywords: tuple[str, ...],
    *,
    scored: bool = False,
) -> Found:
    """The same in a mailbox that need not be the selected one."""
    wants_modseq = _asks_modseq(key)
    known = await ask_index(session.services.store.search, selected, key)
    if isinstance(key, k.Header | k.Text) and known and (only := known[sought_of(key)]).is_whole:
        return Found(selected.view.present(only.uids))
    search = session.services.store.search
    alike = await ask_alike(search, selected, key, scored=scored)
    matcher = Matcher(selected.view, keywords, session.services.clock.now(), known, search.extract, alike)
    # perf: the ranges of many UIDs take a microsecond for each
    hits = sum(len(one.uids) for one in (*known.values(), *[one for one, _ in alike.values()]))
    named = sum(len(leaf.numbers.ranges) for leaf in k.leaves(key) if isinstance(leaf, k.Sequence | k.Uid))
    plan = matcher.plan(key) if hits + named <= PIECE_ROWS else await asyncio.to_thread(matcher.plan, key)
    plan.asks_text = any(isinstance(leaf, k.Header | k.Text | k.Like) for leaf in k.leaves(key))
    if plan.asks_text and not known and not alike and selected.view.count(plan.ranges) > SCANNED_MAX:
        session.services.store.search.want(selected.shared.account)
    if wants_modseq:
        plan.width = max(plan.width, FLAG_COLUMNS)
    found = await _find(session, selected, plan, modseq=wants_modseq)
    found.scores = matcher.scores
    if not wants_modseq or not found.uids:
        found.modseq = None  # RFC 7162 §3.1.5: no MODSEQ when nothing matched
    return found


async def _find(session: ImapSession, selected: Selected, plan: Plan, *, modseq: bool) -> Found:
    found = Found()
    if plan.width == 1:
        await _scan_view(selected, plan, found)
    else:
        in_thread = plan.width > PLACEMENT_COLUMNS
        await _scan(session, selected, plan, found, in_thread=in_thread, modseq=modseq)
    if found.open:
        if plan.asks_text and len(found.open) >= INDEX_FROM:
            session.services.store.search.want(selected.shared.account)
        view = selected.view
        undecided = dense_ranges(view.uids, found.open)
        found.open = []
        full = Plan(undecided, ALL_COLUMNS, plan.test, open_ended=False)
        await _scan(session, selected, full, found, in_thread=True, modseq=modseq)
        found.uids.sort()
    return found


async def _scan_view(selected: Selected, plan: Plan, found: Found) -> None:
    """Numbers alone decide: the store is not asked."""
    view = selected.view
    for ranges in view.parts(plan.ranges, PIECE_ROWS):
        uids = [uid for first, last in ranges for uid in view.uids[view.slice_of(first, last)]]
        if view.owes_expunges:
            uids = view.present(uids)
        found.add([(uid,) for uid in uids], plan.test, modseq=False)
        await asyncio.sleep(0)


async def _scan(
    session: ImapSession, selected: Selected, plan: Plan, found: Found, *, in_thread: bool, modseq: bool
) -> None:
    shared = selected.shared
    messages = session.messages_of(selected)
    async for chunk in messages.fetch(shared.account, shared.mailbox, plan.ranges, plan.columns):
        if in_thread:
            short = [row for row in chunk if plan.width < ALL_COLUMNS or isinstance(row[-1], bytes)]
            await asyncio.to_thread(found.add, short, plan.test, modseq=modseq)
            for row in chunk if len(short) < len(chunk) else ():
                if not isinstance(row[-1], bytes):
                    await _add_long(session, found, row, plan.test, modseq=modseq)
            continue
        for start in range(0, len(chunk), PIECE_ROWS):
            found.add(chunk[start : start + PIECE_ROWS], plan.test, modseq=modseq)
            if len(chunk) > PIECE_ROWS:
                await asyncio.sleep(0)


async def _add_long(session: ImapSession, found: Found, row: Row, test: Test, *, modseq: bool) -> None:
    """SEARCH has to look at every octet of a long message; a worker goes through one of them at a time."""
    async with session.services.long_text:
        await asyncio.to_thread(found.add, [row], test, modseq=modseq)


def _asks_modseq(key: k.SearchKey) -> bool:
    return any(isinstance(leaf, k.ModSeq) for leaf in k.leaves(key))


async def off_loop(size: int, work: Callable[..., _T], *arguments: Any) -> _T:
    """In a thread, unless there is little to do."""
    return work(*arguments) if size <= INLINE_ROWS else await asyncio.to_thread(work, *arguments)


async def rows_of(
    session: ImapSession,
    uids: list[int],
    columns: tuple[str, ...],
    made: Callable[[list[tuple[Any, ...]]], list[tuple[Any, ...]]] | None = None,
) -> list[tuple[Any, ...]]:
    """Those of the messages that are still there; `made`: what to keep of some rows, for those that hold much."""
    view, shared = session.mailbox.view, session.mailbox.shared
    if len(uids) == view.exists:
        ranges = view.all()
    else:
        ranges = await off_loop(len(uids), dense_ranges, view.uids, uids)
    rows: list[tuple[Any, ...]] = []
    async for chunk in session.messages.fetch(shared.account, shared.mailbox, ranges, columns):
        rows += chunk if made is None else await off_loop(len(chunk), made, chunk)
    if rows and rows[-1][0] >= view.uidnext:
        rows = [row for row in rows if row[0] < view.uidnext]
    return rows
