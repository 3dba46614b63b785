"""What the engine gives the session, besides commands."""

from __future__ import annotations

from msgspec import Struct

from .command import Command
from .parse_append import AppendHead


class BadCommand(Struct):
    """A command that is not run.  Send `answer` as it is; close if `fatal`.

    It also ends the IDLE, AUTHENTICATE or APPEND that was open: a spool is to be dropped.
    """

    tag: bytes
    text: str
    answer: bytes
    fatal: bool = False
    unsaves: bool = False  # RFC 5182 §2.1: `$` stands for nothing now


class AppendBegin(AppendHead):
    """A message comes: call `accept_literal` or `refuse_literal`.  `first` is False for a later message of
    MULTIAPPEND."""

    first: bool = True
    last_urls: tuple[str, ...] = ()  # of the message before this one


class AppendPiece(Struct):
    """RFC 4469: more of the same message comes, first what the URLs name, then a literal: `accept_literal` or
    `refuse_literal`."""

    tag: bytes
    urls: tuple[str, ...]
    size: int


class LiteralChunk(Struct):
    data: bytes


class LiteralEnd(Struct):
    """All octets of the message are there; the command is not over yet."""


class AppendEnd(Struct):
    """The command is over and well-formed: add what the URLs name, store what came and answer."""

    tag: bytes
    urls: tuple[str, ...] = ()


class IdleDone(Struct):
    tag: bytes


class ContinuationLine(Struct):
    """Answer to a `challenge`, without CRLF.  `*` cancels (RFC 9051 §6.2.2)."""

    line: bytes


Event = (
    Command
    | BadCommand
    | AppendBegin
    | AppendPiece
    | LiteralChunk
    | LiteralEnd
    | AppendEnd
    | IdleDone
    | ContinuationLine
)
