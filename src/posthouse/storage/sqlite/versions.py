"""Whether a list has changed since it was read, without asking the database.

Two counters in a file of 16 bytes, which all processes of the node map: the writer adds to them between the commit of a
change and the answer to whoever asked for it.  So a process that finds the number under which it remembered a row knows
that no change was acknowledged since; hints, which come later, could not tell it that.

perf: after every commit the first read of a process costs it five locks, a new map of the database and the pages it
had: a quarter of the time of an APPEND, which asks for nothing but the id of a mailbox and whether there is a quota.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Generic, TypeVar

from posthouse.core.errors import Unavailable
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite.connection import log

VERSIONS_NAME: Final = "run/versions"
DIRECTORY: Final = 0
MAILBOXES: Final = 1
_COUNTERS: Final = struct.Struct("=2Q")
_OF_HINT: Final = {"directory": DIRECTORY, "mailboxes": MAILBOXES}
REMEMBERED_MAX: Final = 10_000

K = TypeVar("K")
V = TypeVar("V")


class Versions:
    """The writer's side.  The file stays when the writer goes, so that maps of it never go stale."""

    def __init__(self, root: Path) -> None:
        path = root / VERSIONS_NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        stored = os.pread(self._descriptor, _COUNTERS.size, 0)
        self._numbers = list(_COUNTERS.unpack(stored.ljust(_COUNTERS.size, b"\0")))
        self._unwritten = False
        # The writer before us may have been killed between a commit and this.
        for counter in range(len(self._numbers)):
            self._numbers[counter] += 1
        self._write()

    def note(self, hints: Iterable[Hint]) -> None:
        """Behind a commit, before its answers."""
        changed = {_OF_HINT[hint.kind] for hint in hints if hint.kind in _OF_HINT}
        for counter in changed:
            self._numbers[counter] += 1
        if changed or self._unwritten:
            try:
                self._write()
            except OSError as error:  # the 16 bytes are there, so hardly ever
                self._unwritten = True
                log.error("cannot tell the other processes of changes, it will be tried again: %s", error)

    def _write(self) -> None:
        # Not through a map: where a full disk refuses this, a map would end the process.
        os.pwrite(self._descriptor, _COUNTERS.pack(*self._numbers), 0)
        self._unwritten = False

    def close(self) -> None:
        os.close(self._descriptor)


class VersionsView:
    """What every process sees of it."""

    def __init__(self, root: Path) -> None:
        descriptor = os.open(root / VERSIONS_NAME, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._map = mmap.mmap(descriptor, _COUNTERS.size, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)

    def version(self, counter: int) -> bytes:
        """Raises Unavailable once it is closed: requests may still come in while a process stops."""
        try:
            return self._map[8 * counter : 8 * counter + 8]
        except ValueError:
            raise Unavailable("the store is closing") from None

    def close(self) -> None:
        self._map.close()


class Remembered(Generic[K, V]):
    """Rows read at one version of a list.  `keep` what is read, without waiting, after `get` found nothing."""

    def __init__(self, versions: VersionsView, counter: int) -> None:
        self._versions = versions
        self._counter = counter
        self._version = b""
        self._rows: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        version = self._versions.version(self._counter)
        if version != self._version:
            self._version = version
            self._rows.clear()
        return self._rows.get(key)

    def keep(self, key: K, row: V) -> None:
        if len(self._rows) >= REMEMBERED_MAX:
            self._rows.clear()
        self._rows[key] = row
