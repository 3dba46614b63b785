"""The IMAP transcripts on a session with a real store, whole packets and byte by byte.

`@ letters N`: so many messages in INBOX; `@ quota BYTES MESSAGES`; `@ login NAME`: logged in, and NAME
selected (`-`: no mailbox).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.storage.fixtures import make_account
from tests.transcripts.runner import Transcript, play, transcripts
from tests.unit.imap_world import Client, MemoryPeer, imap_world


class MemoryDialogue:
    def __init__(self, client: Client, piece: int) -> None:
        self._client = client
        self._piece = piece
        self._said = client.take()

    async def send(self, data: bytes) -> None:
        for at in range(0, len(data), self._piece):
            self._said += await self._client.send(data[at : at + self._piece])

    async def line(self) -> bytes | None:
        if not self._said:
            return None
        line, end, self._said = self._said.partition(b"\r\n")
        assert end, f"an unfinished line: {line!r}"
        return line

    async def closed(self) -> bool:
        return self._client.peer.closed


@pytest.mark.parametrize("piece", [65536, 1])
@pytest.mark.parametrize("transcript", transcripts("imap_*.txt"), ids=lambda found: found.name)
async def test_transcript(transcript: Transcript, piece: int, tmp_path: Path) -> None:
    async with imap_world(tmp_path) as world:
        # The transcripts that Dovecot plays as well use its test account.
        await make_account(world.store, "u0")
        await world.letters(int(transcript.settings.get("letters", "0")))
        if quota := transcript.settings.get("quota"):
            limits = dict(zip(("quota_bytes", "quota_messages"), map(int, quota.split()), strict=True))
            await world.store.directory.update_account(world.account.id, limits)
        if (mailbox := transcript.settings.get("login")) is not None:
            client = await world.login(mailbox.strip("-"))
        else:
            client = Client(world, MemoryPeer())
            world.clients.append(client)
            client.session.greet()
        assert await play(transcript, MemoryDialogue(client, piece)) > 0
