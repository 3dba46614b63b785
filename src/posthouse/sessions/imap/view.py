"""What one client has been told about the selected mailbox: the map between sequence numbers and UIDs.

Pure.  The view is a reference to a shared, immutable array of UIDs; it moves to a newer one in `advance`, which
says what has to be announced.  Where EXPUNGE may not be announced (RFC 9051 §5.5, §7.5.1: during FETCH, STORE and
SEARCH with sequence numbers), the messages that are gone stay in the view, in a private array, until it may.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, final

from posthouse.storage.rows import Changes, UidRanges
from posthouse.wire.imap.response import partial_slice
from posthouse.wire.imap.sequence_set import SequenceSet

_NOTHING: Final[Mapping[int, int]] = {}


class NoSuchMessageError(Exception):
    """A sequence number beyond the last message."""


@dataclass(slots=True)
class Updates:
    """What to announce, in this order.  Sequence numbers are right at the moment each line is sent."""

    expunged: list[int] = field(
        default_factory=list
    )  # sequence numbers, each after the ones before were removed
    vanished: list[int] = field(default_factory=list)  # the same messages as UIDs
    exists: int | None = None
    changed: list[tuple[int, int, int]] = field(default_factory=list)  # (uid, flags, modseq)
    seqs: list[int] = field(default_factory=list)  # the sequence number of each of `changed`

    def __bool__(self) -> bool:
        return bool(self.expunged or self.changed) or self.exists is not None


@final
class View:
    """`recent_from`: messages from this UID on are \\Recent for this session (RFC 3501 §2.3.2)."""

    __slots__ = ("_gone", "modseq", "recent_from", "safe_modseq", "saved", "uidnext", "uids")

    def __init__(self, uids: array[int], uidnext: int, modseq: int, *, recent_from: int = 0xFFFFFFFF) -> None:
        self.uids = uids
        self.uidnext = uidnext
        self.modseq = modseq
        self.safe_modseq = modseq  # everything up to here has been announced, expunges too
        self.recent_from = recent_from
        self.saved: UidRanges = []  # the result of SEARCH RETURN (SAVE), RFC 9051 §6.4.4.1
        self._gone: tuple[int, ...] = ()  # expunged, not announced yet; ascending, still in `uids`

    @property
    def exists(self) -> int:
        return len(self.uids)

    @property
    def recent(self) -> int:
        return len(self.uids) - bisect_left(self.uids, self.recent_from)

    @property
    def gone(self) -> tuple[int, ...]:
        """UIDs that were expunged and still have their numbers."""
        return self._gone

    @property
    def owes_expunges(self) -> bool:
        return bool(self._gone)

    # --- numbers ---

    def seq_of(self, uid: int) -> int:
        """The sequence number of a UID; 0 when it is not in the view."""
        at = bisect_left(self.uids, uid)
        return at + 1 if at < len(self.uids) and self.uids[at] == uid else 0

    def seqs_of(self, uids: Sequence[int]) -> Sequence[int]:
        """Sequence numbers of ascending UIDs that are all in the view; cheap when they follow each other."""
        if not uids:
            return ()
        start = bisect_left(self.uids, uids[0])
        stop = start + len(uids)
        if stop <= len(self.uids) and self.uids[stop - 1] == uids[-1]:
            return range(start + 1, stop + 1)
        return self.numbers_of(uids)

    def numbers_of(self, uids: Sequence[int]) -> Sequence[int]:
        """Sequence numbers of UIDs that are all in the view, in any order."""
        view = self.uids
        if view and view[-1] == len(view):
            return uids  # nothing was ever expunged
        if len(uids) * 16 > len(view):
            # perf: for many numbers one pass over the view costs less than searching for each
            number_of = dict(zip(view, range(1, len(view) + 1), strict=True))
            return list(map(number_of.__getitem__, uids))
        return [bisect_left(view, uid) + 1 for uid in uids]

    def _known(self, uids: Sequence[int]) -> Iterable[int]:
        """Those that are in the view."""
        if len(uids) * 16 > len(self.uids):
            return set(self.uids).intersection(uids)
        return [uid for uid in uids if self.seq_of(uid)]

    def present(self, uids: Sequence[int]) -> list[int]:
        """Those that are in the view and were not expunged, in their order."""
        view, gone = self.uids, frozenset(self._gone)
        if view and view[-1] - view[0] == len(view) - 1:
            first, last = view[0], view[-1]
            return [uid for uid in uids if first <= uid <= last and uid not in gone]
        if len(uids) * 16 > len(view):
            there = set(view).difference(gone)
            return [uid for uid in uids if uid in there]
        return [uid for uid in uids if self.seq_of(uid) and uid not in gone]

    def resolve(self, numbers: SequenceSet, *, uid: bool) -> UidRanges:
        """The messages of the view that a set names, as UID ranges.

        UIDs never appear between two others later, so a range of the view is a range of the store.  Raises
        NoSuchMessageError for sequence numbers beyond the last message; UIDs that do not exist name nothing.
        """
        if numbers.saved:
            # RFC 5182 §2.1: what was expunged is no longer in the result.
            saved = [clipped for pair in self.saved if (clipped := self._clip(*pair)) is not None]
            if not numbers.ranges:
                return saved
            named = self.resolve(SequenceSet(numbers.ranges), uid=uid)
            return SequenceSet((*saved, *named)).resolve(0)
        uids = self.uids
        if uid:
            ranges = numbers.resolve(uids[-1] if uids else 0)
            return [clipped for pair in ranges if (clipped := self._clip(*pair)) is not None]
        if not uids:
            # RFC 9051 §9 (seq-number): numbers beyond the last are errors; "*" of an empty mailbox names nothing.
            if numbers.largest() > 0 and not numbers.has_star:
                raise NoSuchMessageError
            return []
        if numbers.largest() > len(uids):
            raise NoSuchMessageError
        return [(uids[first - 1], uids[last - 1]) for first, last in numbers.resolve(len(uids))]

    def _clip(self, first: int, last: int) -> tuple[int, int] | None:
        low = bisect_left(self.uids, first)
        high = bisect_right(self.uids, last)
        return (self.uids[low], self.uids[high - 1]) if low < high else None

    def slice_of(self, first: int, last: int) -> slice:
        """The part of `uids` inside a UID range."""
        return slice(bisect_left(self.uids, first), bisect_right(self.uids, last))

    def parts(self, ranges: UidRanges, size: int) -> list[UidRanges]:
        """The ranges cut into pieces of at most `size` messages."""
        if self.count(ranges) <= size:
            return [ranges]
        cut: list[UidRanges] = []
        room = 0
        for first, last in ranges:
            found = self.slice_of(first, last)
            start = found.start
            while start < found.stop:
                if not room:
                    cut.append([])
                    room = size
                stop = min(start + room, found.stop)
                cut[-1].append((self.uids[start], self.uids[stop - 1]))
                room -= stop - start
                start = stop
        return cut

    def count(self, ranges: UidRanges) -> int:
        """How many messages of the view the ranges hold."""
        return sum(bisect_right(self.uids, last) - bisect_left(self.uids, first) for first, last in ranges)

    def part(self, ranges: UidRanges, partial: tuple[int, int]) -> UidRanges:
        """RFC 9394 §3.3: of the messages in the ranges those at some positions."""
        first, stop, _ = partial_slice(partial, count := self.count(ranges)).indices(count)
        out: UidRanges = []
        for low, high in ranges:
            where = self.slice_of(low, high)
            here = where.stop - where.start
            start, end = max(first, 0), min(stop, here)
            if start < end:
                out.append((self.uids[where.start + start], self.uids[where.start + end - 1]))
            first, stop = first - here, stop - here
        return out

    def all(self) -> UidRanges:
        return [(self.uids[0], self.uids[-1])] if self.uids else []

    # --- moving on ---

    def advance(
        self,
        uids: array[int],
        uidnext: int,
        modseq: int,
        changes: Iterable[Changes],
        *,
        expunge: bool,
        told: Mapping[int, int] = _NOTHING,
    ) -> Updates:
        """Move to a newer state of the mailbox.

        `changes` lead from this view to that state (they may reach further back).  `expunge`: EXPUNGE may be
        announced now.  `told`: UID -> modseq of flags that the client has just been sent.
        """
        flags: dict[int, tuple[int, int]] = {}
        gone = set(self._gone)
        for change in changes:
            gone.update(self._known(change.expunged))
            for uid, bits, at in change.changed:
                if at > self.modseq and uid < self.uidnext:
                    flags[uid] = bits, at
        updates = Updates()
        before, owed = len(self.uids), self.owes_expunges
        self._expunge(uids, gone, updates, expunge=expunge)
        if not self._gone:
            self.safe_modseq = modseq
        elif not owed:
            self.safe_modseq = self.modseq
        if len(self.uids) != before - len(updates.expunged):
            updates.exists = len(self.uids)
        for uid in sorted(flags):
            bits, at = flags[uid]
            if uid not in gone and told.get(uid) != at and (seq := self.seq_of(uid)):
                updates.seqs.append(seq)
                updates.changed.append((uid, bits, at))
        self.uidnext, self.modseq = uidnext, modseq
        return updates

    def has_been_told(self, modseq: int) -> None:
        """All that happened from here to `modseq` were flags that the client knows."""
        self.modseq = modseq
        if not self._gone:
            self.safe_modseq = modseq

    def _expunge(self, uids: array[int], gone: set[int], updates: Updates, *, expunge: bool) -> None:
        if not gone:
            self.uids = uids
        elif expunge:
            updates.vanished = sorted(gone)
            # RFC 9051 §7.5.1: each EXPUNGE lowers the numbers of what follows at once.
            updates.expunged = [seq - i for i, seq in enumerate(self.seqs_of(updates.vanished))]
            self.uids, self._gone = uids, ()
        else:
            self._gone = tuple(sorted(gone))
            self.uids = self.uids + uids[bisect_left(uids, self.uidnext) :]


def inside(uids: Iterable[int], ranges: UidRanges) -> list[int]:
    """Those that the ranges (ascending, disjoint) hold."""
    starts = [first for first, _ in ranges]
    ends = [0, *[last for _, last in ranges]]
    return [uid for uid in uids if uid <= ends[bisect_right(starts, uid)]]


def uid_ranges(uids: Iterable[int]) -> UidRanges:
    """Ascending numbers as (first, last) ranges without gaps."""
    out: UidRanges = []
    first = last = -1
    for uid in uids:
        if uid == last + 1:
            last = uid
        else:
            if first > 0:
                out.append((first, last))
            first = last = uid
    if first > 0:
        out.append((first, last))
    return out


def dense_ranges(view: Sequence[int], uids: Sequence[int]) -> UidRanges:
    """Ascending UIDs of a view as few ranges: neighbours in the view join even if their UIDs have a gap."""
    out: UidRanges = []
    at = -2
    for uid in uids:
        where = at + 1 if 0 <= at + 1 < len(view) and view[at + 1] == uid else bisect_left(view, uid)
        if where == at + 1 and out:
            out[-1] = (out[-1][0], uid)
        else:
            out.append((uid, uid))
        at = where
    return out
