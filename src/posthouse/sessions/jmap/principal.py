"""Principal: the people and teams that something can be shared with (RFC 9670 §2): those of the same domain."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from posthouse.core.address import parse_address
from posthouse.storage.rows import Account
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError

from . import arguments as a
from .context import Context
from .query import check_filter, check_sort, passes, query_answer, window
from .standard import SetResult, check_get, check_set, get_answer, updates_of, wanted_properties

Record = dict[str, Any]
PRINCIPALS: Final = "urn:ietf:params:jmap:principals"
OWNER: Final = "urn:ietf:params:jmap:principals:owner"
PRINCIPAL: Final = "P"
PROPERTIES: Final = (
    "id", "type", "name", "description", "email", "timeZone", "capabilities", "accounts",
)  # fmt: skip
SORTS: Final = ("name", "email")
_NOBODY: Final[Record] = {"accounts": None, "email": "", "name": "", "timeZone": "", "type": ""}
_FILTERS: Final = ("accountIds", "email", "name", "text", "type", "timeZone")
STATE: Final = "directory"
"""A directory keeps no history: whoever asks for changes is told to fetch all anew."""


def principal_id(account: int) -> str:
    return ids.format_id(PRINCIPAL, account)


async def principals(context: Context) -> dict[int, Account]:
    """By number of the account, in the order of their addresses."""
    domain = parse_address(context.home.account.address).domain
    accounts = await context.services.store.directory.accounts(domain)
    return {one.id: one for one in sorted(accounts, key=lambda one: one.address) if one.enabled or one.team}


async def _records(context: Context) -> dict[str, Record]:
    shared = {one.account.id: one for one in await context.services.shared.all(context.home)}
    mine = context.home.account.id
    found: dict[str, Record] = {}
    for number, one in (await principals(context)).items():
        open_to_me = number == mine or number in shared
        found[principal_id(number)] = {
            "id": principal_id(number),
            "type": "group" if one.team else "individual",
            "name": one.name or one.address,
            "description": None,
            "email": one.address,
            "timeZone": None,
            "capabilities": {},
            "accounts": {ids.format_id(ids.ACCOUNT, number): {"name": one.address}} if open_to_me else None,
        }
    return found


def _own(context: Context) -> None:
    """The directory is seen from one's own account; raises MethodError."""
    if context.foreign:
        raise MethodError("accountNotSupportedByMethod", "principals are in your own account")


async def get_principals(context: Context, args: a.Get) -> Record:
    _own(context)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    found = await _records(context)
    records = {key: {name: one[name] for name in properties} for key, one in found.items()}
    return get_answer(args, STATE, records, wanted)


async def principal_changes(_context: Context, args: a.Changes) -> Record:
    # RFC 9670 §2.2: an external directory may be unable to calculate changes.
    raise MethodError("cannotCalculateChanges", f"since {args.since_state[:40]}: fetch all anew")


async def principal_query_changes(_context: Context, args: a.QueryChanges) -> Record:
    raise MethodError("cannotCalculateChanges", f"since {args.since_query_state[:40]}: query anew")


async def query_principals(context: Context, args: a.Query) -> Record:
    _own(context)
    check_sort(args.sort, SORTS)
    window(context, args)
    check_filter(context, args.filter, partial(_meets, _NOBODY))
    rows = [one for one in (await _records(context)).values() if passes(args.filter, partial(_meets, one))]
    for by in reversed(args.sort or []):
        rows.sort(key=lambda row, by=by: row[by.property].casefold(), reverse=not by.is_ascending)  # type: ignore[misc]
    found = [row["id"] for row in rows]
    return query_answer(context, args, STATE, found, total=len(found))


async def set_principals(context: Context, args: a.Set) -> Record:
    """RFC 9670 §2.3: the directory is the administrators'."""
    _own(context)
    check_set(context, args)
    updates, destroy, failed = updates_of(context, args)
    refused = SetError("forbidden", "people and teams are managed by the administrators")
    result = SetResult()
    result.not_created = dict.fromkeys(args.create or {}, refused)
    result.not_updated = {**dict.fromkeys(updates, refused), **failed}
    result.not_destroyed = dict.fromkeys(destroy, refused)
    return result.answer(args.account_id, STATE, STATE)


def _meets(one: Record, name: str, value: Any) -> bool:
    if name not in _FILTERS:
        raise MethodError("unsupportedFilter", f"cannot filter principals by {name[:100]!r}")
    if name == "accountIds":
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise MethodError("invalidArguments", "filter: accountIds must be an array of ids")
        return any(part in (one["accounts"] or {}) for part in value)
    if not isinstance(value, str):
        raise MethodError("invalidArguments", f"filter: {name} must be a string")
    if name in ("type", "timeZone"):
        return bool(one[name] == value)
    texts = [one["name"], one["email"]] if name == "text" else [one[name]]
    return any(value.casefold() in text.casefold() for text in texts)
