"""Settings: what a person chose in the webmail, the same on every device (our own type, `docs/jmap-extensions.md`).

One record for each account.  A setting is a field of `Settings`: its type is its check, its value there the default.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from posthouse.core.errors import Conflict
from posthouse.wire.jmap.error import invalid

from . import arguments as a
from .context import Context
from .objects import Kind
from .singleton import Singleton
from .standard import apply_patch

Record = dict[str, Any]
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


ONLY: Final = Singleton(SETTINGS, Settings, msgspec.to_builtins, SETTABLE)


async def get_settings(context: Context, args: a.Get) -> Record:
    return await ONLY.get(context, args)


async def settings_changes(context: Context, args: a.Changes) -> Record:
    return await ONLY.changes(context, args)


async def set_settings(context: Context, args: a.Set) -> Record:
    async def change(patch: Record) -> None:
        new = await _keep(context, patch)
        if new.language and new.language != context.account.language:
            # Letters and errors of the server are in the same language as the pages.
            directory = context.services.store.directory
            await directory.update_account(context.account.id, {"language": new.language})

    return await ONLY.set(context, args, change)


async def _keep(context: Context, patch: Record) -> Settings:
    """What another request changes at the same moment stays."""
    for attempt in range(ATTEMPTS):
        modseq, old, number = await ONLY.read(context)
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
