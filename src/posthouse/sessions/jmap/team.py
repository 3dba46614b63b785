"""Claim, TeamMember, Presence: who has a conversation of a team, who could, who is there.

Written down in `docs/jmap-extensions.md`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, TypeVar

from posthouse.core.ids import AccountId
from posthouse.services.presence import GOOD_S
from posthouse.services.team_work import check_member
from posthouse.storage.team_rows import Claim, Note
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid
from posthouse.wire.jmap.value import format_utc

from . import arguments as a
from .context import Context
from .principal import PRINCIPAL, principal_id
from .standard import (
    SetResult,
    changes_answer,
    changes_limit,
    check_get,
    check_set,
    get_answer,
    only_known,
    updates_of,
    wanted_properties,
)
from .state import check_known, check_state, format_state, parse_state

Record = dict[str, Any]
S = TypeVar("S", Claim, Note)
TEAM: Final = "urn:posthouse:params:jmap:team"
CLAIM_PROPERTIES: Final = ("id", "holder", "holderEmail", "holderName", "by", "at")
MEMBER_PROPERTIES: Final = ("id", "name", "email", "mayWrite", "isMe")
THREADS_MAX: Final = 500


class PresenceGet(a.Arguments):
    thread_ids: list[a.Id] | None = None


class PresenceSet(a.Arguments):
    thread_id: a.Id
    state: Literal["reading", "writing"] | None = None


async def of_team(context: Context, wanted: int = 0) -> None:
    """Raises MethodError, unless the caller is a member of the team whose account this is, with these rights."""
    rights = await context.services.team_work.rights(context.home, context.account)
    if not rights:
        raise MethodError(
            "accountNotSupportedByMethod", "this is no account of a team that you are a member of"
        )
    if rights & wanted != wanted:
        raise MethodError("accountReadOnly", "you may read in this team, not change")
    check_member(context.home, context.account, rights)


def called(name: str, address: str) -> str:
    """What members see of somebody."""
    return name or address.partition("@")[0]


def members_id(number: int) -> str | None:
    return principal_id(number) if number else None


def claim_shown(one: Claim) -> Record:
    return {
        "id": ids.format_id(ids.THREAD, one.thread),
        "holder": members_id(one.holder),
        "holderEmail": one.address,
        "holderName": one.name or one.address,
        "by": members_id(one.by),
        "at": format_utc(one.at),
    }


async def get_claims(context: Context, args: a.Get) -> Record:
    await of_team(context)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, CLAIM_PROPERTIES)
    threads = None if wanted is None else ids.numbers(ids.THREAD, wanted)
    most = context.services.limits.get_max
    modseq, rows = await context.services.store.team.claims(context.account.id, threads, limit=most + 1)
    if wanted is None and len(rows) > most:
        raise MethodError("requestTooLarge", "there are too many claims; name conversations")
    shown = [claim_shown(one) for one in rows]
    found = {one["id"]: {name: one[name] for name in properties} for one in shown}
    return get_answer(args, format_state(modseq), found, wanted)


async def claim_changes(context: Context, args: a.Changes) -> Record:
    return await told_changes(
        context,
        args,
        context.services.store.team.claim_changes,
        id_of=lambda one: ids.format_id(ids.THREAD, one.thread),
        is_there=lambda one: bool(one.holder),
    )


async def told_changes(
    context: Context,
    args: a.Changes,
    read: Callable[[AccountId, int, int], Awaitable[tuple[int, int, list[S]]]],
    *,
    id_of: Callable[[S], str],
    is_there: Callable[[S], bool],
) -> Record:
    """/changes of what is kept with the account of a team, each row at a modseq of its own."""
    await of_team(context)
    since = parse_state(args.since_state)
    most = changes_limit(context, args)
    modseq, history, rows = await read(context.account.id, since.modseq, most + 1)
    check_known(since, history, modseq)
    if more := len(rows) > most:
        rows = rows[:most]
        modseq = rows[-1].modseq
    new = [one for one in rows if one.created > since.modseq]
    old = [one for one in rows if one.created <= since.modseq]
    return changes_answer(
        args,
        format_state(modseq),
        created=[id_of(one) for one in new if is_there(one)],
        updated=[id_of(one) for one in old if is_there(one)],
        destroyed=[id_of(one) for one in old if not is_there(one)],
        more=more,
    )


async def set_claims(context: Context, args: a.Set) -> Record:
    """An update of a conversation's claim: `holder` a member or null, `from` who is believed to have it."""
    await of_team(context)
    check_set(context, args)
    store, account = context.services.store, context.account.id
    before = await store.emails.modseq(account)
    check_state(args.if_in_state, before)
    result = SetResult()
    updates, destroy, failed = updates_of(context, args)
    result.not_updated.update(failed)
    for key in args.create or {}:
        result.not_created[key] = SetError(
            "invalidArguments", "update the record with the id of the conversation"
        )
    me = context.home.account.id

    async def give(key: str, holder: AccountId, expected: AccountId) -> None:
        thread = ids.try_number(ids.THREAD, key)
        if thread is None:
            raise SetError("notFound", "there is no such conversation")
        done = await context.services.team_work.claim(
            context.home, context.account, thread, holder=holder, expected=expected
        )
        if not done.done:
            now = None if done.claim is None or not done.claim.holder else claim_shown(done.claim)
            raise SetError("alreadyClaimed", "somebody else was first, or it changed hands", claim=now)

    async def update(key: str, patch: Record) -> None:
        only_known(patch, ("holder", "from"))
        if "holder" not in patch:
            raise invalid("holder", "the id of a member, or null, is wanted")
        holder = _member(patch, "holder")
        # Nobody has it, for whoever takes it; whoever gives it away has it: if nothing else is said.
        expected = _member(patch, "from") if "from" in patch else AccountId(0 if holder == me else me)
        await give(key, holder, expected)
        result.updated[key] = None

    async def drop(key: str, _: None) -> None:
        await give(key, AccountId(0), me)
        result.destroyed.append(key)

    await result.each(updates.items(), update, result.not_updated)
    await result.each([(key, None) for key in destroy], drop, result.not_destroyed)
    after = await store.emails.modseq(account)
    return result.answer(args.account_id, format_state(before), format_state(after))


