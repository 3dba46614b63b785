"""Email: get, changes, parse (RFC 8621 §4.2, §4.3, §4.9)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from msgspec import field

from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.ids import EMAIL, BlobName

from . import arguments as a
from .blob_read import read_blob
from .context import Context
from .email_properties import DEFAULT_GET, DEFAULT_PARSE, KeywordNames, Wanted, metadata
from .standard import changes_answer, changes_limit, check_get, get_answer
from .state import check_known, format_state, parse_state

Record = dict[str, Any]
THREAD_FROM_BYTES: Final = 16 * 1024
"""Messages together up to this size are taken apart on the event loop."""


class EmailGet(a.Get):
    body_properties: list[str] | None = None
    fetch_text_body_values: bool = False
    fetch_html_body_values: bool = field(default=False, name="fetchHTMLBodyValues")
    fetch_all_body_values: bool = False
    max_body_value_bytes: a.Unsigned = 0


class EmailParse(a.Arguments):
    blob_ids: list[a.Id]
    properties: list[str] | None = None
    body_properties: list[str] | None = None
    fetch_text_body_values: bool = False
    fetch_html_body_values: bool = field(default=False, name="fetchHTMLBodyValues")
    fetch_all_body_values: bool = False
    max_body_value_bytes: a.Unsigned = 0


def _wanted(args: EmailGet | EmailParse, properties: list[str]) -> Wanted:
    values = (args.fetch_text_body_values, args.fetch_html_body_values, args.fetch_all_body_values)
    return Wanted(properties, args.body_properties, values, args.max_body_value_bytes)


async def get_emails(context: Context, args: EmailGet) -> Record:
    asked = check_get(context, args.ids)
    properties = (
        list(DEFAULT_GET) if args.properties is None else list(dict.fromkeys(("id", *args.properties)))
    )
    wanted = _wanted(args, properties)
    if asked is None:
        asked = await _all_ids(context)
    numbers = ids.numbers(EMAIL, asked)
    state, found = await read_emails(context, numbers, wanted)
    return get_answer(
        args, state, {ids.format_id(EMAIL, one): record for one, record in found.items()}, asked
    )


async def _all_ids(context: Context) -> list[str]:
    """RFC 8620 §5.1: null asks for all, while they are not too many."""
    from posthouse.storage.email_rows import Every  # noqa: PLC0415

    limit = context.services.limits.get_max
    condition = await context.narrowed(Every(()))
    found = await context.emails.query(context.account.id, condition, (), first=limit + 1)
    if len(found) > limit:
        raise MethodError("requestTooLarge", f"there are more than {limit} emails; name ids")
    return [ids.format_id(EMAIL, message) for message, _ in found]


async def read_emails(context: Context, numbers: list[int], wanted: Wanted) -> tuple[str, dict[int, Record]]:
    """The state, and by message what is wanted of it."""
    store, account = context.services.store, context.account.id
    known_emails, lasting = context.services.known_emails, wanted.lasting
    known = {} if wanted.needs_content else known_emails.find(lasting, numbers)
    read = await context.emails.get(account, numbers, wanted.columns, known=known)
    visible = await context.visible()
    keywords = KeywordNames(await store.messages.keywords(account) if "keywords" in wanted.properties else ())
    open_ones = []
    for message, *values in read.rows:
        row = dict(zip(wanted.columns, values, strict=True))
        record = {name: metadata(name, message, row) for name in wanted.simple}
        if (kept := row.get("header_fields")) is not None:
            if kept:
                record |= wanted.from_kept(kept)
            else:
                open_ones.append(message)  # its header is too long to be kept
        known[message] = record
        if not wanted.needs_content and kept != b"":
            known_emails.keep(lasting, message, record, len(kept or b"") + len(record.get("preview", "")))
    found: dict[int, Record] = {}
    shown: dict[tuple[tuple[int, int], ...], Record] = {}
    for message, places in read.places.items():
        if message in known and (visible is None or any(box in visible for box, _ in places)):
            # perf: most emails of a list are in the same mailbox with the same flags.
            key = tuple(places)
            if key not in shown:
                shown[key] = wanted.changing(key, visible, keywords)
            found[message] = known[message] | shown[key]
    if wanted.needs_content:
        await _add_content(context, found, list(found), wanted)
    elif open_ones:
        await _add_content(context, found, [message for message in open_ones if message in found], wanted)
    return format_state(read.modseq), found


async def _add_content(
    context: Context, found: dict[int, Record], messages: list[int], wanted: Wanted
) -> None:
    async for chunk in context.emails.contents(context.account.id, messages):
        rows = [(message, content) for message, _, content in chunk]

        def take_apart(rows: list[tuple[int, bytes]] = rows) -> list[tuple[int, Record, int]]:
            return [
                (message, *wanted.from_content(content, BlobName(EMAIL, message)))
                for message, content in rows
            ]

        small = sum(len(content) for _, content in rows) <= THREAD_FROM_BYTES
        for message, record, size in take_apart() if small else await asyncio.to_thread(take_apart):
            context.spend(size)
            found[message] |= record
    for message in messages:  # expunged while it was read
        if any(name not in found[message] for name in wanted.properties):
            del found[message]


async def email_changes(context: Context, args: a.Changes) -> Record:
    since = parse_state(args.since_state)
    limit = changes_limit(context, args)
    account = context.account.id
    # One more tells whether there are more; what came and went meanwhile fills no place.
    visible = await context.visible()
    changes = await context.emails.changes(account, since, visible)
    check_known(since, changes.history, changes.modseq)
    created: list[str] = []
    updated: list[str] = []
    destroyed: list[str] = []
    count, end = 0, None
    for at, one in enumerate(changes.changed):
        if one.known or one.in_view:
            if count == limit:
                end = changes.changed[at - 1]
                break
            count += 1
            name = ids.format_id(EMAIL, one.message)
            (destroyed if not one.in_view else updated if one.known else created).append(name)
    state = format_state(changes.modseq) if end is None else format_state(end.modseq, end.message)
    return changes_answer(
        args, state, created=created, updated=updated, destroyed=destroyed, more=end is not None
    )


async def parse_emails(context: Context, args: EmailParse) -> Record:
    limit = context.services.limits.get_max
    if len(args.blob_ids) > limit:
        raise MethodError("requestTooLarge", f"at most {limit} blobs in one call (maxObjectsInGet)")
    wanted = _wanted(args, list(DEFAULT_PARSE if args.properties is None else dict.fromkeys(args.properties)))
    parsed: dict[str, Record] = {}
    not_parsable: list[str] = []
    not_found: list[str] = []
    for text in dict.fromkeys(args.blob_ids):
        name = ids.try_blob(context.deref(text))
        content = None if name is None else await read_blob(context, name)
        if name is None or content is None:
            not_found.append(text)
        elif not _is_message(content):
            not_parsable.append(text)
        else:
            record, size = await asyncio.to_thread(wanted.parsed, content, name)
            context.spend(size)
            parsed[text] = record
    return {
        "accountId": args.account_id,
        "parsed": parsed or None,
        "notParsable": not_parsable or None,
        "notFound": not_found or None,
    }


def _is_message(content: bytes) -> bool:
    """It begins with a field of a header."""
    from posthouse.mime.header import raw_fields  # noqa: PLC0415

    head = content[:65536]
    fields = raw_fields(head)
    return bool(fields) and fields[0][1] == 0
