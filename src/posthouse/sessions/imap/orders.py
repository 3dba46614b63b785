"""What SORT and THREAD said of a whole mailbox, kept until messages come or go.

Flags do not change an order, so an answer is right as long as the mailbox has the same messages; the hub replaces
the array of UIDs when it has not.  Bounded by bytes, the least recently used goes first.  Event loop only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any, Final, final

from posthouse.services.mailboxes import SharedMailbox

Answer = Any  # array("I") of UIDs in order, or the octets of a response
_ENTRY_BYTES: Final = 500
"""What an answer takes besides its octets and its UIDs, roughly."""


@final
class Orders:
    """One per worker."""

    __slots__ = ("_kept", "_limit", "size_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._kept: OrderedDict[Hashable, tuple[Sequence[int], Answer, int]] = OrderedDict()
        self.size_bytes = 0

    def get(self, shared: SharedMailbox, question: Hashable) -> Answer:
        """None: not known."""
        key = shared.account, shared.mailbox, question
        kept = self._kept.get(key)
        if kept is None:
            return None
        uids, answer, size = kept
        if uids is not shared.uids:
            del self._kept[key]
            self.size_bytes -= size
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, shared: SharedMailbox, uids: Sequence[int], question: Hashable, answer: Answer) -> None:
        """`uids`: what the answer was made of; nothing is kept when the mailbox has moved on."""
        if uids is not shared.uids or self.get(shared, question) is not None:
            return
        size = _ENTRY_BYTES + 4 * len(uids) + memoryview(answer).nbytes
        if size > self._limit:
            return
        self._kept[shared.account, shared.mailbox, question] = uids, answer, size
        self.size_bytes += size
        while self.size_bytes > self._limit:
            _, (_, _, oldest) = self._kept.popitem(last=False)
            self.size_bytes -= oldest
