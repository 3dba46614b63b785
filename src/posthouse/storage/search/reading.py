"""An index in use: answers questions about the messages of one account.  Belongs in a thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from posthouse.core.ids import MailboxId
from posthouse.mime.fuzzy import Needle
from posthouse.storage.rows import AlikeFound, AlikeSought, TextFound, TextSought
from posthouse.storage.search.alike import alike
from posthouse.storage.search.manifest import NAME, Box, Manifest, read_manifest
from posthouse.storage.search.segment import Segment

_TRIES: Final = 3


class IndexReader:
    """Follows the index as it is replaced."""

    def __init__(self, directory: Path, *, extracts: bool) -> None:
        self._extracts = extracts
        self._directory = directory
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] = (0, 0)
        self._manifest = Manifest()
        self._segments: dict[str, Segment] = {}

    def find(self, mailbox: MailboxId, sought: Sequence[TextSought]) -> TextFound | None:
        """None when the index does not cover the mailbox.  Raises OSError, OtherTextsError and what damaged
        files lead to."""
        box, segments = self._open(mailbox)
        if box is None:
            return None
        return TextFound(box.through, [box.uids_of(_messages(segments, one)) for one in sought])

    def find_alike(self, mailbox: MailboxId, sought: Sequence[AlikeSought]) -> AlikeFound | None:
        """The same for FUZZY."""
        box, segments = self._open(mailbox)
        if box is None:
            return None
        return AlikeFound(box.through, [box.by_uid(_alike_messages(segments, one)) for one in sought])

    def _open(self, mailbox: MailboxId) -> tuple[Box | None, list[Segment]]:
        with self._lock:
            there = self._refresh()
            return self._manifest.boxes.get(mailbox) if there else None, list(self._segments.values())

    def _refresh(self) -> bool:
        """Take on the newest index; False: there is none."""
        for attempt in range(_TRIES):
            try:
                stat = os.stat(self._directory / NAME)
                stamp = stat.st_mtime_ns, stat.st_ino
                if stamp != self._stamp:
                    manifest = read_manifest(self._directory, extracts=self._extracts)
                    names = [name for name, _, _ in manifest.segments]
                    known = self._segments
                    self._segments = {n: known.get(n) or Segment(self._directory / n) for n in names}
                    self._manifest, self._stamp = manifest, stamp
            except FileNotFoundError:
                # Segments of an index that has just been replaced may be gone.
                if attempt == _TRIES - 1:
                    return False
            else:
                return True
        return False


def _alike_messages(segments: list[Segment], sought: AlikeSought) -> dict[int, float]:
    needle = Needle(sought.value)
    found: dict[int, float] = {}
    for segment in segments:
        messages = segment.messages
        found |= {messages[doc]: likeness for doc, likeness in alike(segment, sought, needle).items()}
    return found


def _messages(segments: list[Segment], sought: TextSought) -> set[int]:
    found: set[int] = set()
    for segment in segments:
        if sought.where == "HEADER":
            docs = segment.having_field(sought.field, sought.needle)
        elif sought.where == "BODY":
            docs = segment.having_body(sought.needle)
        else:
            docs = segment.having_text(sought.needle)
        messages = segment.messages
        found.update([messages[doc] for doc in docs])
    return found
