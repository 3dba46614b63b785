"""A delivery as it travels to the writer: what can be worked out beforehand is the worker's part, not the writer's."""

from __future__ import annotations

import hashlib
import struct
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.mime.facts import MessageFacts
from posthouse.mime.kept import pack_kept
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.rows import ContentDraft, Delivery, JournalLine, LocalCopy, QueueEntry

THREAD_REFERENCES_MAX: Final = 20
"""Of a longer References field the last ones count, and the first."""

_LENGTH: Final = struct.Struct("<I")
_encoder: Final = msgspec.msgpack.Encoder()

FactColumns = tuple[
    float | None, bool, int, bytes, bytes, bytes, bytes, bytes, str, str, str, str, str, str, str
]
"""The columns of `message` from sent_at on, in the order of the table."""


class PackedDelivery(Struct, array_like=True):
    trace: str
    content: ContentDraft
    facts: FactColumns
    message_id: str
    hashes: tuple[int, ...]  # of the Message-ID, if there is one, and of the references; each once
    is_report: bool
    copies: list[LocalCopy]
    queue: list[QueueEntry]
    journal_at: float
    journal: bytes  # `encode_lines`
    objects: list[StoredObject]


def pack_delivery(delivery: Delivery) -> PackedDelivery:
    facts, journal = delivery.facts, delivery.journal
    return PackedDelivery(
        delivery.trace,
        delivery.content,
        _columns(facts),
        facts.message_id,
        _hashes(facts),
        facts.is_report,
        delivery.copies,
        delivery.queue,
        journal[0].at if journal else 0.0,
        encode_lines(journal),
        delivery.objects,
    )


def _columns(facts: MessageFacts) -> FactColumns:
    return (
        facts.sent_at,
        facts.has_attachment,
        facts.header_size,
        facts.envelope,
        facts.bodystructure,
        facts.body,
        facts.layout,
        pack_kept(facts.header_fields),
        facts.message_id,
        facts.subject,
        facts.base_subject,
        facts.sort_from,
        facts.sort_to,
        facts.sort_cc,
        facts.preview,
    )


def _hashes(facts: MessageFacts) -> tuple[int, ...]:
    names = (facts.message_id, *facts.references)
    if len(names) > THREAD_REFERENCES_MAX:
        names = (*names[:2], *names[2 - THREAD_REFERENCES_MAX :])
    return tuple({message_hash(name): None for name in names if name})


def message_hash(message_id: str) -> int:
    """A Message-ID as the signed 64-bit key of an index; brackets do not count."""
    key = message_id.strip().removeprefix("<").removesuffix(">").encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big", signed=True)


def encode_lines(lines: list[JournalLine]) -> bytes:
    """Length and MessagePack of each line, so that later lines are simply appended."""
    encoded = map(_encoder.encode, lines)
    return b"".join(part for line in encoded for part in (_LENGTH.pack(len(line)), line))
