"""What never changes of emails that were read a moment ago: a list is asked for again at every change in it.

RFC 8621 §4.1: all but the mailboxes and the keywords of an Email is immutable, and its id is never given again.  Who
may see an email is asked of its places each time, so a record here opens nothing.

perf: of a list of fifty it takes three quarters: unpacking, parsing and decoding of header fields.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final, final

Record = dict[str, Any]
KNOWN_MAX_BYTES: Final = 8 << 20
"""Of each worker, about: 4,000 emails with the properties of a list."""
ONE_MAX_BYTES: Final = 64 * 1024
"""An email whose record takes more, because of very many addresses, is read each time."""
OF_RECORD: Final = 1200
OF_OCTET: Final = 10
"""What a record takes beside its text, and for each octet of header fields: objects of Python."""


@final
class KnownEmails:
    """One per worker.  Records are shared: whoever gets one makes a copy before changing it."""

    __slots__ = ("_records", "_size_bytes")

    def __init__(self) -> None:
        self._records: OrderedDict[tuple[tuple[str, ...], int], tuple[Record, int]] = OrderedDict()
        self._size_bytes = 0

    def find(self, properties: tuple[str, ...], messages: Iterable[int]) -> dict[int, Record]:
        """Those that are known with these very properties."""
        records, found = self._records, {}
        for message in messages:
            key = (properties, message)
            if (known := records.get(key)) is not None:
                records.move_to_end(key)
                found[message] = known[0]
        return found

    def keep(self, properties: tuple[str, ...], message: int, record: Record, header_bytes: int) -> None:
        size = OF_RECORD + OF_OCTET * header_bytes
        if size > ONE_MAX_BYTES:
            return
        _, before = self._records.pop((properties, message), (None, 0))
        self._records[properties, message] = record, size
        self._size_bytes += size - before
        while self._size_bytes > KNOWN_MAX_BYTES:
            _, (_, gone) = self._records.popitem(last=False)
            self._size_bytes -= gone
