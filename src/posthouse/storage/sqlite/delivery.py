"""Deliver: message, placements, queue entries and journal of each accepted message."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

from posthouse.core.errors import MailError, NotFound, OverQuota
from posthouse.core.flags import SEEN
from posthouse.core.ids import AccountId, MailboxId, MessageId, QueueId, RecipientId
from posthouse.storage.email_rows import SUBMISSION
from posthouse.storage.rows import LocalCopy, Placed, QueueEntry, QueueRecipient, Stored
from posthouse.storage.sqlite.audit import record
from posthouse.storage.sqlite.claim import claim_bits
from posthouse.storage.sqlite.journal_index import prune_index
from posthouse.storage.sqlite.ledger import AccountState, Ledger, MailboxState
from posthouse.storage.sqlite.mailbox import make_mailbox
from posthouse.storage.sqlite.objects import add_object, touch_of_thread
from posthouse.storage.sqlite.packed import PackedDelivery
from posthouse.storage.sqlite.requests import Deliver, PruneJournal, pack_flags, unpack_flags

_LENGTH: Final = struct.Struct("<I")


def split_lines(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


def deliver(ledger: Ledger, request: Deliver) -> list[Stored]:
    for index, copy, flags in request.long_flags:
        request.deliveries[index].copies[copy].flags = unpack_flags(flags)
    if request.together:
        try:
            _check_places(ledger, request.deliveries)
        except MailError:
            files = (delivery.content.file for delivery in request.deliveries)
            ledger.dropped_files += [file for file in files if file is not None]
            raise
    return [_deliver(ledger, delivery) for delivery in request.deliveries]


def prune_journal(ledger: Ledger, request: PruneJournal) -> int:
    # Traces sort by time, so the oldest are the first; `at` decides.
    rows = ledger.execute(
        "DELETE FROM journal WHERE at < ? AND trace IN (SELECT trace FROM journal ORDER BY trace LIMIT ?) RETURNING 1",
        (request.before, request.limit),
    ).fetchall()
    prune_index(ledger.execute)
    return len(rows)


def _check_places(ledger: Ledger, deliveries: list[PackedDelivery]) -> None:
    """Raise NotFound or OverQuota unless every copy of all deliveries has its place."""
    taken: dict[AccountState, tuple[int, int]] = {}
    for delivery in deliveries:
        size = delivery.content.size
        for copy in delivery.copies:
            account = ledger.account(copy.account)
            if copy.mailbox is not None and ledger.try_mailbox(copy.account, copy.mailbox) is None:
                raise NotFound(f"mailbox {copy.mailbox} of account {copy.account}")
            bytes_before, messages_before = taken.get(account, (0, 0))
            if copy.enforce_quota and not account.has_room(bytes_before + size, messages_before + 1):
                raise OverQuota(f"account {copy.account}")
            taken[account] = bytes_before + size, messages_before + 1


class _Made:
    """Messages that one delivery makes: one for each account, and one more where a mailbox gets a second copy."""

    __slots__ = ("current", "places", "threads")

    def __init__(self) -> None:
        self.current: dict[int, int] = {}  # account -> message
        self.threads: dict[int, tuple[int, int]] = {}  # message -> (account, thread)
        self.places: dict[int, dict[int, int]] = {}  # message -> mailbox -> modseq

    def message(self, ledger: Ledger, account: int, mailbox: int, hashes: tuple[int, ...]) -> tuple[int, int]:
        """The message to place in the mailbox, and its thread."""
        message = self.current.get(account)
        if message is None or mailbox in self.places[message]:
            # A mailbox has a message once (RFC 8621 §4.1.1), so a second copy is another message.
            known = None if message is None else self.threads[message][1]
            message = self.current[account] = ledger.take_id("message")
            thread = ledger.thread(account, hashes, message) if known is None else known
            self.threads[message] = account, thread
            self.places[message] = {}
        return message, self.threads[message][1]


def _deliver(ledger: Ledger, delivery: PackedDelivery) -> Stored:
    size = delivery.content.size
    targets = [_target(ledger, copy, size) for copy in delivery.copies]
    made = _Made()
    placed = []
    for target, copy in zip(targets, delivery.copies, strict=True):
        if not isinstance(target, Placed):
            target = _place(ledger, delivery, copy, target, made)
        placed.append(target)
    blob = _add_blob(ledger, delivery, len(made.threads) + len(delivery.queue))
    for message, (account, thread) in made.threads.items():
        places = made.places[message]
        created = next(iter(places.values()))
        ledger.rows["message"].append((message, account, blob, 1, thread, *delivery.facts, created))
        if len(places) > 1:
            ledger.rows["shared"].append((account, message, len(places)))
    queued = [_add_queue(ledger, entry, delivery, blob) for entry in delivery.queue]
    if delivery.is_report:
        for account, thread in made.threads.values():
            touch_of_thread(ledger, AccountId(account), SUBMISSION, thread)
    for one in delivery.objects:
        add_object(ledger, one, queued[0] if queued else 0)
    if delivery.journal:
        key = delivery.hashes[0] if delivery.message_id else None
        ledger.rows["journal"].append((delivery.trace, delivery.journal_at, key, delivery.journal))
    return Stored(placed, queued)


def _target(ledger: Ledger, copy: LocalCopy, size: int) -> tuple[AccountState, MailboxState] | Placed:
    """Where the copy goes, room for it taken; or why it goes nowhere."""
    account = ledger.try_account(copy.account)
    if account is None:
        return Placed(copy.account, error="NotFound")
    if copy.enforce_quota and not account.has_room(size):
        return Placed(copy.account, error="OverQuota")
    mailbox = None if copy.mailbox is None else ledger.try_mailbox(copy.account, copy.mailbox)
    if mailbox is None:
        if copy.mailbox is not None and copy.role is None:
            return Placed(copy.account, copy.mailbox, error="NotFound")
        role = copy.role or "inbox"
        number = ledger.roles(account).get(role)
        if number is None:
            number = make_mailbox(ledger, account, role.capitalize(), role)
        mailbox = ledger.mailbox(copy.account, MailboxId(number))
    account.used_bytes += size
    account.used_messages += 1
    ledger.touch(account)
    return account, mailbox


def _place(
    ledger: Ledger,
    delivery: PackedDelivery,
    copy: LocalCopy,
    target: tuple[AccountState, MailboxState],
    made: _Made,
) -> Placed:
    account, mailbox = target
    size = delivery.content.size
    message, thread = made.message(ledger, account.id, mailbox.id, delivery.hashes)
    flags = copy.flags
    if copy.keywords:
        flags |= ledger.keyword_bits(account, copy.keywords)
    if account.team:
        # Whoever has the conversation has its new letters too; the first of one has no claim to look for.
        flags &= ~ledger.kept_bits(account)
        flags |= claim_bits(ledger, account, thread) if thread != message else 0
    of_user = mailbox.own_seen and copy.user and flags & SEEN
    if of_user:
        flags &= ~SEEN
    uid, modseq = ledger.arrive(account, mailbox, flags)
    made.places[message][mailbox.id] = modseq
    if copy.user and copy.user != account.id:
        facts = {"uids": str(uid), "messages": [delivery.message_id]}
        record(ledger, account.id, copy.user, "append", mailbox=mailbox.id, **facts)
    if of_user:
        ledger.rows["seen"].append((account.id, mailbox.id, uid, copy.user, 1, modseq))
        ledger.rows["reader"].append((account.id, mailbox.id, copy.user, -1))
    mailbox.count(flags, size, 1)
    savedate = float(int(ledger.clock.now()))
    ledger.rows["placement"].append(
        (account.id, mailbox.id, uid, message, pack_flags(flags), modseq, size, copy.date, savedate, thread)
    )
    return Placed(copy.account, MailboxId(mailbox.id), mailbox.uidvalidity, uid, MessageId(message), modseq)


def _add_blob(ledger: Ledger, delivery: PackedDelivery, references: int) -> int:
    content = delivery.content
    if not references:
        if content.file is not None:
            ledger.dropped_files.append(content.file)
        return 0
    blob = ledger.take_id("blob")
    ledger.rows["blob"].append((blob, references, content.size, content.codec, content.file, content.packed))
    return blob


def _add_queue(ledger: Ledger, entry: QueueEntry, delivery: PackedDelivery, blob: int) -> QueueId:
    number = ledger.take_id("queue")
    ledger.rows["queue_message"].append(
        (
            number,
            blob,
            entry.sender,
            entry.trace,
            entry.arrived_at,
            entry.expires_at,
            entry.not_before,
            delivery.content.size,
            entry.body,
            entry.smtputf8,
            entry.requiretls,
            entry.ret,
            entry.envid,
            entry.account,
            entry.message_id or delivery.message_id,
            entry.sign_as,
        )
    )
    rows = ledger.rows["queue_recipient"]
    for recipient in entry.recipients:
        rows.append(_recipient_row(RecipientId(ledger.take_id("recipient")), number, recipient, entry))
    ledger.hint("queue")
    return QueueId(number)


def _recipient_row(
    number: RecipientId, message: int, recipient: QueueRecipient, entry: QueueEntry
) -> tuple[Any, ...]:
    due = max(recipient.next_attempt, entry.not_before)
    return (
        number,
        message,
        recipient.state,
        due,
        due,
        None,
        0.0,
        recipient.attempts,
        recipient.warned,
        recipient.address,
        destination_of(recipient.address, recipient.route),
        recipient.route,
        recipient.orcpt,
        " ".join(recipient.notify),
        recipient.last_status,
        recipient.remote,
    )


def destination_of(address: str, route: str | None) -> str:
    return route or address.rpartition("@")[2].lower()
