"""Parameters of Content-Type and Content-Disposition: RFC 2045 §5.1, RFC 2231.

Parsed pairs keep the order and the case of names.  RFC 2231 continuations are merged into one pair; when a
piece of it is percent-encoded its name ends in `*` and its value keeps the `charset'language'text` form,
which is what IMAP clients are given (RFC 9051 §7.5.2: the body parameter list).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from posthouse.mime.charset import decode_bytes
from posthouse.mime.lexer import Cursor
from posthouse.mime.words import decode_words, raw_text

Params = tuple[tuple[str, str], ...]

_WORD: Final = r"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f]+"
_SIMPLE: Final = re.compile(
    rf';[ \t\r\n]*({_WORD})[ \t]*=[ \t]*(?:"([^"\\\r\n]*)"|({_WORD}))[ \t\r\n]*(?=;|\Z)'
)
_TYPE: Final = re.compile(rf"[ \t\r\n]*({_WORD})/({_WORD})[ \t\r\n]*(?=;|\Z)")
_BROKEN_WORD: Final = re.compile(r"[^; \t\r\n]*")
_CONTINUED: Final = re.compile(r"([0-9]{0,9})(\*?)\Z")
_PERCENT: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_NEEDS_PERCENT: Final = re.compile(rb"[\x00-\x20\x7f-\xff%*'()<>@,;:\\\"/\[\]?=]")

MAX_PARAMS: Final = 200
"""Pairs read from one field; what follows is ignored."""

_REMEMBERED: Final = 256
"""Content-Type values kept in memory with what they say."""
_MAX_REMEMBERED: Final = 100
"""Characters of the longest of them."""


def parse_media_type(value: str) -> tuple[str, str, Params, bool]:
    """`text/plain; charset=x` -> ("text", "plain", pairs, well formed); case kept.

    A broken type yields what could be read and no parameters.
    """
    # perf: a few values stand in nearly all messages
    return _remembered_type(value) if len(value) <= _MAX_REMEMBERED else _parse_media_type(value)


def _parse_media_type(value: str) -> tuple[str, str, Params, bool]:
    match = _TYPE.match(value)
    if match is not None:
        return match[1], match[2], parse_params(value, match.end()), True
    cursor = Cursor(value)
    main: list[str] = []
    sub: list[str] = []
    if not cursor.skip_space() or cursor.pos >= cursor.end:
        return "", "", (), False
    if not cursor.token(main) or cursor.peek() != "/":
        return "".join(main), "", (), False
    cursor.pos += 1
    if not cursor.skip_space() or cursor.pos >= cursor.end:
        return "".join(main), "", (), False
    if not cursor.token(sub):
        return "".join(main), "".join(sub), (), False
    good = cursor.pos >= cursor.end or cursor.peek() == ";"
    return "".join(main), "".join(sub), parse_params(value, cursor.pos), good


_remembered_type = lru_cache(_REMEMBERED)(_parse_media_type)


def parse_disposition(value: str) -> tuple[str | None, Params]:
    """RFC 2183 §2: `attachment; filename=x` -> ("attachment", pairs)."""
    cursor = Cursor(value)
    out: list[str] = []
    if not cursor.skip_space() or not cursor.token(out):
        return None, ()
    return "".join(out), parse_params(value, cursor.pos)


def parse_params(value: str, pos: int) -> Params:
    """Read `;name=value` pairs from `pos`; what is malformed is stepped over."""
    pairs: list[tuple[str, str]] = []
    start, end = pos, len(value)
    while pos < end:
        match = _SIMPLE.match(value, pos)
        if match is None or "*" in match[1] or len(pairs) >= MAX_PARAMS:
            return _merge(_read_params(Cursor(value, start)))
        pairs.append((match[1], match[3] if match[2] is None else match[2]))
        pos = match.end()
    return tuple(pairs)


def _read_params(cursor: Cursor) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    while cursor.pos < cursor.end and len(pairs) < MAX_PARAMS:
        before = cursor.pos
        pair = _read_param(cursor)
        if pair is not None:
            pairs.append(pair)
        elif cursor.pos >= cursor.end:
            break
        else:
            cursor.pos = max(cursor.pos, before) + 1
            _to_semicolon(cursor)
    return pairs


def _to_semicolon(cursor: Cursor) -> None:
    at = cursor.text.find(";", cursor.pos)
    cursor.pos = cursor.end if at < 0 else at


def _read_param(cursor: Cursor) -> tuple[str, str] | None:
    if cursor.peek() != ";":
        return None
    cursor.pos += 1
    if not cursor.skip_space() or cursor.pos >= cursor.end:
        return None
    name: list[str] = []
    value: list[str] = []
    if not cursor.token(name) or cursor.peek() != "=":
        cursor.pos -= 1 if cursor.pos > 0 and cursor.peek() == ";" else 0
        return None
    cursor.pos += 1
    if not cursor.skip_space():
        return None
    char = cursor.peek()
    if char == '"':
        # An unclosed quoted string runs to the end and tells nothing for sure.
        if not cursor.quoted_string(value):
            return None
    elif char == "=":
        # quirk(many senders): an unquoted encoded-word as the value, name==?utf-8?q?...?=
        match = _BROKEN_WORD.match(cursor.text, cursor.pos)
        if match is not None:
            value.append(match[0])
            cursor.pos = match.end()
        cursor.skip_space()
    elif not cursor.token(value):
        return None
    return "".join(name), "".join(value)


def _merge(pairs: list[tuple[str, str]]) -> Params:
    """RFC 2231 §3, §4.1: join continuations; a series with a gap keeps its pairs as they came."""
    plain: list[tuple[str, str]] = []
    series: dict[str, list[tuple[int, bool, str, str]]] = {}
    for name, value in pairs:
        stem, star, rest = name.partition("*")
        match = _CONTINUED.match(rest) if star else None
        if match is None or (match[2] and not match[1]):
            plain.append((name, value))
        else:
            extended = bool(match[2]) or not match[1]
            index = int(match[1] or 0)
            series.setdefault(stem.lower(), []).append((index, extended, stem, value))
    for pieces in series.values():
        pieces.sort(key=lambda piece: piece[0])
        if [piece[0] for piece in pieces] == list(range(len(pieces))):
            plain.append(_join(pieces))
        else:
            plain.extend(
                (f"{stem}*{index}{'*' if extended else ''}", value) for index, extended, stem, value in pieces
            )
    return tuple(plain)


def _join(pieces: list[tuple[int, bool, str, str]]) -> tuple[str, str]:
    name = pieces[0][2]
    if not any(piece[1] for piece in pieces):
        return name, "".join(piece[3] for piece in pieces)
    text = "" if pieces[0][1] else "''"
    return name + "*", text + "".join(
        value if extended else _percent(value) for _, extended, _, value in pieces
    )


def _percent(value: str) -> str:
    raw = value.encode("utf-8", "surrogateescape")
    return _NEEDS_PERCENT.sub(lambda m: b"%%%02x" % m[0][0], raw).decode("ascii")


def param(pairs: Params, name: str) -> str | None:
    """The decoded value of a parameter: RFC 2231 first, then RFC 2047 words (common, though forbidden), raw 8-bit."""
    found: str | None = None
    for key, value in pairs:
        lowered = key.lower()
        if lowered == name + "*":
            return _decode_extended(value)
        if lowered == name and found is None:
            found = value
    if found is None:
        return None
    return decode_words(found) if "=?" in found else raw_text(found)


def _decode_extended(value: str) -> str:
    charset, _, rest = value.partition("'")
    _, quote, text = rest.partition("'")
    if not quote:
        charset, text = "", value
    raw = text.encode("utf-8", "surrogateescape")
    return decode_bytes(_PERCENT.sub(lambda m: bytes([int(m[1], 16)]), raw), charset or "utf-8")


def format_param(name: str, value: str) -> str:
    """A parameter for a composed header: token, quoted string, or RFC 2231 §4 extended (UTF-8)."""
    if value.isascii() and value.isprintable():
        if re.fullmatch(_WORD, value):
            return f"{name}={value}"
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}="{escaped}"'
    return f"{name}*=utf-8''{_percent(value)}"
