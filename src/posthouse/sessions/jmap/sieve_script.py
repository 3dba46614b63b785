"""SieveScript: get, set, query, validate (RFC 9661).

The blob of a script has its content in its name, so a changed script has another blob.  States are digests of the list.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from posthouse.core.errors import Conflict, Exists, Invalid, NotFound, OverQuota
from posthouse.services.scripts import NAME_MAX, SCRIPTS_MAX, Scripts, check_name
from posthouse.sieve import CAPABILITIES as EXTENSIONS
from posthouse.sieve import ScriptError, compile_script
from posthouse.sieve.limits import REDIRECTS_MAX, SCRIPT_MAX_BYTES
from posthouse.sieve.text import explain
from posthouse.storage.rows import SieveScript
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid

from . import arguments as a
from .blob_read import read_blob
from .context import Context
from .query import check_filter, check_sort, passes, query_answer
from .standard import (
    SetResult,
    check_get,
    check_set,
    get_answer,
    only_known,
    updates_of,
    wanted_properties,
    without_same,
)

Record = dict[str, Any]
PROPERTIES: Final = ("id", "name", "blobId", "isActive")
SETTABLE: Final = ("name", "blobId")
FILTERS: Final[dict[str, type]] = {"name": str, "isActive": bool}
SORTS: Final = ("name", "isActive")


class ScriptSet(a.Set):
    on_success_activate_script: a.Id | None = None
    on_success_deactivate_script: bool = False


class ScriptValidate(a.Arguments):
    blob_id: a.Id


def account_capability() -> Record:
    """RFC 9661 §1.3."""
    return {
        "maxSizeScriptName": NAME_MAX,
        "maxSizeScript": SCRIPT_MAX_BYTES,
        "maxNumberScripts": SCRIPTS_MAX,
        "maxNumberRedirects": REDIRECTS_MAX,
        "sieveExtensions": list(EXTENSIONS),
        "notificationMethods": ["mailto"],
        "externalLists": None,
    }


def _scripts(context: Context) -> Scripts:
    # Rules read, move and send: whoever edits them can do everything.
    if not context.scope.whole:
        raise MethodError(
            "forbidden", "what you signed in with is not for rules; use a credential that may do all"
        )
    return Scripts(context.services.store, context.services.clock)


def _state(scripts: Sequence[SieveScript]) -> str:
    parts = [(one.id, one.name, one.active, zlib.crc32(one.content.encode())) for one in scripts]
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _blob_id(one: SieveScript) -> str:
    return ids.format_id(ids.SCRIPT, one.id << 32 | zlib.crc32(one.content.encode()))


def _record(one: SieveScript) -> Record:
    return {
        "id": ids.format_id(ids.SCRIPT, one.id),
        "name": one.name,
        "blobId": _blob_id(one),
        "isActive": one.active,
    }


async def get_scripts(context: Context, args: a.Get) -> Record:
    scripts = await _scripts(context).list(context.account.id)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    found = {}
    for one in scripts:
        record = _record(one)
        if wanted is None or record["id"] in wanted:
            found[record["id"]] = {name: record[name] for name in properties}
    return get_answer(args, _state(scripts), found, wanted)


async def query_scripts(context: Context, args: a.Query) -> Record:
    check_sort(args.sort, SORTS)
    scripts = await _scripts(context).list(context.account.id)
    check_filter(context, args.filter, _check_condition)
    chosen = [one for one in scripts if passes(args.filter, partial(_meets, one))]
    for comparator in reversed(args.sort or []):
        chosen.sort(
            key=lambda one: one.name if comparator.property == "name" else one.active,
            reverse=not comparator.is_ascending,
        )
    found = [ids.format_id(ids.SCRIPT, one.id) for one in chosen]
    return query_answer(context, args, _state(scripts), found, total=None, can_calculate=False)


def _check_condition(name: str, value: Any) -> None:
    if not isinstance(value, FILTERS.get(name, ())):
        raise MethodError("unsupportedFilter", f"filter by {', '.join(FILTERS)}")


def _meets(one: SieveScript, name: str, value: Any) -> bool:
    """RFC 9661 §2.4: `name` is a part of it."""
    return value.casefold() in one.name.casefold() if name == "name" else value is one.active


async def validate_script(context: Context, args: ScriptValidate) -> Record:
    """RFC 9661 §2.5."""
    _scripts(context)
    content = await _content(context, args.blob_id)
    if content is None:
        raise MethodError("blobNotFound", "there is no such blob")
    error = None
    try:
        compile_script(content)
    except ScriptError as fault:
        error = _invalid_sieve(context, fault).answer()
    return {"accountId": args.account_id, "error": error}


def _invalid_sieve(context: Context, fault: ScriptError) -> SetError:
    return SetError("invalidSieve", explain(fault, context.account.language))


async def _content(context: Context, text: object) -> bytes | None:
    name = ids.try_blob(context.deref(text)) if isinstance(text, str) else None
    return None if name is None else await read_blob(context, name)


# --- set ---


async def set_scripts(context: Context, args: ScriptSet) -> Record:
    scripts = _scripts(context)
    check_set(context, args)
    before = _state(await scripts.list(context.account.id))
    if args.if_in_state is not None and args.if_in_state != before:
        raise MethodError("stateMismatch", f"the scripts are at state {before}")
    work = _Setting(context, scripts, await scripts.list(context.account.id))
    result = work.result
    await result.each((args.create or {}).items(), work.create, result.not_created)
    updates, destroy, failed = updates_of(context, args)
    result.not_updated.update(failed)
    await result.each(updates.items(), work.update, result.not_updated)
    await result.each([(one, None) for one in destroy], work.destroy, result.not_destroyed)
    if not (result.not_created or result.not_updated or result.not_destroyed):
        await _activate(context, args, work)
    after = _state(await scripts.list(context.account.id))
    return result.answer(args.account_id, before, after)


async def _activate(context: Context, args: ScriptSet, work: _Setting) -> None:
    """RFC 9661 §2.3: once all the rest has been done, and only then."""
    name: str | None = None
    if args.on_success_activate_script is not None:
        target = work.found.get(context.number(ids.SCRIPT, args.on_success_activate_script) or 0)
        if target is None:
            return
        name = target.name
    elif not args.on_success_deactivate_script:
        return
    try:
        await work.scripts.activate(context.account.id, name)
    except ScriptError:
        return  # RFC 9661 §2.3: what policy forbids is passed over, and what was active stays so
    for one in work.found.values():
        if one.active != (one.name == name):
            key = ids.format_id(ids.SCRIPT, one.id)
            active = {"isActive": one.name == name}
            if key not in {record["id"] for record in work.result.created.values()}:
                work.result.updated[key] = (work.result.updated.get(key) or {}) | active
    for record in work.result.created.values():
        record["isActive"] = work.found[context.number(ids.SCRIPT, record["id"]) or 0].name == name


class _Setting:
    def __init__(self, context: Context, scripts: Scripts, rows: Sequence[SieveScript]) -> None:
        self.context = context
        self.account = context.account.id
        self.scripts = scripts
        self.found = {one.id: one for one in rows}
        self.result = SetResult()

    def row(self, text: str) -> SieveScript:
        found = self.found.get(self.context.number(ids.SCRIPT, text) or 0)
        if found is None:
            raise SetError("notFound", f"there is no script {text}")
        return found

    def checked_name(self, value: object) -> str:
        if not isinstance(value, str):
            raise invalid("name", "a text is wanted")
        try:
            check_name(value)
        except Invalid as error:
            raise invalid("name", error.detail) from error
        return value

    async def text(self, blob: object) -> str:
        content = await _content(self.context, blob)
        if content is None:
            raise SetError("blobNotFound", "there is no such blob", notFound=[blob])
        try:
            compile_script(content)
        except ScriptError as fault:
            if fault.key == "large":
                raise SetError("tooLarge", explain(fault, self.context.account.language)) from fault
            raise _invalid_sieve(self.context, fault) from fault
        return content.decode("utf-8")

    async def put(self, name: str, content: str) -> SieveScript:
        try:
            await self.scripts.put(self.account, name, content)
        except OverQuota as error:
            raise SetError("overQuota", f"an account has at most {SCRIPTS_MAX} scripts") from error
        except ScriptError as fault:
            raise _invalid_sieve(self.context, fault) from fault
        one = await self.scripts.get(self.account, name)
        self.found[one.id] = one
        return one

    async def create(self, key: str, record: Record) -> None:
        only_known(record, SETTABLE)
        names = {one.name for one in self.found.values()}
        given = record.get("name")
        if given is None:
            number = len(names) + 1
            while f"script {number}" in names:
                number += 1
            given = f"script {number}"
        name = self.checked_name(given)
        if name in names:
            raise SetError("alreadyExists", "a script of that name exists", existingId=self._id_of(name))
        one = await self.put(name, await self.text(record.get("blobId")))
        made = _record(one)
        self.context.created[key] = made["id"]
        self.result.created[key] = {
            field: value for field, value in made.items() if record.get(field) != value
        }

    def _id_of(self, name: str) -> str:
        return next(ids.format_id(ids.SCRIPT, one.id) for one in self.found.values() if one.name == name)

    async def update(self, key: str, patch: Record) -> None:
        row = self.row(key)
        patch = without_same(patch, _record(row), SETTABLE)
        only_known(patch, SETTABLE)
        name = self.checked_name(patch["name"]) if "name" in patch else row.name
        content = await self.text(patch["blobId"]) if "blobId" in patch else row.content
        if name != row.name:
            try:
                await self.scripts.rename(self.account, row.name, name)
            except Exists as error:
                raise SetError(
                    "alreadyExists", "a script of that name exists", existingId=self._id_of(name)
                ) from error
            except NotFound as error:
                raise SetError("notFound", f"there is no script {key}") from error
            self.found[row.id] = msgspec.structs.replace(row, name=name)
        changed = None
        if content != row.content:
            changed = {"blobId": _blob_id(await self.put(name, content))}
        self.result.updated[key] = changed

    async def destroy(self, key: str, _: None) -> None:
        row = self.row(key)
        try:
            await self.scripts.delete(self.account, row.name)
        except Conflict as error:
            raise SetError("sieveIsActive", "deactivate it first") from error
        del self.found[row.id]
        self.result.destroyed.append(key)
