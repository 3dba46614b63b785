"""FETCH responses: the items are compiled once per command, then each message costs one formatting.

A row is a tuple: first the storage columns that `RowTemplate.columns` names (UID always first), then one
value per entry of
`RowTemplate.sections`, in that order.  A section's value is bytes, None (answered NIL), for BINARY.SIZE an
int, or any object with a `size` (octets), which only `format_parts` takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
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
        "_between",
        "_first",
        "_format",
        "_makers",
        "_recent_from",
        "_show_uid",
        "_tails",
        "_text_format",
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
        show_uid: bool,
        recent_from: int | None,
    ) -> None:
        self.columns = columns
        self.sections = sections
        self._format = row_format  # up to the first section
        self._makers = makers  # per column
        self._show_uid = show_uid
        self._recent_from = recent_from
        blank = b"" if row_format.endswith(b"(") else b" "
        self._tails = tuple(
            (blank if at == 0 else b" ") + section.label + b" " for at, section in enumerate(sections)
        )
        texts = b"".join([tail.replace(b"%", b"%%") + b"{%d}\r\n%b" for tail in self._tails])
        self._text_format = row_format + texts + b")\r\n"
        self.only_numbers = not sections and NUMBERS.issuperset(columns)
        first, *literals, end = _PLACES.split(row_format)
        self._first = first
        self._between = [
            piece for literal in (*literals, end + first) for piece in ("", literal.decode("ascii"))
        ]  # for `format_numbers`: what stands behind each value of a row, the last with what begins the next row

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
        # perf: texts are put between each other by slices and joined once: 0.15 us a row for 0.25 by `format_rows`.
        counted = list(map(str, numbers))
        out: list[str] = self._between * len(counted)
        out[0 :: len(self._between)] = counted
        shown = columns if self._show_uid else columns[1:]
        names = self.columns if self._show_uid else self.columns[1:]
        for at, (name, column) in enumerate(zip(names, shown, strict=True), 1):
            if name == UID and _is_same(numbers, uids):
                texts = counted
            elif name == FLAGS:
                texts = self._flag_texts(uids, column)
            else:
                texts = list(map(str, column))
            out[2 * at :: len(self._between)] = texts
        return self._first + "".join(out).encode("ascii")[: -len(self._first)]

    def _flag_texts(self, uids: Sequence[int], flags: Sequence[int]) -> list[str]:
        maker = self._makers[self.columns.index(FLAGS)]
        assert maker is not None
        if self._recent_from is not None and uids[-1] >= self._recent_from:
            flags = _with_recent(uids, flags, self._recent_from)
        kinds = list(frozenset(flags))
        text_of = dict(zip(kinds, [text.decode("ascii") for text in maker(kinds)], strict=True))
        return list(map(text_of.__getitem__, flags))

    def format_text_rows(self, numbers: Iterable[int], rows: Sequence[Row]) -> bytes:
        """`format_rows` of rows whose sections are short texts, all of them bytes and none of BINARY."""
        given = list(zip(*rows, strict=True))
        columns = self._shown(numbers, given[: len(self.columns)])
        for section in given[len(self.columns) :]:
            columns += (map(len, section), section)
        return (self._text_format * len(rows)) % tuple(chain.from_iterable(zip(*columns, strict=True)))

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


def _is_same(numbers: Sequence[int], uids: Sequence[int]) -> bool:
    """Whether two ascending rows of numbers are one, seen from their ends: nothing was ever expunged before them."""
    return isinstance(numbers, range) and (numbers[0], numbers[-1]) == (uids[0], uids[-1])


def _with_recent(uids: Iterable[int], flags: Iterable[int], recent_from: int) -> list[int]:
    return [bits | RECENT if uid >= recent_from else bits for uid, bits in zip(uids, flags, strict=True)]


def _add_section(out: list[Any], label: bytes, value: bytes | int | None) -> None:
    if value is None:
        out.append(label + b"NIL")
    elif isinstance(value, int):
        out.append(b"%b%d" % (label, value))
    elif b"BINARY[" in label and b"\x00" in value:
        # RFC 3516 §4.3: octets with NUL go as literal8.
        out.append(b"%b~{%d}\r\n" % (label, len(value)))
        out.append(value)
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
    items = [*(("UID",) if uid else ()), "FLAGS", *(("MODSEQ",) if modseq else ())]
    template = compile_row(items, flag_lists, recent_from=recent_from, word=word)
    return template.format_rows(numbers, changed if modseq else [row[:2] for row in changed])
