"""COMPRESS.  RFC 4978."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.wire.imap import command as c

from .text import translate

if TYPE_CHECKING:
    from .session import ImapSession


async def compress(session: ImapSession, command: c.Compress) -> bytes | None:
    if command.mechanism != "DEFLATE":
        return b"BAD This server compresses with DEFLATE only"
    if session.compressed:
        return b"NO [COMPRESSIONACTIVE] DEFLATE is active already"
    answer = translate(b"OK DEFLATE active", session.language)
    # RFC 4978 §3: compression starts right after the CRLF of this line, and nothing was to be sent before it was seen.
    session.write(b"%b %b\r\n" % (command.tag, answer))
    session.engine.discard_buffer()
    session.flush()
    session.compressed = session.silent = True
    session.peer.start_compression()
    return None
