"""What a line of a dialogue means: in words, where that is written, and what to do when it tells of an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from posthouse.lens.line import CLIENT, NOTE, Line
from posthouse.lens.words import LANGUAGES, Row, table

_REPLY: Final = re.compile(r"(\d{3})([ -])(?:([245]\.\d{1,3}\.\d{1,3}) )?(.*)")
_BRACKET: Final = re.compile(
    r"^(?:\S+ )??(?:OK|NO|BAD|BYE|PREAUTH|-ERR|\+OK) \[([A-Z0-9./-]+)", re.IGNORECASE
)
_IMAP_DATA: Final = re.compile(r"\* (?:\d+ )?([A-Za-z]+)")
_CALL: Final = re.compile(r"([A-Za-z]+)/([A-Za-z]+)")
_WORD: Final = re.compile(r"[a-z_]+(?::[a-z0-9:_-]+)?")


class Meaning(Struct):
    """`error`: the line tells of something that went wrong."""

    text: str
    rfc: str = ""
    mend: str = ""
    error: bool = False


def shown(line: Line, language: str) -> str:
    """The line as it is shown: its text, or what stands for octets and events."""
    if line.side == NOTE:
        name, _, facts = line.text.partition(" ")
        return _fill(table("notes").get(("note", name)), language, facts=facts) or line.text
    if line.block:
        return f"[{_fill(table('notes').get(('block', line.block)), language, octets=f'{line.octets:,}')}]"
    return line.text


def explain(protocol: str, line: Line, language: str) -> Meaning | None:
    """`protocol`: "smtp", "lmtp", "pop3", "imap", "managesieve", "http".  None: nothing is known of it."""
    if line.block or line.side == NOTE:
        return None
    way = _WAYS.get(protocol, _smtp)
    rows = [found for found in way(line) if found is not None]
    if not rows:
        return None
    at = LANGUAGES.index(language)
    separator = "" if language == "zh" else " "
    mend = next((row.mend[at] for row in reversed(rows) if row.mend[at]), "")
    return Meaning(
        separator.join(dict.fromkeys(row.text[at] for row in rows)),
        rows[-1].rfc,
        mend,
        is_error(protocol, line),
    )


def is_error(protocol: str, line: Line) -> bool:
    if line.side == CLIENT or line.block:
        return False
    text = line.text
    if protocol == "imap":
        return bool(re.match(r"\S+ (NO|BAD) ", text))
    if protocol == "pop3":
        return text.startswith("-ERR")
    if protocol == "managesieve":
        return text.startswith(("NO", "BYE"))
    if protocol == "http":
        return bool(re.match(r"HTTP [45]", text)) or " error " in f" {text.partition(':')[0]} "
    return bool(re.match(r"[45]\d\d", text))


def _smtp(line: Line) -> Iterator[Row | None]:
    words = table("smtp")
    if line.side == CLIENT:
        yield words.get(("command", line.text.split(" ", 1)[0].upper()))
        return
    if (found := _REPLY.fullmatch(line.text)) is None:
        return
    code, _, enhanced, rest = found.groups()
    if (
        code == "250"
        and enhanced is None
        and (row := words.get(("extension", rest.split(" ", 1)[0].upper())))
    ):
        yield row
        return
    yield words.get(("reply", f"{code} {enhanced}")) or words.get(("reply", code))
    if enhanced is not None and not enhanced.startswith("2"):
        yield words.get(("code", enhanced))


def _pop3(line: Line) -> Iterator[Row | None]:
    words = table("pop3")
    first = line.text.split(" ", 1)[0]
    if line.side == CLIENT:
        yield words.get(("command", first.upper()))
        return
    yield words.get(("answer", first))
    if (found := _BRACKET.match(line.text)) is not None:
        yield words.get(("code", found[1].upper()))


def _imap(line: Line) -> Iterator[Row | None]:
    words = table("imap")
    parts = line.text.split(" ", 3)
    if line.side == CLIENT:
        verb = parts[1].upper() if len(parts) > 1 else parts[0].upper()
        if verb == "UID" and len(parts) > 2:
            verb = parts[2].upper()
        yield words.get(("command", verb))
        return
    bracket = _BRACKET.match(line.text)
    code = words.get(("code", bracket[1].upper())) if bracket is not None else None
    if code is not None and not is_error("imap", line):
        yield code
    elif parts[0] == "+":
        yield words.get(("answer", "+"))
    elif parts[0] == "*":
        found = _IMAP_DATA.match(line.text)
        yield words.get(("answer", found[1].upper())) if found else None
    elif len(parts) > 1:
        yield words.get(("answer", parts[1].upper()))
        yield code


def _managesieve(line: Line) -> Iterator[Row | None]:
    words = table("managesieve")
    yield words.get(("command" if line.side == CLIENT else "answer", line.text.split(" ", 1)[0].upper()))


def _http(line: Line) -> Iterator[Row | None]:
    words = table("http")
    first, _, rest = line.text.partition(" ")
    if line.side == CLIENT and first in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        path = rest.split("?", 1)[0]
        yield next(
            (row for (kind, name), row in words.items() if kind == "path" and path.startswith(name)), None
        )
    elif first == "HTTP":
        yield words.get(("status", rest.split(" ", 1)[0]))
    elif (call := _CALL.match(line.text.strip())) is not None:
        yield words.get(("method", call[2]))
    else:
        for word in _WORD.findall(line.text):
            yield words.get(("grant", word)) or words.get(("error", word))


_WAYS: Final[dict[str, Callable[[Line], Iterator[Row | None]]]] = {
    "pop3": _pop3,
    "imap": _imap,
    "managesieve": _managesieve,
    "http": _http,
}


def _fill(row: Row | None, language: str, **facts: str) -> str:
    if row is None:
        return ""
    return row.text[LANGUAGES.index(language)].format(**facts)
