"""ShareNotification: what others gave to this account, or took back (RFC 9670 §3); made where rights change."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from posthouse.storage.share_notice import KIND, ShareNotice
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.value import format_utc, try_utc

from . import address_book
from . import arguments as a
from .context import Context
from .mailbox_rights import named
from .objects import Kind
from .principal import principal_id
from .query import check_filter, check_sort, differences, passes, query_answer, window
from .standard import check_get, get_answer, wanted_properties
from .state import check_known, format_state, parse_state

Record = dict[str, Any]
NOTIFICATION: Final = Kind(KIND, "N", ShareNotice)
PROPERTIES: Final = (
    "id", "created", "changedBy", "objectType", "objectAccountId", "objectId", "oldRights", "newRights", "name",
)  # fmt: skip


_KINDS: Final = {"Mailbox": (ids.MAILBOX, named), "AddressBook": (ids.ADDRESS_BOOK, address_book.named)}


def _shown(number: int, one: ShareNotice) -> Record:
    letter, tell = _KINDS[one.kind]
    return {
        "id": NOTIFICATION.id_of(number),
        "created": format_utc(one.at),
        "changedBy": {
            "name": one.by_name or one.by_address,
            "email": one.by_address or None,
            "principalId": principal_id(one.by) if one.by else None,
        },
        "objectType": one.kind,
        "objectAccountId": ids.format_id(ids.ACCOUNT, one.account),
        "objectId": ids.format_id(letter, one.mailbox),
        "oldRights": tell(one.before) if one.before else None,
        "newRights": tell(one.after) if one.after else None,
        "name": one.name,
    }


async def get_notifications(context: Context, args: a.Get) -> Record:
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    modseq, rows = await NOTIFICATION.read(context)
    records = {}
    for number, (one, _) in rows.items():
        shown = _shown(number, one)
        records[shown["id"]] = {name: shown[name] for name in properties}
    return get_answer(args, format_state(modseq), records, wanted)


async def notification_changes(context: Context, args: a.Changes) -> Record:
    return await NOTIFICATION.changes(context, args)


async def set_notifications(context: Context, args: a.Set) -> Record:
    """RFC 9670 §3.4: they are dismissed, and nothing else."""
    why = "notifications are made by the server; they can only be dismissed"
    return await NOTIFICATION.dismiss(context, args, why)


async def _results(context: Context, args: a.Query | a.QueryChanges) -> tuple[int, list[str]]:
    check_sort(args.sort, ("created",))
    modseq, rows = await NOTIFICATION.read(context)
    nothing = {"created": "", "objectType": "", "objectAccountId": ""}
    check_filter(context, args.filter, partial(_meets, nothing))
    shown = [_shown(number, one) for number, (one, _) in rows.items()]
    found = [one for one in shown if passes(args.filter, partial(_meets, one))]
    newest_last = not args.sort or args.sort[0].is_ascending
    found.sort(key=lambda one: one["created"], reverse=not newest_last)
    return modseq, [one["id"] for one in found]


async def query_notifications(context: Context, args: a.Query) -> Record:
    window(context, args)
    modseq, found = await _results(context, args)
    return query_answer(context, args, format_state(modseq), found, total=len(found))


async def notification_query_changes(context: Context, args: a.QueryChanges) -> Record:
    since = parse_state(args.since_query_state)
    modseq, found = await _results(context, args)
    objects = context.services.store.objects
    now, history, rows = await objects.changes(context.account.id, KIND, since.modseq)
    check_known(since, history, now)
    changed = {NOTIFICATION.id_of(row.id) for row in rows}
    return differences(args, format_state(modseq), found, sorted(changed), changed)


def _meets(one: Record, name: str, value: Any) -> bool:
    match name:
        case "after" | "before":
            if value is None:
                return True
            if try_utc(value) is None:
                raise MethodError("invalidArguments", f"filter: {name} must be a UTCDate or null")
            return bool(one["created"] >= value) if name == "after" else bool(one["created"] < value)
        case "objectType" | "objectAccountId":
            return bool(one[name] == value)
    raise MethodError("unsupportedFilter", f"cannot filter share notifications by {name[:100]!r}")
