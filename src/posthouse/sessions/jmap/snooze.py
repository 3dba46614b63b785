"""Snooze: emails put aside until a time (`docs/jmap-extensions.md`); the id of a record is that of its email."""

from __future__ import annotations

from typing import Any, Final

from posthouse.services import snooze as service
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import SetError, invalid
from posthouse.wire.jmap.value import format_utc, try_utc

from . import arguments as a
from .context import Context
from .mailbox_rights import need, require_change
from .standard import SetResult, check_get, check_set, get_answer, only_known, wanted_properties
from .state import check_state, format_state

Record = dict[str, Any]
PROPERTIES: Final = ("id", "until")
AHEAD_MAX_S: Final = 5 * 366 * 86400


async def get_snoozes(context: Context, args: a.Get) -> Record:
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    store, account = context.services.store, context.account.id
    modseq = await store.emails.modseq(account)
    found: dict[str, Record] = {}
    known = await service.snoozes(store, account)
    if await context.visible() is not None:
        mine, _ = await _mine(context, [ids.format_id(ids.EMAIL, email) for email in known])
        known = {email: known[email] for email in mine.values()}
    for email, (until, _) in known.items():
        record = {"id": ids.format_id(ids.EMAIL, email), "until": format_utc(until)}
        found[record["id"]] = {name: record[name] for name in properties}
    return get_answer(args, format_state(modseq), found, wanted)


async def set_snoozes(context: Context, args: a.Set) -> Record:
    """Every email can be put aside by an update; `until` null, or destroying the record, brings it back."""
    require_change(context)
    check_set(context, args)
    store, account = context.services.store, context.account.id
    before = await store.emails.modseq(account)
    check_state(args.if_in_state, before)
    result = SetResult()
    for key in args.create or {}:
        result.not_created[key] = SetError("invalidArguments", "update the record with the id of the email")
    times: dict[str, float] = {}
    back: list[str] = []
    mine, places = await _mine(context, [*(args.update or {}), *(args.destroy or ())])
    now = context.services.clock.now()

    async def take(key: str, patch: Record) -> None:
        only_known(patch, ("until",))
        if key not in mine:
            raise SetError("notFound", "there is no such email")
        need(context, "maySetKeywords", places[mine[key]])
        until = try_utc(patch.get("until"))
        if patch.get("until") is None:
            back.append(key)
        elif until is None or not now < until < now + AHEAD_MAX_S:
            raise invalid("until", "a UTCDate in the next five years, or null, is wanted")
        else:
            times[key] = until

    await result.each((args.update or {}).items(), take, result.not_updated)
    gone: list[str] = []

    async def drop(key: str, _: None) -> None:
        if key not in mine:
            raise SetError("notFound", "there is no such email")
        need(context, "maySetKeywords", places[mine[key]])
        gone.append(key)

    await result.each([(key, None) for key in args.destroy or ()], drop, result.not_destroyed)
    if times:
        errors = await service.snooze(store, account, {mine[key]: until for key, until in times.items()})
        _tell(result, list(times), errors)
    if back or gone:
        errors = await service.wake(store, account, [mine[key] for key in (*back, *gone)], due=False)
        _tell(result, back, errors[: len(back)])
        result.destroyed += gone
    after = await store.emails.modseq(account)
    return result.answer(args.account_id, format_state(before), format_state(after))


def _tell(result: SetResult, keys: list[str], errors: list[str]) -> None:
    for key, error in zip(keys, errors, strict=True):
        if error:
            result.not_updated[key] = SetError("notFound", "there is no such email")
        else:
            result.updated[key] = None


async def _mine(context: Context, keys: list[str]) -> tuple[dict[str, int], dict[int, set[int]]]:
    """The emails that may be seen, by id; and the mailboxes that each is in."""
    numbers = {key: number for key in keys if (number := ids.try_number(ids.EMAIL, key)) is not None}
    read = await context.services.store.emails.get(context.account.id, list(numbers.values()), ("thread",))
    visible = await context.visible()
    places = {row[0]: {box for box, _ in read.places[row[0]]} for row in read.rows}
    there = {number for number, boxes in places.items() if visible is None or boxes & visible}
    return {key: number for key, number in numbers.items() if number in there}, places
