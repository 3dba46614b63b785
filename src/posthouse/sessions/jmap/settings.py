"""Settings: what a person chose in the webmail, the same on every device (our own type, `docs/jmap-extensions.md`).

One record for each account.  A setting is a field of `Settings`: its type is its check, its value there the default.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from posthouse.core.errors import Conflict
from posthouse.core.scope import WRITE
from posthouse.wire.jmap.error import SetError, invalid

from . import arguments as a
from .context import Context
from .objects import Kind
from .standard import (
    SetResult,
    apply_patch,
    changes_answer,
    check_get,
    check_set,
    get_answer,
    only_known,
    wanted_properties,
)
from .state import check_known, check_state, format_state, parse_state

Record = dict[str, Any]
SINGLETON: Final = "singleton"
ATTEMPTS: Final = 10
"""When the account changes between reading and writing."""


class Settings(Struct, rename="camel"):
    language: Literal["", "zh", "en"] = ""  # "": as the browser has it
    theme: Literal["auto", "light", "dark"] = "auto"
    density: Literal["comfortable", "compact"] = "comfortable"
    time_zone: Annotated[str, Meta(max_length=64, pattern=r"\A[A-Za-z0-9_+/-]*\Z")] = ""  # "": the browser's
    conversations: bool = True
    notifications: Literal["off", "inbox", "all"] = "off"
    collect_contacts: bool = True  # services.collector reads it
    undo_seconds: Annotated[int, Meta(ge=0, le=60)] = 15


SETTINGS: Final = Kind("Settings", "G", Settings)
SETTABLE: Final = tuple(one.encode_name for one in msgspec.structs.fields(Settings))
PROPERTIES: Final = ("id", *SETTABLE)


async def _read(context: Context) -> tuple[int, Settings, int]:
    """The modseq, the settings, and their number in the store (0: none are kept yet)."""
    modseq, rows = await SETTINGS.read(context)
    for number, (one, _) in rows.items():
        return modseq, one, number
    return modseq, Settings(), 0


def _shown(one: Settings) -> Record:
    found: Record = msgspec.to_builtins(one)
    return {"id": SINGLETON, **found}


async def get_settings(context: Context, args: a.Get) -> Record:
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    modseq, one, _ = await _read(context)
    record = {name: value for name, value in _shown(one).items() if name in properties}
    return get_answer(args, format_state(modseq), {SINGLETON: record}, wanted)


async def settings_changes(context: Context, args: a.Changes) -> Record:
    since = parse_state(args.since_state)
    objects = context.services.store.objects
    modseq, history, rows = await objects.changes(context.account.id, SETTINGS.name, since.modseq)
    check_known(since, history, modseq)
    return changes_answer(args, format_state(modseq), updated=[SINGLETON] if rows else [])


async def set_settings(context: Context, args: a.Set) -> Record:
    context.grant.require(WRITE)
    check_set(context, args)
    store, account = context.services.store, context.account
    before = await store.emails.modseq(account.id)
    check_state(args.if_in_state, before)
    result = SetResult()
    for key in args.create or {}:
        result.not_created[key] = SetError("singleton", "there is one, and it stays")
    for key in args.destroy or []:
        result.not_destroyed[key] = SetError("singleton", "there is one, and it stays")

    async def change(key: str, patch: Record) -> None:
        if key != SINGLETON:
            raise SetError("notFound", "the only one is `singleton`")
        only_known({path.partition("/")[0]: None for path in patch}, SETTABLE)
        new = await _keep(context, patch)
        if new.language and new.language != account.language:
            # Letters and errors of the server are in the same language as the pages.
            await store.directory.update_account(account.id, {"language": new.language})
        result.updated[key] = None

    await result.each((args.update or {}).items(), change, result.not_updated)
    after = await store.emails.modseq(account.id)
    return result.answer(args.account_id, format_state(before), format_state(after))


async def _keep(context: Context, patch: Record) -> Settings:
    """What another request changes at the same moment stays."""
    for attempt in range(ATTEMPTS):
        modseq, old, number = await _read(context)
        new = _checked(apply_patch(msgspec.to_builtins(old), patch))
        try:
            await context.services.store.objects.put(
                context.account.id, [SETTINGS.stored(new, number)], if_modseq=modseq
            )
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return new
    raise AssertionError


def _checked(record: Record) -> Settings:
    for name, value in record.items():
        try:
            msgspec.convert({name: value}, Settings)
        except msgspec.ValidationError as error:
            raise invalid(name, str(error).partition(" - at")[0]) from error
    new = msgspec.convert(record, Settings)
    if new.time_zone and not _is_zone(new.time_zone):
        raise invalid("timeZone", "no time zone of that name; use one as Asia/Shanghai")
    return new


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # no such name, or that of a directory
        return False
    return True
