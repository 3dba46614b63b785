"""The steps of delivery as three tables; each step tells what it found in one line of the letter's journal.

HEADER_STEPS run, without waiting for anything, when the header is complete: before a long body is written.
CONTENT_STEPS run when all bytes are there, for mail from outside: they look at it as it came, may refuse it, put fields
on top, or send it to Junk.
PLACING_STEPS run last, before the commit.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from posthouse.core.address import Address
from posthouse.core.errors import MailError, MailLoop, OverQuota, TooLarge
from posthouse.core.ids import AccountId
from posthouse.mailauth.results import remove_forged
from posthouse.mime.edit import count_received, without_nul
from posthouse.mime.facts import MessageFacts, facts_of
from posthouse.mime.scan import Data
from posthouse.services.letter import Envelope, Origin, Recipient
from posthouse.services.quota import has_room
from posthouse.services.resolve import Resolution
from posthouse.services.sender_check import raise_for
from posthouse.services.submission import fix_header
from posthouse.services.trace_header import format_received, format_return_path, return_path_length
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.rows import ContentDraft, JournalLine, LocalCopy, QueueEntry, QueueRecipient

if TYPE_CHECKING:
    from posthouse.services.delivery import DeliveryService, DeliverySettings

Found = dict[str, Any] | None

_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:|\r?\n|\Z|(?:>?From )")


class Letter:
    """A message while it arrives: what the header steps read and write."""

    __slots__ = (
        "arrived",
        "at",
        "content",
        "envelope",
        "header",
        "journal",
        "junk",
        "objects",
        "origin",
        "results",
        "settings",
        "top",
        "trace",
    )

    def __init__(
        self, settings: DeliverySettings, envelope: Envelope, origin: Origin, trace: str, at: float
    ) -> None:
        self.settings = settings
        self.envelope = envelope
        self.origin = origin
        self.trace = trace
        self.at = at
        self.journal: list[JournalLine] = []
        self.header = b""  # the fields and the blank line behind them
        self.arrived = b""  # the same as it came
        self.top = b""  # our own fields above them
        self.results = b""  # what the content steps found, to stand above all but Return-Path
        self.junk = False  # whether its place is Junk, unless a recipient's rules say otherwise
        self.objects: list[StoredObject] = []  # kept in the same commit
        self.content: bytes | None = None  # the whole message, unless it is a long one

    def note(self, step: str, found: dict[str, Any]) -> None:
        self.journal.append(JournalLine(self.at, step, found))

    def open(self, header: bytes) -> bytes:
        """Run the header steps; the header to store.  Raises Invalid (loop) and TooLarge."""
        if len(header) > self.settings.max_header_bytes:
            limit = self.settings.max_header_bytes
            raise TooLarge(f"a header of more than {limit} bytes", limit=limit)
        self.header = self.arrived = header
        for name, step in HEADER_STEPS:
            if (found := step(self)) is not None:
                self.note(name, found)
        # What does not begin like a header is a body: keep our fields apart from it.
        return self.top + (self.header if _FIELD.match(self.header) else b"\r\n" + self.header)

    def topped(self, start: bytes) -> bytes:
        """The start of the message with what the content steps found, behind Return-Path."""
        at = return_path_length(start)
        return start[:at] + self.results + start[at:]

    @property
    def role(self) -> str:
        """Of the mailbox it goes to by itself."""
        return "junk" if self.junk else "inbox"


class Version(Struct):
    """The message as it is stored for some: as it came, or as a recipient's rules changed it."""

    facts: MessageFacts
    draft: ContentDraft | None  # None: made when the copies are decided
    queue: list[QueueEntry] = field(default_factory=list)


class Placing:
    """A complete message while its copies are decided: what the placing steps read and write.

    `errors`, `resolutions` and `copies_of` have one element per recipient of the envelope, in order; `version_of`
    has one per copy.  `versions[0]` is the message as it came.
    """

    __slots__ = (
        "afterwards",
        "content",
        "copies",
        "copies_of",
        "errors",
        "facts",
        "letter",
        "refused",
        "remote",
        "resolutions",
        "service",
        "version_of",
        "versions",
    )

    def __init__(self, service: DeliveryService, letter: Letter, facts: MessageFacts, content: Data) -> None:
        self.service = service
        self.letter = letter
        self.facts = facts
        self.content = content  # to be read while the steps run, not later
        self.versions = [Version(facts, None)]
        self.version_of: list[int] = []
        self.refused: list[tuple[int, MailError]] = []
        """(recipient, why): refused by the rules of one account, while others got their copies."""
        self.afterwards: list[Callable[[], Awaitable[None]]] = []
        """To be done once the commit is durable: answers, notices."""
        self.errors: list[MailError | None] = []
        self.resolutions: list[Resolution | None] = []
        self.copies: list[LocalCopy] = []
        self.copies_of: list[list[int]] = []
        self.remote: list[QueueRecipient] = []

    @property
    def queue(self) -> list[QueueEntry]:
        """What of the message as it came travels on."""
        return self.versions[0].queue

    def add_copy(self, copy: LocalCopy, version: int = 0) -> int:
        """Its position."""
        self.copies.append(copy)
        self.version_of.append(version)
        return len(self.copies) - 1

    def fail_copy(self, position: int, error: MailError) -> None:
        """A copy was kept out at the commit; recipients that have no other copy failed."""
        for index, positions in enumerate(self.copies_of):
            if position in positions:
                positions.remove(position)
                resolution = self.resolutions[index]
                if not positions and not (resolution and resolution.remote):
                    self.errors[index] = error


