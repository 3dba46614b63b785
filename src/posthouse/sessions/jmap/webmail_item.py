"""WebmailItem: what a webmail remembers for its user on all devices (`docs/jmap-extensions.md`).

Names and values are its own.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from posthouse.core.scope import WRITE
from posthouse.storage.email_rows import StoredObject
from posthouse.wire.jmap.error import SetError, invalid

from . import arguments as a
from .context import Context
from .objects import Kind
from .standard import apply_patch, check_get, get_answer, only_known, wanted_properties
from .state import format_state

Record = dict[str, Any]
PROPERTIES: Final = ("id", "name", "value")
SETTABLE: Final = ("name", "value")
NAME: Final = re.compile(r"[\x21-\x7e]{1,250}")
VALUE_MAX_BYTES: Final = 16 * 1024
ITEMS_MAX: Final = 1000


class WebmailItem(Struct):
    name: str
    value: Any = None


ITEM: Final = Kind("WebmailItem", "R", WebmailItem)


async def get_items(context: Context, args: a.Get) -> Record:
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    modseq, rows = await ITEM.read(context)
    records: dict[str, Record] = {}
    for number, (one, _) in rows.items():
        record = {"id": ITEM.id_of(number), "name": one.name, "value": one.value}
        records[record["id"]] = {name: record[name] for name in properties}
    return get_answer(args, format_state(modseq), records, wanted)


async def item_changes(context: Context, args: a.Changes) -> Record:
    return await ITEM.changes(context, args)


def _checked(record: Record) -> WebmailItem:
    only_known(record, SETTABLE)
    name = record.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise invalid("name", "1 to 250 visible ASCII characters are wanted")
    if len(msgspec.json.encode(record.get("value"))) > VALUE_MAX_BYTES:
        raise invalid("value", f"at most {VALUE_MAX_BYTES} octets of JSON are wanted")
    return WebmailItem(name, record.get("value"))


async def set_items(context: Context, args: a.Set) -> Record:
    context.grant.require(WRITE)

    async def create(_key: str, record: Record) -> Record:
        new = _checked(record)
        _, rows = await ITEM.read(context)
        for number, (one, _) in rows.items():
            if one.name == new.name:
                there = ITEM.id_of(number)
                raise SetError("alreadyExists", "there is one of this name; update it", existingId=there)
        put = await context.services.store.objects.put(
            context.account.id, [ITEM.stored(new)], count_max=ITEMS_MAX
        )
        return {"id": ITEM.id_of(put.ids[0])}

    async def update(_key: str, old: WebmailItem, _row: StoredObject, patch: Record) -> WebmailItem | None:
        new = _checked(apply_patch({"name": old.name, "value": old.value}, patch))
        if new.name != old.name:
            raise invalid("name", "it stays; make another one")
        return new

    answer, _ = await ITEM.set(context, args, create=create, update=update, may_destroy=lambda _one: None)
    return answer
