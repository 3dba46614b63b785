"""EmailSubmission: get, changes, query, queryChanges, set (RFC 8621 §7).

Whether one can still be undone, and what became of each recipient, is told by the queue and the letter's journal.  A
submission waits for its time only when it was given one (FUTURERELEASE); all others are final at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from posthouse.core.scope import SEND
from posthouse.storage.email_rows import SUBMISSION, StoredObject
from posthouse.storage.rows import JournalLine, QueueEntry
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid
from posthouse.wire.jmap.value import format_utc, try_utc

from . import arguments as a
from .context import Context
from .email_set import set_emails
from .objects import Kind
from .query import check_filter, check_sort, differences, passes, query_answer, window
from .standard import check_get, get_answer, only_known, wanted_properties, without_same
from .state import check_known, format_state, parse_state
from .submission_reports import Reports, reports_of
from .submission_send import Submission, check_from, check_may_send, envelope_of, load, send

Record = dict[str, Any]
PROPERTIES: Final = (
    "id", "identityId", "emailId", "threadId", "envelope", "sendAt", "undoStatus", "deliveryStatus", "dsnBlobIds",
    "mdnBlobIds",
)  # fmt: skip
SUBMISSIONS: Final = Kind(SUBMISSION, "S", Submission, email_of=lambda one: one.email)
_REPORTED: Final = ("deliveryStatus", "dsnBlobIds", "mdnBlobIds")
KEPT_MAX: Final = 10_000
FILTERS: Final = ("identityIds", "emailIds", "threadIds", "undoStatus", "before", "after")
SORTS: Final = ("emailId", "threadId", "sentAt")


class SubmissionSet(a.Set):
    on_success_update_email: dict[a.Id, a.Record] | None = None
    on_success_destroy_email: list[a.Id] | None = None


async def _entry(context: Context, row: StoredObject) -> QueueEntry | None:
    entries = await context.services.store.queue.entries([row.ref]) if row.ref else []  # type: ignore[list-item]
    return entries[0] if entries else None


async def _undo_status(context: Context, one: Submission, row: StoredObject) -> str:
    """The queue is asked only of those whose time has not come: they are few, however many there were."""
    if one.canceled:
        return "canceled"
    if one.send_at <= context.services.clock.now():
        return "final"
    entry = await _entry(context, row)
    return "pending" if entry is not None and _can_undo(context, entry) else "final"


def _can_undo(context: Context, entry: QueueEntry) -> bool:
    """RFC 8621 §7: nothing of it was handed on yet."""
    now = context.services.clock.now()
    return entry.not_before > now and all(
        one.state in ("due", "held") and not one.attempts and one.lease_until <= now
        for one in entry.recipients
    )


def _status(one: Submission, entry: QueueEntry | None, lines: Sequence[JournalLine]) -> dict[str, Record]:
    """RFC 8621 §7 DeliveryStatus by address."""
    found: dict[str, Record] = {}
    for person in one.envelope.get("rcptTo", ()):
        found[person["email"]] = _delivery("250 2.1.5 delivered to a mailbox here", "yes")
    waiting = () if entry is None else [r for r in entry.recipients if r.state in ("due", "held")]
    for recipient in waiting:
        _put(found, recipient.address, _delivery(recipient.last_status or "250 2.1.5 queued", "queued"))
    for line in lines:
        recipient_text = str(line.facts.get("recipient", ""))
        said = str(line.facts.get("status", ""))
        if line.step == "delivered":
            _put(
                found, recipient_text, _delivery(said, "yes" if line.facts.get("tls") is None else "unknown")
            )
        elif line.step == "failed":
            _put(found, recipient_text, _delivery(said, "no"))
    if one.canceled:
        return {email: _delivery("250 2.0.0 canceled before it was sent", "no") for email in found}
    return found


def _put(found: dict[str, Record], address: str, status: Record) -> None:
    for email in found:
        if email.lower() == address.lower():
            found[email] = status
            return


def _delivery(reply: str, delivered: str) -> Record:
    return {"smtpReply": reply, "delivered": delivered, "displayed": "unknown"}


async def _record(context: Context, one: Submission, row: StoredObject, properties: Sequence[str]) -> Record:
    undo = await _undo_status(context, one, row) if "undoStatus" in properties else None
    status = None
    reports = await reports_of(context, one) if any(name in properties for name in _REPORTED) else Reports()
    if "deliveryStatus" in properties:
        lines = await context.services.store.journal.by_trace(one.trace)
        status = _status(one, await _entry(context, row), lines)
        for email in status:
            if email.lower() in reports.displayed:
                status[email]["displayed"] = "yes"
    whole: Record = {
        "id": SUBMISSIONS.id_of(row.id),
        "identityId": ids.format_id("I", one.identity),
        "emailId": ids.format_id(ids.EMAIL, one.email),
        "threadId": ids.format_id(ids.THREAD, one.thread),
        "envelope": one.envelope,
        "sendAt": format_utc(one.send_at),
        "undoStatus": undo,
        "deliveryStatus": status,
        "dsnBlobIds": reports.dsn,
        "mdnBlobIds": reports.mdn,
    }
    return {name: whole[name] for name in properties}


async def get_submissions(context: Context, args: a.Get) -> Record:
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    modseq, rows = await SUBMISSIONS.read(context)
    chosen = {SUBMISSIONS.id_of(number): pair for number, pair in rows.items()}
    if wanted is not None:
        chosen = {one: chosen[one] for one in wanted if one in chosen}
    elif len(chosen) > context.services.limits.get_max:
        raise MethodError("requestTooLarge", "there are too many submissions; name ids")
    records = {key: await _record(context, *pair, properties) for key, pair in chosen.items()}
    return get_answer(args, format_state(modseq), records, wanted)


async def submission_changes(context: Context, args: a.Changes) -> Record:
    return await SUBMISSIONS.changes(context, args)


# --- queries ---


def _check_condition(name: str, value: Any) -> None:
    if name not in FILTERS:
        raise MethodError("unsupportedFilter", f"cannot filter submissions by {name[:100]!r}")
    good = {
        "undoStatus": value in ("pending", "final", "canceled"),
        "before": try_utc(value) is not None,
        "after": try_utc(value) is not None,
    }.get(name, isinstance(value, list) and all(isinstance(one, str) for one in value))
    if not good:
        raise MethodError("invalidArguments", f"filter: {name} has a value of the wrong type")


def _meets(record: Record, send_at: float, name: str, value: Any) -> bool:
    match name:
        case "undoStatus":
            return bool(record["undoStatus"] == value)
        case "before":
            return send_at < (try_utc(value) or 0.0)
        case "after":
            return send_at >= (try_utc(value) or 0.0)
    return record[name[:-1]] in value


async def _results(context: Context, args: a.Query | a.QueryChanges) -> list[str]:
    check_sort(args.sort, SORTS)
    check_filter(context, args.filter, _check_condition)
    _, rows = await SUBMISSIONS.read(context)
    names = ["id", "identityId", "emailId", "threadId"]
    if args.filter is not None:
        names.append("undoStatus")
    found = []
    for one, row in rows.values():
        record = await _record(context, one, row, names)
        if passes(args.filter, partial(_meets, record, one.send_at)):
            found.append((one, row))
    found.sort(key=lambda pair: pair[1].id)
    keys = {"emailId": "email", "threadId": "thread", "sentAt": "send_at"}
    for comparator in reversed(args.sort or []):
        name = keys[comparator.property]
        found.sort(key=lambda pair, by=name: getattr(pair[0], by), reverse=not comparator.is_ascending)  # type: ignore[misc]
    return [SUBMISSIONS.id_of(row.id) for _, row in found]


async def query_submissions(context: Context, args: a.Query) -> Record:
    window(context, args)
    modseq = await context.services.store.emails.modseq(context.account.id)
    found = await _results(context, args)
    return query_answer(context, args, format_state(modseq), found, total=len(found))


async def submission_query_changes(context: Context, args: a.QueryChanges) -> Record:
    since = parse_state(args.since_query_state)
    objects = context.services.store.objects
    modseq, history, rows = await objects.changes(context.account.id, SUBMISSION, since.modseq)
    check_known(since, history, modseq)
    found = await _results(context, args)
    changed = {SUBMISSIONS.id_of(row.id) for row in await SUBMISSIONS.seen(context, rows)}
    return differences(args, format_state(modseq), found, sorted(changed), changed)


# --- set ---


async def set_submissions(context: Context, args: SubmissionSet) -> Record:
    context.grant.require(SEND)
    emails: dict[str, int] = {}  # submission -> the email it is of, of what succeeded

    async def create(key: str, record: Record) -> Record:
        check_may_send(context)
        only_known(record, ("identityId", "emailId", "envelope"))
        identity, sending = await load(context, record)
        people = await check_from(context, sending)
        kept, envelope = await envelope_of(context, record, sending, people)
        value = await send(context, identity, sending, kept, envelope)
        _, rows = await SUBMISSIONS.read(context)
        number, row = next((n, row) for n, (one, row) in reversed(rows.items()) if one.trace == value.trace)
        emails[f"#{key}"] = emails[SUBMISSIONS.id_of(number)] = value.email
        told = await _record(context, value, row, PROPERTIES)
        return {name: shown for name, shown in told.items() if name not in record}

    async def update(key: str, old: Submission, row: StoredObject, patch: Record) -> Submission | None:
        if patch.keys() != {"undoStatus"}:
            patch = without_same(patch, await _record(context, old, row, PROPERTIES), ("undoStatus",))
        if patch.keys() != {"undoStatus"}:
            raise SetError("invalidProperties", "only undoStatus can be changed", sorted(patch)[:10])
        if patch["undoStatus"] != "canceled":
            raise invalid("undoStatus", "it can be set to canceled only")
        if not old.canceled:
            await _cancel(context, old, row)
            old.canceled = True
        emails[key] = old.email
        return old

    _, before = await SUBMISSIONS.read(context)
    answer, result = await SUBMISSIONS.set(
        context, args, create=create, update=update, may_destroy=lambda _: None
    )
    emails.update({key: before[int(key[1:])][0].email for key in result.destroyed if int(key[1:]) in before})
    await _after(context, args, emails)
    return answer


async def _cancel(context: Context, one: Submission, row: StoredObject) -> None:
    store = context.services.store
    entries = await store.queue.entries([row.ref]) if row.ref else []  # type: ignore[list-item]
    if not entries or not _can_undo(context, entries[0]):
        raise SetError("cannotUnsend", "it was sent already")
    numbers = [recipient.id for recipient in entries[0].recipients]
    changed = await store.queue.control(numbers, state="cancelled")
    if changed != len(numbers):
        raise SetError("cannotUnsend", "some of it was sent already")
    facts = {"action": "cancel", "recipients": [r.address for r in entries[0].recipients], "route": ""}
    line = JournalLine(context.services.clock.now(), "controlled", facts)
    await store.queue.report([], [(one.trace, line)])


async def _after(context: Context, args: SubmissionSet, emails: dict[str, int]) -> None:
    """RFC 8621 §7.5: one implicit Email/set for all that succeeded; its response follows."""
    updates = {
        ids.format_id(ids.EMAIL, emails[key]): patch
        for key, patch in (args.on_success_update_email or {}).items()
        if key in emails
    }
    destroy = [
        ids.format_id(ids.EMAIL, emails[key]) for key in args.on_success_destroy_email or () if key in emails
    ]
    if not updates and not destroy:
        return  # as in the last example there
    implied = a.Set(account_id=args.account_id, update=updates or None, destroy=destroy or None)
    try:
        answer = await set_emails(context, implied)
        context.extra.append(("Email/set", answer, context.call_id))
    except MethodError as error:
        context.extra.append(("error", error.answer(), context.call_id))
