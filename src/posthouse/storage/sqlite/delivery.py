"""Deliver: message, placements, queue entries and journal of each accepted message."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from posthouse.core.errors import MailError, NotFound, OverQuota
from posthouse.core.ids import MailboxId, MessageId, QueueId, RecipientId
from posthouse.mime.facts import MessageFacts
from posthouse.storage.rows import (
    Delivery,
    JournalLine,
    LocalCopy,
    Placed,
    QueueEntry,
    QueueRecipient,
    Stored,
)
from posthouse.storage.sqlite.ledger import AccountState, Ledger, MailboxState
from posthouse.storage.sqlite.mailbox import make_mailbox
from posthouse.storage.sqlite.requests import Deliver, PruneJournal, pack_flags, unpack_flags

THREAD_REFERENCES_MAX: Final = 20
"""Of a longer References field the last ones count, and the first."""

_LENGTH: Final = struct.Struct("<I")
_encoder: Final = msgspec.msgpack.Encoder()


def message_hash(message_id: str) -> int:
    """A Message-ID as the signed 64-bit key of an index; brackets do not count."""
    key = message_id.strip().removeprefix("<").removesuffix(">").encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big", signed=True)


def encode_lines(lines: list[JournalLine]) -> bytes:
    """Length and MessagePack of each line, so that later lines are simply appended."""
    encoded = map(_encoder.encode, lines)
    return b"".join(part for line in encoded for part in (_LENGTH.pack(len(line)), line))


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
    return len(rows)


def _check_places(ledger: Ledger, deliveries: list[Delivery]) -> None:
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


def _deliver(ledger: Ledger, delivery: Delivery) -> Stored:
    size = delivery.content.size
    targets = [_target(ledger, copy, size) for copy in delivery.copies]
    accounts = {target[0].id for target in targets if not isinstance(target, Placed)}
    references = len(accounts) + len(delivery.queue)
    blob = _add_blob(ledger, delivery, references)
    messages: dict[int, int] = {}
    placed = []
    for target, copy in zip(targets, delivery.copies, strict=True):
        if not isinstance(target, Placed):
            target = _place(ledger, delivery, copy, target, messages)
        placed.append(target)
    _add_messages(ledger, delivery.facts, blob, messages, placed)
    queued = [_add_queue(ledger, entry, delivery, blob) for entry in delivery.queue]
    if delivery.journal:
        message_id = delivery.facts.message_id
        key = message_hash(message_id) if message_id else None
        ledger.rows["journal"].append(
            (delivery.trace, delivery.journal[0].at, key, encode_lines(delivery.journal))
        )
    return Stored(placed, queued)


def _target(ledger: Ledger, copy: LocalCopy, size: int) -> tuple[AccountState, MailboxState] | Placed:
    """Where the copy goes, room for it taken; or why it goes nowhere."""
    account = ledger.try_account(copy.account)
    if account is None:
        return Placed(copy.account, error="NotFound")
    if copy.enforce_quota and not account.has_room(size):
        return Placed(copy.account, error="OverQuota")
    if copy.mailbox is not None:
        mailbox = ledger.try_mailbox(copy.account, copy.mailbox)
        if mailbox is None:
            return Placed(copy.account, copy.mailbox, error="NotFound")
    else:
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
    delivery: Delivery,
    copy: LocalCopy,
    target: tuple[AccountState, MailboxState],
    messages: dict[int, int],
) -> Placed:
    account, mailbox = target
    size = delivery.content.size
    message = messages.get(account.id)
    if message is None:
        message = messages[account.id] = ledger.take_id("message")
    flags = copy.flags
    if copy.keywords:
        flags |= ledger.keyword_bits(account, copy.keywords)
    modseq = ledger.bump(account, mailbox)
    uid = mailbox.uidnext
    mailbox.uidnext += 1
    mailbox.count(flags, size, 1)
    savedate = float(int(ledger.clock.now()))
    ledger.rows["placement"].append(
        (account.id, mailbox.id, uid, message, pack_flags(flags), modseq, size, copy.date, savedate)
    )
    return Placed(copy.account, MailboxId(mailbox.id), mailbox.uidvalidity, uid, MessageId(message), modseq)


def _add_blob(ledger: Ledger, delivery: Delivery, references: int) -> int:
    content = delivery.content
    if not references:
        if content.file is not None:
            ledger.dropped_files.append(content.file)
        return 0
    blob = ledger.take_id("blob")
    ledger.rows["blob"].append((blob, references, content.size, content.codec, content.file, content.packed))
    return blob


def _add_messages(
    ledger: Ledger, facts: MessageFacts, blob: int, messages: dict[int, int], placed: list[Placed]
) -> None:
    if not messages:
        return
    names = (facts.message_id, *facts.references)
    if len(names) > THREAD_REFERENCES_MAX:
        names = (*names[:2], *names[2 - THREAD_REFERENCES_MAX :])
    hashes = tuple({message_hash(name): None for name in names if name})
    for account, message in messages.items():
        copies = sum(p.message == message for p in placed) if len(placed) > 1 else 1
        thread = ledger.thread(account, hashes, message)
        ledger.rows["message"].append(message_row(message, account, blob, copies, thread, facts))


def message_row(
    message: int, account: int, blob: int, copies: int, thread: int, facts: MessageFacts
) -> tuple[Any, ...]:
    return (
        message,
        account,
        blob,
        copies,
        thread,
        facts.sent_at,
        facts.has_attachment,
        facts.header_size,
        facts.envelope,
        facts.bodystructure,
        facts.body,
        facts.layout,
        facts.header_fields,
        facts.message_id,
        facts.subject,
        facts.base_subject,
        facts.sort_from,
        facts.sort_to,
        facts.sort_cc,
        facts.preview,
    )


def _add_queue(ledger: Ledger, entry: QueueEntry, delivery: Delivery, blob: int) -> QueueId:
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
            entry.message_id or delivery.facts.message_id,
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
