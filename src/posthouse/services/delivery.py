"""A message arrives: the one way in for SMTP, submission, LMTP and our own notices.

`DeliveryService.receive` gives an `Incoming` that takes the bytes; `Incoming.finish` runs the table of steps
(`services.steps`) and returns when everything that was accepted is on stable storage.  Local and remote
recipients differ only in the rows of that one transaction.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from posthouse.core.address import Address, parse_network, try_address
from posthouse.core.errors import (
    Forbidden,
    Invalid,
    MailError,
    NotFound,
    OverQuota,
    Unavailable,
)
from posthouse.core.ports import Clock, Ids
from posthouse.mime.facts import MessageFacts
from posthouse.mime.scan import Data
from posthouse.services import notice
from posthouse.services.collector import Collector
from posthouse.services.flow import RECEIVED, REFUSED, SUBMITTED, Flow
from posthouse.services.incoming import Incoming
from posthouse.services.letter import Envelope, Origin, Outcome, Receipt, Recipient
from posthouse.services.quota import has_room
from posthouse.services.resolve import Resolution, Resolver, ResolveSettings
from posthouse.services.rules import Rules
from posthouse.services.sender_check import SenderChecks
from posthouse.services.signing import Signer
from posthouse.services.srs import Srs
from posthouse.services.steps import CONTENT_STEPS, PLACING_STEPS, Arrived, Letter, Placing
from posthouse.services.teams import may_send_as
from posthouse.services.trace_header import return_path_length
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, ContentDraft, Delivery, JournalLine

__all__ = [
    "DeliveryService",
    "DeliverySettings",
    "Envelope",
    "Incoming",
    "Origin",
    "Outcome",
    "Receipt",
    "Recipient",
]

log = logging.getLogger(__name__)

_LATE_ERRORS: Final[dict[str, type[MailError]]] = {"OverQuota": OverQuota, "NotFound": NotFound}


class DeliverySettings(Struct, frozen=True):
    hostname: str = "localhost"
    max_message_bytes: int = 50 * 1024 * 1024
    max_header_bytes: int = 256 * 1024
    max_received: int = 100
    """Received fields after which a message is taken to be in a loop (RFC 5321 §6.3)."""
    hide_client_address: bool = False
    """Leave the address and name of submitting clients out of Received."""
    queue_lifetime_s: float = 5 * 86400.0
    relay_networks: tuple[str, ...] = ()
    """Clients that may relay without signing in: addresses, networks (192.0.2.0/24), or the start of one (192.0.2.)."""
    language: str = "zh"
    """Of notices to senders; both languages are in every notice, this one first."""
    authserv_id: str = ""
    """Our name in Authentication-Results; empty: the host name."""

    @property
    def own_id(self) -> str:
        return (self.authserv_id or self.hostname).lower()


class DeliveryService:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        settings: DeliverySettings | None = None,
        resolve: ResolveSettings | None = None,
        rules: Rules | None = None,
        *,
        signer: Signer | None = None,
        checks: SenderChecks | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids
        self.settings = settings or DeliverySettings()
        self.signer = signer
        self.checks = checks
        self.flow: Flow | None = None  # where letters are counted
        self.collector: Collector | None = None
        self._relay_networks = [parse_network(text) for text in self.settings.relay_networks]
        self.srs = Srs(store.directory, clock)
        self.resolver = Resolver(store.directory, resolve, store.hints, self.srs)
        self.rules = rules

    # --- before the message ---

    def try_recipient(self, address: Address) -> Resolution | None:
        """RCPT without waiting: what `check_recipient` would return, if that is known."""
        return self.resolver.try_known(address)

    async def check_recipient(self, address: Address, *, account: Account | None, peer_ip: str) -> Resolution:
        """RCPT: NotFound (no such local user), Forbidden (relaying denied), OverQuota; else fine."""
        resolution = await self.resolver.resolve(address)
        if resolution.domain is None and resolution.remote:
            if account is None and not self.may_relay(peer_ip):
                raise Forbidden(f"relaying to {address} denied")
            return resolution
        if resolution.count == len(resolution.accounts) == 1:
            (owner,) = resolution.accounts.values()
            if not has_room(owner, 1):
                raise OverQuota(owner.address)
        return resolution

    def may_relay(self, peer_ip: str) -> bool:
        if not peer_ip or not self._relay_networks:
            return False
        address = ipaddress.ip_address(peer_ip.partition("%")[0])
        return any(address in network for network in self._relay_networks)

    async def check_sender(self, sender: Address | None, account: Account) -> None:
        """Submission: Forbidden unless mail for the sender address reaches the account, or a team of its own."""
        if sender is None or sender.key == account.address:  # RFC 8098 §3: read receipts have a null sender
            return
        try:
            resolution = await self.resolver.resolve(sender)
        except (NotFound, Invalid):
            resolution = None
        if resolution is None or not await self._is_one_of(account, resolution):
            raise Forbidden(f"{account.address} may not send as {sender}")

    async def _is_one_of(self, account: Account, resolution: Resolution) -> bool:
        if account.id in resolution.accounts:
            return True
        for owner in resolution.accounts:
            if await may_send_as(self.store, account.id, owner):
                return True
        return False

    # --- the message ---

    def receive(self, envelope: Envelope, origin: Origin) -> Incoming:
        return Incoming(self, envelope, origin)

    async def post(
        self,
        content: bytes,
        recipient: Address,
        *,
        sender: Address | None = None,
        cause: str = "",
        requiretls: bool = False,
    ) -> Receipt:
        """Send a message of our own making (a notice); the null sender by default."""
        envelope = Envelope(
            sender=sender,
            recipients=[Recipient(recipient)],
            smtputf8=not recipient.is_ascii,
            requiretls=requiretls,
        )
        if not content.isascii():
            envelope.body = "8BITMIME"
        incoming = self.receive(
            envelope, Origin("internal", "local", self.settings.hostname, "", connection=cause)
        )
        incoming.write(content)
        receipt = await incoming.finish()
        if (error := receipt.outcomes[0].error) is not None:
            raise error
        return receipt

    def examines(self, origin: Origin) -> bool:
        """Whether the content steps run: for mail from outside, unless the client may relay anyway."""
        return self.checks is not None and self.checks.concerns(origin) and not self.may_relay(origin.peer_ip)

    async def examine(self, letter: Letter, data: Data, body: int) -> None:
        """Run the content steps; what is refused is in the journal all the same."""
        arrived = Arrived(self, letter, data, body)
        try:
            for name, step in CONTENT_STEPS:
                if (found := await step(arrived)) is not None:
                    letter.note(name, found)
        except MailError as error:
            self._count(letter, [one.address.domain for one in letter.envelope.recipients], refused=True)
            letter.note("refused", {"error": type(error).__name__, "detail": error.detail})
            log.info("refused", extra={"facts": {"trace": letter.trace, "reason": error.detail}})
            with contextlib.suppress(Unavailable):
                await self.store.queue.report([], [(letter.trace, line) for line in letter.journal])
            raise

    def _count(self, letter: Letter, domains: Sequence[str | None], *, refused: bool = False) -> None:
        """Once for each of our domains that the letter concerns; our own notices are no flow."""
        origin = letter.origin
        if self.flow is None or origin.protocol == "local":
            return
        if origin.account is not None:
            self.flow.count(SUBMITTED, origin.account.address.rpartition("@")[2])
        else:
            for domain in set(domains):
                self.flow.count(REFUSED if refused else RECEIVED, domain or "")

    async def place(self, letter: Letter, facts: MessageFacts, content: Data) -> Placing:
        """Run the placing steps; `content` has to stay until this returns."""
        placing = Placing(self, letter, facts, content)
        for name, step in PLACING_STEPS:
            if (found := await step(placing)) is not None:
                letter.note(name, found)
        return placing

    async def commit(self, placing: Placing, draft: ContentDraft) -> Receipt:
        """Store what was placed, tell outcomes; raises MailError when nothing was stored."""
        placing.versions[0].draft = draft
        if all(error is not None for error in placing.errors):
            return self._nothing_stored(placing)
        await self._store(placing)
        self._count(
            placing.letter, [one.domain.name if one.domain else "" for one in placing.resolutions if one]
        )
        if not placing.remote and all(error is not None for error in placing.errors):
            return self._nothing_stored(placing)
        receipt = await self._tell(placing)
        letter = placing.letter
        if self.collector is not None and letter.origin.account is not None:
            self.collector.note(letter.origin.account, letter.envelope, letter.header)
        for task in placing.afterwards:
            await task()
        return receipt

    async def _store(self, placing: Placing) -> None:
        """One transaction; copies that found no place there have failed."""
        letter = placing.letter
        deliveries: list[Delivery] = []
        positions: list[list[int]] = []
        for number, version in enumerate(placing.versions):
            assert version.draft is not None
            mine = [at for at, of in enumerate(placing.version_of) if of == number]
            positions.append(mine)
            copies = placing.copies if len(placing.versions) == 1 else [placing.copies[at] for at in mine]
            # A message that was discarded leaves its journal.
            journal = [] if number else letter.journal
            objects = [] if number else letter.objects
            deliveries.append(
                Delivery(letter.trace, version.draft, version.facts, copies, version.queue, journal, objects)
            )
        for mine, stored in zip(positions, await self.store.messages.deliver(deliveries), strict=True):
            for position, placed in zip(mine, stored.placed, strict=True):
                if placed.error is not None:
                    placing.fail_copy(position, _LATE_ERRORS.get(placed.error, Unavailable)(placed.error))

    @staticmethod
    def _nothing_stored(placing: Placing) -> Receipt:
        """Every recipient failed: each is told, or the whole message is refused with the first reason."""
        if not _answers_each(placing.letter.origin):
            raise next(error for error in placing.errors if error is not None)
        pairs = zip(placing.letter.envelope.recipients, placing.errors, strict=True)
        return Receipt(placing.letter.trace, [Outcome(one.address, error) for one, error in pairs])

    async def _tell(self, placing: Placing) -> Receipt:
        """Per-recipient outcomes; notices go out where the transport can only answer once."""
        letter = placing.letter
        envelope = letter.envelope
        answers_each = _answers_each(letter.origin)
        outcomes: list[Outcome] = []
        reports: list[notice.Report] = []
        for recipient, error, resolution in zip(
            envelope.recipients, placing.errors, placing.resolutions, strict=True
        ):
            outcomes.append(Outcome(recipient.address, error if answers_each else None))
            if error is not None:
                if not answers_each:
                    reports.append(notice.failed_copy(recipient, error))
            elif resolution is not None and _tells_success(recipient, resolution):
                reports.append(notice.delivered_copy(recipient, expanded=resolution.count > 1))
        reports += [notice.failed_copy(envelope.recipients[at], error) for at, error in placing.refused]
        if reports and envelope.sender is not None:
            await self.send_notices(placing, reports)
        return Receipt(letter.trace, outcomes)

    async def send_notices(self, placing: Placing, reports: list[notice.Report]) -> None:
        letter = placing.letter
        subject = notice.Subject(
            hostname=self.settings.hostname,
            sender=letter.envelope.sender_text,
            trace=letter.trace,
            arrived_at=letter.at,
            envid=letter.envelope.envid,
            ret=letter.envelope.ret,
            smtputf8=letter.envelope.smtputf8,
            requiretls=letter.envelope.requiretls,
            received_from=letter.origin.helo,
            language=self.settings.language,
        )
        original = letter.header
        if self._returns_whole(letter, reports):
            assert letter.content is not None
            original = letter.content[return_path_length(letter.content) :]
        lines: list[tuple[str, JournalLine]] = []
        for action, wanted in notice.by_action(reports):
            posted = await self.post_notice(subject, action, wanted, original)
            found = {
                "action": action,
                "to": subject.sender,
                "for": [r.recipient for r in wanted],
                "notice": posted,
            }
            lines.append((letter.trace, JournalLine(self.clock.now(), "notified", found)))
        if lines:
            await self.store.queue.report([], lines)

    @staticmethod
    def _returns_whole(letter: Letter, reports: list[notice.Report]) -> bool:
        envelope = letter.envelope
        return (
            letter.content is not None
            and envelope.ret == "FULL"
            and not envelope.requiretls  # RFC 8689 §5
            and any(report.action == "failed" for report in reports)
        )

    async def post_notice(
        self, subject: notice.Subject, action: str, reports: list[notice.Report], original: bytes
    ) -> str:
        """The trace of the notice, "" if the sender cannot be reached at all (then it ends here)."""
        sender = try_address(subject.sender)
        if sender is None:
            return ""
        content = notice.compose(
            subject, action, reports, original, at=self.clock.now(), trace=self.ids.trace()
        )
        try:
            receipt = await self.post(content, sender, cause=subject.trace, requiretls=subject.requiretls)
            return receipt.trace
        except Unavailable:
            raise
        except MailError:  # RFC 5321 §6.1: no notice about a notice
            return ""


def _tells_success(recipient: Recipient, resolution: Resolution) -> bool:
    """RFC 3461 §5.2.7: what ends here or branches here is told here; what travels on, by the next host."""
    return "SUCCESS" in recipient.notify and (resolution.count > 1 or bool(resolution.accounts))


def _answers_each(origin: Origin) -> bool:
    """Whether the transport tells the outcome of every recipient (LMTP, the queue), not one for all (SMTP)."""
    return origin.protocol.startswith(("LMTP", "UTF8LMTP", "local"))
