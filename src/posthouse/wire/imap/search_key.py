"""What SEARCH asks for, as a tree of small values.  RFC 9051 §6.4.4; RFC 3501 §6.4.4 for NEW, OLD, RECENT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from .sequence_set import SequenceSet


@dataclass(slots=True)
class All:
    """Every message."""


@dataclass(slots=True)
class Flag:
    """System flag `bit` (a constant of `core.flags`, RECENT included) is set, or not."""

    bit: int
    present: bool = True


@dataclass(slots=True)
class Keyword:
    """Keyword is set, or not; names compare without case."""

    name: str
    present: bool = True


@dataclass(slots=True)
class Header:
    """Field `name` contains `value`; FROM, TO, CC, BCC and SUBJECT come as this too.  An empty value: the
    field exists."""

    name: str
    value: str


@dataclass(slots=True)
class Text:
    """The decoded text contains `value`: "BODY" without, "TEXT" with the header."""

    where: Literal["BODY", "TEXT"]
    value: str


@dataclass(slots=True)
class Like:
    """RFC 6203 §3: Header (with `name`) or Text under FUZZY."""

    where: Literal["HEADER", "BODY", "TEXT"]
    value: str
    name: str = ""


@dataclass(slots=True)
class Date:
    """A day compared with the internal date, the Date field, or the save date (RFC 8514); time and zone
    disregarded."""

    which: Literal["internal", "sent", "saved"]
    op: Literal["before", "on", "since"]
    day: date


@dataclass(slots=True)
class SaveDateSupported:
    """RFC 8514 §4.3."""


@dataclass(slots=True)
class Size:
    op: Literal["larger", "smaller"]
    size_bytes: int


@dataclass(slots=True)
class Within:
    """RFC 5032: internal date older or younger than `seconds` before now."""

    op: Literal["older", "younger"]
    seconds: int


@dataclass(slots=True)
class ModSeq:
    """RFC 7162 §3.1.5: modseq is at least `value`; `entry` and `entry_type` as given, if given."""

    value: int
    entry: str | None = None
    entry_type: str | None = None


@dataclass(slots=True)
class Sequence:
    numbers: SequenceSet


@dataclass(slots=True)
class Uid:
    numbers: SequenceSet


@dataclass(slots=True)
class EmailId:
    """RFC 8474 §4."""

    id: str


@dataclass(slots=True)
class ThreadId:
    id: str


@dataclass(slots=True)
class Filter:
    """RFC 5466 §3.1: the search that is stored under this name (lower case); the session puts it in its place."""

    name: str
    fuzzy: bool = False


@dataclass(slots=True)
class Not:
    key: SearchKey


@dataclass(slots=True)
class Or:
    left: SearchKey
    right: SearchKey


@dataclass(slots=True)
class And:
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
