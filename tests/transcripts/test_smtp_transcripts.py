"""The SMTP transcripts, played against a session in memory, whole packets and byte by byte."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.transcripts.runner import Transcript, play, transcripts
from tests.unit.smtp_world import Client, World, settled


class MemoryDialogue:
    def __init__(self, client: Client, piece: int) -> None:
        self._client = client
        self._piece = piece
        self._said = ""

    async def send(self, data: bytes) -> None:
        for at in range(0, len(data), self._piece):
            self._client.session.receive(data[at : at + self._piece])
            if self._piece < len(data):
                await settled(self._client.session)
        await settled(self._client.session)

    async def line(self) -> bytes | None:
        self._said += self._client.take()
        if not self._said:
            return None
        line, end, self._said = self._said.partition("\r\n")
        assert end, f"an unfinished line: {line!r}"
        return line.encode()

    async def closed(self) -> bool:
        return self._client.peer.closed


def runs() -> Iterator[tuple[Transcript, int]]:
    for transcript in transcripts("smtp_*.txt"):
        yield transcript, 65536
        # What is sent behind STARTTLS has to come in the same packet to be discarded.
        if transcript.settings.get("packets") != "whole":
            yield transcript, 1


@pytest.mark.parametrize(
    ("transcript", "piece"), list(runs()), ids=lambda value: getattr(value, "name", value)
)
async def test_transcript(transcript: Transcript, piece: int) -> None:
    world = World()
    listener = transcript.settings["listener"]
    await play(transcript, MemoryDialogue(world.connect(listener, tls=listener == "submissions"), piece))
    assert world.faults == []
    assert world.store.open == 0
