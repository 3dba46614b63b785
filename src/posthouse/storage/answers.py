"""The port for answers that took long to work out."""

from __future__ import annotations

from typing import Protocol

from posthouse.core.ids import AccountId, MailboxId


class Answers(Protocol):
    """What was worked out of all messages of a mailbox and took long; derived, may be lost, is never wrong."""

    async def load(
        self, account: AccountId, mailbox: MailboxId, question: bytes, uids: bytes
    ) -> bytes | None:
        """The answer that was saved for this question and exactly these messages (UIDs as an array of 32 bits)."""
        ...

    async def save(
        self, account: AccountId, mailbox: MailboxId, question: bytes, uids: bytes, answer: bytes
    ) -> None:
        """Keep it for all workers, in place of what was known before; not awaited on stable storage."""
        ...
