"""VacationResponse: the answer of who is away (RFC 8621 §8).

It is kept as JMAP has it, and put into the script of simple rules of the account, which delivery runs.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from posthouse.core.errors import Invalid
from posthouse.mime.search_text import page_text
from posthouse.services.scripts import Scripts
from posthouse.sieve import simple
from posthouse.wire.jmap.error import SetError, invalid
from posthouse.wire.jmap.value import format_utc, try_utc

from . import arguments as a
from .context import Context
from .objects import Kind
from .singleton import Singleton
from .standard import apply_patch

Record = dict[str, Any]
SCRIPT: Final = "posthouse"
"""The script of simple rules, when there is none yet."""
SETTABLE: Final = ("isEnabled", "fromDate", "toDate", "subject", "textBody", "htmlBody")
TEXT_MAX_BYTES: Final = 64 * 1024


class Vacation(Struct):
    is_enabled: bool = False
    from_date: float | None = None
    to_date: float | None = None
    subject: str | None = None
    text_body: str | None = None
    html_body: str | None = None


VACATION: Final = Kind("VacationResponse", "V", Vacation)


def _shown(one: Vacation) -> Record:
    return {
        "isEnabled": one.is_enabled,
        "fromDate": None if one.from_date is None else format_utc(one.from_date),
        "toDate": None if one.to_date is None else format_utc(one.to_date),
        "subject": one.subject,
        "textBody": one.text_body,
        "htmlBody": one.html_body,
    }


ONLY: Final = Singleton(VACATION, Vacation, _shown, SETTABLE)


async def get_vacation(context: Context, args: a.Get) -> Record:
    return await ONLY.get(context, args)


async def vacation_changes(context: Context, args: a.Changes) -> Record:
    return await ONLY.changes(context, args)


def _value(record: Record) -> Vacation:
    if not isinstance(record["isEnabled"], bool):
        raise invalid("isEnabled", "true or false is wanted")
    dates: list[float | None] = []
    for name in ("fromDate", "toDate"):
        moment = try_utc(record[name])
        if record[name] is not None and moment is None:
            raise invalid(name, "a UTCDate or null is wanted")
        dates.append(moment)
    texts: list[str | None] = []
    for name in ("subject", "textBody", "htmlBody"):
        text = record[name]
        if text is not None and (
            not isinstance(text, str) or len(text.encode("utf-8", "replace")) > TEXT_MAX_BYTES
        ):
            raise invalid(name, f"a string of at most {TEXT_MAX_BYTES} octets or null is wanted")
        texts.append(text)
    return Vacation(record["isEnabled"], *dates, *texts)  # type: ignore[arg-type]


async def _put_into_rules(context: Context, one: Vacation) -> None:
    """Raises SetError when the account's active script is not one of simple rules."""
    scripts = Scripts(context.services.store, context.services.clock)
    account = context.account.id
    active = next((script for script in await scripts.list(account) if script.active), None)
    rules = simple.Simple() if active is None else simple.read(active.content)
    if rules is None:
        raise SetError(
            "forbidden",
            "the active Sieve script was written by hand; put the answer there, or activate a script of simple rules",
        )
    text = (
        one.text_body
        or page_text(one.html_body or "")
        or "I am away and will read your message when I am back."
    )
    away = simple.Away(text, one.subject or "", begin=one.from_date or 0.0, end=one.to_date or 0.0)
    rules.away = away if one.is_enabled else None
    if active is None and not one.is_enabled:
        return
    name = SCRIPT if active is None else active.name
    try:
        await scripts.put(account, name, simple.write(rules))
    except Invalid as error:
        raise SetError("invalidProperties", error.detail) from error
    if active is None:
        await scripts.activate(account, name)


async def set_vacation(context: Context, args: a.Set) -> Record:
    async def change(patch: Record) -> None:
        _, old, number = await ONLY.read(context)
        new = _value(apply_patch(_shown(old), patch))
        await _put_into_rules(context, new)
        await context.services.store.objects.put(context.account.id, [VACATION.stored(new, number)])

    return await ONLY.set(context, args, change)
