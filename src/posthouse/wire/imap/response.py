"""Responses but FETCH: status lines and their codes, mailbox data, search results.  All return bytes with
CRLF.

`code` arguments are the text between the brackets, a constant or a `code_...` of `response_code`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, groupby
from operator import sub
from typing import Final

from . import mailbox_name

STRING_MAX: Final = 1024
"""Octets of a quoted string; a longer one is sent as a literal."""

_ATOM: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_NOT_QUOTED: Final = re.compile(rb"[\x00\r\n\x80-\xff]")
_NOT_QUOTED_UTF8: Final = re.compile(rb"[\x00\r\n]")
_ESCAPED: Final = re.compile(rb'["\\]')
_LINE_BREAK: Final = re.compile(r"[\r\n\x00]+")


# --- strings ---


def clean_text(text: str) -> bytes:
    """Human-readable text for a status line: no line breaks, never empty (RFC 9051 §9: resp-text)."""
    return _LINE_BREAK.sub(" ", text).encode("utf-8", "replace") or b"done"


# string = quoted / literal
def format_string(value: bytes, *, utf8: bool = False) -> bytes:
    """Quoted if it can be, else a literal.  `utf8`: the client takes UTF-8 in quoted strings (IMAP4rev2
    enabled)."""
    if len(value) > STRING_MAX or (_NOT_QUOTED_UTF8 if utf8 else _NOT_QUOTED).search(value):
        return b"{%d}\r\n%b" % (len(value), value)
    if b'"' in value or b"\\" in value:
        value = _ESCAPED.sub(rb"\\\g<0>", value)
    return b'"%b"' % value


# nstring = string / nil
def format_nstring(value: bytes | None, *, utf8: bool = False) -> bytes:
    return b"NIL" if value is None else format_string(value, utf8=utf8)


# astring = 1*ASTRING-CHAR / string
def format_astring(value: bytes, *, utf8: bool = False) -> bytes:
    # An atom "NIL" could be taken for nil, so it is quoted.
    if _ATOM.fullmatch(value) and value.upper() != b"NIL":
        return value
    return format_string(value, utf8=utf8)


def format_mailbox(name: str, *, utf8: bool) -> bytes:
    return format_astring(mailbox_name.encode(name, utf8=utf8), utf8=utf8)


# --- status responses: RFC 9051 §7.1 ---


def _status(tag: bytes, word: bytes, text: str, code: bytes) -> bytes:
    if code:
        return b"%b %b [%b] %b\r\n" % (tag, word, code, clean_text(text))
    return b"%b %b %b\r\n" % (tag, word, clean_text(text))


def ok(tag: bytes, text: str, code: bytes = b"") -> bytes:
    """`tag` is b"*" for an untagged one; the same for `no` and `bad`."""
    return _status(tag, b"OK", text, code)


def no(tag: bytes, text: str, code: bytes = b"") -> bytes:
    return _status(tag, b"NO", text, code)


def bad(tag: bytes, text: str, code: bytes = b"") -> bytes:
    return _status(tag or b"*", b"BAD", text, code)


def bye(text: str, code: bytes = b"") -> bytes:
    return _status(b"*", b"BYE", text, code)


def preauth(text: str, code: bytes = b"") -> bytes:
    return _status(b"*", b"PREAUTH", text, code)


def continuation(text: str) -> bytes:
    return b"+ %b\r\n" % clean_text(text)


# --- server and mailbox data: RFC 9051 §7.2 and §7.3 ---


def format_capability(names: Iterable[str]) -> bytes:
    return b"* CAPABILITY %b\r\n" % " ".join(names).encode("ascii")


def format_enabled(names: Iterable[str]) -> bytes:
    return (" ".join(("* ENABLED", *names)) + "\r\n").encode("ascii")


def format_jmap_access(url: str) -> bytes:
    """RFC 9698 §4."""
    return b"* JMAPACCESS %b\r\n" % format_string(url.encode())


def format_id(params: Mapping[str, str | None] | None) -> bytes:
    """RFC 2971 §3.2."""
    if not params:
        return b"* ID NIL\r\n"
    pairs = [
        format_string(name.encode()) + b" " + format_nstring(None if value is None else value.encode())
        for name, value in params.items()
    ]
    return b"* ID (%b)\r\n" % b" ".join(pairs)


def format_language(tags: Iterable[str]) -> bytes:
    """RFC 5255 §3.3."""
    return f"* LANGUAGE ({' '.join(tags)})\r\n".encode("ascii")


Namespaces = Sequence[tuple[str, ...]] | None
"""(prefix, delimiter), with the prefix in the user's language behind them if there is one; None for NIL."""


def format_namespace(
    personal: Namespaces, others: Namespaces = None, shared: Namespaces = None, *, utf8: bool
) -> bytes:
    """RFC 9051 §6.3.10."""
    return b"* NAMESPACE %b\r\n" % b" ".join(_namespace(one, utf8=utf8) for one in (personal, others, shared))


