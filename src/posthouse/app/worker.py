"""What a child process of the supervisor does from its fork to its end: the worker, and the writer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvloop
from msgspec import Struct

from posthouse.app.config import Config, load_config
from posthouse.app.node import Node, Sockets
from posthouse.core.errors import InUse, Invalid, MailError, StartError
from posthouse.extract import Extractor
from posthouse.openssl.tickets import KeyRing
from posthouse.servers.board import Board, Slot, field
from posthouse.servers.process import memory_bytes
from posthouse.servers.supervisor import EXIT_CONFIG, Child
from posthouse.servers.tls import Contexts
from posthouse.services.shared import SharedSignIn
from posthouse.storage.ports import Store
from posthouse.storage.sqlite import open_store, serve_writer

OPEN_LIMIT_S: Final = 15.0
"""How long the writer waits at its start for a predecessor to let the data go."""
RETRY_S: Final = 0.05
ORPHAN_STOP_S: Final = 1.0
"""Bound of the stop once the supervisor is gone: its successor wants the ports."""
FAULTS: Final = field("faults_total")
GC_THRESHOLDS: Final = (2_000, 20, 500)
"""A full collection rarely: sessions make few cycles, and it stalls every connection of the worker.  Of what is young
little at once: where a flood is refused the collector has all of it to take apart, a microsecond for each object."""
SWITCH_S: Final = 0.0005
"""How long a thread may keep the interpreter from the event loop, which asks for it anew behind every system call.
Beside a search that reads 10,000 messages a NOOP took 4 ms (p90 17) with Python's 5 ms, and takes 1.2 ms (p90 5)."""


class Plan(Struct):
    """What the supervisor prepared and every child inherits."""

    config: Config
    config_path: Path | None  # None: the configuration was made in memory; a reload only reads certificates
    board: Board
    sockets: Sockets
    tls: Contexts | None  # made before the fork, so that all workers resume each other's sessions
    log: logging.Logger
    workers: int
    shared: SharedSignIn  # between the workers
    ring: KeyRing  # what `tls` has the keys of its tickets from
    indexer_bell: int = -1  # a byte written here starts the indexer


def run_worker(plan: Plan, child: Child) -> int:
    return run_child(_worker(plan, child), plan.log, child)


def run_writer(plan: Plan, child: Child) -> int:
    for socks in plan.sockets.values():
        for sock in socks:
            sock.close()
    return run_child(_writer(plan, child), plan.log, child)


def run_child(main: Coroutine[Any, Any, int], log: logging.Logger, child: Child) -> int:
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_S)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    except (InUse, Invalid, StartError) as error:
        log.critical("cannot start", extra={"facts": {"role": child.role.name, "error": str(error)}})
        return EXIT_CONFIG


class Events:
    """Signals and the lifeline, as events of the loop."""

    def __init__(self, child: Child) -> None:
        self.stop = asyncio.Event()
        self.reload = asyncio.Event()
        self.orphaned = False
        self._lifeline = child.lifeline
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(child.role.stop_signal, self.stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload.set)
        loop.add_reader(child.lifeline, self._orphan)

    def _orphan(self) -> None:
        asyncio.get_running_loop().remove_reader(self._lifeline)
        self.orphaned = True
        self.stop.set()


async def _worker(plan: Plan, child: Child) -> int:
    events = Events(child)
    config = plan.config
    slot = plan.board.slot(child.role.slot)
    asyncio.get_running_loop().set_exception_handler(partial(_fault, plan.log, slot))
    node = Node(
        config,
        slot,
        plan.log,
        prefix=f"{child.role.slot}{child.generation:x}{int(time.time()) & 0xFFF:03x}",
        siblings=range(plan.workers),
        shared=plan.shared,
        ring=plan.ring,
    )
    store = await open_or_stop(plan, events)
    if store is None:
        return 0
    store.search.on_want(partial(_ring, plan.indexer_bell))
    if await store.search.pending():  # since before the start
        _ring(plan.indexer_bell)
    await node.start(store, plan.sockets, plan.tls)
    child.ready()
    reloads = asyncio.get_running_loop().create_task(_reloads(plan, node, events))
    await events.stop.wait()
    reloads.cancel()
    await node.stop(ORPHAN_STOP_S if events.orphaned else node.config.limits.stop_s)
    await store.close()
    return 0


def _ring(bell: int) -> None:
    with contextlib.suppress(BlockingIOError):  # it rings already
        os.write(bell, b"i")


async def open_or_stop(plan: Plan, events: Events) -> Store | None:
    """None when the stop comes while the writer is still waited for: an orphan must not hold the ports that long."""
    config = plan.config
    loop = asyncio.get_running_loop()
    opening = loop.create_task(
        open_store(
            config.data_path,
            role="client",
            content_cache_bytes=min(config.limits.content_cache_bytes, memory_bytes() // 8) // plan.workers,
            answers_bytes=config.limits.order_cache_bytes,
        )
    )
    stop = loop.create_task(events.stop.wait())
    await asyncio.wait((opening, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if opening.done():
        store = opening.result()
        store.search.extract = Extractor().text if config.search.attachments else None
        return store
    opening.cancel()
    await asyncio.wait((opening,))
    return None


def _fault(log: logging.Logger, slot: Slot, _loop: object, context: dict[str, Any]) -> None:
    """What no session caught: a callback or a task of ours."""
    slot.add(FAULTS)
    log.error("fault", exc_info=context.get("exception"), extra={"facts": {"where": context.get("message")}})


async def _reloads(plan: Plan, node: Node, events: Events) -> None:
    while True:
        await events.reload.wait()
        events.reload.clear()
        try:
            config = load_config(plan.config_path) if plan.config_path is not None else plan.config
            await node.reconfigure(config)
        except (StartError, MailError) as error:
            plan.log.error("the new configuration was not taken on", extra={"facts": {"error": str(error)}})


async def _writer(plan: Plan, child: Child) -> int:
    events = Events(child)
    loop = asyncio.get_running_loop()
    deadline = time.monotonic() + OPEN_LIMIT_S
    while True:
        serving = loop.create_task(serve_writer(plan.config.data_path, on_ready=child.ready))
        stop = loop.create_task(events.stop.wait())
        await asyncio.wait((serving, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        serving.cancel()
        try:
            await serving
        except asyncio.CancelledError:
            return 0
        except InUse:  # a predecessor that was orphaned finishes what it has
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(RETRY_S)
