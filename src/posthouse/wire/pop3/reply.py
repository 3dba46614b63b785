"""Answers: status lines with response codes, scan listings, UIDL listings, capability and language lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MAX_STATUS_BYTES: Final = 512
"""RFC 2449 §4: the first line of an answer, CRLF included."""
END: Final = b".\r\n"

# Response codes.  RFC 2449 §8.1, RFC 3206 §4 and §5, RFC 6856 §5.
IN_USE: Final = "IN-USE"
LOGIN_DELAY: Final = "LOGIN-DELAY"
SYS_TEMP: Final = "SYS/TEMP"
SYS_PERM: Final = "SYS/PERM"
AUTH: Final = "AUTH"
UTF8: Final = "UTF8"
CODES: Final = (IN_USE, LOGIN_DELAY, SYS_TEMP, SYS_PERM, AUTH, UTF8)


def format_ok(text: str = "", code: str = "") -> bytes:
    return _status(b"+OK", text, code)


def format_err(text: str, code: str = "") -> bytes:
    return _status(b"-ERR", text, code)


def _status(status: bytes, text: str, code: str) -> bytes:
    # RFC 2449 §3: with RESP-CODES announced, text that begins with "[" would be read as a code.
    if text.startswith("["):
        text = "(" + text[1:]
    if code:
        text = f"[{code}] {text}"
    if not text:
        return status + b"\r\n"
    line = status + b" " + " ".join(text.splitlines()).encode("utf-8", "replace")
    if len(line) + 2 > MAX_STATUS_BYTES:
        line = line[: MAX_STATUS_BYTES - 2].decode("utf-8", "ignore").encode("utf-8")
    return line.rstrip() + b"\r\n"


def format_challenge(challenge: bytes) -> bytes:
    """A SASL challenge that is base64 already.  RFC 5034 §4: `+`, a space, the challenge."""
    return b"+ " + challenge + b"\r\n"


def format_stat(count: int, size_bytes: int) -> bytes:
    # RFC 1939 §5: the drop listing; nothing may follow the two numbers but what a client is bound to ignore.
    return b"+OK %d %d\r\n" % (count, size_bytes)


def format_scan(number: int, size_bytes: int) -> bytes:
    return b"+OK %d %d\r\n" % (number, size_bytes)


def format_unique_id(number: int, unique_id: bytes) -> bytes:
    return b"+OK %d %b\r\n" % (number, unique_id)


def format_scan_lines(rows: Iterable[tuple[int, int]]) -> bytes:
    """The lines of LIST for (number, size) rows."""
    return b"".join([b"%d %d\r\n" % row for row in rows])


def format_unique_id_lines(rows: Iterable[tuple[int, bytes]]) -> bytes:
    """The lines of UIDL for (number, unique id) rows."""
    return b"".join([b"%d %b\r\n" % row for row in rows])


def format_lines(first: bytes, lines: Iterable[str]) -> bytes:
    """A short multi-line answer: CAPA, LANG, AUTH.  `first` is a complete status line."""
    body = "".join([f".{line}\r\n" if line.startswith(".") else f"{line}\r\n" for line in lines])
    return first + body.encode("utf-8") + END
