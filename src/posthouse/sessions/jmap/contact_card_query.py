"""ContactCard/query and queryChanges (RFC 9610 §3.3, §3.4), and completing addresses.

Texts are matched by the beginnings of words, Chinese and digits anywhere, in any case, without accents; Chinese names
also by pinyin and initials (`cards.keys`).

What is our own (the filter `complete`, the sort `uses`) is described in docs/jmap-extensions.md.
"""

from __future__ import annotations

from typing import Any, Final

from posthouse.cards.keys import COMPLETED, NAMES, SECTIONS, parse_sought
from posthouse.storage import contact_rows as c
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.value import try_utc

from . import arguments as a
from .book_rights import contacts, narrowed
from .contact_card import card_id, hide_others
from .context import Context
from .query import check_sort, differences, operator_of, query_answer, window
from .state import cannot_calculate, check_known, format_state, parse_state

Record = dict[str, Any]
PEOPLE: Final = "urn:posthouse:params:jmap:people"
SORTS: Final[dict[str, str]] = {
    "created": "created_at",
    "updated": "updated_at",
    "name/given": "given",
    "name/surname": "surname",
    "name/surname2": "surname2",
}
"""Property of a comparator -> column of the store (RFC 9610 §3.3.2)."""
_SECTIONS: Final[dict[str, tuple[int, int]]] = {
    "text": (0, 0),
    "name": NAMES,
    "complete": COMPLETED,
    **{
        f"name/{kind}": (at, at + 1)
        for at, kind in enumerate(SECTIONS)
        if kind in ("given", "surname", "surname2")
    },
    **{kind: (at, at + 1) for at, kind in enumerate(SECTIONS) if at >= NAMES[1] and kind != "other"},
}
"""Filters of text -> sections of the keys."""
_MOMENTS: Final = {
    "createdBefore": ("created_at", "<"),
    "createdAfter": ("created_at", ">="),
    "updatedBefore": ("updated_at", "<"),
    "updatedAfter": ("updated_at", ">="),
}


class _FilterReader:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.left = context.services.limits.filter_max

    def read(self, filter_: Record | None) -> c.CardCondition:
        """Raises MethodError."""
        if not filter_:
            return c.EVERY_CARD
        self.left -= 1
        if self.left < 0:
            limit = self.context.services.limits.filter_max
            raise MethodError("unsupportedFilter", f"a filter has at most {limit} conditions")
        if (operator := operator_of(filter_)) is not None:
            return c.Joined(operator[0], tuple([self.read(one) for one in operator[1]]))
        return c.Joined("AND", tuple([self.condition(name, value) for name, value in filter_.items()]))

    def condition(self, name: str, value: Any) -> c.CardCondition:
        if name in _SECTIONS and (name != "complete" or PEOPLE in self.context.using):
            sought = c.Contains(tuple(parse_sought(_text(name, value))), *_SECTIONS[name])
            return c.Joined("AND", (sought, c.Reachable())) if name == "complete" else sought
        if name in _MOMENTS:
            moment = try_utc(value)
            if moment is None:
                raise MethodError("invalidArguments", f"filter: {name} must be a UTCDate")
            return c.When(*_MOMENTS[name], moment)
        match name:
            case "inAddressBook":
                return c.InBook(self.context.number(ids.ADDRESS_BOOK, _text(name, value)) or 0)
            case "uid" | "kind":
                return c.Is(name, _text(name, value))
            case "hasMember":
                return c.HasMember(_text(name, value))
        raise MethodError("unsupportedFilter", f"cannot filter cards by {name[:100]!r}")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise MethodError("invalidArguments", f"filter: {name} must be a string")
    return value


def _read(
    context: Context, args: a.Query | a.QueryChanges
) -> tuple[c.CardCondition, list[c.CardOrder], bool]:
    """(condition, order, whether changes can be calculated)."""
    known = {**SORTS, "uses": "uses"} if PEOPLE in context.using else SORTS
    check_sort(args.sort, tuple(known))
    order = [c.CardOrder(known[one.property], one.is_ascending) for one in args.sort or ()]
    return (
        narrowed(context, _FilterReader(context).read(args.filter)),
        order,
        all(one.column != "uses" for one in order),
    )


async def query_cards(context: Context, args: a.Query) -> Record:
    service = contacts(context)
    _, first = window(context, args)
    condition, order, lasting = _read(context, args)
    if args.calculate_total or first == 0:
        first = None  # type: ignore[assignment]
    state = format_state(await context.services.store.emails.modseq(context.account.id))
    # One more than asked for, so that the answer can say that there are more.
    numbers = await service.contacts.ids(
        context.account.id, condition, order, first=None if first is None else first + 1
    )
    found = [card_id(number) for number in numbers]
    return query_answer(context, args, state, found, total=len(found), can_calculate=lasting)


async def card_query_changes(context: Context, args: a.QueryChanges) -> Record:
    service = contacts(context)
    condition, order, lasting = _read(context, args)
    if not lasting:
        raise cannot_calculate("uses are no part of the state")
    since = parse_state(args.since_query_state)
    changes = await service.contacts.changes(context.account.id, since.modseq)
    check_known(since, changes.history, changes.modseq)
    await hide_others(context, since.modseq, changes)
    numbers = await service.contacts.ids(context.account.id, condition, order)
    changed = {card_id(one) for one in (*changes.created, *changes.changed)}
    removed = [card_id(one) for one in (*changes.gone, *changes.changed)]
    return differences(args, format_state(changes.modseq), list(map(card_id, numbers)), removed, changed)
