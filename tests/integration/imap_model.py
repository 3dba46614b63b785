"""What one IMAP client has been told of the selected mailbox, by the rules alone.  No I/O.

The view follows from EXISTS, EXPUNGE, VANISHED and FETCH (RFC 9051 §5.5, §7.5; RFC 7162); what cannot be true, like an
EXPUNGE beyond EXISTS, an EXISTS that goes down or another UID for a number, raises `Violation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


class Violation(AssertionError):
    """The server said what it must not say."""


def parse_set(value: int | str) -> list[int]:
    """`4` or `1:3,7` as numbers, in the order in which they stand."""
    if isinstance(value, int):
        return [value]
    out: list[int] = []
    for part in value.split(","):
        first, _, last = part.partition(":")
        low, high = sorted((int(first), int(last or first)))
        out += range(low, high + 1)
    return out


@dataclass(slots=True, eq=False)
class Message:
    """What is known of a message; None: not told yet."""

    uid: int | None = None
    flags: frozenset[str] | None = None


@dataclass(slots=True)
class Cache:
    """What a QRESYNC client keeps of a mailbox while it is away."""

    uidvalidity: int
    modseq: int
    flags: dict[int, frozenset[str]]


class MailboxModel:
    """The selected mailbox, as told."""

    def __init__(self, name: str, *, read_only: bool, cache: Cache | None = None) -> None:
        self.name = name
        self.read_only = read_only
        self.messages: list[Message] = []
        self.uidvalidity = 0
        self.modseq = 0
        self.modseq_seen = 0  # the highest of FETCH since the last tagged answer
        self.modseq_told: int | None = None  # HIGHESTMODSEQ since the last tagged answer
        self._cached = cache
        self._opening: int | None = None  # EXISTS of a SELECT whose VANISHED (EARLIER) may still come

    @property
    def exists(self) -> int:
        return len(self.messages)

    # --- what is told ---

    def told_exists(self, count: int, *, selecting: bool) -> None:
        if selecting and self._opening is None and not self.messages:
            self._opening = count
            return
        self.settle()
        if count < self.exists:
            raise Violation(f"EXISTS went down from {self.exists} to {count}")
        self.messages += [Message() for _ in range(count - self.exists)]

    def settle(self) -> None:
        """RFC 7162 §3.2.5: what was cached and has not vanished is there, and new messages follow it."""
        if self._opening is None:
            return
        count, self._opening = self._opening, None
        known = sorted(self._cached.flags.items()) if self._cached else []
        if len(known) > count:
            raise Violation(f"{len(known)} cached messages did not vanish, but only {count} exist")
        self.messages = [Message(uid, flags) for uid, flags in known]
        self.messages += [Message() for _ in range(count - len(known))]

    def told_uidvalidity(self, value: int) -> None:
        self.uidvalidity = value
        if self._cached is not None and self._cached.uidvalidity != value:
            self._cached = None

    def told_expunge(self, number: int) -> None:
        self.settle()
        if not 1 <= number <= self.exists:
            raise Violation(f"EXPUNGE of {number}, but {self.exists} exist")
        del self.messages[number - 1]

    def told_vanished(self, uids: Iterable[int]) -> None:
        self.settle()
        for uid in uids:
            del self.messages[self._place_of(uid)]

    def told_vanished_earlier(self, uids: Iterable[int]) -> None:
        for uid in uids:
            if self._cached is not None:
                self._cached.flags.pop(uid, None)
            if self._opening is None and any(m.uid == uid for m in self.messages):
                raise Violation(f"VANISHED (EARLIER) of {uid}, which is in the mailbox")

    def _place_of(self, uid: int) -> int:
        """Its index, or that of a message without known UID in whose place it must have been."""
        unknown = None
        for at, message in enumerate(self.messages):
            if message.uid == uid:
                return at
            if message.uid is None:
                unknown = at
            elif message.uid > uid:
                break
        if unknown is None:
            raise Violation(f"VANISHED {uid}, which is not in the mailbox")
        return unknown

    def told_fetch(self, number: int, pairs: dict[str, Any]) -> Message:
        self.settle()
        if not 1 <= number <= self.exists:
            raise Violation(f"FETCH of {number}, but {self.exists} exist")
        message = self.messages[number - 1]
        if (uid := pairs.get("UID")) is not None:
            if message.uid not in (None, uid):
                raise Violation(f"message {number} has UID {uid}, but was told to have {message.uid}")
            message.uid = uid
            self._check_order(number - 1, uid)
        if (flags := pairs.get("FLAGS")) is not None:
            message.flags = frozenset(flags) - {"\\Recent"}
        if (modseq := pairs.get("MODSEQ")) is not None:
            self.modseq_seen = max(self.modseq_seen, modseq[0])
        return message

    def _check_order(self, at: int, uid: int) -> None:
        before = next((m.uid for m in self.messages[at - 1 :: -1] if m.uid is not None), 0) if at else 0
        after = next((m.uid for m in self.messages[at + 1 :] if m.uid is not None), uid + 1)
        if not before < uid < after:
            raise Violation(f"UID {uid} of message {at + 1} does not stand between {before} and {after}")

    def answered(self) -> None:
        """RFC 7162 §6: what the client's copy of HIGHESTMODSEQ is after a tagged answer."""
        self.settle()
        if self.modseq_told is not None:
            self.modseq = self.modseq_told
        else:
            self.modseq = max(self.modseq, self.modseq_seen)
        self.modseq_told, self.modseq_seen = None, 0

    def cache(self) -> Cache:
        """The messages up to the first that is not known well."""
        known: dict[int, frozenset[str]] = {}
        for message in self.messages:
            if message.uid is None or message.flags is None:
                break
            known[message.uid] = message.flags
        return Cache(self.uidvalidity, self.modseq, known)

    # --- what is asked ---

    def differences(self, truth: Sequence[tuple[int, frozenset[str]]]) -> list[str]:
        """Where what was told is not what is stored."""
        if self.exists != len(truth):
            return [
                f"{self.name}: told of {self.exists} messages {[m.uid for m in self.messages]}, there are "
                f"{len(truth)}: {[uid for uid, _ in truth]}"
            ]
        out = []
        for number, (message, (uid, flags)) in enumerate(zip(self.messages, truth, strict=True), 1):
            if message.uid not in (None, uid):
                out.append(f"{self.name}: message {number} is UID {uid}, told {message.uid}")
            if message.flags not in (None, flags):
                told = sorted(message.flags or ())
                out.append(f"{self.name}: message {number} (UID {uid}) has {sorted(flags)}, told {told}")
        return out
