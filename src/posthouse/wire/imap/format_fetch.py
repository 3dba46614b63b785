"""FETCH responses: the items are compiled once per command, then each message costs one formatting.

A row is a tuple: first the storage columns that `RowTemplate.columns` names (UID always first), then one
value per entry of
`RowTemplate.sections`, in that order.  A section's value is bytes, None (answered NIL), for BINARY.SIZE an
int, or any object with a `size` (octets), which only `format_parts` takes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain, islice
from typing import Any, Final, Protocol, final

from posthouse.core.flags import RECENT

from .date_time import format_date_time, format_date_times
from .fetch_item import BinarySection, BinarySize, BodySection, FetchItem
from .flag_list import FlagLists
from .response import format_nstring

UID: Final = "uid"
MESSAGE: Final = "message"
FLAGS: Final = "flags"
MODSEQ: Final = "modseq"
SIZE: Final = "size"
DATE: Final = "date"
SAVEDATE: Final = "savedate"
ENVELOPE: Final = "envelope"
BODYSTRUCTURE: Final = "bodystructure"
BODY: Final = "body"
PREVIEW: Final = "preview"
THREAD: Final = "thread"
HEADER_FIELDS: Final = "header_fields"
LAYOUT: Final = "layout"

NUMBERS: Final = frozenset((UID, MESSAGE, FLAGS, MODSEQ, SIZE))
"""Columns of whole numbers."""
_PLACES: Final = re.compile(rb"%[db]")
BLOCK_BYTES: Final = 2048
"""Sections from this length on are handed to the transport as they are."""

Row = tuple[Any, ...]
Section = BodySection | BinarySection | BinarySize


class Sized(Protocol):
    """A section too long for memory: the session sends its octets itself."""

    @property
    def size(self) -> int: ...


def _savedate(seconds: float | None) -> bytes:
    return b"NIL" if seconds is None else format_date_time(seconds)


def _thread(thread: int | None) -> bytes:
    return b"(T%d)" % thread if thread is not None else b"NIL"


def _preview(text: bytes | str | None) -> bytes:
    return format_nstring(text.encode("utf-8") if isinstance(text, str) else text)


Maker = Callable[[Iterable[Any]], Iterable[bytes]]

# item -> (storage column, format, what makes the column's values fit the format)
_ITEMS: Final[dict[str, tuple[str, bytes, Maker | None]]] = {
    "UID": (UID, b"UID %d", None),
    "MODSEQ": (MODSEQ, b"MODSEQ (%d)", None),
    "RFC822.SIZE": (SIZE, b"RFC822.SIZE %d", None),
    "INTERNALDATE": (DATE, b"INTERNALDATE %b", format_date_times),
    "SAVEDATE": (SAVEDATE, b"SAVEDATE %b", partial(map, _savedate)),
    "ENVELOPE": (ENVELOPE, b"ENVELOPE %b", None),
    "BODYSTRUCTURE": (BODYSTRUCTURE, b"BODYSTRUCTURE %b", None),
    "BODY": (BODY, b"BODY %b", None),
    # RFC 8474 §5.1 and §5.2: object ids; a copy shares the message, and so its EMAILID.
    "EMAILID": (MESSAGE, b"EMAILID (M%d)", None),
    "THREADID": (THREAD, b"THREADID %b", partial(map, _thread)),
    "PREVIEW": (PREVIEW, b"PREVIEW %b", partial(map, _preview)),
    "PREVIEW.LAZY": (PREVIEW, b"PREVIEW %b", partial(map, _preview)),
}


@final
class RowTemplate:
    """What `compile_row` makes.  `columns` and `sections` say what a row has to hold, in order."""

    __slots__ = (
        "_flag_lists",
        "_format",
        "_makers",
        "_recent_from",
        "_show_uid",
        "_tails",
        "_text_format",
        "_woven",
        "columns",
        "only_numbers",
        "sections",
    )

    def __init__(
        self,
        columns: tuple[str, ...],
        sections: tuple[Section, ...],
        *,
        row_format: bytes,
        makers: tuple[Maker | None, ...],
        flag_lists: FlagLists,
        show_uid: bool,
        recent_from: int | None,
    ) -> None:
        self.columns = columns
        self.sections = sections
        self._format = row_format  # up to the first section
        self._makers = makers  # per column
        self._flag_lists = flag_lists
        self._show_uid = show_uid
        self._recent_from = recent_from
        blank = b"" if row_format.endswith(b"(") else b" "
        self._tails = tuple(
            (blank if at == 0 else b" ") + section.label + b" " for at, section in enumerate(sections)
        )
        texts = b"".join([tail.replace(b"%", b"%%") + b"{%d}\r\n%b" for tail in self._tails])
        self._text_format = row_format + texts + b")\r\n"
        self.only_numbers = not sections and NUMBERS.issuperset(columns)
        self._woven = _cut(row_format)  # for `format_numbers`

    def format_rows(self, numbers: Iterable[int], rows: Sequence[Row]) -> bytes:
        """All rows as one bytes object.  `numbers`: their sequence numbers, one per row."""
        if not rows:
            return b""
        values = self._values(numbers, rows)
        if not self.sections:
            # perf: one formatting of all rows takes a quarter less than one of each and a join.
            return (self._format * len(rows)) % tuple(chain.from_iterable(values))
        return b"".join(self._pieces(values, rows))

    def format_numbers(self, numbers: Sequence[int], columns: Sequence[Sequence[int]]) -> bytes:
        """`format_rows` where all columns are whole numbers (`only_numbers`), given column by column."""
        uids = columns[0]
        counted = list(map(str, numbers))
        texts = [counted]
        for name, column in zip(self.columns, columns, strict=True):
            if name == FLAGS:
                recent = len(uids) if self._recent_from is None else bisect_left(uids, self._recent_from)
                texts.append(_flag_texts(column, self._flag_lists, recent))
            elif name != UID:
                texts.append(list(map(str, column)))
            elif self._show_uid:
                texts.append(counted if _is_same(numbers, uids) else list(map(str, uids)))
        return _weave(self._woven, texts)

    def format_text_rows(self, numbers: Iterable[int], rows: Sequence[Row]) -> bytes:
        """`format_rows` of rows whose sections are short texts, all of them bytes and none of BINARY."""
        given = list(zip(*rows, strict=True))
        columns = self._shown(numbers, given[: len(self.columns)])
        for section in given[len(self.columns) :]:
            columns += (map(len, section), section)
        text = (self._text_format * len(rows)) % tuple(chain.from_iterable(zip(*columns, strict=True)))
        return hide_nul(text) if b"\x00" in text else text

    def format_blocks(self, numbers: Iterable[int], rows: Sequence[Row]) -> Iterator[bytes]:
        """`format_rows` in several objects, so that long sections are not copied: write them in this order."""
        small: list[bytes] = []
        for piece in self._pieces(self._values(numbers, rows), rows):
            if len(piece) < BLOCK_BYTES:
                small.append(piece)
            else:
                yield b"".join(small)  # at least what says how long the piece is
                yield piece
                small.clear()
        if small:
            yield b"".join(small)

    def _pieces(self, values: Iterable[Row], rows: Sequence[Row]) -> list[bytes]:
        heads = map(self._format.__mod__, values)
        out: list[bytes] = []
        first = len(self.columns)
        for head, row in zip(heads, rows, strict=True):
            out.append(head)
            for label, value in zip(self._tails, row[first:], strict=True):
                _add_section(out, label, value)
            out.append(b")\r\n")
        return out

    def format(self, number: int, row: Row) -> bytes:
        return self.format_rows((number,), (row,))

    def format_parts(self, number: int, row: Row) -> list[Any]:
        """One row as bytes and, where a section is a `Sized`, that object itself: write them in this
        order."""
        out: list[Any] = [self._format % next(self._values((number,), (row,)))]
        for label, value in zip(self._tails, row[len(self.columns) :], strict=True):
            if value is None or isinstance(value, bytes | int):
                _add_section(out, label, value)
            else:
                out.append(b"%b{%d}\r\n" % (label, value.size))
                out.append(value)
        out.append(b")\r\n")
        return out if self.sections else out[:1]

    def _values(self, numbers: Iterable[int], rows: Sequence[Row]) -> Iterator[Row]:
        """What the format takes, row by row."""
        columns = list(islice(zip(*rows, strict=True), len(self.columns)))
        return zip(*self._shown(numbers, columns), strict=True)

    def _shown(self, numbers: Iterable[int], columns: list[Any]) -> list[Iterable[Any]]:
        # perf: by column, so that no Python code runs per row (see bench/imap_wire.py).
        uids = columns[0]
        if self._recent_from is not None and FLAGS in self.columns and uids[-1] >= self._recent_from:
            at = self.columns.index(FLAGS)
            columns[at] = _with_recent(uids, columns[at], self._recent_from)
        shown = [
            maker(column) if maker else column for maker, column in zip(self._makers, columns, strict=True)
        ]
        if not self._show_uid:
            shown = shown[1:]
        return [numbers, *shown]


def _cut(row_format: bytes) -> tuple[bytes, list[str]]:
    """What begins the first row, and what stands behind each value of a row with room for the value before it; the last
    goes on with what begins the next row."""
    first, *literals, end = _PLACES.split(row_format)
    return first, [piece for literal in (*literals, end + first) for piece in ("", literal.decode("ascii"))]


def _weave(woven: tuple[bytes, list[str]], texts: Sequence[list[str]]) -> bytes:
    # perf: texts are put between each other by slices and joined once: 0.15 us a row for 0.25 by one formatting.
    first, between = woven
    out = between * len(texts[0])
    for at, column in enumerate(texts):
        out[2 * at :: len(between)] = column
    return first + "".join(out).encode("ascii")[: -len(first)]


def _flag_texts(flags: Sequence[int], flag_lists: FlagLists, recent: int) -> list[str]:
    """Of messages in the order of their UIDs; from the place `recent` on they have \\Recent."""
    kinds = frozenset(flags)
    text_of = {kind: flag_lists[kind].decode("ascii") for kind in kinds}
    if recent >= len(flags):
        return list(map(text_of.__getitem__, flags))
    recent_text_of = {kind: flag_lists[kind | RECENT].decode("ascii") for kind in kinds}
    return [*map(text_of.__getitem__, flags[:recent]), *map(recent_text_of.__getitem__, flags[recent:])]


def _is_same(numbers: Sequence[int], uids: Sequence[int]) -> bool:
    """Whether two ascending rows of numbers are one, seen from their ends: nothing was ever expunged before them."""
    return isinstance(numbers, range) and (numbers[0], numbers[-1]) == (uids[0], uids[-1])


def _with_recent(uids: Iterable[int], flags: Iterable[int], recent_from: int) -> list[int]:
    return [bits | RECENT if uid >= recent_from else bits for uid, bits in zip(uids, flags, strict=True)]


def hide_nul(octets: bytes) -> bytes:
    """RFC 9051 §4.3: no NUL in a literal; of the same length, so that offsets stay right."""
    return octets.replace(b"\x00", b"\x80")


def _add_section(out: list[Any], label: bytes, value: bytes | int | None) -> None:
    if value is None:
        out.append(label + b"NIL")
    elif isinstance(value, int):
        out.append(b"%b%d" % (label, value))
    elif b"\x00" in value:
        if b" BINARY[" in label or label.startswith(b"BINARY["):
            # RFC 3516 §4.3: octets with NUL go as literal8.
            out.append(b"%b~{%d}\r\n" % (label, len(value)))
            out.append(value)
        else:
            out.append(b"%b{%d}\r\n" % (label, len(value)))
            out.append(hide_nul(value))
    else:
        out.append(b"%b{%d}\r\n" % (label, len(value)))
        out.append(value)


def compile_row(
    items: Sequence[FetchItem],
    flag_lists: FlagLists,
    *,
    recent_from: int | None = None,
    word: bytes = b"FETCH",
) -> RowTemplate:
    """The template of one FETCH command.

    Simple items keep their order and come before sections.  `recent_from`: UIDs from there on get \\Recent
    (RFC 3501 §2.3.2), None in IMAP4rev2.  `word`: UIDFETCH (RFC 9586) for rows numbered by UID.
    """
    columns: list[str] = [UID]
    makers: list[Maker | None] = [None]
    formats: list[bytes] = []
    show_uid = "UID" in items
    if show_uid:
        formats.append(b"UID %d")
    sections: list[Section] = []
    for item in items:
        if not isinstance(item, str):
            sections.append(item)
        elif item == "FLAGS":
            columns.append(FLAGS)
            makers.append(partial(map, flag_lists.__getitem__))
            formats.append(b"FLAGS %b")
        elif item != "UID":
            column, text, maker = _ITEMS[item]
            columns.append(column)
            makers.append(maker)
            formats.append(text)
    head = b"* %d " + word + b" (" + b" ".join(formats)
    return RowTemplate(
        tuple(columns),
        tuple(sections),
        row_format=head if sections else head + b")\r\n",
        makers=tuple(makers),
        flag_lists=flag_lists,
        show_uid=show_uid,
        recent_from=recent_from,
    )


def format_flag_updates(
    numbers: Sequence[int],
    changed: Sequence[tuple[int, int, int]],
    flag_lists: FlagLists,
    *,
    uid: bool,
    modseq: bool,
    recent_from: int | None = None,
    word: bytes = b"FETCH",
) -> bytes:
    """FETCH responses for flags that changed: (uid, flags, modseq) tuples with their sequence numbers."""
    recent = len(changed) if recent_from is None else bisect_left(changed, (recent_from,))
    texts = [list(map(str, numbers)), _flag_texts([row[1] for row in changed], flag_lists, recent)]
    if uid:
        texts.insert(1, [str(row[0]) for row in changed])
    if modseq:
        texts.append([str(row[2]) for row in changed])
    return _weave(_cut_update(word, uid=uid, modseq=modseq), texts)


@cache
def _cut_update(word: bytes, *, uid: bool, modseq: bool) -> tuple[bytes, list[str]]:
    items = [b"UID %d"] * uid + [b"FLAGS %b"] + [b"MODSEQ (%d)"] * modseq
    return _cut(b"* %d " + word + b" (" + b" ".join(items) + b")\r\n")
