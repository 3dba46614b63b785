"""Commands about mailboxes: SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE STATUS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from .command import Command, Create, Examine, Qresync, Rename, Select, Status
from .cursor import NUMBER64_MAX, Cursor
from .flag_name import flag
from .sequence_set import SequenceSet

STATUS_ITEMS: Final = frozenset(
    (
        "MESSAGES",
        "UIDNEXT",
        "UIDVALIDITY",
        "UNSEEN",
        "DELETED",
        "SIZE",
        "RECENT",
        "HIGHESTMODSEQ",
        "MAILBOXID",
        "APPENDLIMIT",
        "DELETED-STORAGE",
    )
)
"""RFC 9051 §6.3.11, RFC 3501 §6.3.10, RFC 7162 §3.1.7, RFC 8474 §4.3, RFC 7889 §3, RFC 9208 §4.1.4."""
SPECIAL_USES: Final = frozenset(
    ("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash")
)
_SPECIAL_USE_BY_UPPER: Final = {name.upper(): name for name in SPECIAL_USES}

_SelectT = TypeVar("_SelectT", bound=Select)
_OneMailbox = TypeVar("_OneMailbox", bound=Command)


# delete = "DELETE" SP mailbox, and the like
def one_mailbox(make: Callable[[bytes, str], _OneMailbox]) -> Callable[[Cursor], _OneMailbox]:
    def parse(c: Cursor) -> _OneMailbox:
        c.space()
        return make(c.tag, c.mailbox())

    return parse


# select = "SELECT" SP mailbox [select-params]                          RFC 4466 §3
# select-params = SP "(" select-param *(SP select-param) ")"
# select-param = "CONDSTORE" / "QRESYNC" SP "(" ... ")"                 RFC 7162 §7
def _select(c: Cursor, make: Callable[[bytes, str], _SelectT]) -> _SelectT:
    c.space()
    command = make(c.tag, c.mailbox())
    if c.try_char(b" ") and not c.at_end():
        c.char(b"(", "'(' before parameters")
        while True:
            name = c.label("CONDSTORE or QRESYNC")
            if name == "CONDSTORE":
                command.condstore = True
            elif name == "QRESYNC":
                c.space()
                command.qresync = _qresync(c)
            else:
                raise c.error(f"Expected CONDSTORE or QRESYNC, not {name}, before this")
            if not c.try_char(b" "):
                break
        c.char(b")", "')' after parameters")
    return command


def select(c: Cursor) -> Select:
    return _select(c, Select)


def examine(c: Cursor) -> Examine:
    return _select(c, Examine)


# "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
def _qresync(c: Cursor) -> Qresync:
    c.char(b"(", "'(' after QRESYNC")
    uidvalidity = c.nz_number()
    c.space()
    found = Qresync(uidvalidity, c.nz_number(NUMBER64_MAX))
    if c.try_char(b" "):
        if c.peek() != b"(":
            found.known_uids = _known(c)
            if not c.try_char(b" "):
                c.char(b")", "')'")
                return found
        # seq-match-data = "(" known-sequence-set SP known-uid-set ")"
        c.char(b"(", "'(' before the match data")
        found.match_sequence = _known(c)
        c.space()
        found.match_uids = _known(c)
        c.char(b")", "')'")
    c.char(b")", "')'")
    return found


def _known(c: Cursor) -> SequenceSet:
    # RFC 7162 §7: "*" is not allowed here.
    found = c.sequence_set()
    if found.saved or found.has_star:
        raise c.error("Expected a set without * and $, before this")
    return found


# create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]      RFC 6154 §6
def create(c: Cursor) -> Create:
    c.space()
    mailbox = c.mailbox()
    uses: list[str] = []
    if c.try_char(b" ") and not c.at_end():
        c.char(b"(", "'(' before parameters")
        if not c.try_word(b"USE"):
            raise c.expected("USE")
        c.space()
        c.char(b"(", "'(' after USE")
        while not c.try_char(b")"):
            if uses:
                c.space()
            name = flag(c)
            uses.append(_SPECIAL_USE_BY_UPPER.get(name.upper(), name))
        c.char(b")", "')' after parameters")
    return Create(c.tag, mailbox, tuple(uses))


# rename = "RENAME" SP mailbox SP mailbox
def rename(c: Cursor) -> Rename:
    c.space()
    mailbox = c.mailbox()
    c.space()
    return Rename(c.tag, mailbox, c.mailbox())


# status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
def status(c: Cursor) -> Status:
    c.space()
    mailbox = c.mailbox()
    c.space()
    return Status(c.tag, mailbox, status_items(c))


def status_items(c: Cursor) -> tuple[str, ...]:
    c.char(b"(", "'(' before the status items")
    items: dict[str, None] = {}
    while True:
        name = c.label("a status item such as MESSAGES")
        if name not in STATUS_ITEMS:
            raise c.error(f"Unknown status item {name}, before this")
        items[name] = None
        if not c.try_char(b" "):
            break
    c.char(b")", "')' after the status items")
    return tuple(items)
