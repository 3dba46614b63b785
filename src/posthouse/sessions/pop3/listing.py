"""STAT, LIST and UIDL.  RFC 1939 §5 and §7."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from posthouse.sessions.pop3.text import Text
from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.command import Command

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session

ROWS_AT_ONCE: Final = 5000
"""Lines formatted before other sessions get their turn; a few milliseconds."""


def stat(session: Pop3Session, _command: Command) -> None:
    session.peer.write(reply.format_stat(*session.totals()))


def list_(session: Pop3Session, command: Command) -> Coroutine[Any, Any, None] | None:
    sizes = session.maildrop.sizes
    if command.number:
        answer = session.missing(command.number)
        session.peer.write(answer or reply.format_scan(command.number, sizes[command.number - 1]))
        return None
    count, size = session.totals()
    return _listing(
        session,
        session.format_ok(Text.LISTING, count=count, size=size),
        lambda numbers: reply.format_scan_lines((number, sizes[number - 1]) for number in numbers),
    )


def uidl(session: Pop3Session, command: Command) -> Coroutine[Any, Any, None] | None:
    if command.number:
        answer = session.missing(command.number)
        session.peer.write(
            answer or reply.format_unique_id(command.number, unique_id(session, command.number))
        )
        return None
    # RFC 1939 §7: unique ids persist across sessions and are never given to another message: the UID with its
    # UIDVALIDITY is just that.
    uids, validity = session.maildrop.uids, session.maildrop.mailbox.uidvalidity
    return _listing(
        session,
        session.format_ok(Text.UNIQUE_IDS),
        lambda numbers: reply.format_unique_id_lines(
            (number, b"%d.%d" % (validity, uids[number - 1])) for number in numbers
        ),
    )


def unique_id(session: Pop3Session, number: int) -> bytes:
    drop = session.maildrop
    return b"%d.%d" % (drop.mailbox.uidvalidity, drop.uids[number - 1])


def _listing(
    session: Pop3Session, first: bytes, lines: Callable[[list[int]], bytes]
) -> Coroutine[Any, Any, None] | None:
    numbers = [n for n in range(1, len(session.maildrop) + 1) if n not in session.deleted]
    if len(numbers) <= ROWS_AT_ONCE:
        session.peer.write(b"".join((first, lines(numbers), reply.END)))
        return None
    return _long_listing(session, first, lines, numbers)


async def _long_listing(
    session: Pop3Session, first: bytes, lines: Callable[[list[int]], bytes], numbers: list[int]
) -> None:
    session.peer.write(first)
    for start in range(0, len(numbers), ROWS_AT_ONCE):
        session.peer.write(lines(numbers[start : start + ROWS_AT_ONCE]))
        await asyncio.sleep(0)
        await session.drain()
    session.peer.write(reply.END)
