"""MDN: read receipts, sent and understood (RFC 9007, RFC 8098)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from msgspec import Struct

from posthouse.core.address import try_address
from posthouse.core.errors import Forbidden
from posthouse.core.scope import SEND
from posthouse.mime.address import parse_mailboxes
from posthouse.mime.compose import machine_part, multipart, text_part
from posthouse.mime.dates import format_date
from posthouse.mime.edit import has_8bit, header_end, header_of
from posthouse.mime.header import Header, fold, header_text
from posthouse.mime.scan import scan
from posthouse.mime.words import encode_words
from posthouse.services.letter import Envelope, Origin, Recipient
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.body import Body, BodyPart
from posthouse.wire.jmap.error import MethodError, SetError, invalid

from . import arguments as a
from .blob_read import read_blob
from .context import Context
from .email_properties import KeywordNames
from .email_set import set_emails
from .identity import Identity, identities
from .standard import SetResult, only_known
from .submission_send import check_may_send

Record = dict[str, Any]
KNOWN: Final = (
    "forEmailId", "subject", "textBody", "includeOriginalMessage", "reportingUA", "disposition", "mdnGateway",
    "originalRecipient", "finalRecipient", "originalMessageId", "error", "extensionFields",
)  # fmt: skip
_SERVER_SET: Final = ("mdnGateway", "originalRecipient", "originalMessageId", "error")
_ACTIONS: Final = ("manual-action", "automatic-action")
_SENDING: Final = ("mdn-sent-manually", "mdn-sent-automatically")
_TYPES: Final = ("deleted", "dispatched", "displayed", "processed")
_FIELDS: Final = frozenset((
    "reporting-ua", "mdn-gateway", "original-recipient", "final-recipient", "original-message-id", "disposition",
    "error",
))  # fmt: skip
SENT_KEYWORD: Final = "$mdnsent"


class MdnSend(a.Arguments):
    identity_id: str
    send: dict[a.Id, a.Record]
    on_success_update_email: dict[a.Id, a.Record] | None = None


class MdnParse(a.Arguments):
    blob_ids: list[a.Id]


class _Receipt(Struct):
    """What one receipt says."""

    email: int
    record: Record
    disposition: str
    original: Header
    content: bytes
    to: str


def _disposition(value: Any) -> str:
    if not isinstance(value, dict) or value.keys() != {"actionMode", "sendingMode", "type"}:
        raise invalid("disposition", "an object with actionMode, sendingMode and type is wanted")
    action, sending, kind = (str(value[name]).lower() for name in ("actionMode", "sendingMode", "type"))
    if action not in _ACTIONS or sending not in _SENDING or kind not in _TYPES:
        raise invalid("disposition", "a value that RFC 9007 §2 does not have")
    return f"{action}/{sending}; {kind}"


async def _load(context: Context, record: Record) -> _Receipt:
    only_known(record, KNOWN, _SERVER_SET)
    number = context.number(ids.EMAIL, record.get("forEmailId"))
    store, account = context.services.store, context.account.id
    read = await store.emails.get(account, [number or 0], ())
    content = b""
    async for chunk in store.emails.contents(account, [number or 0]):
        content = chunk[0][2]
    visible = await context.visible()
    hidden = visible is not None and not any(box in visible for box, _ in read.places.get(number or 0, ()))
    if not read.rows or not content or hidden:
        raise SetError("notFound", "there is no such email")
    keywords = KeywordNames(await store.messages.keywords(account))
    if any(flags & keywords.bit(SENT_KEYWORD) for _, flags in read.places[number or 0]):
        raise SetError("mdnAlreadySent", "a receipt for this email was sent")
    header = header_of(content)
    people = [box for v in header.values.get("disposition-notification-to", ()) for box in parse_mailboxes(v)]
    if not people:
        raise invalid("forEmailId", "its sender asked for no receipt")
    for name in ("subject", "textBody", "reportingUA", "finalRecipient"):
        if not isinstance(record.get(name), str | None) or len(record.get(name) or "") > 64 * 1024:
            raise invalid(name, "a string or null is wanted")
    return _Receipt(
        number or 0, record, _disposition(record.get("disposition")), header, content, people[0].address
    )


def _compose(one: _Receipt, identity: Identity, *, now: float, message_id: str) -> bytes:
    """RFC 8098 §3: words for people, fields for machines, the message where that is wanted."""
    record = one.record
    subject = record.get("subject") or f"Read: {one.original.first('subject') or ''}"
    original_id = one.original.first("message-id") or ""
    head = fold(
        "From", f"{encode_words(identity.name)} <{identity.email}>" if identity.name else identity.email
    )
    head += fold("To", one.to) + fold("Subject", encode_words(" ".join(subject.split())))
    head += f"Date: {format_date(now)}\r\nMessage-ID: <{message_id}>\r\nAuto-Submitted: auto-replied\r\n"
    if original_id:
        head += fold("In-Reply-To", original_id) + fold("References", original_id)
    fields = ""
    if record.get("reportingUA"):
        fields += fold("Reporting-UA", encode_words(" ".join(record["reportingUA"].split())))
    # RFC 6533 §5
    kind = "rfc822" if identity.email.isascii() else "utf-8"
    fields += f"Final-Recipient: {kind}; {identity.email}\r\n"
    if original_id:
        fields += fold("Original-Message-ID", original_id)
    fields += f"Disposition: {one.disposition}\r\n"
    words = (
        record.get("textBody")
        or "The message was displayed. This does not mean that it was read or understood."
    )
    parts = [
        text_part(words, "plain"),
        machine_part("disposition-notification", fields),
    ]
    if record.get("includeOriginalMessage"):
        eight = b"Content-Transfer-Encoding: 8bit\r\n" if has_8bit(one.content) else b""
        original = b"rfc822" if one.content[: header_end(one.content)].isascii() else b"global"
        parts.append(b"Content-Type: message/" + original + b"\r\n" + eight + b"\r\n" + one.content)
    boundary = f"=_{message_id.partition('@')[0]}".encode()
    params = b" report-type=disposition-notification;"
    body = multipart("report", parts, boundary, params=params)
    return head.encode("utf-8", "replace") + b"MIME-Version: 1.0\r\n" + body


async def send_mdns(context: Context, args: MdnSend) -> Record:
    context.grant.require(SEND)
    if len(args.send) > context.services.limits.set_max:
        raise MethodError("requestTooLarge", "too many receipts in one call (maxObjectsInSet)")
    _, known = await identities(context)
    identity = known.get(context.number("I", args.identity_id) or 0)
    if identity is None:
        raise MethodError("invalidArguments", "there is no such identity")
    result = SetResult()
    emails: dict[str, int] = {}

    async def send(key: str, record: Record) -> None:
        check_may_send(context)
        one = await _load(context, record)
        address = try_address(one.to)
        if address is None:
            raise invalid("forEmailId", "the address for receipts is malformed")
        try:
            await context.services.delivery.check_sender(try_address(identity.email), context.account)
        except Forbidden as error:
            raise SetError("forbiddenFrom", "you may not send as this identity") from error
        trace = context.services.ids.trace()
        content = await asyncio.to_thread(
            _compose,
            one,
            identity,
            now=context.services.clock.now(),
            message_id=f"{trace}@{context.services.hostname}",
        )
        # RFC 8098 §3: the envelope sender is null, so that nothing answers a receipt.
        envelope = Envelope(None, [Recipient(address)], body="7BIT" if content.isascii() else "8BITMIME")
        envelope.smtputf8 = not address.is_ascii
        origin = Origin("jmap", "HTTP", "", "", account=context.account, connection=context.call_id[:40])
        incoming = context.services.delivery.receive(envelope, origin)
        incoming.write(content)
        await incoming.finish()
        emails[f"#{key}"] = one.email
        result.created[key] = {
            "finalRecipient": f"rfc822; {identity.email}",
            "originalMessageId": one.original.first("message-id"),
        }

    await result.each(args.send.items(), send, result.not_created)
    answer = result.answer(args.account_id, None, "")
    updates = {
        ids.format_id(ids.EMAIL, emails[key]): patch
        for key, patch in (args.on_success_update_email or {}).items()
        if key in emails
    }
    if updates:
        done = await set_emails(context, a.Set(account_id=args.account_id, update=updates))
        context.extra.append(("Email/set", done, context.call_id))
    return {"accountId": args.account_id, "sent": answer["created"], "notSent": answer["notCreated"]}


# --- parse ---


async def parse_mdns(context: Context, args: MdnParse) -> Record:
    if len(args.blob_ids) > context.services.limits.get_max:
        raise MethodError("requestTooLarge", "too many blobs in one call (maxObjectsInGet)")
    parsed: dict[str, Record] = {}
    not_parsable: list[str] = []
    not_found: list[str] = []
    for text in dict.fromkeys(args.blob_ids):
        name = ids.try_blob(context.deref(text))
        content = None if name is None else await read_blob(context, name)
        if name is None or content is None:
            not_found.append(text)
            continue
        found = await asyncio.to_thread(parse_receipt, content, name)
        if found is None:
            not_parsable.append(text)
        else:
            parsed[text] = found
    return {
        "accountId": args.account_id,
        "parsed": parsed or None,
        "notParsable": not_parsable or None,
        "notFound": not_found or None,
    }


RECEIPTS: Final = ("message/disposition-notification", "message/global-disposition-notification")


def parse_receipt(content: bytes, name: ids.BlobName) -> Record | None:
    """The MDN object (RFC 9007 §2) of a receipt; None: it is none."""
    body = Body(scan(content), content, name)
    report = next((p for p in body.by_id.values() if p.type in RECEIPTS), None)
    if report is None or body.root.type != "multipart/report":
        return None
    fields = Header(header_text(report.decoded()[: 64 * 1024]))
    modes, _, kind = (fields.first("disposition") or "").partition(";")
    action, _, sending = modes.partition("/")
    if not kind:
        return None
    top = header_of(content)
    return {
        "forEmailId": None,
        "subject": top.first("subject"),
        "textBody": _words(body),
        "includeOriginalMessage": any(part.type == "message/rfc822" for part in body.by_id.values()),
        "reportingUA": fields.first("reporting-ua"),
        "disposition": {
            "actionMode": action.strip().lower(),
            "sendingMode": sending.strip().lower(),
            "type": kind.partition("/")[0].strip().lower(),
        },
        "mdnGateway": fields.first("mdn-gateway"),
        "originalRecipient": fields.first("original-recipient"),
        "finalRecipient": fields.first("final-recipient"),
        "originalMessageId": fields.first("original-message-id"),
        "error": [value.strip() for value in fields.values.get("error", ())] or None,
        "extensionFields": {
            key: value.strip() for _, key, value in fields.lines if key.lower() not in _FIELDS
        }
        or None,
    }


def _words(body: Body) -> str | None:
    text: BodyPart | None = next((part for part in body.text if part.type == "text/plain"), None)
    return None if text is None else str(text.value(0)["value"])
