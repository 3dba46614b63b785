"""Who takes a connection: the worker that has fewer, and whoever it is when the others do not."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest

from posthouse.core.step_back import AGAIN_S, FAR_AHEAD, StepBack
from posthouse.http.listener import HttpAcceptor
from posthouse.servers.board import Board, HttpShares


def test_one_that_has_more_leaves_a_connection_once_and_then_takes_it() -> None:
    shares = [1, 0]
    step_back = StepBack(lambda: (shares[0], shares[1]))
    assert step_back.now(1.0)
    assert not step_back.now(1.002)  # nobody took it
    assert step_back.is_ahead()
    assert not step_back.now(1.004)  # a burst is not slowed down by each of its connections
    assert step_back.now(1.003 + AGAIN_S)
    shares[1] = 1
    assert not step_back.now(2.0)
    assert not step_back.is_ahead()


def test_one_that_is_far_ahead_steps_back_each_time() -> None:
    step_back = StepBack(lambda: (FAR_AHEAD + 1, 0))
    assert [step_back.now(1.0) for _ in range(4)] == [True, False, True, False]


@pytest.mark.parametrize("burst", [2, 9])
async def test_connections_of_http_are_spread_over_workers(burst: int) -> None:
    """Two acceptors on one socket, as in two workers: neither is left behind."""
    board, lost = Board(2), []
    sock = socket.create_server(("127.0.0.1", 0))

    class Kept(asyncio.Protocol):
        def __init__(self, on_lost: Any) -> None:
            self.on_lost = on_lost

        def connection_lost(self, exc: Exception | None) -> None:
            self.on_lost()
            lost.append(exc)

    acceptors = [
        HttpAcceptor(sock.dup(), Kept, None, logging.getLogger("t"), HttpShares(board.slot(i), {1 - i}))
        for i in (0, 1)
    ]
    for acceptor in acceptors:
        acceptor.start()
    open_ones = [await asyncio.open_connection(*sock.getsockname()) for _ in range(burst)]
    shares = HttpShares(board.slot(0), {1})
    async with asyncio.timeout(20):
        while sum(board.values(board_index())) < burst:  # noqa: ASYNC110 - by the loop that is tested
            await asyncio.sleep(0.001)
    assert abs(shares.of()[0] - shares.of()[1]) <= FAR_AHEAD + 1
    assert min(shares.of()) > 0
    for _, writer in open_ones:
        writer.close()
    async with asyncio.timeout(20):
        while len(lost) < burst:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert shares.of() == (0, 0)
    for acceptor in acceptors:
        acceptor.close()
    sock.close()


def board_index() -> int:
    from posthouse.servers.board import field  # noqa: PLC0415

    return field("http_connections")
