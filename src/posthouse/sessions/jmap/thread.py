"""Thread: get, changes (RFC 8621 §3)."""

from __future__ import annotations

from typing import Any, Final

from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError

from . import arguments as a
from .context import Context
from .standard import changes_answer, changes_limit, check_get, get_answer, wanted_properties
from .state import check_known, format_state, parse_state

Record = dict[str, Any]
PROPERTIES: Final = ("id", "emailIds")


async def get_threads(context: Context, args: a.Get) -> Record:
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    account = context.account.id
    state = format_state(await context.emails.modseq(account))
    if wanted is None:
        raise MethodError("requestTooLarge", "name the ids; an account has too many threads to return all")
    numbers = ids.numbers(ids.THREAD, wanted)
    rows = await _emails_of(context, numbers, await context.visible())
    found: dict[str, Record] = {}
    for thread, message in rows:
        name = ids.format_id(ids.THREAD, thread)
        record = found.setdefault(name, {"id": name, "emailIds": []})
        record["emailIds"].append(ids.format_id(ids.EMAIL, message))
    if "emailIds" not in properties:
        found = {name: {"id": name} for name in found}
    return get_answer(args, state, found, wanted)


async def _emails_of(
    context: Context, threads: list[int], visible: frozenset[int] | None
) -> list[tuple[int, int]]:
    """(thread, email) of those that may be seen, oldest first."""
    account = context.account.id
    rows = await context.emails.threads(account, threads)
    if visible is None or not rows:
        return rows
    read = await context.emails.get(account, [message for _, message in rows], ())
    return [row for row in rows if any(box in visible for box, _ in read.places.get(row[1], ()))]


async def thread_changes(context: Context, args: a.Changes) -> Record:
    since = parse_state(args.since_state)
    account = context.account.id
    limit = changes_limit(context, args)
    visible = await context.visible()
    changes = await context.emails.changes(account, since, visible)
    check_known(since, changes.history, changes.modseq)
    # RFC 8621 §3.2: a thread changes when emails come or go, not when their keywords do.
    touched: dict[int, bool] = {}  # thread -> whether every email seen so far came since
    end: tuple[int, int] | None = None
    for one in changes.changed:
        if one.moved:
            if one.thread not in touched and len(touched) == limit:
                break
            touched[one.thread] = touched.get(one.thread, True) and not one.known
        end = one.modseq, one.message
    else:
        end = None
    there: dict[int, list[int]] = {}
    for thread, message in await _emails_of(context, list(touched), visible):
        there.setdefault(thread, []).append(message)
    fresh = {one.message for one in changes.changed if not one.known}
    created, updated, destroyed = [], [], []
    for thread, all_new in touched.items():
        name = ids.format_id(ids.THREAD, thread)
        if thread not in there:
            if not all_new:
                destroyed.append(name)
        elif all_new and fresh.issuperset(there[thread]):
            created.append(name)
        else:
            updated.append(name)
    state = format_state(changes.modseq) if end is None else format_state(*end)
    return changes_answer(
        args, state, created=created, updated=updated, destroyed=destroyed, more=end is not None
    )
