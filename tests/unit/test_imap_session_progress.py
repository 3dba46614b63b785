"""INPROGRESS: signs of life while a command takes long."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from posthouse.sessions.imap import progress
from tests.unit.imap_world import imap_world


async def test_long_commands_say_that_they_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PERIOD_S", 0.005)
    async with imap_world(tmp_path) as world:
        client = await world.login("INBOX")
        gate = asyncio.Event()
        listed = world.store.mailboxes.get

        async def slowly(*names: Any) -> Any:
            await gate.wait()
            return await listed(*names)

        monkeypatch.setattr(world.store.mailboxes, "get", slowly)
        client.session.receive(b"ab UID COPY 1 Sent\r\n")
        async with asyncio.timeout(5):
            while client.peer.said.count(b"INPROGRESS") < 2:  # noqa: ASYNC110 - what is written has no event
                await asyncio.sleep(0.001)
        gate.set()
        said = await client.settle()
        assert said.startswith(b'* OK [INPROGRESS ("ab" NIL NIL)] Still working on it\r\n')
        assert said.split(b"\r\n")[-2].startswith(b"ab ")
        # nothing follows the answer
        await asyncio.sleep(0.02)
        assert client.take() == b""
        assert (await client.run("NOOP")) == ["t OK NOOP completed"]
