"""An index in use: answers questions about the messages of one account.  Belongs in a thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from posthouse.core.ids import MailboxId
from posthouse.mime.fuzzy import Needle
from posthouse.storage.rows import AlikeFound, AlikeSought, MessagesFound, TextFound, TextSought
from posthouse.storage.search.alike import alike
from posthouse.storage.search.manifest import NAME, Box, Manifest, read_manifest
from posthouse.storage.search.segment import SHORT_FIELDS, Segment

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
        return TextFound(box.through, [box.uids_of(_messages(segments, (one,))) for one in sought])

    def find_messages(
        self, sought: Sequence[Sequence[TextSought]], mailbox: MailboxId | None
    ) -> MessagesFound | None:
        """The same for groups of texts of which one is enough, without regard to where messages are."""
        with self._lock:
            if not self._refresh():
                return None
            segments, boxes = list(self._segments.values()), self._manifest.boxes
        if mailbox is not None and mailbox not in boxes:
            return None
        found = [_messages(segments, group) for group in sought]
        if mailbox is not None:
            found = [boxes[mailbox].those_in(one) for one in found]
        return MessagesFound({number: box.through for number, box in boxes.items()}, found)

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


def _messages(segments: list[Segment], sought: Sequence[TextSought]) -> set[int]:
    """Those that have one of the texts at least."""
    # perf: short fields are quick, and what is found there is not unpacked to look into its body.
    ordered = sorted(sought, key=lambda one: (one.where != "HEADER", one.field not in SHORT_FIELDS))
    found: set[int] = set()
    for segment in segments:
        docs: set[int] = set()
        for one in ordered:
            if one.where == "HEADER":
                docs |= segment.having_field(one.field, one.needle)
            elif one.where == "BODY":
                docs |= segment.having_body(one.needle, docs)
            else:
                docs |= segment.having_text(one.needle, docs)
        messages = segment.messages
        found.update([messages[doc] for doc in docs])
    return found
