"""The parent of a node: forks the writer and the workers, replaces those that die, passes reloads and
stops on.

It owns the listening sockets and handles no mail.  Children learn of its death by a pipe that closes
(`Child.lifeline`) and stop by themselves, so a killed supervisor leaves nothing behind that holds the
ports.  No threads, no event loop: whatever the children need was imported before the fork and is shared.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from posthouse.servers.board import Board, field
from posthouse.servers.process import Identity, drop_privileges, freeze, notify_systemd

SETTLED_S: Final = 5.0
"""A child that lived this long did not crash at its start."""
BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 10.0
INSIST_S: Final = 1.0
"""A second signal this long after the first ends the stop at once."""
READY: Final = b"r"
EXIT_FAULT: Final = 70  # EX_SOFTWARE
EXIT_CONFIG: Final = (
    78  # EX_CONFIG: a child that cannot run with what it was given; replacing it will not help
)

_RESTARTS: Final = field("restarts_total")
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Role(Struct, frozen=True):
    """A kind of child.  `run` gets its `Child` and returns the exit status."""

    name: str  # "writer", "worker"
    slot: int  # on the board
    run: Callable[[Child], int]
    stops_last: bool = False
    bell: int = -1  # not kept running: started when this descriptor is readable, until it ends by itself

    @property
    def stop_signal(self) -> signal.Signals:
        """SIGTERM often goes to the whole group; who must outlive the others listens to another one."""
        return signal.SIGUSR1 if self.stops_last else signal.SIGTERM


class Child(Struct):
    """What a child process is told; in the supervisor, what it knows of one."""

    role: Role
    lifeline: int  # readable (end of file) when the supervisor is gone
    ready_fd: int
    generation: int
    pid: int = 0
    started_at: float = 0.0
    is_ready: bool = False

    def ready(self) -> None:
        """Called in the child once it serves."""
        with contextlib.suppress(BrokenPipeError):  # the supervisor is gone; the lifeline tells
            os.write(self.ready_fd, READY)


class _Post(Struct):
    """A role and who fills it."""

    role: Role
    child: Child | None = None
    generation: int = 0
    backoff_s: float = 0.0
    start_at: float = 0.0  # when the replacement is due; infinity: when its bell rings


class Supervisor:
    """Runs until SIGTERM or SIGINT; `run` returns the exit status."""

    def __init__(
        self,
        roles: Sequence[Role],
        board: Board,
        log: logging.Logger,
        *,
        identity: Identity | None = None,
        stop_s: float = 20.0,
        reload: Callable[[], bool] = lambda: True,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._posts = [_Post(role, start_at=float("inf") if role.bell >= 0 else 0.0) for role in roles]
        self._board = board
        self._slot = board.slot(board.slots - 1)
        self._log = log
        self._identity = identity
        self._stop_s = stop_s
        self._reload = reload
        self._announce = ready
        self._announced = False
        self._stopping = False
        self._stop_began = 0.0
        self._give_up_at = 0.0
        self._status = 0
        self._selector = selectors.DefaultSelector()
        self._life: tuple[int, int] = (-1, -1)
        self._wake: tuple[int, int] = (-1, -1)

    def run(self) -> int:
        self._life = os.pipe()
        self._wake = os.pipe2(os.O_NONBLOCK)
        for number in _SIGNALS:
            signal.signal(number, self._nothing)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        self._selector.register(self._wake[0], selectors.EVENT_READ)
        for post in self._posts:
            self._listen(post)
        freeze()
        try:
            while self._turn():
                pass
        finally:
            # The handlers stay: a second SIGTERM must not kill what only has to say goodbye.
            signal.set_wakeup_fd(-1)
            self._selector.close()
            for fd in (*self._life, *self._wake):
                os.close(fd)
        return self._status

    @staticmethod
    def _nothing(_number: int, _frame: object) -> None:
        """The wake-up descriptor carries the number."""

    def _turn(self) -> bool:
        """One round of the loop; False when all is over."""
        now = time.monotonic()
        if not self._stopping:
            for post in self._posts:
                if post.child is None and post.start_at <= now:
                    self._start(post)
        for key, _ in self._selector.select(self._patience(now)):
            if key.fd == self._wake[0]:
                for number in os.read(self._wake[0], 512):
                    self._signal(number)
            elif key.fd == key.data.role.bell:
                self._rung(key.data)
            else:
                self._became_ready(key.data)
        self._reap()
        if self._stopping:
            if time.monotonic() > self._give_up_at:
                self._kill_all(signal.SIGKILL)
                self._give_up_at = float("inf")
            return any(post.child is not None for post in self._posts)
        return True

    def _patience(self, now: float) -> float | None:
        if self._stopping:
            return max(0.0, min(self._give_up_at - now, 60.0))
        due = [post.start_at for post in self._posts if post.child is None and post.start_at < float("inf")]
        return max(0.0, min(due) - now) if due else None

    def _listen(self, post: _Post) -> None:
        if post.role.bell >= 0:
            self._selector.register(post.role.bell, selectors.EVENT_READ, post)

    def _rung(self, post: _Post) -> None:
        """What rings while the child runs is heard when it has ended."""
        self._selector.unregister(post.role.bell)
        with contextlib.suppress(BlockingIOError):
            os.read(post.role.bell, 4096)
        post.start_at = 0.0

    def _signal(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            # Ctrl-C reaches a group, and who started us may pass it on besides: one wish, not two.
            self._stop(hurry=self._stopping and time.monotonic() > self._stop_began + INSIST_S)
        elif number == signal.SIGHUP and not self._stopping:
            notify_systemd(
                f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"
            )
            if self._reload():
                self._kill_all(signal.SIGHUP)
            notify_systemd("READY=1")

    def _stop(self, *, hurry: bool = False) -> None:
        if not self._stopping:
            self._log.info("stopping", extra={"facts": {"limit_s": self._stop_s}})
            notify_systemd("STOPPING=1")
            self._stopping = True
            self._stop_began = time.monotonic()
            self._give_up_at = time.monotonic() + self._stop_s
            self._send(None, last=False)
            self._stop_last()
        elif hurry:
            self._kill_all(signal.SIGKILL)

    def _stop_last(self) -> None:
        """Once the others are gone."""
        if not any(post.child is not None and not post.role.stops_last for post in self._posts):
            self._send(None, last=True)

    def _kill_all(self, number: signal.Signals) -> None:
        self._send(number, last=True)
        self._send(number, last=False)

    def _send(self, number: signal.Signals | None, *, last: bool) -> None:
        """None: the signal to stop."""
        for post in self._posts:
            if post.child is not None and post.role.stops_last is last:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(post.child.pid, number or post.role.stop_signal)

    # --- children ---

    def _start(self, post: _Post) -> None:
        reader, writer = os.pipe()
        post.generation += 1
        child = Child(post.role, self._life[0], writer, post.generation)
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._become(child)
        os.close(writer)
        child.pid, child.ready_fd, child.started_at = pid, reader, time.monotonic()
        post.child = child
        self._selector.register(reader, selectors.EVENT_READ, post)

    def _become(self, child: Child) -> None:
        """In the child: never returns."""
        status = EXIT_FAULT
        try:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            for fd in (self._life[1], *self._wake):
                os.close(fd)
            for post in self._posts:
                if post.child is not None:
                    with contextlib.suppress(OSError):
                        os.close(post.child.ready_fd)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it listens for reloads itself
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(child.role.stop_signal, signal.SIG_DFL)
            signal.signal(
                signal.SIGINT, signal.SIG_IGN
            )  # Ctrl-C reaches the whole group; the supervisor decides
            if self._identity is not None:
                drop_privileges(self._identity)
            status = child.role.run(child)
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else EXIT_FAULT
        except BaseException:  # whatever it was, this process must not go on as a second supervisor
            self._log.critical("a child failed", exc_info=True, extra={"facts": {"role": child.role.name}})
            if not self._log.handlers:
                traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _became_ready(self, post: _Post) -> None:
        child = post.child
        if child is None:
            return
        self._selector.unregister(child.ready_fd)
        child.is_ready = os.read(child.ready_fd, 1) == READY
        os.close(child.ready_fd)
        child.ready_fd = -1
        kept = [post for post in self._posts if post.role.bell < 0]
        if not self._announced and all(p.child is not None and p.child.is_ready for p in kept):
            self._announced = True
            notify_systemd(f"READY=1\nMAINPID={os.getpid()}")
            self._announce()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            post = next((p for p in self._posts if p.child is not None and p.child.pid == pid), None)
            if post is not None:
                self._died(post, os.waitstatus_to_exitcode(status))

    def _died(self, post: _Post, code: int) -> None:
        child = post.child
        if child is None:
            return
        if child.ready_fd >= 0:
            self._became_ready(post)
        post.child = None
        self._board.reset_gauges(post.role.slot)
        if self._stopping:
            self._stop_last()
            return
        facts = {"role": post.role.name, "child": child.pid, "code": code}
        if post.role.bell >= 0:
            post.start_at = float("inf")
            self._listen(post)
            if code != 0:
                self._log.error(
                    "a child failed; it will be started when it is wanted", extra={"facts": facts}
                )
            return
        if code == EXIT_CONFIG and not self._announced:
            self._status = EXIT_CONFIG
            self._log.critical("a child cannot start; giving up", extra={"facts": facts})
            self._stop()
            self._send(None, last=True)
            return
        if code == -signal.SIGKILL and child.is_ready:
            # Killed from outside: it did not crash, and what it served is waited for.
            post.backoff_s = delay = 0.0
        else:
            lived = time.monotonic() - child.started_at
            post.backoff_s = (
                0.0 if lived >= SETTLED_S else min(max(BACKOFF_FIRST_S, post.backoff_s * 2), BACKOFF_MAX_S)
            )
            # The first replacement is immediate; one that dies young waits longer each time.
            delay = 0.0 if post.backoff_s == BACKOFF_FIRST_S else post.backoff_s
        post.start_at = time.monotonic() + delay
        self._slot.add(_RESTARTS)
        self._log.error("a child died; replacing it", extra={"facts": {**facts, "delay_s": delay}})
