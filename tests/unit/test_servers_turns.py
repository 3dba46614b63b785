"""Handshakes that arrive together are spread over rounds of the event loop; what else there is comes in between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from posthouse.servers import turns as turns_module
from posthouse.servers.turns import ROUND_S, Turns
from tests.unit.servers_rig import Rig

COST_S = 0.0011


class Client:
    """As much of a connection as is asked for; each handshake takes the time of a slow processor."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number = world, number
        self.transport: Any = self
        self.closed = self.paused = False

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def feed(self, sink: Any, data: bytes) -> None:
        sink(data)

    def handshake_octets(self, data: bytes) -> None:
        self.world.done.append((self.number, data, self.world.round))
        self.world.now += COST_S


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.round = 0.0, 0
        self.done: list[tuple[int, bytes, int]] = []
        self.turns = Turns()
        monkeypatch.setattr(turns_module.time, "perf_counter", lambda: self.now)

    async def rounds(self, count: int) -> None:
        for _ in range(count):
            self.round += 1
            await asyncio.sleep(0)


async def test_a_round_has_time_for_some_and_the_others_keep_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch)
    clients = [Client(world, number) for number in range(100)]
    for client in clients:
        world.turns.feed(client, b"a")  # type: ignore[arg-type]
    assert [client.paused for client in clients] == [False, False] + [True] * 98
    world.turns.feed(clients[50], b"b")  # type: ignore[arg-type]  # it was on its way
    clients[60].closed = True
    await world.rounds(80)
    assert [number for number, _, _ in world.done] == [number for number in range(100) if number != 60]
    assert world.done[50] == (50, b"ab", world.done[50][2])
    most = int(ROUND_S / COST_S) + 1
    each = [sum(1 for one in world.done if one[2] == number) for number in range(81)]
    assert max(each) == most
    assert not any(client.paused for client in clients if not client.closed)


async def test_who_comes_alone_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    for number in range(5):
        world.turns.feed(Client(world, number), b"a")  # type: ignore[arg-type]
        assert len(world.done) == number + 1
        await world.rounds(2)


async def test_many_clients_at_once_all_get_in(tmp_path: Path) -> None:
    async with Rig(tmp_path, implicit_tls=True) as rig:
        rig.use_tls("mail.qq.test")

        async def visit() -> bytes:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", rig.port, ssl=rig.client_context(), server_hostname="mail.qq.test"
            )
            writer.write(b"one\r\nquit\r\n")
            said = await reader.read()
            writer.close()
            return said

        assert await asyncio.gather(*(visit() for _ in range(60))) == [b"hello\r\necho one\r\nbye\r\n"] * 60
