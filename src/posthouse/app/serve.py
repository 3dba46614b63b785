"""`posthouse serve`: from a configuration to a supervisor that runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from posthouse.app import logs, settings
from posthouse.app.config import Config, load_config
from posthouse.app.indexer import run_indexer
from posthouse.app.preflight import preflight
from posthouse.app.worker import Plan, run_worker, run_writer
from posthouse.core import lazy
from posthouse.core.errors import StartError
from posthouse.mailauth.organization import load_suffixes
from posthouse.openssl.reach import load, why_not
from posthouse.openssl.tickets import KeyRing
from posthouse.servers.board import Board
from posthouse.servers.listen_address import Address
from posthouse.servers.listener import BindError, bind, inherited_sockets
from posthouse.servers.process import (
    Identity,
    acting_as,
    close_to_others,
    find_identity,
    forbid_core_dumps,
    give_directory,
    raise_descriptor_limit,
    tune_allocator,
)
from posthouse.servers.supervisor import Role, Supervisor
from posthouse.services.shared import SharedSignIn

RUN_DIRECTORY: Final = "run"
PID_NAME: Final = "posthouse.pid"
TAKE_OVER_S: Final = 3.0
"""How long the ports may still be held by the workers of a supervisor that was killed."""
DESCRIPTORS_SPARE: Final = 500


def serve(
    config: Config, path: Path | None, *, announce: Callable[[], None] = lambda: None, quiet: bool = False
) -> int:
    """Run a node until it is told to stop; the exit status.  Raises ConfigError, BindError, UserError, TlsError."""
    log = logs.set_up(config.log.format, "warning" if quiet else config.log.level)
    ring = KeyRing(load())
    identity = find_identity(config.user)
    tls = preflight(config, ring, identity)
    data = config.data_path
    run = data / RUN_DIRECTORY
    close_to_others()
    give_directory(data, identity)
    with acting_as(identity):
        run.mkdir(mode=0o750, exist_ok=True)
    sockets = open_sockets(config)
    forbid_core_dumps()
    if raise_descriptor_limit() < config.limits.connections + DESCRIPTORS_SPARE:
        log.warning(
            "fewer descriptors than limits.connections asks for", extra={"facts": {"hint": "LimitNOFILE"}}
        )
    tune_allocator()
    if why := why_not():
        log.info(
            "no channel binding with TLS 1.3 and no session tickets over a reload",
            extra={"facts": {"why": why}},
        )
    workers = config.workers or os.cpu_count() or 1
    load_suffixes()  # perf: read once, shared by all workers
    _load_libraries(config, identity)
    board = Board(workers + 3)  # workers, writer, indexer, supervisor
    bell, rope = os.pipe2(os.O_NONBLOCK)
    plan = Plan(config, path, board, sockets, tls, log, workers, SharedSignIn(), ring, indexer_bell=rope)
    roles = [Role("writer", workers, partial(run_writer, plan), stops_last=True)]
    roles.append(Role("indexer", workers + 1, partial(run_indexer, plan), bell=bell))
    roles += [Role("worker", i, partial(run_worker, plan)) for i in range(workers)]
    supervisor = Supervisor(
        roles,
        board,
        log,
        identity=identity,
        stop_s=config.limits.stop_s + 2.0,
        reload=partial(_check_reload, plan),
        ready=partial(_ready, plan, announce),
    )
    with _pid_file(run / PID_NAME, identity):
        try:
            return supervisor.run()
        finally:
            _remove_unix_sockets(sockets)


def _load_libraries(config: Config, identity: Identity | None) -> None:
    """Those of `core.lazy` that this node is going to use are shared by all workers; the others come at their first
    use, which has to be by a user who can read them."""
    with acting_as(identity):
        readable = all(os.access(place, os.R_OK, effective_ids=True) for place in lazy.places())
    if not readable:
        lazy.load()
    elif config.acme.enabled or config.providers:
        lazy.load("httpx", "joserfc.jwk")


@contextlib.contextmanager
def _pid_file(path: Path, identity: Identity | None) -> Iterator[None]:
    """Names the supervisor while it lives: its lock is not inherited by children and ends with the process."""
    with acting_as(identity):
        file = path.open("a+", encoding="utf-8")
    with file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        with acting_as(identity):
            path.unlink(missing_ok=True)


def open_sockets(config: Config) -> dict[str, list[socket.socket]]:
    """Those that systemd passed under a listener's name, else the ones of the configuration.  Raises BindError."""
    passed = inherited_sockets(os.environ, os.getpid())
    sockets: dict[str, list[socket.socket]] = {}
    deadline = time.monotonic() + TAKE_OVER_S
    for name, addresses in settings.listen_addresses(config).items():
        sockets[name] = passed.get(name) or [_bind_patiently(address, deadline) for address in addresses]
    return sockets


def _bind_patiently(address: Address, deadline: float) -> socket.socket:
    while True:
        try:
            return bind(address)
        except BindError as error:
            if not error.busy or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _remove_unix_sockets(sockets: dict[str, list[socket.socket]]) -> None:
    for socks in sockets.values():
        for sock in socks:
            if sock.family == socket.AF_UNIX:
                Path(sock.getsockname()).unlink(missing_ok=True)
            sock.close()


def _ready(plan: Plan, announce: Callable[[], None]) -> None:
    names = [
        f"{name}={','.join(str(s.getsockname()) for s in socks)}" for name, socks in plan.sockets.items()
    ]
    plan.log.info("ready", extra={"facts": {"workers": plan.workers, "listeners": " ".join(names)}})
    announce()


def _check_reload(plan: Plan) -> bool:
    """In the supervisor: is what stands in the file usable?  The workers read it again themselves."""
    if plan.config_path is None:
        return True
    try:
        config = load_config(plan.config_path)
        tls = preflight(config, plan.ring, find_identity(config.user))
    except StartError as error:
        plan.log.error("reload refused, the node goes on as it was", extra={"facts": {"error": str(error)}})
        return False
    old = plan.config
    fixed = [n for n in ("data", "user", "workers") if getattr(config, n) != getattr(old, n)]
    if settings.listen_addresses(config) != settings.listen_addresses(old):
        fixed.append("listeners")
    if fixed:
        plan.log.warning(
            "changes that need a restart were not taken on", extra={"facts": {"settings": fixed}}
        )
    logs.set_up(config.log.format, config.log.level)
    plan.log.info("reloading")
    plan.config, plan.tls = config, tls  # a worker that is replaced later starts with them
    return True


def running_pid(data: Path) -> int | None:
    """The supervisor that serves this data directory."""
    try:
        with (data / RUN_DIRECTORY / PID_NAME).open("r+", encoding="utf-8") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(file.read())
    except (OSError, ValueError):
        return None
    return None
