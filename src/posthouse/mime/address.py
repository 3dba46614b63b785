"""Address lists: RFC 5322 §3.4 with the obsolete forms, groups, comments; lenient as Dovecot is.

`parse_addresses` yields what an IMAP ENVELOPE shows (RFC 9051 §7.5.2): tuples (name, route, mailbox, host),
texts not decoded.  A group begins with (None, None, name, None) and ends with (None, None, None, None).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, final

from posthouse.mime.header import unfold
from posthouse.mime.lexer import Cursor
from posthouse.mime.words import decode_words, encode_words, raw_text

Address = tuple[str | None, str | None, str | None, str | None]

MAX_ADDRESSES: Final = 2000
"""Addresses read from one field; the rest is ignored."""

MISSING_MAILBOX: Final = "MISSING_MAILBOX"
MISSING_DOMAIN: Final = "MISSING_DOMAIN"

_ATOM: Final = r"[^\x00-\x20()<>@,;:\\\".\[\]\x7f]+"
_DOT_ATOM: Final = rf"{_ATOM}(?:\.{_ATOM})*"
_PHRASE_WORD: Final = r"[^\x00-\x20()<>@,;:\\\"\[\]\x7f]+"
_PHRASE: Final = rf"(?!\.){_PHRASE_WORD}(?: {_PHRASE_WORD})*"
_COMMON: Final = re.compile(
    rf'(?:(?:"([^"\\\r\n]+)"|({_PHRASE}))[ \t]*<({_DOT_ATOM})@({_DOT_ATOM})>|({_DOT_ATOM})@({_DOT_ATOM}))'
    r"[ \t]*(?:,[ \t]*(?=[^ \t,])|\Z)"
)

_IS_DOT_ATOM: Final = re.compile(_DOT_ATOM).fullmatch
_DOTS: Final = re.compile(r"\.*")


def parse_addresses(value: str) -> list[Address]:
    """All addresses of a field value (folded or not).  Never raises."""
    text = unfold(value)
    found: list[Address] = []
    pos, end = 0, len(text)
    while pos < end:  # the plain forms by one pattern; the first odd one hands the rest to the parser
        match = _COMMON.match(text, pos)
        if match is None or len(found) >= MAX_ADDRESSES:
            _Parser(text, pos, found).run()
            break
        if match[5] is not None:
            found.append((None, None, match[5], match[6]))
        else:
            name = match[2] if match[1] is None else match[1]
            found.append((name or None, None, match[3], match[4]))
        pos = match.end()
    return found


@final
class _Parser:
    """RFC 5322 §3.4 by recursive descent, one method per rule, on one shared cursor."""

    __slots__ = ("cursor", "domain", "found", "mailbox", "name", "route")

    def __init__(self, text: str, pos: int, found: list[Address]) -> None:
        self.cursor = Cursor(text, pos)
        self.found = found
        self._clear()

    def _clear(self) -> None:
        self.name: str | None = None
        self.route: str | None = None
        self.mailbox: str | None = None
        self.domain: str | None = None

    def run(self) -> None:
        cursor = self.cursor
        if not cursor.skip_space():
            return
        while cursor.pos < cursor.end and len(self.found) < MAX_ADDRESSES:
            if not self._address():
                # What could not be read is stepped over, up to the next comma.
                self._resync()
            if cursor.peek() != ",":
                break
            cursor.pos += 1
            if not cursor.skip_space():
                self._add()
                break

    def _resync(self) -> None:
        cursor = self.cursor
        if cursor.pos < cursor.end and cursor.peek() != ",":
            cursor.pos = cursor.end

    def _add(self) -> None:
        mailbox = MISSING_MAILBOX if self.mailbox is None else self.mailbox
        self.found.append((self.name, self.route, mailbox, self.domain or MISSING_DOMAIN))
        self._clear()

    def _address(self) -> bool:
        start = self.cursor.pos
        group = self._group()
        if group is not None:
            return group
        self.cursor.pos = start
        return self._mailbox()

    def _group(self) -> bool | None:
        """group = display-name ":" [mailbox-list] ";"; None when it is not one."""
        cursor = self.cursor
        words: list[str] = []
        if not cursor.phrase(words) or cursor.peek() != ":":
            return None
        cursor.pos += 1
        good = cursor.skip_space()
        self.found.append((None, None, "".join(words), None))
        if good and cursor.pos < cursor.end and cursor.peek() != ";":
            while len(self.found) < MAX_ADDRESSES:
                self._mailbox()
                if cursor.peek() != ",":
                    break
                cursor.pos += 1
                if not cursor.skip_space() or cursor.pos >= cursor.end:
                    break
        if cursor.peek() == ";":
            cursor.pos += 1
            good = cursor.skip_space()
        self.found.append((None, None, None, None))
        return good

    def _mailbox(self) -> bool:
        start = self.cursor.pos
        good = self._name_addr()
        if good is None:
            self.cursor.pos = start
            good = self._addr_spec()
        self._add()
        return good

    def _name_addr(self) -> bool | None:
        """name-addr = [display-name] "<" addr-spec ">"; None when it is not one."""
        cursor = self.cursor
        words: list[str] = []
        if cursor.peek() != "<" and (not cursor.phrase(words) or cursor.peek() != "<"):
            return None
        self.name = "".join(words) or None
        if not self._angle_addr():
            self.domain = "SYNTAX_ERROR"
        return True

    def _angle_addr(self) -> bool:
        cursor = self.cursor
        cursor.pos += 1
        if not cursor.skip_space() or cursor.pos >= cursor.end:
            return False
        if cursor.peek() == "@":
            if self._route() and cursor.peek() == ":":
                cursor.pos += 1
            else:
                self.route = "INVALID_ROUTE"
            if not cursor.skip_space() or cursor.pos >= cursor.end:
                return False
        if cursor.peek() != ">":
            if not self._local_part() or cursor.pos >= cursor.end:
                return False
            if cursor.peek() == "@" and not self._domain():
                return False
        if cursor.peek() != ">":
            return False
        cursor.pos += 1
        return cursor.skip_space()

    def _route(self) -> bool:
        """RFC 5322 §4.4: obs-route, kept as "@a,@b"."""
        cursor = self.cursor
        words: list[str] = []
        while cursor.peek() == "@":
            words.append("@")
            if not cursor.domain(words) or cursor.pos >= cursor.end:
                return False
            while cursor.peek() == ",":
                cursor.pos += 1
                if not cursor.skip_space() or cursor.pos >= cursor.end:
                    return False
            if cursor.peek() == "@":
                words.append(",")
        self.route = "".join(words)
        return True

    def _local_part(self) -> bool:
        """local-part = word *("." word); stray dots are kept."""
        cursor = self.cursor
        words: list[str] = []
        if cursor.peek() == "." and not self._dots(words):
            return False
        while cursor.pos < cursor.end and cursor.peek() not in ("@", ">"):
            good = cursor.quoted_string(words) if cursor.peek() == '"' else cursor.atom(words)
            if not good:
                return False
            if cursor.peek() != ".":
                break
            if not self._dots(words):
                return False
        self.mailbox = "".join(words) if words else None
        return bool(words)

    def _dots(self, words: list[str]) -> bool:
        match = _DOTS.match(self.cursor.text, self.cursor.pos)
        if match is not None:
            words.append(match[0])
            self.cursor.pos = match.end()
        return self.cursor.skip_space()

    def _domain(self) -> bool:
        words: list[str] = []
        if not self.cursor.domain(words):
            return False
        self.domain = "".join(words)
        return True

    def _addr_spec(self) -> bool:
        """addr-spec, its name in a comment (RFC 822 style); or a bare word or phrase."""
        cursor = self.cursor
        cursor.comment = ""
        quoted = cursor.peek() == '"'
        good = self._local_part()
        at_sign = cursor.peek() == "@"
        if at_sign:
            good = self._domain() and good
        if cursor.comment:
            self.name = cursor.comment
        elif not at_sign:
            good = self._bare_phrase(quoted=quoted)
        return good

    def _bare_phrase(self, *, quoted: bool) -> bool:
        """Without "@": one word is a mailbox, a quoted string or several words are a name."""
        words: list[str] = []
        cursor = self.cursor
        start = cursor.pos
        cursor.phrase(words)
        if cursor.pos != start and words:
            self.name = f"{self.mailbox or ''} {''.join(words)}".strip(" ")
            self.mailbox = None
        elif quoted:
            self.name, self.mailbox = self.mailbox, None
        return False


@final
@dataclass(slots=True)
class Mailbox:
    """One readable address: decoded display name, and `local@domain`."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


def parse_mailboxes(value: str) -> list[Mailbox]:
    """The readable addresses of a field, groups opened, incomplete ones left out."""
    found: list[Mailbox] = []
    for name, _, mailbox, host in parse_addresses(value):
        if (
            mailbox is None
            or host is None
            or MISSING_MAILBOX in mailbox
            or host in (MISSING_DOMAIN, "SYNTAX_ERROR")
        ):
            continue
        found.append(Mailbox(decode_words(name) if name else "", raw_text(f"{quote_local(mailbox)}@{host}")))
    return found


def quote_local(local: str) -> str:
    """A local part as it must be written: RFC 5321 §4.1.2 quoted-string where it is no dot-atom."""
    if _IS_DOT_ATOM(local):
        return local
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def format_mailbox(name: str, address: str) -> str:
    """`name <address>` for a composed header; the name is quoted or encoded as it needs."""
    if not name:
        return address
    if not name.isascii() or not name.isprintable() or "=?" in name:
        return f"{encode_words(name)} <{address}>"
    if re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+", name):
        return f"{name} <{address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'