def _namespace(pairs: Namespaces, *, utf8: bool) -> bytes:
    if not pairs:
        return b"NIL"
    return b"(%b)" % b"".join([_one_namespace(*pair, utf8=utf8) for pair in pairs])


def _one_namespace(prefix: str, delimiter: str, translated: str = "", *, utf8: bool) -> bytes:
    # RFC 5255 §3.4: the translation is in modified UTF-7 whatever was enabled.
    tail = b' "TRANSLATION" (%b)' % _quoted_name(translated, utf8=False) if translated else b""
    return b"(%b %b%b)" % (_quoted_name(prefix, utf8=utf8), format_string(delimiter.encode()), tail)


def _quoted_name(name: str, *, utf8: bool) -> bytes:
    return format_string(mailbox_name.encode(name, utf8=utf8), utf8=utf8)


def format_list(
    attributes: Iterable[str],
    name: str,
    *,
    utf8: bool,
    delimiter: str | None = "/",
    child_info: Iterable[str] = (),
    old_name: str | None = None,
    word: bytes = b"LIST",
) -> bytes:
    """LIST, or LSUB by `word`.  `child_info`: RFC 5258 §3.5, say ("SUBSCRIBED",).  `old_name`: RFC 9051
    §6.3.9.7."""
    head = " ".join(attributes).encode("ascii")
    separator = b"NIL" if delimiter is None else format_string(delimiter.encode())
    # An empty name is the answer to LIST "" "" and is written as "".
    wire_name = format_mailbox(name, utf8=utf8) if name else b'""'
    extended: list[bytes] = []
    if quoted := " ".join(f'"{option}"' for option in child_info):
        extended.append(b'"CHILDINFO" (%b)' % quoted.encode("ascii"))
    if old_name is not None:
        extended.append(b'"OLDNAME" (%b)' % _quoted_name(old_name, utf8=utf8))
    tail = b" (%b)" % b" ".join(extended) if extended else b""
    return b"* %b (%b) %b %b%b\r\n" % (word, head, separator, wire_name, tail)


def format_status(name: str, items: Iterable[tuple[str, int | str]], *, utf8: bool) -> bytes:
    """`items`: ("MESSAGES", 17) and the like; a str value (MAILBOXID) is put in parentheses."""
    pairs = " ".join(
        f"{item} ({value})" if isinstance(value, str) else f"{item} {value}" for item, value in items
    )
    return b"* STATUS %b (%b)\r\n" % (format_mailbox(name, utf8=utf8), pairs.encode("ascii"))


def format_quota(root: str, resources: Iterable[tuple[str, int, int]]) -> bytes:
    """RFC 9208 §4.2.1; `resources`: (name, usage, limit)."""
    inside = " ".join(f"{name} {usage} {limit}" for name, usage, limit in resources)
    return b"* QUOTA %b (%b)\r\n" % (format_string(root.encode()), inside.encode("ascii"))


def format_quotaroot(name: str, roots: Iterable[str], *, utf8: bool) -> bytes:
    """RFC 9208 §4.2.2."""
    quoted = [format_string(root.encode()) for root in roots]
    return b"* QUOTAROOT %b\r\n" % b" ".join([format_mailbox(name, utf8=utf8), *quoted])


def format_metadata(name: str, values: Iterable[tuple[str, bytes | None]], *, utf8: bool) -> bytes:
    """RFC 5464 §4.4.1; `name` is "" for the server."""
    pairs = [format_astring(entry.encode()) + b" " + _format_value(value) for entry, value in values]
    return b"* METADATA %b (%b)\r\n" % (_metadata_name(name, utf8=utf8), b" ".join(pairs))


def format_metadata_changed(name: str, entries: Iterable[str], *, utf8: bool) -> bytes:
    """RFC 5464 §4.4.2."""
    names = [format_astring(entry.encode()) for entry in entries]
    return b"* METADATA %b %b\r\n" % (_metadata_name(name, utf8=utf8), b" ".join(names))


def _metadata_name(name: str, *, utf8: bool) -> bytes:
    return format_mailbox(name, utf8=utf8) if name else b'""'


def _format_value(value: bytes | None) -> bytes:
    if value is not None and b"\x00" in value:
        return b"~{%d}\r\n%b" % (len(value), value)  # RFC 5464 §5: literal8
    return format_nstring(value)


def format_flags(flags: bytes) -> bytes:
    """`flags`: a parenthesised list, as `FlagLists` gives it."""
    return b"* FLAGS %b\r\n" % flags


def format_exists(count: int) -> bytes:
    return b"* %d EXISTS\r\n" % count


def format_recent(count: int) -> bytes:
    """RFC 3501 §7.3.2; not sent in IMAP4rev2."""
    return b"* %d RECENT\r\n" % count


def format_expunges(numbers: Iterable[int]) -> bytes:
    """One EXPUNGE response per sequence number, in the given order: the largest first, or each counted
    anew."""
    # perf: of a run of messages each has the number of the one before it.
    return b"".join([b"* %d EXPUNGE\r\n" % number * len(list(alike)) for number, alike in groupby(numbers)])


