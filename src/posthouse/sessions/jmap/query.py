"""The windows of /query and the differences of /queryChanges (RFC 8620 §5.5, §5.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from posthouse.wire.jmap.error import MethodError

from . import arguments as a
from .context import Context

_OPERATORS: Final = ("AND", "OR", "NOT")
Filter = dict[str, Any]
COLLATIONS: Final = frozenset(("i;ascii-casemap", "i;ascii-numeric", "i;unicode-casemap"))


def window(context: Context, args: a.Query) -> tuple[int, int]:
    """(limit, how many results from the front are needed; 0: all of them)."""
    limits = context.services.limits
    limit = limits.query_max if args.limit is None else min(args.limit, limits.query_max)
    if args.anchor is not None or args.position < 0:
        return limit, 0
    return limit, args.position + limit


def start_of(args: a.Query, ids: Sequence[str], total: int) -> int:
    """The index at which the window starts; raises MethodError (anchorNotFound)."""
    if args.anchor is not None:
        try:
            return max(0, ids.index(args.anchor) + args.anchor_offset)
        except ValueError:
            raise MethodError("anchorNotFound", "the anchor is not among the results") from None
    if args.position < 0:
        # RFC 8620 §5.5: counted from the end; before the start it is the start.
        return max(0, total + args.position)
    return args.position


def query_answer(
    context: Context,
    args: a.Query,
    state: str,
    ids: Sequence[str],
    *,
    total: int | None,
    can_calculate: bool = True,
) -> dict[str, Any]:
    """`ids` are all results, or as many as `window` asked for; `total` when it is known."""
    limit, _ = window(context, args)
    position = start_of(args, ids, len(ids))
    answer: dict[str, Any] = {
        "accountId": args.account_id,
        "queryState": state,
        "canCalculateChanges": can_calculate,
        "position": position,
        "ids": list(ids[position : position + limit]),
    }
    if args.calculate_total:
        answer["total"] = len(ids) if total is None else total
    if (limit != args.limit and (args.limit is not None or len(ids) > position + limit)) or (
        args.limit is None and limit == context.services.limits.query_max and len(ids) == position + limit
    ):
        answer["limit"] = limit
    return answer


def differences(
    args: a.QueryChanges,
    new_state: str,
    ids: Sequence[str],
    removed: Sequence[str],
    candidates: set[str],
) -> dict[str, Any]:
    """RFC 8620 §5.6: `removed` are all that may have been results before and changed; `candidates` may have come.

    upToId is for queries over what never changes; mailboxes and keywords do, so it is not used.
    """
    gone = list(dict.fromkeys(removed))
    added = [{"id": one, "index": index} for index, one in enumerate(ids) if one in candidates]
    if args.max_changes is not None and len(gone) + len(added) > args.max_changes:
        raise MethodError("tooManyChanges", "there are more changes than maxChanges; query anew")
    answer: dict[str, Any] = {
        "accountId": args.account_id,
        "oldQueryState": args.since_query_state,
        "newQueryState": new_state,
        "removed": gone,
        "added": added,
    }
    if args.calculate_total:
        answer["total"] = len(ids)
    return answer


def check_sort(sort: Sequence[a.Comparator] | None, known: Sequence[str]) -> None:
    """Raises MethodError (unsupportedSort)."""
    for one in sort or ():
        if one.property not in known:
            raise MethodError("unsupportedSort", f"cannot sort by {one.property[:100]!r}")
        if one.collation is not None and one.collation not in COLLATIONS:
            raise MethodError("unsupportedSort", f"no collation {one.collation[:100]!r}")


def operator_of(filter_: Filter) -> tuple[str, list[Filter]] | None:
    """A FilterOperator's kind and what it joins (RFC 8620 §5.5); None for a condition.  Raises MethodError."""
    if "operator" not in filter_:
        return None
    operator, joined = filter_["operator"], filter_.get("conditions")
    if operator not in _OPERATORS or not isinstance(joined, list) or len(filter_) != 2:
        raise MethodError("invalidArguments", "an operator is AND, OR or NOT, with conditions")
    if not all(isinstance(one, dict) for one in joined):
        raise MethodError("invalidArguments", "a condition must be an object")
    return operator, joined


def check_filter(context: Context, filter_: Filter | None, check: Callable[[str, Any], object]) -> None:
    """`check` gets each property of each condition, and raises MethodError for what it does not take, as this does
    where there are more than the limit allows."""
    most = left = context.services.limits.filter_max
    waiting = [filter_]
    while waiting:
        one = waiting.pop()
        if not one:
            continue
        left -= 1
        if left < 0:
            raise MethodError("unsupportedFilter", f"a filter has at most {most} conditions")
        if (operator := operator_of(one)) is not None:
            waiting += operator[1]
            continue
        for name, value in one.items():
            check(name, value)


def passes(filter_: Filter | None, meets: Callable[[str, Any], bool]) -> bool:
    """A filter that was checked, over one of few records; `meets` judges one property of a condition."""
    if not filter_:
        return True
    if (operator := operator_of(filter_)) is None:
        return all(meets(name, value) for name, value in filter_.items())
    kind, joined = operator
    if kind == "AND":
        return all(passes(one, meets) for one in joined)
    return any(passes(one, meets) for one in joined) != (kind == "NOT")
