"""SEARCH keys as tests of one row.  Pure; text is decoded here, so calls that need text belong in a thread.

`compile_key` turns a key into a function of a row that answers True, False, or None: not without more columns.
Rows hold a prefix of `COLUMNS`; the caller first tries the cheapest prefix that can decide (`Plan.columns`),
then reads the message of those rows only that are still open.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, final

from posthouse.core.flags import FIRST_KEYWORD_BIT, RECENT
from posthouse.mime.dates import parse_day
from posthouse.mime.facts import HEADER_FIELDS
from posthouse.mime.header import Fields, header_text, parse_fields
from posthouse.mime.kept import KeptSelector
from posthouse.mime.layout import unpack_layout
from posthouse.mime.search_text import Extract, fold, folded_fields
from posthouse.storage.rows import TextSought, UidRanges
from posthouse.wire.imap import search_key as k
from posthouse.wire.imap.sequence_set import SequenceSet

from .likeness import Scores, likeness_test
from .search_index import Known, sought_of
from .searched_text import SearchedText
from .view import View

COLUMNS: Final = (
    "uid", "flags", "modseq", "size", "date", "savedate", "message",
    "sent_at", "kept_fields", "thread",
    "layout", "content",
)  # fmt: skip
_UID, _FLAGS, _MODSEQ, _SIZE, _DATE, _SAVED, _MESSAGE, _SENT, _FIELDS, _THREAD, _LAYOUT, _CONTENT = range(12)
FLAG_COLUMNS: Final = 3
PLACEMENT_COLUMNS: Final = 7
FACT_COLUMNS: Final = 10
ALL_COLUMNS: Final = 12

Row = tuple[Any, ...]
Test = Callable[[Row], bool | None]
_KEPT: Final = frozenset(HEADER_FIELDS)
_NOT_PLAIN: Final = re.compile(rb"=\?|\n[ \t]|[\x80-\xff]")
_DAY_S: Final = 86400
_ZONE_MAX_S: Final = 26 * 3600  # no clock on earth is further from another than this


@dataclass(slots=True)
class Plan:
    """How to answer one SEARCH: `width` columns decide what can be decided without the message."""

    ranges: UidRanges  # nothing outside these matches
    width: int
    test: Test
    open_ended: bool  # test may say None, then rows with all columns decide
    asks_text: bool = False  # of what an index could answer

    @property
    def columns(self) -> tuple[str, ...]:
        return COLUMNS[: self.width]


@final
class Matcher:
    """Compiles keys for one SEARCH.  Raises NoSuchMessageError for sequence numbers that do not exist."""

    __slots__ = (
        "_alike",
        "_extract",
        "_folded",
        "_keywords",
        "_known",
        "_needles",
        "_now",
        "_row",
        "_selectors",
        "_text",
        "_text_uid",
        "_unknown",
        "_view",
        "scores",
        "width",
    )

    def __init__(
        self,
        view: View,
        keywords: tuple[str, ...],
        now: float,
        known: Mapping[TextSought, Known] | None = None,
        extract: Extract | None = None,
        alike: Mapping[int, tuple[Known, dict[int, float]]] | None = None,
    ) -> None:
        self._alike = alike or {}
        self._extract = extract
        self._view = view
        self._known = known or {}
        self._unknown = False
        self._needles: list[str] = []
        self._keywords = {name.lower(): 1 << (FIRST_KEYWORD_BIT + i) for i, name in enumerate(keywords)}
        self._now = now
        self._text: SearchedText | None = None
        self._text_uid = 0
        self._row: Row = ()  # the next is of it
        self._folded: dict[str, Fields] = {}
        self._selectors: dict[str, Callable[[bytes], bytes]] = {}
        self.scores: Scores = {}
        self.width = 1

    def plan(self, key: k.SearchKey) -> Plan:
        test = self.compile_key(key)
        width = min(self.width, FACT_COLUMNS)
        return Plan(self._bounds(key), width, test, self._unknown or self.width > FACT_COLUMNS)

    def _bounds(self, key: k.SearchKey) -> UidRanges:
        """UID ranges outside of which the key cannot hold."""
        if isinstance(key, k.Sequence):
            return self._view.resolve(key.numbers, uid=False)
        if isinstance(key, k.Uid):
            return self._view.resolve(key.numbers, uid=True)
        if isinstance(key, k.Header | k.Text) and (known := self._known.get(sought_of(key))) is not None:
            return known.ranges()
        if isinstance(key, k.Like) and id(key) in self._alike:
            return self._alike[id(key)][0].ranges()
        if isinstance(key, k.And):
            every = self._view.all()
            found = [ranges for part in key.keys if (ranges := self._bounds(part)) != every]
            return min(found, key=self._view.count) if found else every
        return self._view.all()

    def _need(self, width: int) -> None:
        self.width = max(self.width, width)

    def compile_key(self, key: k.SearchKey) -> Test:
        match key:
            case k.All():
                return lambda _: True
            case k.And(keys):
                return _all([self.compile_key(part) for part in sorted(keys, key=_cost)])
            case k.Or(left, right):
                first, second = sorted((left, right), key=_cost)
                return _either(self.compile_key(first), self.compile_key(second))
            case k.Not(inner):
                return _not(self.compile_key(inner))
            case k.Flag(bit, present):
                return self._flag(bit, present=present)
            case k.Keyword(name, present):
                return self._flag(self._keywords.get(name.lower(), 0), present=present)
            case k.Sequence(numbers):
                return self._members(numbers, uid=False)
            case k.Uid(numbers):
                return self._members(numbers, uid=True)
            case k.Header() | k.Text():
                known = self._known.get(sought_of(key))
                return self._text_key(key) if known is None else self._known_key(key, known)
            case k.Like():
                return self._like(key)
            case _:
                return self._fact_key(key)

    def _fact_key(self, key: k.SearchKey) -> Test:
        match key:
            case k.ModSeq(value):
                self._need(FLAG_COLUMNS)
                return lambda row: bool(row[_MODSEQ] >= value)
            case k.Size("larger", size):
                self._need(PLACEMENT_COLUMNS)
                return lambda row: bool(row[_SIZE] > size)
            case k.Size(_, size):
                self._need(PLACEMENT_COLUMNS)
                return lambda row: bool(row[_SIZE] < size)
            case k.Within(op, seconds):
                self._need(PLACEMENT_COLUMNS)
                limit = self._now - seconds
                # RFC 5032 §2: the interval's end counts for both
                return lambda row: bool(row[_DATE] <= limit if op == "older" else row[_DATE] >= limit)
            case k.Date("sent", op, day):
                self._need(ALL_COLUMNS)
                return self._sent(op, day)
            case k.Date(which, op, day):
                self._need(PLACEMENT_COLUMNS)
                return _on_day(_DATE if which == "internal" else _SAVED, op, day)
            case k.EmailId(text):
                self._need(PLACEMENT_COLUMNS)
                return lambda row: f"M{row[_MESSAGE]}" == text
            case k.ThreadId(text):
                self._need(FACT_COLUMNS)
                return lambda row: bool(row[_THREAD]) and f"T{row[_THREAD]}" == text
            case _:  # SAVEDATESUPPORTED: every mailbox keeps it
                return lambda _: True

    # --- leaves ---

    def _flag(self, bit: int, *, present: bool) -> Test:
        if bit == RECENT:
            from_uid = self._view.recent_from
            return lambda row: (row[_UID] >= from_uid) is present
        self._need(FLAG_COLUMNS)
        if present:
            return lambda row: row[_FLAGS] & bit != 0
        return lambda row: row[_FLAGS] & bit == 0

    def _members(self, numbers: SequenceSet, *, uid: bool) -> Test:
        ranges = self._view.resolve(numbers, uid=uid)
        if len(ranges) == 1:
            low, high = ranges[0]
            return lambda row: low <= row[_UID] <= high
        starts = [first for first, _ in ranges]
        ends = [0, *[last for _, last in ranges]]
        return lambda row: row[_UID] <= ends[bisect_right(starts, row[_UID])]

    def _sent(self, op: str, day: date) -> Test:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()

        def test(row: Row) -> bool | None:
            moment = row[_SENT]
            if moment is None:
                return False
            # RFC 9051 §6.4.4: the zone of the Date field is disregarded, so near midnight the field itself decides
            if moment < start - _ZONE_MAX_S:
                return op == "before"
            if moment >= start + _DAY_S + _ZONE_MAX_S:
                return op == "since"
            fields = self._fields(row, "date")
            if fields is None:
                return None
            sent = next((found for _, value in fields if (found := parse_day(value))), None)
            return sent is not None and _compare_day(op, sent, day)

        return test

    def _fields(self, row: Row, name: str) -> Fields | None:
        """Fields of that name (lower case), with folded values; None: they are not in the row."""
        if self._row is not row:
            # perf: a search may ask for hundreds of texts in the fields of one message
            self._row, self._folded = row, {}
        if (known := self._folded.get(name)) is not None:
            return known
        if name in _KEPT and row[_FIELDS]:
            fields = parse_fields(header_text(self._selector(name)(row[_FIELDS])))
        elif len(row) > _CONTENT:
            fields = self._message(row).fields
        else:
            return None
        found = self._folded[name] = folded_fields([field for field in fields if field[0].lower() == name])
        return found

    def _selector(self, name: str) -> Callable[[bytes], bytes]:
        """What takes the fields of this name, of `HEADER_FIELDS`, out of those that are kept."""
        if (known := self._selectors.get(name)) is None:
            known = self._selectors[name] = KeptSelector((name.upper().encode(),)).select
        return known

    def _has_folded(self, row: Row, name: str) -> bool:
        return self._row is row and name in self._folded

    def _whole(self, row: Row) -> SearchedText | None:
        return self._message(row) if len(row) > _CONTENT else None

    def _message(self, row: Row) -> SearchedText:
        if self._text is None or self._text_uid != row[_UID]:
            self._text, self._text_uid = (
                SearchedText(row[_CONTENT], unpack_layout(row[_LAYOUT]), self._extract, self._needles),
                row[_UID],
            )
        return self._text

    def _like(self, key: k.Like) -> Test:
        width = self.width
        self._need(ALL_COLUMNS)
        read = likeness_test(key, self.scores, self._fields, self._whole)
        if (found := self._alike.get(id(key))) is None:
            return read
        known, alike = found
        self.width = width  # as in `_known_key`
        self._unknown = self._unknown or not known.is_whole
        scores, number, through = self.scores, id(key), known.through

        def test(row: Row) -> bool | None:
            if row[_UID] > through:
                return read(row) if len(row) > _CONTENT else None
            if (likeness := alike.get(row[_UID])) is None:
                return False
            scores.setdefault(row[_UID], {})[number] = likeness
            return True

        return test

    def _known_key(self, key: k.Header | k.Text, known: Known) -> Test:
        """The index answers; messages it has not seen yet are read."""
        through, uids = known.through, frozenset(known.uids)
        if known.is_whole:
            return lambda row: row[_UID] in uids
        self._unknown = True
        width = self.width
        read = self._text_key(key)
        self.width = width  # rows that need the columns are few, and get all of them later

        def test(row: Row) -> bool | None:
            if row[_UID] <= through:
                return row[_UID] in uids
            return read(row) if len(row) > _CONTENT else None

        return test

    def _text_key(self, key: k.Header | k.Text) -> Test:
        self._need(ALL_COLUMNS)
        needle = fold(key.value)
        if isinstance(key, k.Header):
            return self._header(key.name.lower(), needle)
        whole = key.where == "TEXT"
        self._needles.append(needle)

        def test(row: Row) -> bool | None:
            if len(row) <= _CONTENT:
                return None
            message = self._message(row)
            return (whole and message.header_holds(needle)) or message.body_holds(needle)

        return test

    def _header(self, name: str, needle: str) -> Test:
        # perf: most rows lack the text; undecoded bytes say so when nothing in them is encoded
        raw = needle.encode()
        plain = name in _KEPT and needle.isascii() and needle.strip() == needle
        select = self._selector(name) if plain else None

        def test(row: Row) -> bool | None:
            kept = row[_FIELDS]
            if select is not None and kept and not self._has_folded(row, name):
                stands = select(kept)
                if raw not in stands.lower() and _NOT_PLAIN.search(stands) is None:
                    return False
            fields = self._fields(row, name)
            if fields is None:
                return None
            return any(needle in value for _, value in fields)

        return test


def _cost(key: k.SearchKey) -> int:
    """Cheap tests first."""
    match key:
        case k.Like():
            return 5
        case k.Text():
            return 4
        case k.Header():
            return 3
        case k.Date("sent"):
            return 2
        case k.Not(inner):
            return _cost(inner)
        case k.Or(left, right):
            return max(_cost(left), _cost(right))
        case k.And(keys):
            return max(map(_cost, keys), default=0)
        case _:
            return 0


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(row: Row) -> bool | None:
        answer: bool | None = True
        for part in tests:
            if not (found := part(row)):
                if found is None:
                    answer = None
                else:
                    return False
        return answer

    return test


def _either(first: Test, second: Test) -> Test:
    def test(row: Row) -> bool | None:
        if found := first(row):
            return True
        other = second(row)
        return other if found is False or other else None

    return test


def _not(inner: Test) -> Test:
    def test(row: Row) -> bool | None:
        found = inner(row)
        return None if found is None else not found

    return test


def _on_day(column: int, op: str, day: date) -> Test:
    """INTERNALDATE is shown in UTC, so its days are days of UTC."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    end = start + _DAY_S
    if op == "before":
        return lambda row: bool(row[column] < start)
    if op == "since":
        return lambda row: bool(row[column] >= start)
    return lambda row: bool(start <= row[column] < end)


def _compare_day(op: str, found: date, day: date) -> bool:
    if op == "before":
        return found < day
    return found >= day if op == "since" else found == day
