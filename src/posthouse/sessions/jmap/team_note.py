"""TeamNote and Mention: what members of a team write to each other about a conversation (`docs/jmap-extensions.md`)."""

from __future__ import annotations

from typing import Any, Final

from posthouse.core.ids import AccountId
from posthouse.core.rights import WRITE as MAY_WRITE
from posthouse.services.team_work import NOTE_MAX_BYTES
from posthouse.storage.team_rows import MENTION, Mention, Note, NoteDraft
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid
from posthouse.wire.jmap.value import format_utc

from . import arguments as a
from .context import Context
from .objects import Kind
from .principal import PRINCIPAL, principal_id
from .standard import (
    SetResult,
    check_get,
    check_set,
    get_answer,
    only_known,
    text_of,
    updates_of,
    wanted_properties,
)
from .state import check_state, format_state
from .team import called, members_id, of_team, told_changes

Record = dict[str, Any]
NOTE_ID: Final = "N"
THREADS_MAX: Final = 20
"""Conversations whose notes one call reads: together they stay below the limit of a response."""
PROPERTIES: Final = (
    "id", "threadId", "author", "authorName", "authorEmail", "createdAt", "editedAt", "text", "mentions", "isMine",
)  # fmt: skip
MENTIONS: Final = Kind(MENTION, "E", Mention)
MENTION_PROPERTIES: Final = ("id", "accountId", "threadId", "noteId", "by", "byName", "at")


class NoteGet(a.Get):
    thread_ids: list[a.Id] | None = None
    """In place of `ids`: the notes of these conversations."""


def _shown(one: Note, me: AccountId) -> Record:
    return {
        "id": ids.format_id(NOTE_ID, one.id),
        "threadId": ids.format_id(ids.THREAD, one.thread),
        "author": members_id(one.author),
        "authorName": called(one.name, one.address),
        "authorEmail": one.address,
        "createdAt": format_utc(one.at),
        "editedAt": format_utc(one.edited_at) if one.edited_at else None,
        "text": one.text,
        "mentions": [principal_id(number) for number in one.mentions],
        "isMine": one.author == me,
    }


async def get_notes(context: Context, args: NoteGet) -> Record:
    await of_team(context)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    store, account = context.services.store, context.account.id
    if args.thread_ids is not None:
        if wanted is not None or len(args.thread_ids) > THREADS_MAX:
            raise MethodError("invalidArguments", f"ids, or at most {THREADS_MAX} threadIds, are wanted")
        modseq, rows = await store.team.notes(account, threads=ids.numbers(ids.THREAD, args.thread_ids))
    elif wanted is not None:
        modseq, rows = await store.team.notes(account, ids=ids.numbers(NOTE_ID, wanted))
    else:
        raise MethodError("requestTooLarge", "a team has many notes; name conversations, or ids")
    for one in rows:
        context.spend(len(one.text or ""))
    shown = [_shown(one, context.home.account.id) for one in rows]
    found = {one["id"]: {name: one[name] for name in properties} for one in shown}
    return get_answer(args, format_state(modseq), found, wanted)


async def note_changes(context: Context, args: a.Changes) -> Record:
    return await told_changes(
        context,
        args,
        context.services.store.team.note_changes,
        id_of=lambda one: ids.format_id(NOTE_ID, one.id),
        is_there=lambda one: one.text is not None,
    )


def _mentions(record: Record) -> list[AccountId]:
    value = record.get("mentions", [])
    if not isinstance(value, list):
        raise invalid("mentions", "an array of ids of members is wanted")
    numbers = [ids.try_number(PRINCIPAL, one) for one in value]
    if any(number is None for number in numbers):
        raise invalid("mentions", "an array of ids of members is wanted")
    return [AccountId(number) for number in numbers if number is not None]


async def set_notes(context: Context, args: a.Set) -> Record:
    await of_team(context, MAY_WRITE)
    check_set(context, args)
    store, account = context.services.store, context.account.id
    before = await store.emails.modseq(account)
    check_state(args.if_in_state, before)
    result = SetResult()
    updates, destroy, failed = updates_of(context, args)
    result.not_updated.update(failed)

    async def write(draft: NoteDraft) -> Note:
        return await context.services.team_work.note(context.home, context.account, draft)

    async def create(key: str, record: Record) -> None:
        only_known(record, ("threadId", "text", "mentions"))
        thread = ids.try_number(ids.THREAD, record.get("threadId"))
        if thread is None:
            raise invalid("threadId", "the id of a conversation is wanted")
        text = text_of(record, "text", max_bytes=NOTE_MAX_BYTES)
        shown = _shown(await write(NoteDraft(thread, text, _mentions(record))), context.home.account.id)
        context.created[key] = shown["id"]
        result.created[key] = {name: value for name, value in shown.items() if name not in record}

    async def update(key: str, patch: Record) -> None:
        only_known(patch, ("text", "mentions"))
        number = ids.try_number(NOTE_ID, key)
        _, found = await store.team.notes(account, ids=[number or 0])
        if not found:
            raise SetError("notFound", "there is no such note")
        mentions = _mentions(patch) if "mentions" in patch else found[0].mentions
        text = text_of(patch, "text", found[0].text, max_bytes=NOTE_MAX_BYTES)
        await write(NoteDraft(found[0].thread, text, mentions, found[0].id))
        result.updated[key] = None

    async def drop(key: str, _: None) -> None:
        await write(NoteDraft(0, None, [], ids.try_number(NOTE_ID, key) or -1))
        result.destroyed.append(key)

    await result.each((args.create or {}).items(), create, result.not_created)
    await result.each(updates.items(), update, result.not_updated)
    await result.each([(key, None) for key in destroy], drop, result.not_destroyed)
    after = await store.emails.modseq(account)
    return result.answer(args.account_id, format_state(before), format_state(after))


# --- those who are mentioned are told in their own account ---


def _own(context: Context) -> None:
    if context.foreign:
        raise MethodError("accountNotSupportedByMethod", "who mentioned you is told in your own account")


async def get_mentions(context: Context, args: a.Get) -> Record:
    _own(context)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, MENTION_PROPERTIES)
    modseq, rows = await MENTIONS.read(context)
    # Whoever left a team is told nothing more of it.
    teams = {one.account.id for one in await context.services.shared.all(context.home) if one.account.team}
    found: dict[str, Record] = {}
    for number, (one, _) in rows.items():
        if one.account not in teams:
            continue
        record: Record = {
            "id": MENTIONS.id_of(number),
            "accountId": ids.format_id(ids.ACCOUNT, one.account),
            "threadId": ids.format_id(ids.THREAD, one.thread),
            "noteId": ids.format_id(NOTE_ID, one.note),
            "by": members_id(one.by),
            "byName": called(one.by_name, one.by_address),
            "at": format_utc(one.at),
        }
        found[record["id"]] = {name: record[name] for name in properties}
    return get_answer(args, format_state(modseq), found, wanted)


async def mention_changes(context: Context, args: a.Changes) -> Record:
    _own(context)
    return await MENTIONS.changes(context, args)


async def set_mentions(context: Context, args: a.Set) -> Record:
    """They are dismissed, and nothing else."""
    _own(context)
    return await MENTIONS.dismiss(context, args, "mentions are made by notes; they can only be dismissed")
