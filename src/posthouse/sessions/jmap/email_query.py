"""Email/query and Email/queryChanges (RFC 8621 §4.4, §4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from posthouse.storage import email_rows as e
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.value import is_keyword

from . import arguments as a
from .context import Context, trash_in
from .email_filter import FilterReader, Texts, put_found
from .email_properties import KeywordNames
from .query import check_sort, differences, query_answer, window
from .state import check_known, format_state, parse_state

Record = dict[str, Any]
SORTS: Final[dict[str, str]] = {
    "receivedAt": "date",
    "size": "size",
    "from": "from",
    "to": "to",
    "subject": "subject",
    "sentAt": "sent_at",
    "hasKeyword": "keyword",
    "allInThreadHaveKeyword": "all",
    "someInThreadHaveKeyword": "some",
}
"""Property of a comparator -> key of the store (RFC 8621 §4.4.2)."""
_BY_KEYWORD: Final = frozenset(("hasKeyword", "allInThreadHaveKeyword", "someInThreadHaveKeyword"))
NEWEST_FIRST: Final = (e.Order("date", ascending=False),)


class EmailQuery(a.Query):
    collapse_threads: bool = False


class EmailQueryChanges(a.QueryChanges):
    collapse_threads: bool = False


class _Asked:
    """A query in the terms of the store."""

    __slots__ = ("condition", "of_threads", "order")

    def __init__(self, condition: e.Condition, order: Sequence[e.Order], *, of_threads: bool) -> None:
        self.condition = condition
        self.order = order
        self.of_threads = of_threads  # emails of a thread decide on each other


async def _read(context: Context, args: EmailQuery | EmailQueryChanges) -> _Asked:
    check_sort(args.sort, tuple(SORTS))
    keywords = KeywordNames(await context.services.store.messages.keywords(context.account.id))
    visible = await context.visible()
    order = _order(args.sort, keywords, visible)
    reader = FilterReader(context, keywords, visible)
    condition = reader.read(args.filter)
    if reader.texts:
        condition = await _search(context, condition, reader.texts)
    of_threads = args.collapse_threads or reader.of_threads or any(o.key in ("all", "some") for o in order)
    return _Asked(await context.narrowed(condition), order, of_threads=of_threads)


def _order(
    sort: list[a.Comparator] | None, keywords: KeywordNames, visible: frozenset[int] | None
) -> Sequence[e.Order]:
    if not sort:
        return NEWEST_FIRST
    found = []
    for one in sort:
        bit = 0
        if one.property in _BY_KEYWORD:
            if not is_keyword(one.keyword):
                raise MethodError("invalidArguments", f"sort: {one.property} needs a keyword")
            bit = keywords.bit(one.keyword or "")
        found.append(e.Order(SORTS[one.property], one.is_ascending, bit, visible))
    return found


async def _search(context: Context, condition: Any, texts: list[Texts]) -> e.Condition:
    """Look for the texts, in one mailbox where the filter names one."""
    sought = list(dict.fromkeys(texts))
    boxes = await context.mailboxes()
    only = _only_mailbox(condition)
    searched = [box for box in boxes.values() if only is None or box.id == only]
    hits = await context.services.search.find(context.account.id, searched, [one.sought for one in sought])
    return put_found(condition, {one: e.OneOf(tuple(hit)) for one, hit in zip(sought, hits, strict=True)})


def _only_mailbox(condition: Any) -> int | None:
    parts = condition.of if isinstance(condition, e.Every) else (condition,)
    for part in parts:
        if isinstance(part, e.InMailbox) and len(part.mailboxes) == 1:
            return part.mailboxes[0]
        if isinstance(part, e.Every) and (found := _only_mailbox(part)) is not None:
            return found
    return None


async def query_emails(context: Context, args: EmailQuery) -> Record:
    _, needed = window(context, args)
    account = context.account.id
    args.anchor = None if args.anchor is None else context.deref(args.anchor)
    state = format_state(await context.emails.modseq(account))
    asked = await _read(context, args)
    rows = await context.emails.query(
        account,
        asked.condition,
        asked.order,
        collapse=args.collapse_threads,
        first=needed or None,
    )
    total: int | None = len(rows)
    if args.calculate_total and needed and len(rows) >= needed:
        total = await _total(context, args, asked)
    found = [ids.format_id(ids.EMAIL, message) for message, _ in rows]
    answer = query_answer(context, args, state, found, total=total)
    answer["collapseThreads"] = args.collapse_threads
    return answer


async def _total(context: Context, args: EmailQuery, asked: _Asked) -> int:
    account, condition = context.account.id, asked.condition
    if isinstance(condition, e.InMailbox) and len(condition.mailboxes) == 1:
        # perf: the counts of whole mailboxes are kept.
        _, counts = await context.counts()
        emails, _, threads, _ = counts.get(condition.mailboxes[0], (0, 0, 0, 0))
        return threads if args.collapse_threads else emails
    if condition == e.Every(()) and args.collapse_threads:
        return await context.services.counts.threads(account, trash_in(await context.mailboxes()))
    return await context.emails.count(account, condition, collapse=args.collapse_threads)


async def email_query_changes(context: Context, args: EmailQueryChanges) -> Record:
    since = parse_state(args.since_query_state)
    account = context.account.id
    visible = await context.visible()
    changes = await context.emails.changes(account, since, visible)
    check_known(since, changes.history, changes.modseq)
    state = format_state(changes.modseq)
    asked = await _read(context, args)
    if not changes.changed:
        total = await context.emails.count(account, asked.condition, collapse=args.collapse_threads)
        return differences(args, state, [], [], set()) | ({"total": total} if args.calculate_total else {})
    touched = {one.message for one in changes.changed}
    if asked.of_threads:
        # Which email stands for a thread, or passes for what others of its thread are, may have changed for all of it.
        threads = list({one.thread for one in changes.changed})
        _, places = await context.emails.places(account, threads)
        touched |= {message for _, message, box, _ in places if visible is None or box in visible}
    rows = await context.emails.query(account, asked.condition, asked.order, collapse=args.collapse_threads)
    found = [ids.format_id(ids.EMAIL, message) for message, _ in rows]
    named = {ids.format_id(ids.EMAIL, message) for message in touched}
    # RFC 8620 §5.6: more may be named as removed than was there.  What seems new may have been hidden and shown since.
    return differences(args, state, found, sorted(named), named)