# --- the header is complete ---


def received(letter: Letter) -> Found:
    """RFC 5321 §4.4: our trace fields."""
    envelope, origin, settings = letter.envelope, letter.origin, letter.settings
    sender = envelope.sender_text
    hidden = settings.hide_client_address and origin.account is not None
    only = envelope.recipients[0].address if len(envelope.recipients) == 1 else None
    if only is not None and not only.is_ascii and not envelope.smtputf8:
        only = None
    letter.top = format_return_path(sender) + format_received(
        helo=settings.hostname if hidden or not origin.helo else origin.helo,
        peer_ip="" if hidden else origin.peer_ip,
        by=settings.hostname,
        protocol=origin.protocol,
        tls=origin.tls,
        trace=letter.trace,
        # RFC 5321 §7.6: naming one of several recipients could tell of a Bcc.
        recipient="" if only is None else str(only),
        at=letter.at,
    )
    return {
        "listener": origin.listener,
        "protocol": origin.protocol,
        "helo": origin.helo,
        "ip": origin.peer_ip,
        "tls": origin.tls,
        "account": "" if origin.account is None else origin.account.address,
        **({"by": origin.by} if origin.by else {}),
        "sender": sender,
        "recipients": len(envelope.recipients),
        "connection": origin.connection,
    }


def looped(letter: Letter) -> Found:
    """RFC 5321 §6.3: a message that passed very many hosts goes in circles."""
    if letter.header.lower().count(b"received:") <= letter.settings.max_received:  # perf: mostly enough
        return None
    hops = count_received(letter.header)
    if hops > letter.settings.max_received:
        raise MailLoop(f"{hops} Received fields, the limit is {letter.settings.max_received}", hops=hops)
    return None


def unforged(letter: Letter) -> Found:
    """RFC 8601 §5: nobody else tells what we found.  A relay in front of us (LMTP) may be part of us."""
    if letter.origin.protocol.startswith(("LMTP", "UTF8LMTP")):
        return None
    letter.header, removed = remove_forged(letter.header, letter.settings.own_id)
    return {"fields": removed} if removed else None


def fixed(letter: Letter) -> Found:
    """RFC 6409 §8: what a submission server may add or correct."""
    account = letter.origin.account
    if account is None:
        return None
    letter.header, changes = fix_header(
        letter.header,
        sender=letter.envelope.sender_text or account.address,
        name=account.name,
        at=letter.at,
        message_id=f"{letter.trace}@{letter.settings.hostname}",
    )
    return {"changes": changes} if changes else None


HEADER_STEPS: Final[tuple[tuple[str, Callable[[Letter], Found]], ...]] = (
    ("received", received),
    ("looped", looped),
    ("unforged", unforged),
    ("fixed", fixed),
)


# --- all bytes are there ---


class Arrived(Struct):
    """A complete message before it is placed; `data` from `body` on is the body."""

    service: DeliveryService
    letter: Letter
    data: Data
    body: int


async def authenticated(arrived: Arrived) -> Found:
    """DKIM, SPF and DMARC.  Raises Unauthenticated (by policy) or Unverifiable (DNS is silent, if so configured)."""
    letter, checks = arrived.letter, arrived.service.checks
    if checks is None or not checks.concerns(letter.origin):
        return None
    checked = await checks.check(
        letter.envelope, letter.origin, letter.arrived, arrived.data, arrived.body, trace=letter.trace
    )
    letter.results += checks.field(checked, letter.envelope, letter.origin)
    letter.junk = letter.junk or checked.decision == "junk"
    if checked.decision in ("reject", "defer"):
        letter.note("authenticated", checked.facts())
        raise_for(checked, letter.trace)
    return checked.facts()


CONTENT_STEPS: Final[tuple[tuple[str, Callable[[Arrived], Awaitable[Found]]], ...]] = (
    ("authenticated", authenticated),
)


async def resolved(placing: Placing) -> Found:
    """Each recipient to accounts and remote addresses; an account gets one copy however often it is named."""
    letter, resolver = placing.letter, placing.service.resolver
    position_of: dict[AccountId, int] = {}
    queued: set[str] = set()
    told: list[dict[str, Any]] = []
    for recipient in letter.envelope.recipients:
        try:
            resolution = await resolver.resolve(recipient.address)
            if len(told) < 100:
                told.append(_tell(recipient.address, resolution))
            if letter.envelope.not_before > letter.at:
                # RFC 4865 §5: what is held is held for everybody; the queue finds out again who is here.
                placing.remote.append(_forward(recipient, recipient.address, resolution))
                placing.resolutions.append(None)
                placing.copies_of.append([])
                placing.errors.append(None)
                continue
            positions, error = _copies(placing, resolution, position_of)
            for address in resolution.remote:
                if address.key not in queued:
                    queued.add(address.key)
                    placing.remote.append(_forward(recipient, address, resolution))
        except MailError as failure:
            resolution, positions, error = None, [], failure
            if len(told) < 100:
                told.append({"address": str(recipient.address), "error": type(failure).__name__})
        placing.resolutions.append(resolution)
        placing.copies_of.append(positions)
        placing.errors.append(error)
    return {"recipients": told}


