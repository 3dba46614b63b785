"""What SEARCH asks for, as a tree of small values.  RFC 9051 §6.4.4; RFC 3501 §6.4.4 for NEW, OLD, RECENT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Literal

from msgspec import Struct

from .sequence_set import SequenceSet


class All(Struct):
    """Every message."""


class Flag(Struct):
    """System flag `bit` (a constant of `core.flags`, RECENT included) is set, or not."""

    bit: int
    present: bool = True


class Keyword(Struct):
    """Keyword is set, or not; names compare without case."""

    name: str
    present: bool = True


class Header(Struct):
    """Field `name` contains `value`; FROM, TO, CC, BCC and SUBJECT come as this too.  An empty value: the
    field exists."""

    name: str
    value: str


class Text(Struct):
    """The decoded text contains `value`: "BODY" without, "TEXT" with the header."""

    where: Literal["BODY", "TEXT"]
    value: str


class Like(Struct):
    """RFC 6203 §3: Header (with `name`) or Text under FUZZY."""

    where: Literal["HEADER", "BODY", "TEXT"]
    value: str
    name: str = ""


class Date(Struct):
    """A day compared with the internal date, the Date field, or the save date (RFC 8514); time and zone
    disregarded."""

    which: Literal["internal", "sent", "saved"]
    op: Literal["before", "on", "since"]
    day: date


class SaveDateSupported(Struct):
    """RFC 8514 §4.3."""


class Size(Struct):
    op: Literal["larger", "smaller"]
    size_bytes: int


class Within(Struct):
    """RFC 5032: internal date older or younger than `seconds` before now."""

    op: Literal["older", "younger"]
    seconds: int


class ModSeq(Struct):
    """RFC 7162 §3.1.5: modseq is at least `value`; `entry` and `entry_type` as given, if given."""

    value: int
    entry: str | None = None
    entry_type: str | None = None


class Sequence(Struct):
    numbers: SequenceSet


class Uid(Struct):
    numbers: SequenceSet


class EmailId(Struct):
    """RFC 8474 §4."""

    id: str


class ThreadId(Struct):
    id: str


class Filter(Struct):
    """RFC 5466 §3.1: the search that is stored under this name (lower case); the session puts it in its place."""

    name: str
    fuzzy: bool = False


class Not(Struct):
    key: SearchKey


class Or(Struct):
    left: SearchKey
    right: SearchKey


class And(Struct):
    keys: tuple[SearchKey, ...]


SearchKey = (
    All
    | Flag
    | Keyword
    | Header
    | Text
    | Like
    | Date
    | SaveDateSupported
    | Size
    | Within
    | ModSeq
    | Sequence
    | Uid
    | EmailId
    | ThreadId
    | Filter
    | Not
    | Or
    | And
)


def leaves(key: SearchKey) -> Iterator[SearchKey]:
    """The keys that ask something of a message, whatever stands around them."""
    match key:
        case Not(inner):
            yield from leaves(inner)
        case Or(left, right):
            yield from leaves(left)
            yield from leaves(right)
        case And(keys):
            for part in keys:
                yield from leaves(part)
        case _:
            yield key


def replace_leaves(key: SearchKey, change: Callable[[SearchKey], SearchKey]) -> SearchKey:
    """The same tree with every leaf changed."""
    match key:
        case Not(inner):
            return Not(replace_leaves(inner, change))
        case Or(left, right):
            return Or(replace_leaves(left, change), replace_leaves(right, change))
        case And(keys):
            return And(tuple([replace_leaves(part, change) for part in keys]))
        case _:
            return change(key)


def depth(key: SearchKey) -> int:
    """How many NOT, OR and parentheses stand inside each other."""
    match key:
        case Not(inner):
            return 1 + depth(inner)
        case Or(left, right):
            return 1 + max(depth(left), depth(right))
        case And(keys):
            return 1 + max(map(depth, keys), default=0)
        case _:
            return 0


def fuzzily(key: SearchKey) -> SearchKey:
    """RFC 6203 §5: what FUZZY makes of a key; all that is no text is matched as without."""

    def change(leaf: SearchKey) -> SearchKey:
        match leaf:
            case Header(name, value) if value:
                return Like("HEADER", value, name)
            case Text(where, value):
                return Like(where, value)
            case Filter(name):
                return Filter(name, fuzzy=True)
            case _:
                return leaf

    return replace_leaves(key, change)
