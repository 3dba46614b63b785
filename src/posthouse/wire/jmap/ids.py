"""Ids: those of mail are the same as IMAP's EMAILID, THREADID and MAILBOXID (RFC 8474, RFC 8621 §1.2).

A blob is a message (`M12`), an upload (`U7`), a script (`S` and its number and checksum), a picture of a card (`K` and
a digest), or bytes inside of one: for each step inwards the place of a part and how it is encoded, so `M12_812_3076_b`
is an attachment in base64, and more steps lead into a message in that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")  # RFC 8620 §1.2
_BLOB: Final = re.compile(r"([MUSK])([1-9][0-9]{0,17})((?:_[0-9]{1,18}_[0-9]{1,18}_[bqn]){0,8})")
_STEP: Final = re.compile(r"_([0-9]+)_([0-9]+)_([bqn])")
_NUMBERED: Final = re.compile(r"([A-Z])([1-9][0-9]{0,17})")
ENCODINGS: Final = {"b": "base64", "q": "quoted-printable", "n": None}
_LETTERS: Final = {"base64": "b", "quoted-printable": "q"}

ACCOUNT: Final = "A"
MAILBOX: Final = "F"
EMAIL: Final = "M"
THREAD: Final = "T"
UPLOAD: Final = "U"
SCRIPT: Final = "S"
ADDRESS_BOOK: Final = "B"
CARD: Final = "C"
PICTURE: Final = "K"


class BlobName(Struct, frozen=True):
    kind: str  # EMAIL, UPLOAD, SCRIPT or PICTURE
    number: int
    steps: tuple[tuple[int, int, str], ...] = ()  # start, length, letter of the encoding

    def __str__(self) -> str:
        inner = "".join([f"_{start}_{length}_{letter}" for start, length, letter in self.steps])
        return f"{self.kind}{self.number}{inner}"

    def part(self, start: int, length: int, encoding: str | None) -> str:
        """The id of a part inside."""
        return f"{self}_{start}_{length}_{_LETTERS.get((encoding or '').lower(), 'n')}"


def format_id(letter: str, number: int) -> str:
    return f"{letter}{number}"


def try_number(letter: str, text: object) -> int | None:
    """The number in an id of this kind; None for everything else."""
    match = _NUMBERED.fullmatch(text) if isinstance(text, str) else None
    return int(match[2]) if match is not None and match[1] == letter else None


def numbers(letter: str, texts: Iterable[object]) -> list[int]:
    """Those in ids of this kind; all else is left out."""
    return [number for text in texts if (number := try_number(letter, text)) is not None]


def try_blob(text: object) -> BlobName | None:
    match = _BLOB.fullmatch(text) if isinstance(text, str) and len(text) <= 255 else None
    if match is None:
        return None
    steps = tuple((int(start), int(length), letter) for start, length, letter in _STEP.findall(match[3]))
    return BlobName(match[1], int(match[2]), steps)


def is_id(text: object) -> bool:
    return isinstance(text, str) and ID.fullmatch(text) is not None
