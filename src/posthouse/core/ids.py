"""Identifiers of the data model; plain ints at run time."""

from __future__ import annotations

from typing import NewType

AccountId = NewType("AccountId", int)
MailboxId = NewType("MailboxId", int)
MessageId = NewType("MessageId", int)
BlobId = NewType("BlobId", int)
QueueId = NewType("QueueId", int)
RecipientId = NewType("RecipientId", int)
