"""SEARCH: character set, and the tree of keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

from posthouse.core import flags

from . import search_key as key
from .command import Search
from .cursor import NUMBER64_MAX, Cursor, ParseError
from .date_time import parse_date
from .parse_search_return import Returns, try_return
from .search_key import SearchKey
from .sequence_set import NUMBER_MAX, SequenceSet

DEPTH_MAX: Final = 50
"""Parentheses, NOT and OR inside each other."""
KEYS_MAX: Final = 2000
"""Search keys in one command."""

CHARSETS: Final[dict[str, str]] = {
    # RFC 9051 §6.4.4: US-ASCII and UTF-8 must be known.  US-ASCII is read as UTF-8, its superset.
    "US-ASCII": "utf-8",
    "UTF-8": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "GB2312": "gb18030",
    "BIG5": "big5",
    "EUC-JP": "euc_jp",
    "SHIFT_JIS": "shift_jis",
    "ISO-2022-JP": "iso2022_jp",
    "EUC-KR": "euc_kr",
    "KOI8-R": "koi8_r",
    "ISO-8859-1": "iso8859_1",
    "ISO-8859-15": "iso8859_15",
    "WINDOWS-1251": "cp1251",
    "WINDOWS-1252": "cp1252",
}
"""Accepted CHARSET names and the codec of each."""

_CHARSET: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+|"[^"\\\r\n\x00]+"')
_KEY: Final = re.compile(rb"[A-Za-z]+")
# filter-name = 1*<any ATOM-CHAR except "/">        RFC 5466 §4
FILTER_NAME: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]/]+')
_LITERAL: Final = re.compile(rb"\{([0-9]{1,9})\+?\}\r\n")
_OBJECT_ID: Final = re.compile(rb"[A-Za-z0-9_-]{1,255}")


class _Program:
    """The search program being read: its codec and how much of it there may still be."""

    __slots__ = ("codec", "fuzzy", "keys")

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.keys = 0
        self.fuzzy = False


# search = "SEARCH" [search-return-opts] SP search-program
def search(c: Cursor, *, uid: bool = False) -> Search:
    c.space()
    found = try_return(c)
    # search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)
    charset = try_charset(c, found)
    key = search_keys(c, charset, relevancy=found.asks_relevancy)
    return Search(c.tag, key, found.options, charset, uid, found.partial, found.updated)


def uid_search(c: Cursor) -> Search:
    return search(c, uid=True)


def stored_keys(text: bytes) -> SearchKey:
    """The search-criteria that somebody stored for later; raises ParseError, whose text says where."""
    parts: list[bytes] = []
    start = 0
    while (marker := _LITERAL.search(text, start)) is not None:
        end = marker.end() + int(marker[1])
        parts += (text[start : marker.end()], text[marker.end() : end])
        start = end
    c = Cursor([*parts, text[start:] + b"\r\n"], {})
    keys = search_keys(c, "UTF-8")
    c.end()
    return keys


def search_keys(c: Cursor, charset: str, *, relevancy: bool = False) -> SearchKey:
    """`relevancy`: it was asked how well messages match."""
    program = _Program(CHARSETS[charset or "UTF-8"])
    found = _keys(c, program, 0)
    # RFC 6203 §4: RELEVANCY is for FUZZY; a filter may hold one.
    if (
        relevancy
        and not program.fuzzy
        and not any(isinstance(leaf, key.Filter) for leaf in key.leaves(found))
    ):
        raise c.error("RELEVANCY needs a FUZZY search key, before this")
    return found


def try_charset(c: Cursor, returns: Returns) -> str:
    """The character set with the space behind it, "" where none is named."""
    if not c.try_word(b"CHARSET"):
        return ""
    c.space()
    charset = charset_name(c, returns)
    c.space()
    return charset


# charset = atom / quoted
def charset_name(c: Cursor, returns: Returns | None = None) -> str:
    name = c.match(_CHARSET, "the name of a character set").decode("ascii").strip('"').upper()
    if name not in CHARSETS:
        # RFC 9051 §6.4.4: NO with BADCHARSET, which lists what is supported.
        code = b"BADCHARSET (%b)" % " ".join(CHARSETS).encode("ascii")
        error = ParseError("Unknown character set; use UTF-8", c.tag, status=b"NO", code=code)
        error.unsaves = returns is not None and "SAVE" in (returns.options or ())
        raise error
    return name


# search-key *(SP search-key)
def _keys(c: Cursor, program: _Program, depth: int) -> SearchKey:
    keys = [_search_key(c, program, depth)]
    while c.try_char(b" "):
        if c.at_end() and depth == 0:
            c.quirk("quirk_trailing_space")
            break
        keys.append(_search_key(c, program, depth))
    return keys[0] if len(keys) == 1 else key.And(tuple(keys))


def _search_key(c: Cursor, program: _Program, depth: int) -> SearchKey:
    program.keys += 1
    if program.keys > KEYS_MAX:
        raise c.error(f"More than {KEYS_MAX} search keys; split the search")
    if depth > DEPTH_MAX:
        raise c.error(f"Search keys inside each other more than {DEPTH_MAX} levels deep; simplify the search")
    if c.try_char(b"("):
        keys = _keys(c, program, depth + 1)
        c.char(b")", "')' or a space and another search key")
        return keys
    found = _KEY.match(c.line, c.pos)
    if found is None:
        if c.peek() in b"0123456789*$":
            return key.Sequence(c.sequence_set())
        raise c.expected("a search key")
    name = found[0].upper()
    if name in PLAIN_KEYS:
        c.pos = found.end()
        return PLAIN_KEYS[name]
    parse = ARGUMENT_KEYS.get(name)
    if parse is None:
        raise c.error(f"Unknown search key {name[:30].decode('ascii')}")
    c.pos = found.end()
    c.space()
    return parse(c, program, depth)


def _string(c: Cursor, program: _Program) -> str:
    value = c.astring("a string to search for")
    try:
        return value.decode(program.codec)
    except UnicodeDecodeError:
        raise c.error("The string is not in the character set of the search, before this") from None


_KeyParser = Callable[[Cursor, _Program, int], SearchKey]


def _header_key(field: str) -> _KeyParser:
    return lambda c, program, _depth: key.Header(field, _string(c, program))


def _date_key(
    which: Literal["internal", "sent", "saved"], op: Literal["before", "on", "since"]
) -> _KeyParser:
    return lambda c, _program, _depth: key.Date(which, op, parse_date(c))


def _header(c: Cursor, program: _Program, _depth: int) -> SearchKey:
    name = c.text(c.astring("a header field name"), "a header field name")
    c.space()
    return key.Header(name, _string(c, program))


def _not(c: Cursor, program: _Program, depth: int) -> SearchKey:
    return key.Not(_search_key(c, program, depth + 1))


def _or(c: Cursor, program: _Program, depth: int) -> SearchKey:
    left = _search_key(c, program, depth + 1)
    c.space()
    return key.Or(left, _search_key(c, program, depth + 1))


# search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer        RFC 7162 §7
def _modseq(c: Cursor, _program: _Program, _depth: int) -> SearchKey:
    entry = entry_type = None
    if c.peek() == b'"':
        entry = c.text(c.string("an entry name"), "an entry name")
        c.space()
        entry_type = c.atom("priv, shared or all").lower()
        if entry_type not in ("priv", "shared", "all"):
            raise c.error("Expected priv, shared or all, before this")
        c.space()
    return key.ModSeq(c.number64("a modification sequence"), entry, entry_type)


# "FUZZY" SP search-key        RFC 6203 §7
def _fuzzy(c: Cursor, program: _Program, depth: int) -> SearchKey:
    program.fuzzy = True
    return key.fuzzily(_search_key(c, program, depth + 1))


# "FILTER" SP filter-name        RFC 5466 §4
def _filter(c: Cursor, program: _Program, _depth: int) -> SearchKey:
    # RFC 5466 §3.1: FILTER implies UTF-8.
    if program.codec != "utf-8":
        code = b"BADCHARSET (US-ASCII UTF-8)"
        raise ParseError("FILTER needs the character set UTF-8", c.tag, code=code)
    return key.Filter(c.match(FILTER_NAME, "the name of a filter").decode("ascii").lower())


def _object_id(c: Cursor) -> str:
    return c.match(_OBJECT_ID, "an object identifier").decode("ascii")


def _uids(first: int, last: int) -> SearchKey:
    """RFC 9738 §3.2: no end of the range is `*`, so that it may name nothing."""
    return key.Uid(SequenceSet(((first, last),))) if first <= last else key.Not(key.All())


PLAIN_KEYS: Final[dict[bytes, SearchKey]] = {
    b"ALL": key.All(),
    b"ANSWERED": key.Flag(flags.ANSWERED),
    b"DELETED": key.Flag(flags.DELETED),
    b"DRAFT": key.Flag(flags.DRAFT),
    b"FLAGGED": key.Flag(flags.FLAGGED),
    b"SEEN": key.Flag(flags.SEEN),
    b"UNANSWERED": key.Flag(flags.ANSWERED, present=False),
    b"UNDELETED": key.Flag(flags.DELETED, present=False),
    b"UNDRAFT": key.Flag(flags.DRAFT, present=False),
    b"UNFLAGGED": key.Flag(flags.FLAGGED, present=False),
    b"UNSEEN": key.Flag(flags.SEEN, present=False),
    # RFC 3501 §6.4.4: NEW is RECENT UNSEEN, OLD is NOT RECENT.
    b"NEW": key.And((key.Flag(flags.RECENT), key.Flag(flags.SEEN, present=False))),
    b"OLD": key.Flag(flags.RECENT, present=False),
    b"RECENT": key.Flag(flags.RECENT),
    b"SAVEDATESUPPORTED": key.SaveDateSupported(),
}
"""Keys without an argument."""

ARGUMENT_KEYS: Final[dict[bytes, _KeyParser]] = {
    b"BCC": _header_key("Bcc"),
    b"BEFORE": _date_key("internal", "before"),
    b"BODY": lambda c, program, _depth: key.Text("BODY", _string(c, program)),
    b"CC": _header_key("Cc"),
    b"EMAILID": lambda c, _program, _depth: key.EmailId(_object_id(c)),
    b"FILTER": _filter,
    b"FROM": _header_key("From"),
    b"FUZZY": _fuzzy,
    b"HEADER": _header,
    b"KEYWORD": lambda c, _program, _depth: key.Keyword(c.atom("a keyword")),
    b"LARGER": lambda c, _program, _depth: key.Size("larger", c.number64("a size in octets")),
    b"MODSEQ": _modseq,
    b"NOT": _not,
    b"OLDER": lambda c, _program, _depth: key.Within("older", c.nz_number(NUMBER64_MAX, "seconds")),
    b"ON": _date_key("internal", "on"),
    b"OR": _or,
    b"SAVEDBEFORE": _date_key("saved", "before"),
    b"SAVEDON": _date_key("saved", "on"),
    b"SAVEDSINCE": _date_key("saved", "since"),
    b"SENTBEFORE": _date_key("sent", "before"),
    b"SENTON": _date_key("sent", "on"),
    b"SENTSINCE": _date_key("sent", "since"),
    b"SINCE": _date_key("internal", "since"),
    b"SMALLER": lambda c, _program, _depth: key.Size("smaller", c.number64("a size in octets")),
    b"SUBJECT": _header_key("Subject"),
    b"TEXT": lambda c, program, _depth: key.Text("TEXT", _string(c, program)),
    b"THREADID": lambda c, _program, _depth: key.ThreadId(_object_id(c)),
    b"TO": _header_key("To"),
    b"UID": lambda c, _program, _depth: key.Uid(c.sequence_set()),
    b"UIDAFTER": lambda c, _program, _depth: _uids(c.nz_number(what="a UID") + 1, NUMBER_MAX),
    b"UIDBEFORE": lambda c, _program, _depth: _uids(1, c.nz_number(what="a UID") - 1),
    b"UNKEYWORD": lambda c, _program, _depth: key.Keyword(c.atom("a keyword"), present=False),
    b"YOUNGER": lambda c, _program, _depth: key.Within("younger", c.nz_number(NUMBER64_MAX, "seconds")),
}
"""Keys with arguments, each with its parser, which starts after the space."""