def _member(patch: Record, name: str) -> AccountId:
    if patch[name] is None:
        return AccountId(0)
    number = ids.try_number(PRINCIPAL, patch[name])
    if number is None:
        raise invalid(name, "the id of a member, or null, is wanted")
    return AccountId(number)


async def get_members(context: Context, args: a.Get) -> Record:
    await of_team(context)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, MEMBER_PROPERTIES)
    found: dict[str, Record] = {}
    for one in await context.services.team_work.members(context.account.id):
        record: Record = {
            "id": principal_id(one.account),
            "name": called(one.name, one.address),
            "email": one.address,
            "mayWrite": one.may_write,
            "isMe": one.account == context.home.account.id,
        }
        found[record["id"]] = {name: record[name] for name in properties}
    return get_answer(args, "directory", found, wanted)


# --- who is there ---


async def get_presence(context: Context, args: PresenceGet) -> Record:
    await of_team(context)
    threads = None
    if args.thread_ids is not None:
        if len(args.thread_ids) > THREADS_MAX:
            raise MethodError("requestTooLarge", f"at most {THREADS_MAX} conversations in one call")
        threads = ids.numbers(ids.THREAD, args.thread_ids)
    members = {one.account: one for one in await context.services.team_work.members(context.account.id)}
    me = context.home.account.id
    return {
        "accountId": args.account_id,
        "list": [
            {
                "threadId": ids.format_id(ids.THREAD, one.thread),
                "member": principal_id(one.member),
                "name": called(members[one.member].name, members[one.member].address),
                "state": one.state,
                "until": format_utc(one.until),
            }
            for one in context.services.presence.here(context.account.id, threads)
            if one.member != me and one.member in members
        ],
    }


async def set_presence(context: Context, args: PresenceSet) -> Record:
    """Said again while it goes on, before `goodSeconds` are over; null: left."""
    await of_team(context)
    thread = ids.try_number(ids.THREAD, args.thread_id)
    account = context.account.id
    if thread is None or (args.state and not await context.services.store.emails.threads(account, [thread])):
        raise MethodError("invalidArguments", "there is no such conversation")
    await context.services.presence.say(account, thread, context.home.account.id, args.state or "")
    return {"accountId": args.account_id, "goodSeconds": int(GOOD_S)}