def _tell(address: Address, resolution: Resolution) -> dict[str, Any]:
    told: dict[str, Any] = {"address": str(address)}
    if resolution.accounts:
        told["accounts"] = [account.address for account in resolution.accounts.values()]
    if resolution.remote:
        told["remote"] = [str(remote) for remote in resolution.remote]
    if resolution.steps:
        told["by"] = resolution.steps
    return told


def _copies(
    placing: Placing, resolution: Resolution, position_of: dict[AccountId, int]
) -> tuple[list[int], MailError | None]:
    """Positions of this recipient's copies; the error if none could be made and nothing is forwarded."""
    positions: list[int] = []
    error: MailError | None = None
    for account in resolution.accounts.values():
        position = position_of.get(account.id)
        if position is None:
            if not has_room(account, placing.facts.size):
                error = OverQuota(account.address)
                continue
            position = position_of[account.id] = placing.add_copy(
                LocalCopy(account.id, role=placing.letter.role, date=placing.letter.at)
            )
        positions.append(position)
    return positions, None if positions or resolution.remote else error


def _forward(recipient: Recipient, address: Address, resolution: Resolution) -> QueueRecipient:
    notify = recipient.notify
    # RFC 3461 §5.2.7.3 (c): an alias of many answers SUCCESS itself ("expanded"), the copies keep the rest.
    if resolution.count > 1 and "SUCCESS" in notify:
        notify = tuple(word for word in notify if word != "SUCCESS") or ("NEVER",)
    return QueueRecipient(address=str(address), orcpt=recipient.orcpt, notify=notify)


async def ruled(placing: Placing) -> Found:
    """The recipients' own rules say where their copies go."""
    rules = placing.service.rules
    if rules is None or not placing.copies or rules.know_of_none(placing.copies):
        return None
    return await rules.sort(placing)


async def queued(placing: Placing) -> Found:
    """One queue entry for all that has to travel on."""
    if not placing.remote:
        return None
    letter = placing.letter
    envelope = letter.envelope
    start = max(letter.at, envelope.not_before)
    for remote in placing.remote:
        remote.next_attempt = start
    placing.queue.append(
        QueueEntry(
            sender=envelope.sender_text,
            recipients=placing.remote,
            trace=letter.trace,
            arrived_at=letter.at,
            expires_at=start + letter.settings.queue_lifetime_s,
            size=placing.facts.size,
            body=envelope.body,
            smtputf8=envelope.smtputf8,
            requiretls=envelope.requiretls,
            ret=envelope.ret,
            envid=envelope.envid,
            account=None if letter.origin.account is None else letter.origin.account.id,
            not_before=envelope.not_before,
            message_id=placing.facts.message_id or "",
            sign_as=await _sign_as(placing),
        )
    )
    found: dict[str, Any] = {"recipients": [remote.address for remote in placing.remote[:100]]}
    if envelope.not_before > letter.at:
        found["not_before"] = envelope.not_before
    return found


async def _sign_as(placing: Placing) -> str:
    letter, service = placing.letter, placing.service
    if service.signer is None:
        return ""
    relayed = letter.origin.account is None and service.may_relay(letter.origin.peer_ip)
    return await service.signer.signer_for(letter.header, letter.envelope, letter.origin, relayed=relayed)


async def stored(placing: Placing) -> Found:
    """What the commit is about to make durable."""
    return {
        "size": placing.facts.size,
        "copies": len(placing.copies),
        "message_id": placing.facts.message_id or "",
    }


async def without_nuls(placing: Placing) -> Found:
    """RFC 3516 §6: mailboxes hold what every client can be sent; what travels on stays as it is."""
    if (
        placing.letter.envelope.body != "BINARYMIME"
        or not placing.copies
        or placing.content.find(b"\x00") < 0
    ):
        return None
    data = await asyncio.to_thread(without_nul, placing.content)
    if data is None:
        return None
    writer = placing.service.store.contents.writer()
    try:
        writer.write(data)
        await writer.drain()
        facts = await asyncio.to_thread(facts_of, data)
        placing.versions.append(Version(facts, await writer.finish()))
    finally:
        writer.abort()
    number = len(placing.versions) - 1
    placing.version_of = [version or number for version in placing.version_of]
    return None


PLACING_STEPS: Final[tuple[tuple[str, Callable[[Placing], Awaitable[Found]]], ...]] = (
    ("resolved", resolved),
    ("ruled", ruled),
    ("stored", stored),
    ("recoded", without_nuls),
    ("queued", queued),
)
