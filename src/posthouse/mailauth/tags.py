"""Lists of tag=value, as DKIM and DMARC write them."""

from __future__ import annotations

import re
from typing import Final

TAGS_MAX: Final = 64
"""Tags of one list; more is an error."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VALUE: Final = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f;\x7f]*")
_FOLD: Final = re.compile(r"[ \t\r\n]+")


class BadTags(Exception):
    """Not a tag list; the text names the fault."""


def parse_tags(text: str) -> dict[str, str]:
    """tag-list = tag-spec *( ";" tag-spec ) [ ";" ]; values without outer blanks.  Raises BadTags."""
    tags: dict[str, str] = {}
    pieces = text.split(";", TAGS_MAX + 1)
    if len(pieces) > TAGS_MAX + 1:
        raise BadTags(f"more than {TAGS_MAX} tags")
    if not pieces[-1].strip():
        pieces.pop()
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name, value = name.strip(" \t\r\n"), value.strip(" \t\r\n")
        if not equals or not _NAME.fullmatch(name):
            raise BadTags("a tag without name or value")
        if not _VALUE.fullmatch(value):
            raise BadTags(f"{name}= holds a character that is not allowed")
        # RFC 6376 §3.2: a tag that stands twice makes the whole list invalid
        if name in tags:
            raise BadTags(f"{name}= stands twice")
        tags[name] = value
    return tags


def without_blanks(text: str) -> str:
    """Base64 and lists may be folded anywhere."""
    return _FOLD.sub("", text)
