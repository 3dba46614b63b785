"""The transcripts that are free of our own words, played against Dovecot: what it fails is probably wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.integration.dovecot import Dovecot, running_dovecot
from tests.transcripts.runner import Transcript, play, transcripts

QUIET_S = 0.3
"""Nothing for so long means that nothing more comes."""
SHARED = [*transcripts("imap_rfc9051_*.txt"), *transcripts("imap_states.txt")]


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


class SocketDialogue:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def line(self) -> bytes | None:
        try:
            async with asyncio.timeout(QUIET_S):
                line = await self._reader.readline()
        except TimeoutError:
            return None
        return line.removesuffix(b"\r\n") if line else None

    async def closed(self) -> bool:
        async with asyncio.timeout(5):
            return await self._reader.read(1) == b""


@pytest.mark.peers
@pytest.mark.parametrize("transcript", SHARED, ids=lambda found: found.name)
async def test_dovecot_agrees(transcript: Transcript, dovecot: Dovecot) -> None:
    reader, writer = await asyncio.open_connection(dovecot.host, dovecot.port)
    try:
        assert await play(transcript, SocketDialogue(reader, writer)) > 0
    finally:
        writer.close()
        await writer.wait_closed()
