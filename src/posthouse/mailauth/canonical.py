"""The two canonical forms of DKIM (RFC 6376 §3.4), of header fields and of bodies that arrive in pieces."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from posthouse.mime.header import raw_fields
from posthouse.mime.scan import Data

SIMPLE: Final = "simple"
RELAXED: Final = "relaxed"

PIECE_BYTES: Final = 256 * 1024
"""A long body is hashed in pieces of this size."""

_BLANKS: Final = re.compile(rb"[ \t]+")
_SPACES: Final = re.compile(rb"  +")
_FOLD: Final = re.compile(rb"\r?\n")
# Up to the last CR or LF that is no line end; the CR at the very end may still become one.
_LAST_LONE: Final = re.compile(rb".*(?:\r(?!\n|\Z)|(?<!\r)\n)", re.DOTALL)
_EMPTY_LINES: Final = b"\r\n" * 4096


class HeaderFields:
    """A header block by field name.  Canonical forms are made once per field, however many signatures ask."""

    __slots__ = ("_by_name", "_cache", "_header", "fields")

    def __init__(self, header: bytes) -> None:
        self._header = header
        self.fields = raw_fields(header)
        self._by_name: dict[bytes, list[int]] = {}
        for index, (name, _, _) in enumerate(self.fields):
            self._by_name.setdefault(name, []).append(index)
        self._cache: dict[tuple[int, str], bytes] = {}

    def indexes(self, name: bytes) -> list[int]:
        """Positions of the fields called `name` (lower case), from the top."""
        return self._by_name.get(name, [])

    def raw(self, index: int) -> bytes:
        """The whole field with its line end."""
        _, start, end = self.fields[index]
        return self._header[start:end]

    def value(self, index: int) -> bytes:
        """What stands behind the colon, folding included."""
        return self.raw(index).partition(b":")[2]

    def canonical(self, index: int, form: str) -> bytes:
        """The field as it is hashed, with CRLF."""
        found = self._cache.get((index, form))
        if found is None:
            found = self._cache[index, form] = canonical_field(self.raw(index), form)
        return found

    def selected(self, names: Iterable[bytes], form: str) -> list[bytes]:
        """RFC 6376 §5.4.2: the fields that h= names, each name taking its next instance from the bottom up."""
        left: dict[bytes, int] = {}
        chosen: list[bytes] = []
        for name in names:
            indexes = self._by_name.get(name)
            if not indexes:
                continue
            at = left.get(name, len(indexes)) - 1
            left[name] = at
            if at >= 0:
                chosen.append(self.canonical(indexes[at], form))
            else:
                left[name] = 0
        return chosen


def canonical_field(field: bytes, form: str) -> bytes:
    """One header field with CRLF at its end."""
    if form == SIMPLE:
        return field if field.endswith(b"\r\n") else field.rstrip(b"\r\n") + b"\r\n"
    name, _, value = field.partition(b":")
    # RFC 6376 §3.4.2: name in lower case, unfolded, runs of blanks to one, none at the ends
    text = _BLANKS.sub(b" ", _FOLD.sub(b"", value)).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + text + b"\r\n"


class Digest:
    """The hash of the first `limit` bytes of a canonical body (None: of all)."""

    __slots__ = ("_hash", "_left", "covered")

    def __init__(self, limit: int | None) -> None:
        self._hash = hashlib.sha256()
        self._left = limit
        self.covered = 0

    def update(self, data: bytes) -> None:
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self.covered += len(data)
        self._hash.update(data)

    def value(self) -> bytes:
        return self._hash.digest()


class BodyForm:
    """One canonical form of a body, fed in pieces, for any number of digests.

    Empty lines are held back as a number until more text follows: at the end of a body they do not count.
    """

    __slots__ = ("_digests", "_form", "_lines", "_tail", "size")

    def __init__(self, form: str) -> None:
        self._form = form
        self._digests: dict[int | None, Digest] = {}
        self._lines = 0  # line ends seen and not hashed
        self._tail = b""  # blanks of the line that has just begun, or a CR
        self.size = 0  # of the canonical body so far

    def digest(self, limit: int | None) -> Digest:
        """The digest of so many bytes; ask before the first piece."""
        return self._digests.setdefault(limit, Digest(limit))

    def feed(self, piece: bytes) -> None:
        data = self._tail + piece if self._tail else piece
        text = data.rstrip(b"\r\n" if self._form == SIMPLE else b" \t\r\n")
        end = len(text)
        rest = data[end:]
        if lone := _LAST_LONE.match(rest):  # lone ones are text
            end += lone.end()
        self._tail = b""
        if end:
            self._flush_lines()
            self._emit(self._canonical(data[:end]))
        self._hold(data[end:])

    def _hold(self, tail: bytes) -> None:
        if self._form == RELAXED:
            tail = _BLANKS.sub(b" ", tail).replace(b" \r\n", b"\r\n")
        ends = tail.count(b"\r\n")
        if ends:
            tail = tail[tail.rfind(b"\r\n") + 2 :]
        self._lines += ends
        self._tail = tail

    def _canonical(self, text: bytes) -> bytes:
        if self._form == SIMPLE:
            return text
        if b"\t" in text:
            text = text.replace(b"\t", b" ")
        if b"  " in text:
            text = _SPACES.sub(b" ", text)
        return text.replace(b" \r\n", b"\r\n")

    def _flush_lines(self) -> None:
        left, self._lines = self._lines * 2, 0
        while left:
            part = _EMPTY_LINES[:left]
            self._emit(part)
            left -= len(part)

    def _emit(self, data: bytes) -> None:
        self.size += len(data)
        for digest in self._digests.values():
            digest.update(data)

    def finish(self) -> None:
        if self._tail.strip(b" "):  # a CR at the very end
            self._flush_lines()
            self._emit(self._tail)
        # RFC 6376 §3.4.3: an empty body is one CRLF in the simple form; §3.4.4: nothing in the relaxed one
        if self.size or self._form == SIMPLE:
            self._emit(b"\r\n")
        self._tail, self._lines = b"", 0


class BodyDigests:
    """The hashes that the signatures of one message need, in one pass over its body."""

    __slots__ = ("_forms",)

    def __init__(self, wanted: Iterable[tuple[str, int | None]]) -> None:
        self._forms: dict[str, BodyForm] = {}
        for form, limit in wanted:
            if form not in self._forms:
                self._forms[form] = BodyForm(form)
            self._forms[form].digest(limit)

    def feed(self, piece: bytes) -> None:
        for form in self._forms.values():
            form.feed(piece)

    def finish(self) -> None:
        for form in self._forms.values():
            form.finish()

    def feed_view(self, view: Data, start: int = 0) -> None:
        """All of a bytes-like object (bytes, mmap) from `start` on, and the end."""
        for at in range(start, len(view), PIECE_BYTES):
            self.feed(view[at : at + PIECE_BYTES])
        self.finish()

    def value(self, form: str, limit: int | None) -> bytes:
        return self._forms[form].digest(limit).value()

    def size(self, form: str) -> int:
        """Bytes of the canonical body."""
        return self._forms[form].size
