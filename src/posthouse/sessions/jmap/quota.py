"""Quota: what an account may store and what it does (RFC 9425)."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from posthouse.wire.jmap.error import MethodError

from . import arguments as a
from .context import Context
from .query import check_filter, check_sort, differences, passes, query_answer, window
from .standard import changes_answer, check_get, get_answer, wanted_properties
from .state import check_known, format_state, parse_state

Record = dict[str, Any]
PROPERTIES: Final = (
    "id", "resourceType", "used", "hardLimit", "scope", "name", "types", "warnLimit", "softLimit", "description",
)  # fmt: skip
SORTS: Final = ("name", "used")
_NOTHING: Final[Record] = {"types": [], "name": "", "scope": "", "resourceType": ""}
_FILTERS: Final = ("name", "scope", "resourceType", "type")
_WARN_PART: Final = 0.9


async def _quotas(context: Context) -> tuple[str, dict[str, Record]]:
    """RFC 9425 §4: one for octets, one for messages, where there is a limit."""
    store = context.services.store
    account = await store.directory.account(context.account.id)
    found: dict[str, Record] = {}
    if account is None:
        return "0", found
    for name, kind, used, limit in (
        ("octets", "octets", account.used_bytes, account.quota_bytes),
        ("count", "count", account.used_messages, account.quota_messages),
    ):
        if limit:
            found[name] = {
                "id": name, "resourceType": kind, "used": used, "hardLimit": limit, "scope": "account",
                "name": account.address, "types": ["Mail"], "warnLimit": int(limit * _WARN_PART), "softLimit": None,
                "description": None,
            }  # fmt: skip
    return format_state(account.modseq), found


async def get_quotas(context: Context, args: a.Get) -> Record:
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    state, found = await _quotas(context)
    records = {key: {name: one[name] for name in properties} for key, one in found.items()}
    return get_answer(args, state, records, wanted)


async def quota_changes(context: Context, args: a.Changes) -> Record:
    since = parse_state(args.since_state)
    state, found = await _quotas(context)
    now = parse_state(state)
    check_known(since, 0, now.modseq)
    changed = list(found) if now.modseq > since.modseq else []
    if args.max_changes is not None and len(changed) > args.max_changes:
        raise MethodError("cannotCalculateChanges", "more changes than maxChanges; fetch all anew")
    answer = changes_answer(args, state, updated=changed)
    # RFC 9425 §4.3: when only what is used changed.
    answer["updatedProperties"] = ["used"] if changed else None
    return answer


def _meets(one: Record, name: str, value: Any) -> bool:
    if name not in _FILTERS:
        raise MethodError("unsupportedFilter", f"cannot filter quotas by {name[:100]!r}")
    if not isinstance(value, str):
        raise MethodError("invalidArguments", f"filter: {name} must be a string")
    if name == "name":
        return value.lower() in one["name"].lower()
    return value in one["types"] if name == "type" else bool(one[name] == value)


async def _results(context: Context, args: a.Query | a.QueryChanges) -> tuple[str, list[str]]:
    check_sort(args.sort, SORTS)
    state, found = await _quotas(context)
    check_filter(context, args.filter, partial(_meets, _NOTHING))
    rows = [one for one in found.values() if passes(args.filter, partial(_meets, one))]
    for one in reversed(args.sort or []):
        rows.sort(key=lambda row, by=one.property: row[by], reverse=not one.is_ascending)  # type: ignore[misc]
    return state, [row["id"] for row in rows]


async def query_quotas(context: Context, args: a.Query) -> Record:
    window(context, args)
    state, found = await _results(context, args)
    return query_answer(context, args, state, found, total=len(found))


async def quota_query_changes(context: Context, args: a.QueryChanges) -> Record:
    since = parse_state(args.since_query_state)
    state, found = await _results(context, args)
    now = parse_state(state)
    check_known(since, 0, now.modseq)
    changed = set(found) if now.modseq > since.modseq else set()
    return differences(args, state, found, sorted(changed), changed)
