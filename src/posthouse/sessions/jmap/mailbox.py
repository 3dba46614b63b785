"""Mailbox: get, changes, query, queryChanges (RFC 8621 §2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from posthouse.services.mailbox_counts import NOTHING, Counts
from posthouse.services.mailboxes import DELIMITER
from posthouse.storage.email_rows import MailboxChanges, Since
from posthouse.storage.rows import Mailbox
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError

from . import arguments as a
from .context import Context
from .mailbox_rights import level_name, rights, sort_order
from .principal import PRINCIPALS
from .query import check_filter, check_sort, differences, passes, query_answer, window
from .share_with import may_share, shared_with
from .standard import changes_answer, check_get, get_answer, wanted_properties
from .state import check_known, format_state, parse_state

Record = dict[str, Any]
COUNTS: Final = {"totalEmails": 0, "unreadEmails": 1, "totalThreads": 2, "unreadThreads": 3}
PROPERTIES: Final = (
    "id", "name", "parentId", "role", "sortOrder", *COUNTS, "myRights", "isSubscribed",
)  # fmt: skip


class Shown:
    """The mailboxes of an account as JMAP has them."""

    def __init__(self, context: Context, rows: dict[int, Mailbox], counts: dict[int, Counts]) -> None:
        self.context = context
        self.rows = rows
        self.counts = counts
        self.by_name = {row.name: row for row in rows.values()}

    def parent(self, row: Mailbox) -> int | None:
        found = self.by_name.get(row.name.rpartition(DELIMITER)[0])
        return None if found is None else found.id

    def name(self, row: Mailbox) -> str:
        """Its own level; where the level above is no mailbox, the whole name."""
        return level_name(row.name) if self.parent(row) is not None else row.name

    def record(self, row: Mailbox, properties: list[str]) -> Record:
        found: Record = {}
        counts = self.counts.get(row.id, NOTHING)
        parent = self.parent(row)
        for name in properties:
            match name:
                case "id":
                    found[name] = ids.format_id(ids.MAILBOX, row.id)
                case "name":
                    found[name] = self.name(row)
                case "parentId":
                    found[name] = None if parent is None else ids.format_id(ids.MAILBOX, parent)
                case "role":
                    found[name] = row.role
                case "sortOrder":
                    found[name] = sort_order(row)
                case "myRights":
                    found[name] = rights(self.context, row)
                case "isSubscribed":
                    found[name] = row.subscribed
                case "shareWith":
                    pass  # read for all of them together
                case _:
                    found[name] = counts[COUNTS[name]]
        return found

    # --- sorting and filtering ---

    def key(self, row: Mailbox, name: str) -> Any:
        match name:
            case "sortOrder":
                return sort_order(row)
            case "name":
                return self.name(row).casefold()
            case "parentId":
                return self.parent(row) or 0
        raise MethodError("unsupportedSort", name)

    def meets(self, row: Mailbox, name: str, value: Any) -> bool:
        return FILTERS[name](self, row, value)

    def sorted(self, args: a.Query | a.QueryChanges, *, as_tree: bool, filter_tree: bool) -> list[Mailbox]:
        rows = list(self.rows.values())
        rows.sort(key=lambda row: row.id)
        for one in reversed(args.sort or []):
            rows.sort(key=lambda row, by=one.property: self.key(row, by), reverse=not one.is_ascending)  # type: ignore[misc]
        kept = {row.id for row in rows if passes(args.filter, partial(self.meets, row))}
        if as_tree:
            rows = self._tree(rows)
        if filter_tree:
            kept = {row.id for row in rows if row.id in kept and self._ancestors(row) <= kept}
        return [row for row in rows if row.id in kept]

    def _ancestors(self, row: Mailbox) -> set[int]:
        found: set[int] = set()
        parent = self.parent(row)
        while parent is not None and parent not in found:
            found.add(parent)
            parent = self.parent(self.rows[parent])
        return found

    def _tree(self, rows: list[Mailbox]) -> list[Mailbox]:
        """RFC 8621 §2.3 sortAsTree: each mailbox before those in it, siblings in their order."""
        below: dict[int | None, list[Mailbox]] = {}
        for row in rows:
            below.setdefault(self.parent(row), []).append(row)
        found: list[Mailbox] = []
        stack = below.get(None, [])[::-1]
        while stack:
            row = stack.pop()
            found.append(row)
            stack += below.get(row.id, [])[::-1]
        return found


def _has_parent(shown: Shown, row: Mailbox, value: Any) -> bool:
    wanted = None if value is None else shown.context.number(ids.MAILBOX, value) or 0
    return shown.parent(row) == wanted


FILTERS: Final[dict[str, Callable[[Shown, Mailbox, Any], bool]]] = {
    "parentId": _has_parent,
    "name": lambda shown, row, value: str(value).casefold() in shown.name(row).casefold(),
    "role": lambda _, row, value: row.role == value,
    "hasAnyRole": lambda _, row, value: (row.role is not None) is value,
    "isSubscribed": lambda _, row, value: row.subscribed is value,
}
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "parentId": (str, type(None)),
    "name": (str,),
    "role": (str, type(None)),
    "hasAnyRole": (bool,),
    "isSubscribed": (bool,),
}
SORTS: Final = ("sortOrder", "name", "parentId")


def _check_condition(name: str, value: Any) -> None:
    if name not in FILTERS:
        raise MethodError("unsupportedFilter", f"cannot filter mailboxes by {name[:100]!r}")
    if not isinstance(value, _TYPES[name]):
        raise MethodError("invalidArguments", f"filter: {name} has a value of the wrong type")


class MailboxQuery(a.Query):
    sort_as_tree: bool = False
    filter_as_tree: bool = False


class MailboxQueryChanges(a.QueryChanges):
    sort_as_tree: bool = False
    filter_as_tree: bool = False


async def _shown(context: Context, *, counted: bool) -> tuple[str, Shown]:
    # Before what is shown is read: what changes meanwhile is told again.
    modseq = await context.emails.modseq(context.account.id)
    counts: dict[int, Counts] = {}
    if counted:
        _, counts = await context.counts()
    return format_state(modseq), Shown(context, await context.mailboxes(), counts)


async def whole_record(context: Context, row: Mailbox) -> Record:
    """With its counts; `shareWith` apart."""
    _, shown = await _shown(context, counted=True)
    return shown.record(row, list(PROPERTIES))


async def get_mailboxes(context: Context, args: a.Get) -> Record:
    wanted = check_get(context, args.ids)
    # RFC 9670 §4: who does not use sharing does not see it.
    sharing = ("shareWith",) if PRINCIPALS in context.using else ()
    properties = wanted_properties(args.properties, (*PROPERTIES, *sharing))
    state, shown = await _shown(context, counted=any(name in COUNTS for name in properties))
    if wanted is None:
        limit = context.services.limits.get_max
        if len(shown.rows) > limit:
            raise MethodError("requestTooLarge", f"there are more than {limit} mailboxes; name ids")
        rows = list(shown.rows.values())
    else:
        numbers = [ids.try_number(ids.MAILBOX, one) for one in wanted]
        rows = [shown.rows[one] for one in numbers if one in shown.rows]
    found = {ids.format_id(ids.MAILBOX, row.id): shown.record(row, properties) for row in rows}
    if "shareWith" in properties:
        seen = await shared_with(context) if may_share(context) else {}
        for row in rows:
            found[ids.format_id(ids.MAILBOX, row.id)]["shareWith"] = seen.get(row.id)
    return get_answer(args, state, found, wanted)


async def _changes(context: Context, since: Since) -> MailboxChanges:
    """Of the mailboxes that may be seen; raises MethodError."""
    changes = await context.emails.mailbox_changes(context.account.id, since.modseq)
    check_known(since, changes.history, changes.modseq)
    visible = await context.visible()
    if visible is None:
        return changes
    if changes.gone:  # their names are gone too: nobody can tell whether they could be seen
        raise MethodError("cannotCalculateChanges", "mailboxes were removed; fetch all anew")
    created, changed, counted = (
        [one for one in some if one in visible]
        for some in (changes.created, changes.changed, changes.counted)
    )
    return MailboxChanges(changes.modseq, changes.history, created, changed, counted, [])


async def mailbox_changes(context: Context, args: a.Changes) -> Record:
    since = parse_state(args.since_state)
    changes = await _changes(context, since)
    rows = await context.mailboxes()

    def named(numbers: list[int]) -> list[str]:
        return [ids.format_id(ids.MAILBOX, one) for one in numbers if one in rows]

    gone = [ids.format_id(ids.MAILBOX, one) for one in changes.gone]
    changed, created = named(changes.changed), named(changes.created)
    touched = await _counted(context, since.modseq, changes.counted)
    counted = named(sorted(touched.difference(changes.changed, changes.created)))
    count = len(gone) + len(changed) + len(counted) + len(created)
    if args.max_changes is not None and count > args.max_changes:
        raise MethodError("cannotCalculateChanges", "more changes than maxChanges; fetch all mailboxes anew")
    answer = changes_answer(
        args, format_state(changes.modseq), created=created, updated=[*changed, *counted], destroyed=gone
    )
    # RFC 8621 §2.2: when nothing but counts changed, clients need not fetch the rest.
    answer["updatedProperties"] = list(COUNTS) if counted and not changed else None
    return answer


async def _counted(context: Context, since: int, counted: list[int]) -> set[int]:
    """Mailboxes whose counts may have changed: also those that merely hold another email of a thread that did."""
    account = context.account.id
    found = set(counted)
    if found:
        visible = await context.visible()
        emails = await context.emails.changes(account, Since(since), visible)
        _, places = await context.emails.places(account, list({one.thread for one in emails.changed}))
        found.update(place[2] for place in places)
    return found


async def query_mailboxes(context: Context, args: MailboxQuery) -> Record:
    check_sort(args.sort, SORTS)
    check_filter(context, args.filter, _check_condition)
    window(context, args)
    state, shown = await _shown(context, counted=False)
    rows = shown.sorted(args, as_tree=args.sort_as_tree, filter_tree=args.filter_as_tree)
    found = [ids.format_id(ids.MAILBOX, row.id) for row in rows]
    return query_answer(context, args, state, found, total=len(found))


async def mailbox_query_changes(context: Context, args: MailboxQueryChanges) -> Record:
    check_sort(args.sort, SORTS)
    check_filter(context, args.filter, _check_condition)
    since = parse_state(args.since_query_state)
    changes = await _changes(context, since)
    state, shown = await _shown(context, counted=False)
    rows = shown.sorted(args, as_tree=args.sort_as_tree, filter_tree=args.filter_as_tree)
    found = [ids.format_id(ids.MAILBOX, row.id) for row in rows]
    moved = {*changes.created, *changes.changed}
    if (moved or changes.gone) and (args.sort_as_tree or args.filter_as_tree):
        # The place of a mailbox in a tree, and whether it passes as one, hang on others: all of them are told anew.
        moved |= shown.rows.keys()
    candidates = {ids.format_id(ids.MAILBOX, one) for one in moved}
    removed = [ids.format_id(ids.MAILBOX, one) for one in changes.gone] + sorted(candidates)
    return differences(args, state, found, removed, candidates)
