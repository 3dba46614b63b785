"""Who is told of messages as they arrive, so that they are \\Recent for nobody else.  RFC 3501 §2.3.2.

A worker with idle sessions says so once (`ClaimRecent` with `stay`); from then on deliveries move `recent_from` in the
row that they write anyway, where each of them had a write of its own behind it.  It is in the memory of the writer
alone: when a worker or the writer is gone, hints say that arrivals are not claimed, and they are claimed one by one.
"""

from __future__ import annotations

from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.requests import ClaimRecent, EndClaim


class Claims:
    """Which mailboxes are claimed by whom; changed on the event loop, and asked by whoever writes."""

    def __init__(self) -> None:
        self._holders: dict[tuple[int, int], set[object]] = {}

    def __contains__(self, mailbox: object) -> bool:
        return mailbox in self._holders

    def note(self, request: object, holder: object) -> None:
        """A request has come from one of the workers."""
        if isinstance(request, ClaimRecent) and request.stay:
            self._holders.setdefault((request.account, request.mailbox), set()).add(holder)
        elif isinstance(request, EndClaim):
            self._end((request.account, request.mailbox), holder)

    def release_all(self, holder: object) -> None:
        for mailbox in list(self._holders):
            self._end(mailbox, holder)

    def _end(self, mailbox: tuple[int, int], holder: object) -> None:
        holders = self._holders.get(mailbox, set())
        holders.discard(holder)
        if not holders:
            self._holders.pop(mailbox, None)


def claim_recent(ledger: Ledger, request: ClaimRecent) -> int:
    mailbox = ledger.mailbox(request.account, request.mailbox)
    first: int = mailbox.recent_from
    if first != mailbox.uidnext:
        mailbox.recent_from = mailbox.uidnext
        ledger.touch(mailbox)
    if (mailbox.account, mailbox.id) in ledger.claims:
        ledger.claimed_to[mailbox.id] = mailbox.uidnext
    return first


def end_claim(ledger: Ledger, request: EndClaim) -> None:
    """What came when nobody was told of it is \\Recent for the next one."""
    if (request.account, request.mailbox) in ledger.claims:
        return  # another worker is told of it
    mailbox = ledger.mailbox(request.account, request.mailbox)
    first = max(request.told, ledger.claimed_to.pop(mailbox.id, 0))
    if first < mailbox.recent_from:
        mailbox.recent_from = first
        ledger.touch(mailbox)
