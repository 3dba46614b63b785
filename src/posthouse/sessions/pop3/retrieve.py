"""RETR and TOP.  RFC 1939 §5 and §7.

Reads are sets: a run of pipelined RETR commands is answered from one read of the store, and a client that
takes one message after the other is read ahead of: while it takes what was read, the next are read by a thread.  What
is held in memory is bounded by `batch_bytes` and twice `read_ahead_bytes`; messages too long for that are streamed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from posthouse.core.errors import MailError
from posthouse.sessions.pop3.errors import answer_for
from posthouse.sessions.pop3.text import Text
from posthouse.storage.content_ports import Content, LargeContent
from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.command import Command
from posthouse.wire.pop3.multiline import Stuffer, TopCutter, cut_top, format_parts
from posthouse.wire.pop3.utf8 import needs_utf8_mode

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session


BLOCK_BYTES: Final = 2048
"""Messages from this length on are handed to the transport as they are."""


def retr(session: Pop3Session, command: Command) -> Coroutine[Any, Any, None] | None:
    run = session.engine.take_retrievals(session.settings.batch_messages)
    if run:
        return _retrieve_many(session, [command.number, *run])
    return _one(session, command)


def top(session: Pop3Session, command: Command) -> Coroutine[Any, Any, None] | None:
    return _one(session, command)


# --- one message ---


def _one(session: Pop3Session, command: Command) -> Coroutine[Any, Any, None] | None:
    if (refusal := session.missing(command.number)) is not None:
        session.peer.write(refusal)
        return None
    content = session.ahead.pop(command.number, None)
    if isinstance(content, bytes):
        session.last_read = command.number
        _write(session, _answer(session, command, content))
        return None
    return _read_one(session, command, content)


async def _read_one(session: Pop3Session, command: Command, content: Content | None) -> None:
    number = command.number
    if content is None:
        coming, session.coming = session.coming, None
        if coming is not None and number != session.last_read + 1:
            coming.cancel()
        elif coming is not None:
            session.ahead = await coming
            content = session.ahead.pop(number, None)
        if content is None:
            session.ahead = await session.maildrop.contents(_ahead_of(session, number))
            content = session.ahead.pop(number, None)
        if session.ahead:
            _read_on(session, max(session.ahead) + 1)
    session.last_read = number
    if content is None:
        session.err(Text.GONE, number=number)
    elif isinstance(content, bytes):
        _write(session, _answer(session, command, content))
    else:
        await _stream(session, command, content)


def _ahead_of(session: Pop3Session, number: int) -> list[int]:
    """The message, and those behind it when the client reads them in order."""
    if number != session.last_read + 1 or number == 1:
        return [number]
    return [number, *_following(session, number + 1, room=-session.maildrop.sizes[number - 1])]


def _following(session: Pop3Session, first: int, room: int = 0) -> list[int]:
    """From `first` on, as many as may be read ahead; `room`: how much more or less than usual."""
    numbers = []
    sizes, settings = session.maildrop.sizes, session.settings
    room += settings.read_ahead_bytes
    for number in range(first, min(len(sizes), first + settings.read_ahead_messages - 1) + 1):
        room -= sizes[number - 1]
        if room < 0:
            break
        if number not in session.deleted:
            numbers.append(number)
    return numbers


def _read_on(session: Pop3Session, first: int) -> None:
    """Begin with what comes behind the messages that are there."""
    if numbers := _following(session, first):
        session.coming = asyncio.get_running_loop().create_task(session.maildrop.contents(numbers))
        session.coming.add_done_callback(_seen)


def _seen(done: asyncio.Task[dict[int, Content]]) -> None:
    """Whoever asks for the messages gets the error; perhaps nobody does."""
    if not done.cancelled():
        done.exception()


def stop_reading_ahead(session: Pop3Session) -> None:
    session.ahead.clear()
    if session.coming is not None:
        session.coming.cancel()
        session.coming = None


def _answer(session: Pop3Session, command: Command, content: bytes) -> tuple[bytes, ...]:
    """The whole answer to RETR or TOP for a message in memory."""
    if not session.utf8 and needs_utf8_mode(content):
        return (session.format_err(Text.NEEDS_UTF8, reply.UTF8),)
    if command.verb == "TOP":
        return format_parts(session.format_ok(Text.TOP_FOLLOWS), cut_top(content, command.lines))
    session.read.add(command.number)
    return format_parts(session.format_ok(Text.OCTETS, size=len(content)), content)


def _write(session: Pop3Session, parts: Sequence[bytes]) -> None:
    """Without copying long parts."""
    small: list[bytes] = []
    for part in parts:
        if len(part) < BLOCK_BYTES:
            small.append(part)
        else:
            session.peer.write(b"".join(small))
            session.peer.write(part)
            small.clear()
    if small:
        session.peer.write(b"".join(small))


# --- a run of RETR ---


async def _retrieve_many(session: Pop3Session, numbers: Sequence[int]) -> None:
    stop_reading_ahead(session)
    for batch in _batches(session, numbers):
        await _retrieve_batch(session, batch)
    session.last_read = numbers[-1]


def _batches(session: Pop3Session, numbers: Sequence[int]) -> Iterator[list[int]]:
    """Cut a run so that no batch holds more than `batch_bytes`, unless one message alone does."""
    sizes, room = session.maildrop.sizes, session.settings.batch_bytes
    batch: list[int] = []
    for number in numbers:
        size = sizes[number - 1] if number <= len(sizes) else 0
        if batch and size > room:
            yield batch
            batch, room = [], session.settings.batch_bytes
        batch.append(number)
        room -= size
    yield batch


async def _retrieve_batch(session: Pop3Session, numbers: list[int]) -> None:
    wanted = {number for number in numbers if session.missing(number) is None}
    try:
        contents = await session.maildrop.contents(wanted) if wanted else {}
    except MailError as error:
        # RFC 2449 §6.6: a client matches answers to commands in order, so each command gets its own refusal.
        code, text = answer_for(error)
        session.peer.write(session.format_err(text, code) * len(numbers))
        return
    answers: list[bytes] = []
    for number in numbers:
        content = contents.get(number)
        if isinstance(content, bytes):
            answers += _answer(session, Command("RETR", number), content)
        elif content is None:
            answers.append(session.missing(number) or session.format_err(Text.GONE, number=number))
        else:
            _write(session, answers)
            answers.clear()
            await _stream(session, Command("RETR", number), content)
            if session.closing:
                return
    _write(session, answers)
    await session.drain()


# --- long messages ---


async def _stream(session: Pop3Session, command: Command, content: LargeContent) -> None:
    """Send a message chunk by chunk, as fast as the client takes it."""
    chunks = content.chunks()
    stuffer = Stuffer()
    cutter = TopCutter(command.lines) if command.verb == "TOP" else None
    started = False
    try:
        async for chunk in chunks:
            if not started:
                if not session.utf8 and needs_utf8_mode(chunk):
                    session.err(Text.NEEDS_UTF8, reply.UTF8)
                    return
                text = Text.OCTETS if cutter is None else Text.TOP_FOLLOWS
                session.ok(text, size=content.size)
                started = True
            session.peer.write(stuffer.feed(chunk if cutter is None else cutter.feed(chunk)))
            if cutter is not None and cutter.done:
                break
            await session.drain()
    except MailError as error:
        if not started:
            session.refuse(error)
            return
        # An answer cut short must not look complete: without its last line the client knows.
        session.on_fault(error)
        session.closing = True
        return
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
    session.peer.write(stuffer.finish())
    if cutter is None:
        session.read.add(command.number)
