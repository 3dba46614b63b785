"""What every session shares: commands in order, one at a time, and an end that always cleans up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from posthouse.sessions.session import Session
from tests.unit.pop3_world import MemoryPeer


class Lines(Session):
    """A line is a command that waits for the gate; "now" needs no task."""

    __slots__ = ("__dict__",)

    def __init__(self) -> None:
        super().__init__(MemoryPeer(), lambda _error: None)
        self.lines: list[bytes] = []
        self.log: list[str] = []
        self.gate = asyncio.Event()

    def _feed(self, data: bytes) -> None:
        self.lines += data.split()

    def _next(self) -> bytes | None:
        return self.lines.pop(0) if self.lines else None

    def _handle(self, event: bytes) -> Any:
        if event == b"now":
            self.log.append("now")
            return None
        return self._wait(event.decode())

    async def _wait(self, name: str) -> None:
        self.log.append(f"{name} begins")
        try:
            await self.gate.wait()
        finally:
            self.log.append(f"{name} ends")

    def _cleanup(self) -> None:
        self.log.append("cleanup")


async def turn(session: Lines) -> None:
    while session._task is not None:
        await asyncio.wait([session._task])


async def test_commands_run_in_order() -> None:
    session = Lines()
    session.receive(b"a now ")
    session.receive(b"b now")
    session.gate.set()
    await turn(session)
    assert session.log == ["a begins", "a ends", "now", "b begins", "b ends", "now"]


@pytest.mark.parametrize(
    ("before", "log"),
    [
        (lambda session: session.receive(b"now"), ["now", "cleanup"]),
        (lambda session: session.receive(b"a b"), ["a begins", "a ends", "cleanup"]),
    ],
    ids=["idle", "busy"],
)
async def test_a_connection_lost_in_the_turn_in_which_its_bytes_came(
    before: Callable[[Lines], None], log: list[str]
) -> None:
    session = Lines()
    before(session)
    session.closed()
    await turn(session)
    assert session.log == log


async def test_a_connection_lost_while_a_command_runs() -> None:
    session = Lines()
    session.receive(b"a")
    await asyncio.sleep(0)
    session.closed()
    await turn(session)
    assert session.log == ["a begins", "a ends", "cleanup"]


async def test_a_flood_of_quick_commands_gives_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.sessions.session.SLICE_S", 0.0)
    session = Lines()
    others: list[int] = []

    def other() -> None:
        others.append(len(session.log))
        if session._task is not None:
            asyncio.get_running_loop().call_soon(other)

    asyncio.get_running_loop().call_soon(other)
    session.receive(b"now " * 20)
    assert len(session.log) < 20
    await turn(session)
    assert session.log == ["now"] * 20
    assert len(set(others)) > 5


@pytest.mark.parametrize("first", [b"now", b"a"], ids=["quick", "slow"])
async def test_a_client_that_reads_no_answers_is_not_served_on(first: bytes) -> None:
    session = Lines()
    peer = session.peer
    assert isinstance(peer, MemoryPeer)
    peer.must_drain, peer.gate = True, asyncio.Event()
    session.gate.set()
    session.receive(first + b" now" * 100)
    for _ in range(5):
        await asyncio.sleep(0)
    assert session.log.count("now") <= 1
    peer.must_drain = False
    peer.gate.set()
    await turn(session)
    assert session.log.count("now") == 100 + (first == b"now")
