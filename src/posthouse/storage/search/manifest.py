"""Which segments an index consists of, and which messages of which mailboxes they cover: the file `index`."""

from __future__ import annotations

import os
import zlib
from array import array
from bisect import bisect_left
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from posthouse.core.ids import MailboxId

NAME: Final = "index"
_VERSION: Final = 1
_SPARSE: Final = 16


class CorruptManifest(Exception):
    """The file is not what was written, or was written by another version."""


class OtherTextsError(CorruptManifest):
    """The index was made with the text of attached documents, and is wanted without, or the other way round."""


class Box:
    """A mailbox as the index knows it: its UIDs up to `through`, each with its message.  Both ascend in step."""

    __slots__ = ("_doubles", "_ordered", "messages", "through", "uids")

    def __init__(
        self, through: int = 0, uids: array[int] | None = None, messages: array[int] | None = None
    ) -> None:
        self.through = through
        self.uids: array[int] = array("I") if uids is None else uids
        self.messages: array[int] = array("Q") if messages is None else messages
        self._ordered: bool | None = None  # not looked at yet
        self._doubles = True

    def extend(self, rows: list[tuple[Any, ...]], through: int) -> None:
        """Rows of (uid, message)."""
        self.uids.extend([row[0] for row in rows])
        self.messages.extend([row[1] for row in rows])
        self.through = through
        self._ordered = None

    def keep(self, uids: frozenset[int]) -> None:
        """Forget all but these."""
        kept = [(uid, message) for uid, message in zip(self.uids, self.messages, strict=True) if uid in uids]
        self.uids = array("I", [uid for uid, _ in kept])
        self.messages = array("Q", [message for _, message in kept])
        self._ordered = None

    def uids_of(self, found: set[int]) -> list[int]:
        """UIDs of these messages, ascending."""
        if len(found) * _SPARSE < len(self.uids) and self._is_ordered():
            # perf: messages arrive in the order of their ids nearly everywhere
            return self._each_of(sorted(found))
        pairs = zip(self.uids, self.messages, strict=True)
        return [uid for uid, message in pairs if message in found]

    def those_in(self, found: set[int]) -> set[int]:
        """Those of the messages that are in the mailbox."""
        if len(found) * _SPARSE < len(self.messages) and self._is_ordered():
            messages, count = self.messages, len(self.messages)
            places = [(bisect_left(messages, message), message) for message in found]
            return {message for at, message in places if at < count and messages[at] == message}
        return found.intersection(self.messages)

    def by_uid(self, found: dict[int, float]) -> dict[int, float]:
        """What is known of these messages, by UID, ascending."""
        pairs = zip(self.uids, self.messages, strict=True)
        return {uid: found[message] for uid, message in pairs if message in found}

    def _each_of(self, found: list[int]) -> list[int]:
        """By looking for each message; one may be there more than once."""
        messages, uids = self.messages, self.uids
        if not self._doubles:
            first, count = messages[0], len(messages)
            if messages[-1] - first == count - 1:  # of one import, say
                return [uids[message - first] for message in found if 0 <= message - first < count]
            places = map(partial(bisect_left, messages), found)
            pairs = zip(places, found, strict=True)
            return [uids[at] for at, message in pairs if at < count and messages[at] == message]
        every = []
        for message in found:
            at = bisect_left(messages, message)
            while at < len(messages) and messages[at] == message:
                every.append(uids[at])
                at += 1
        return every

    def _is_ordered(self) -> bool:
        if self._ordered is None:
            self._ordered = list(self.messages) == sorted(self.messages)
            self._doubles = len(set(self.messages)) < len(self.messages)
        return self._ordered


class _Written(Struct, array_like=True):
    version: int
    number: int
    segments: list[tuple[str, int, int]]
    boxes: list[tuple[int, int, bytes, bytes]]
    extracts: bool = False


class Manifest:
    """`segments` are (file name, messages, bytes); `number` names the next one."""

    def __init__(self) -> None:
        self.number = 1
        self.segments: list[tuple[str, int, int]] = []
        self.boxes: dict[MailboxId, Box] = {}
        self.extracts = False  # attached documents are part of the text


def read_manifest(directory: Path, *, extracts: bool | None = None) -> Manifest:
    """`extracts`: as it has to be.  Raises FileNotFoundError, CorruptManifest, OtherTextsError."""
    data = (directory / NAME).read_bytes()
    try:
        if zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
            raise CorruptManifest(f"{directory}: checksum")
        written = msgspec.msgpack.decode(data[4:], type=_Written)
        if written.version != _VERSION:
            raise CorruptManifest(f"{directory}: version {written.version}")
        manifest = Manifest()
        manifest.number, manifest.segments = written.number, written.segments
        manifest.extracts = written.extracts
        if extracts is not None and extracts is not written.extracts:
            raise OtherTextsError(f"{directory}: extracts={written.extracts}")
        for mailbox, through, uids, messages in written.boxes:
            manifest.boxes[MailboxId(mailbox)] = Box(through, array("I", uids), array("Q", messages))
    except (msgspec.MsgspecError, ValueError) as error:
        raise CorruptManifest(f"{directory}: {error}") from error
    return manifest


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Replace the file as a whole."""
    boxes: list[tuple[int, int, bytes, bytes]] = [
        (mailbox, box.through, box.uids.tobytes(), box.messages.tobytes())
        for mailbox, box in manifest.boxes.items()
    ]
    data = msgspec.msgpack.encode(
        _Written(_VERSION, manifest.number, manifest.segments, boxes, manifest.extracts)
    )
    staged = directory / (NAME + ".new")
    with staged.open("wb") as file:
        file.write(zlib.crc32(data).to_bytes(4, "little") + data)
        file.flush()
        os.fsync(file.fileno())
    staged.rename(directory / NAME)