def format_vanished(uids: Sequence[int], *, earlier: bool = False) -> bytes:
    """RFC 7162 §3.2.10."""
    return b"* VANISHED %b%b\r\n" % (b"(EARLIER) " if earlier else b"", format_uid_set(uids))


# --- sets and search results: RFC 9051 §7.3.4, RFC 3501 §7.2.5 ---


def to_ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as (first, last) ranges.  perf: no Python loop over the numbers, only over the
    gaps."""
    count = len(numbers)
    if not count:
        return []
    if numbers[-1] - numbers[0] == count - 1:
        return [(numbers[0], numbers[-1])]
    return to_runs(numbers)


def to_runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers in any order: what follows each other by one is a range."""
    count = len(numbers)
    steps = map(sub, numbers[1:], numbers)
    starts = list(compress(range(1, count), map((1).__ne__, steps)))
    firsts = [numbers[0], *[numbers[at] for at in starts]]
    lasts = [*[numbers[at - 1] for at in starts], numbers[-1]]
    return list(zip(firsts, lasts, strict=True))


# uid-set = (uniqueid / uid-range) *("," uid-set)
def format_uid_set(numbers: Sequence[int]) -> bytes:
    """`1:3,7` from ascending numbers (a list or an array), which may be UIDs or sequence numbers; b"" for
    none."""
    return format_uid_ranges(to_ranges(numbers))


def format_uid_ranges(ranges: Iterable[tuple[int, int]]) -> bytes:
    return ",".join([f"{first}:{last}" if first != last else str(first) for first, last in ranges]).encode()


def format_search(numbers: Iterable[int], *, modseq: int | None = None, word: str = "SEARCH") -> bytes:
    """RFC 3501 §7.2.5, or SORT by `word`; `modseq`: RFC 7162 §3.1.5."""
    text = " ".join([f"* {word}", *map(str, numbers)])
    return (
        f"{text}\r\n".encode("ascii") if modseq is None else f"{text} (MODSEQ {modseq})\r\n".encode("ascii")
    )


def format_esearch(
    tag: bytes,
    *,
    uid: bool,
    returns: frozenset[str],
    numbers: Sequence[int],
    modseq: int | None = None,
    partial: tuple[int, int] | None = None,
    ascending: bool = True,
    mailbox: bytes = b"",
) -> bytes:
    """RFC 9051 §7.3.4: what of `returns` there is for the `numbers`; SAVE alone leaves it empty.

    `partial`: RFC 9394 §3.1.  `ascending` is False for numbers in the order of a SORT (RFC 5267 §3.2).
    `mailbox`: more correlators, of `format_correlators`.
    """
    out = [b"* ESEARCH (TAG %b%b)" % (format_string(tag), mailbox)]
    if uid:
        out.append(b"UID")
    # RFC 9051 §6.4.4: MIN, MAX and ALL are left out when nothing was found.
    if numbers:
        if "MIN" in returns:
            out.append(b"MIN %d" % numbers[0])
        if "MAX" in returns:
            out.append(b"MAX %d" % numbers[-1])
        if "ALL" in returns:
            out.append(
                b"ALL " + (format_uid_set(numbers) if ascending else format_uid_ranges(to_runs(numbers)))
            )
    if partial is not None:
        part = numbers[partial_slice(partial, len(numbers))]
        # RFC 9394 §3.1: NIL where the range names nothing.
        shown = (format_uid_set(part) if ascending else format_uid_ranges(to_runs(part))) if part else b"NIL"
        out.append(b"PARTIAL (%d:%d %b)" % (*partial, shown))
    if "COUNT" in returns:
        out.append(b"COUNT %d" % len(numbers))
    if modseq is not None and numbers:
        out.append(b"MODSEQ %d" % modseq)
    return b" ".join(out) + b"\r\n"


def add_relevancy(esearch: bytes, scores: Sequence[int], partial: tuple[int, int] | None) -> bytes:
    """An ESEARCH response that says too how well each message matches, 1 to 100 (RFC 6203 §4)."""
    shown = scores if partial is None else scores[partial_slice(partial, len(scores))]
    return b"%b RELEVANCY (%b)\r\n" % (esearch[:-2], " ".join(map(str, shown)).encode("ascii"))


def partial_slice(partial: tuple[int, int], count: int) -> slice:
    """The part of a list of `count` results that a range of positions names, in the order of the list."""
    low, high = sorted(map(abs, partial))
    if partial[0] > 0:
        return slice(low - 1, high)
    return slice(max(count - high, 0), max(count - low + 1, 0))


def format_correlators(name: str, uidvalidity: int, *, utf8: bool) -> bytes:
    """RFC 7377 §2.1: which mailbox an ESEARCH response is about."""
    return b" MAILBOX %b UIDVALIDITY %d" % (_quoted_name(name, utf8=utf8), uidvalidity)
