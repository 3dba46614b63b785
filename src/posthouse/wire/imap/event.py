"""What the engine gives the session, besides commands."""

from __future__ import annotations

from dataclasses import dataclass

from .command import Command
from .parse_append import AppendHead


@dataclass(slots=True)
class BadCommand:
    """A command that is not run.  Send `answer` as it is; close if `fatal`.

    It also ends the IDLE, AUTHENTICATE or APPEND that was open: a spool is to be dropped.
    """

    tag: bytes
    text: str
    answer: bytes
    fatal: bool = False


@dataclass(slots=True)
class AppendBegin(AppendHead):
    """A message comes: call `accept_literal` or `refuse_literal`.  `first` is False for a later message of
    MULTIAPPEND."""

    first: bool = True
    last_urls: tuple[str, ...] = ()  # of the message before this one


@dataclass(slots=True)
class AppendPiece:
    """RFC 4469: more of the same message comes, first what the URLs name, then a literal: `accept_literal` or
    `refuse_literal`."""

    tag: bytes
    urls: tuple[str, ...]
    size: int


@dataclass(slots=True)
class LiteralChunk:
    data: bytes


@dataclass(slots=True)
class LiteralEnd:
    """All octets of the message are there; the command is not over yet."""


@dataclass(slots=True)
class AppendEnd:
    """The command is over and well-formed: add what the URLs name, store what came and answer."""

    tag: bytes
    urls: tuple[str, ...] = ()


@dataclass(slots=True)
class IdleDone:
    tag: bytes


@dataclass(slots=True)
class ContinuationLine:
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
