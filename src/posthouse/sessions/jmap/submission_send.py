"""Sending an Email: the envelope, what may be sent, and the hand-over to delivery (RFC 8621 §7.5)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from posthouse.core.address import Address, try_address
from posthouse.core.errors import Forbidden, Invalid, MailError, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.messages import say
from posthouse.mime.address import parse_mailboxes
from posthouse.mime.edit import header_of
from posthouse.mime.header import Header
from posthouse.services.letter import Envelope, Origin, Recipient
from posthouse.storage.email_rows import SUBMISSION, StoredObject
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid
from posthouse.wire.jmap.value import try_utc

from .context import Context
from .identity import identities

Record = dict[str, Any]
DSN_WORDS: Final = frozenset(("NEVER", "SUCCESS", "FAILURE", "DELAY"))


class Submission(Struct):
    """What is kept of one."""

    identity: int
    email: int
    thread: int
    envelope: Record
    send_at: float
    trace: str
    canceled: bool = False


class Sending(Struct):
    """A message about to be sent."""

    message: int
    thread: int
    content: bytes
    header: Header


async def load(context: Context, record: Record) -> tuple[int, Sending]:
    """The identity and the message; raises SetError."""
    _, known = await identities(context)
    identity = context.number("I", record.get("identityId"))
    if identity not in known:
        raise invalid("identityId", "there is no such identity")
    number = context.number(ids.EMAIL, record.get("emailId"))
    store, account = context.services.store, context.account.id
    read = await store.emails.get(account, [number or 0], ("thread",))
    visible = await context.visible()
    if not read.rows or (
        visible is not None and not any(box in visible for box, _ in read.places[number or 0])
    ):
        raise invalid("emailId", "there is no such email")
    content = b""
    async for chunk in store.emails.contents(account, [number or 0]):
        content = chunk[0][2]
    if not content:
        raise invalid("emailId", "there is no such email")
    limit = context.services.limits.message_max_bytes
    if len(content) > limit:
        raise SetError("tooLarge", f"at most {limit} bytes", maxSize=limit)
    return identity or 0, Sending(number or 0, read.rows[0][1], content, header_of(content))


def check_may_send(context: Context, refusal: type[SetError | MethodError] = SetError) -> None:
    """Whether who asks may send letters at all (RFC 8621 §7.5); raises the refusal.

    A domain that closes the protocol `submission` for all wants them to send by the webmail.
    """
    if "submission" not in context.home.account.own_protocols:
        raise refusal("forbiddenToSend", say("submission.off", context.language))


async def check_from(context: Context, sending: Sending) -> list[str]:
    """The addresses of From; raises SetError."""
    people = [
        box.address for value in sending.header.values.get("from", ()) for box in parse_mailboxes(value)
    ]
    if not people:
        raise SetError("invalidEmail", "a message needs a From", ["from"])
    for text in people:
        address = try_address(text)
        if address is None:
            raise SetError("invalidEmail", "an address in From is malformed", ["from"])
        try:
            await context.services.delivery.check_sender(address, context.account)
        except Forbidden as error:
            raise SetError("forbiddenFrom", f"you may not send as {text}") from error
    return people


async def envelope_of(
    context: Context, record: Record, sending: Sending, people: list[str]
) -> tuple[Record, Envelope]:
    """As it is kept and as it is used; made from the message where none is given (RFC 8621 §7)."""
    given = record.get("envelope")
    if given is None:
        given = _from_header(sending.header, people)
    if not isinstance(given, dict) or not given.keys() <= {"mailFrom", "rcptTo"}:
        raise invalid("envelope", "an object with mailFrom and rcptTo is wanted")
    sender, parameters = _address(given.get("mailFrom"), "envelope/mailFrom")
    listed = given.get("rcptTo")
    if not isinstance(listed, list) or not listed:
        raise SetError("noRecipients", "there is nobody to send to")
    limit = context.services.limits.recipients_max
    if len(listed) > limit:
        raise SetError("tooManyRecipients", f"at most {limit} recipients", maxRecipients=limit)
    recipients, wrong = await _recipients(context, listed)
    if wrong:
        raise SetError("invalidRecipients", "no mail can be sent to some of them", invalidRecipients=wrong)
    origin = try_address(sender) if sender else None
    if origin is None and sender:
        raise invalid("envelope/mailFrom", "no address")
    try:
        await context.services.delivery.check_sender(origin, context.account)
    except Forbidden as error:
        raise SetError("forbiddenMailFrom", f"you may not send as {sender}") from error
    envelope = Envelope(origin, recipients)
    _apply(context, envelope, parameters)
    header_8bit = not sending.content.partition(b"\r\n\r\n")[0].isascii()
    envelope.smtputf8 = header_8bit or any(not one.address.is_ascii for one in recipients)
    if not sending.content.isascii():
        envelope.body = "8BITMIME"
    return given, envelope


def _from_header(header: Header, people: list[str]) -> Record:
    found: dict[str, None] = {}
    for name in ("to", "cc", "bcc"):
        for value in header.values.get(name, ()):
            found.update(dict.fromkeys(box.address for box in parse_mailboxes(value)))
    sender = [box.address for value in header.values.get("sender", ()) for box in parse_mailboxes(value)]
    mail_from = (sender or people)[0]
    return {
        "mailFrom": {"email": mail_from, "parameters": None},
        "rcptTo": [{"email": one, "parameters": None} for one in found],
    }


def _address(value: Any, where: str) -> tuple[str, dict[str, str | None]]:
    if not isinstance(value, dict) or not isinstance(value.get("email"), str):
        raise invalid(where, "an object with email is wanted")
    parameters = value.get("parameters") or {}
    if not isinstance(parameters, dict) or not all(isinstance(v, str | None) for v in parameters.values()):
        raise invalid(f"{where}/parameters", "an object of strings is wanted")
    return value["email"], {name.upper(): v for name, v in parameters.items()}


async def _recipients(context: Context, listed: list[Any]) -> tuple[list[Recipient], list[str]]:
    recipients: list[Recipient] = []
    wrong: list[str] = []
    seen: set[str] = set()
    for value in listed:
        text, parameters = _address(value, "envelope/rcptTo")
        address = try_address(text)
        if address is None or not await _reachable(context, address):
            wrong.append(text)
        elif address.key not in seen:
            seen.add(address.key)
            recipients.append(_recipient(address, parameters))
    return recipients, wrong


async def _reachable(context: Context, address: Address) -> bool:
    try:
        await context.services.delivery.check_recipient(address, account=context.account, peer_ip="")
    except (NotFound, Invalid, Forbidden):
        return False
    except MailError:
        return True  # full for now: the sender is told by a notice
    return True


def _recipient(address: Address, parameters: dict[str, str | None]) -> Recipient:
    found = Recipient(address)
    for name, value in parameters.items():
        words = tuple((value or "").upper().split(","))
        if name == "NOTIFY" and set(words) <= DSN_WORDS and ("NEVER" not in words or len(words) == 1):
            found.notify = words
        elif name == "ORCPT" and value and len(value) <= 500 and value.isascii() and value.isprintable():
            found.orcpt = value
        else:
            raise invalid("envelope/rcptTo", f"no parameter {name[:40]}, or no such value of it")
    return found


def _apply(context: Context, envelope: Envelope, parameters: dict[str, str | None]) -> None:
    now, most = context.services.clock.now(), context.services.limits.hold_max_s
    for name, value in parameters.items():
        text = value or ""
        match name:
            # RFC 4865 §4: hold for seconds, or until a moment.
            case "HOLDFOR" if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most:
                envelope.not_before = now + int(text)
            case "HOLDUNTIL" if (moment := try_utc(text)) is not None and now <= moment <= now + most:
                envelope.not_before = moment
            case "RET" if text.upper() in ("FULL", "HDRS"):
                envelope.ret = text.upper()
            case "ENVID" if text and len(text) <= 100 and text.isascii() and text.isprintable():
                envelope.envid = text
            case "REQUIRETLS" if value is None:
                envelope.requiretls = True
            case "BODY" | "SMTPUTF8" | "SIZE":
                pass  # the server knows better than its client
            case _:
                raise invalid("envelope/mailFrom", f"no parameter {name[:40]}, or no such value of it")


async def send(
    context: Context, identity: int, sending: Sending, kept: Record, envelope: Envelope
) -> Submission:
    """Hand it to delivery; the submission is kept in the same commit.  Raises SetError, MailError."""
    origin = Origin("jmap", "HTTP", "", "", account=context.account, connection=context.call_id[:40])
    if context.foreign:
        origin.by = context.home.account.address
    incoming = context.services.delivery.receive(envelope, origin)
    value = Submission(
        identity,
        sending.message,
        sending.thread,
        kept,
        envelope.not_before or context.services.clock.now(),
        incoming.trace,
    )
    account = AccountId(context.account.id)
    incoming.letter.objects.append(StoredObject(SUBMISSION, 0, msgspec.json.encode(value), account))
    incoming.write(sending.content)
    if incoming.must_drain:
        await incoming.drain()
    await incoming.finish()
    return value
