"""What the workers of a node know together of sign-ins: memory that was made before they were forked.

A row is found by a keyed digest, and holds digests, counts and moments, never a secret or a name; the key is in the
memory of these processes alone, and nothing of it is on disk.  Where a set of rows is full, the one that ends first
gives way.

Concurrency: `VerifiedPasswords` needs no lock, as a row that was half written fits nothing.  `Counts` are changed under
a lock of the kernel's, which goes with the process that holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import secrets
import struct
from collections.abc import Iterator
from hashlib import blake2b
from hmac import compare_digest
from typing import Final

VERIFIED_ROWS: Final = 16_384
"""Accounts whose password is remembered as verified."""
COUNT_ROWS: Final = 32_768
"""Subjects whose failures, or questions, are counted; memory is taken as they come."""
DISTINCT_MAX: Final = 128
"""Different secrets of one subject that are told apart."""
SOURCES_MAX: Final = 3
"""Different addresses of one subject that are told apart."""
WAYS: Final = 8
"""Rows of one set."""

_PASSWORD: Final = struct.Struct("=Qd32s")  # account, good until, tag
_HEAD: Final = struct.Struct("=16sdIHH")  # digest of the subject, ends at, count, distinct secrets, sources
_MARK: Final = 4  # octets of a digest
_COUNT_SIZE: Final = _HEAD.size + _MARK * (DISTINCT_MAX + SOURCES_MAX)


class VerifiedPasswords:
    """That a password was right a moment ago.  The tag binds it to the account, the hash of today and the end."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._rows = mmap.mmap(-1, VERIFIED_ROWS * _PASSWORD.size)

    def _tag(self, account: int, until: float, stored: str, password: str) -> bytes:
        head = b"%d %b %d " % (account, struct.pack("=d", until), len(stored))
        text = head + stored.encode() + password.encode("utf-8", "surrogatepass")
        return blake2b(text, key=self._key, digest_size=32).digest()

    def _places(self, account: int) -> range:
        size = WAYS * _PASSWORD.size
        start = account % (VERIFIED_ROWS // WAYS) * size
        return range(start, start + size, _PASSWORD.size)

    def has(self, account: int, stored: str, password: str, now: float) -> bool:
        rows = self._rows
        for at in self._places(account):
            number, until, tag = _PASSWORD.unpack_from(rows, at)
            if number == account and until >= now:
                return compare_digest(tag, self._tag(account, until, stored, password))
        return False

    def add(self, account: int, stored: str, password: str, until: float) -> None:
        places = self._places(account)
        rows = self._rows
        found = [_PASSWORD.unpack_from(rows, at)[:2] for at in places]
        index = next((n for n, (number, _) in enumerate(found) if number == account), None)
        if index is None:
            index = min(range(WAYS), key=lambda n: found[n][1])
        tag = self._tag(account, until, stored, password)
        _PASSWORD.pack_into(rows, places[index], account, until, tag)

    def forget(self, account: int) -> None:
        for at in self._places(account):
            if _PASSWORD.unpack_from(self._rows, at)[0] == account:
                _PASSWORD.pack_into(self._rows, at, 0, 0.0, b"")

    def clear(self) -> None:
        self._rows[:] = bytes(len(self._rows))


class Count:
    """What is known of one subject, as `Counts.add` leaves it."""

    __slots__ = ("count", "distinct", "sources")

    def __init__(self, count: int, distinct: int, sources: int) -> None:
        self.count = count
        self.distinct = distinct
        self.sources = sources


class Counts:
    """How often something happened to a subject: in all, with how many secrets, from how many addresses."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._file = os.memfd_create("posthouse counts", os.MFD_CLOEXEC)
        os.ftruncate(self._file, COUNT_ROWS * _COUNT_SIZE)
        self._rows = mmap.mmap(self._file, COUNT_ROWS * _COUNT_SIZE)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """For microseconds."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _digest(self, *parts: str) -> bytes:
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return blake2b(text, key=self._key, digest_size=16).digest()

    def _find(self, digest: bytes, now: float) -> tuple[int, bool]:
        """(place, whether it is the subject's); a place that may be taken if it is not."""
        size = WAYS * _COUNT_SIZE
        start = int.from_bytes(digest[:8], "little") % (COUNT_ROWS // WAYS) * size
        places = range(start, start + size, _COUNT_SIZE)
        ends = []
        for at in places:
            known, until, *_ = _HEAD.unpack_from(self._rows, at)
            if known == digest and until >= now:
                return at, True
            ends.append(until)
        return places[ends.index(min(ends))], False

    def get(self, kind: str, subject: str, now: float) -> tuple[int, float]:
        """(count, until when it holds)."""
        at, known = self._find(self._digest(kind, subject), now)
        if not known:
            return 0, 0.0
        _, until, count, _, _ = _HEAD.unpack_from(self._rows, at)
        return count, until

    def add(
        self, kind: str, subject: str, *, now: float, until: float, secret: bytes = b"", source: str = ""
    ) -> Count:
        """Once more; it is all remembered until `until`."""
        digest = self._digest(kind, subject)
        mark = blake2b(secret, key=self._key, digest_size=_MARK).digest() if secret else b""
        origin = self._digest(source)[:_MARK] if source else b""
        with self._locked():
            at, known = self._find(digest, now)
            count, distinct, sources = _HEAD.unpack_from(self._rows, at)[2:] if known else (0, 0, 0)
            distinct = self._mark(at + _HEAD.size, min(distinct, DISTINCT_MAX), mark, DISTINCT_MAX)
            start = at + _HEAD.size + _MARK * DISTINCT_MAX
            sources = self._mark(start, min(sources, SOURCES_MAX), origin, SOURCES_MAX)
            _HEAD.pack_into(self._rows, at, digest, until, count + 1, distinct, sources)
        return Count(count + 1, distinct, sources)

    def _mark(self, start: int, number: int, mark: bytes, most: int) -> int:
        """One more mark, unless it is there already; how many there are."""
        there = self._rows[start : start + _MARK * number]
        if (
            not mark
            or number == most
            or any(there[n : n + _MARK] == mark for n in range(0, len(there), _MARK))
        ):
            return number
        self._rows[start + len(there) : start + len(there) + _MARK] = mark
        return number + 1

    def forget(self, kind: str, subject: str, now: float) -> None:
        digest = self._digest(kind, subject)
        with self._locked():
            at, known = self._find(digest, now)
            if known:
                _HEAD.pack_into(self._rows, at, bytes(16), 0.0, 0, 0, 0)


class SharedSignIn:
    """One per node, made before the workers; of one process where there is none."""

    def __init__(self) -> None:
        self.verified = VerifiedPasswords()
        self.counts = Counts()
