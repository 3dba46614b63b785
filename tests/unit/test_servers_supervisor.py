"""The supervisor with children that only report: replacement, back-off, reload, the stop, the lifeline,
privileges."""

import logging
import os
import pwd
import select
import signal
import socket
import threading
import time

import pytest

from posthouse.core.errors import Invalid
from posthouse.servers.board import Board, field
from posthouse.servers.listen_address import Address, parse_listen_address
from posthouse.servers.listener import BindError, bind, inherited_sockets
from posthouse.servers.process import UserError, find_identity, notify_systemd
from posthouse.servers.supervisor import EXIT_CONFIG, Role, Supervisor

LIMIT_S = 10


class Family:
    """A supervisor in a process of its own; its children report lines through a pipe."""

    def __init__(self, behaviours, *, bells=None, **settings):
        self.reader, writer = os.pipe()
        self.bells = bells or {}
        self.text = b""
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.reader)
            self._supervise(writer, behaviours, settings)
        os.close(writer)

    def _supervise(self, writer, behaviours, settings):
        status = 99
        try:

            def say(text):
                os.write(writer, f"{text}\n".encode())

            def make(name, slot, behaviour):
                last = name == "writer"
                bell = self.bells.get(name, -1)
                return Role(name, slot, lambda child: behaviour(child, say), stops_last=last, bell=bell)

            board = Board(len(behaviours) + 1)
            roles = [make(name, i, behaviour) for i, (name, behaviour) in enumerate(behaviours)]
            log = logging.getLogger("posthouse.family")
            log.addHandler(logging.NullHandler())
            supervisor = Supervisor(
                roles,
                board,
                log,
                ready=lambda: say("all ready"),
                reload=lambda: say("reload") is None,
                **settings,
            )
            status = supervisor.run()
            say(f"restarts {board.total(field('restarts_total')):.0f}")
        finally:
            os._exit(status)

    def expect(self, *words):
        """Wait until a line begins with each of the words; returns the last match."""
        deadline = time.monotonic() + LIMIT_S
        found = None
        for word in words:
            while True:
                lines = self.text.decode().split("\n")[:-1]
                match = next((line for line in lines if line.startswith(word)), None)
                if match is not None:
                    self.text = self.text.replace(f"{match}\n".encode(), b"", 1)
                    found = match
                    break
                assert select.select([self.reader], [], [], max(0, deadline - time.monotonic()))[0], (
                    word,
                    self.text,
                )
                data = os.read(self.reader, 4096)
                assert data, (word, self.text)
                self.text += data
        return found

    def end(self, number=signal.SIGTERM):
        if number:
            os.kill(self.pid, number)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


def patient(child, say):
    """Serves until SIGTERM or until the supervisor is gone."""
    wake, wake_writer = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(wake_writer)  # a handler may run just before `select` begins to wait
    for number in (child.role.stop_signal, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    child.ready()
    say(f"up {child.role.name} {os.getpid()}")
    while True:
        ready, _, _ = select.select([wake, child.lifeline], [], [])
        told = os.read(wake, 16) if wake in ready else b""
        if signal.SIGHUP in told:
            say(f"hup {child.role.name}")
        if told and set(told) == {signal.SIGHUP}:
            continue
        say(f"{'stop' if told else 'orphan'} {child.role.name}")
        return 0


def stubborn(child, say):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child.ready()
    say(f"up {child.role.name} {os.getpid()}")
    threading.Event().wait()


def doomed(child, say):
    child.ready()
    say(f"up {child.role.name} {os.getpid()}")
    raise RuntimeError("it fails")


def unfit(child, say):
    return EXIT_CONFIG


def test_a_killed_child_is_replaced_at_once_and_the_others_stay():
    family = Family([("writer", patient), ("worker", patient)])
    family.expect("up writer", "all ready")
    pid = int(family.expect("up worker").split()[2])
    start = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    assert int(family.expect("up worker").split()[2]) != pid
    assert time.monotonic() - start < 2
    assert family.end() == 0
    family.expect("restarts 1")


def test_being_killed_again_and_again_is_no_crash():
    family = Family([("writer", patient)])
    start = time.monotonic()
    for _ in range(8):
        os.kill(int(family.expect("up writer").split()[2]), signal.SIGKILL)
    family.expect("up writer")
    assert time.monotonic() - start < 4
    assert family.end() == 0


def test_a_stop_while_the_only_worker_waits_for_its_replacement_is_prompt():
    family = Family([("writer", patient), ("worker", doomed)])
    family.expect("up writer")
    for _ in range(4):
        family.expect("up worker")
    start = time.monotonic()
    assert family.end() == 0
    assert time.monotonic() - start < 5


def test_workers_stop_before_the_writer():
    family = Family([("writer", patient), ("worker", patient)])
    family.expect("all ready")
    os.kill(family.pid, signal.SIGINT)
    family.expect("stop worker")
    assert b"stop writer" not in family.text.split(b"stop worker")[0]
    family.expect("stop writer")
    assert family.end(None) == 0


def test_reload_reaches_every_child_after_the_check():
    family = Family([("writer", patient), ("worker", patient)])
    family.expect("all ready")
    os.kill(family.pid, signal.SIGHUP)
    family.expect("reload", "hup writer", "hup worker")
    assert family.end() == 0


def test_the_stop_is_bounded():
    family = Family([("worker", stubborn)], stop_s=0.2)
    family.expect("all ready")
    start = time.monotonic()
    assert family.end() == 0
    assert time.monotonic() - start < 3


def test_children_that_die_young_wait_longer_each_time():
    family = Family([("worker", doomed)])
    for _ in range(4):
        family.expect("up worker")
    assert family.end() == 0
    assert int(family.expect("restarts").split()[1]) in (3, 4)


def test_a_child_that_cannot_run_with_its_configuration_ends_the_node():
    family = Family([("writer", patient), ("worker", unfit)])
    assert family.end(None) == EXIT_CONFIG


def test_children_notice_that_the_supervisor_was_killed():
    family = Family([("writer", patient), ("worker", patient)])
    family.expect("all ready")
    assert family.end(signal.SIGKILL) == -signal.SIGKILL
    family.expect("orphan worker", "orphan writer")


def brief(child, say):
    say(f"up {child.role.name}")
    return 0


@pytest.mark.parametrize("behaviour", [brief, doomed])
def test_who_is_rung_for_comes_each_time_and_is_not_replaced(behaviour):
    bell, rope = os.pipe2(os.O_NONBLOCK)
    family = Family([("worker", patient), ("indexer", behaviour)], bells={"indexer": bell})
    family.expect("all ready")
    assert b"up indexer" not in family.text
    for _ in range(3):
        os.write(rope, b"ii")
        family.expect("up indexer")
    assert family.end() == 0
    family.expect("restarts 0")
    assert b"up indexer" not in family.text
    os.close(bell)
    os.close(rope)


def test_who_was_rung_for_stops_with_the_others():
    bell, rope = os.pipe2(os.O_NONBLOCK)
    family = Family([("worker", patient), ("indexer", patient)], bells={"indexer": bell})
    os.write(rope, b"i")
    family.expect("up indexer")
    assert family.end() == 0
    family.expect("stop indexer")
    os.close(bell)
    os.close(rope)


@pytest.mark.skipif(os.geteuid() != 0, reason="dropping privileges needs root")
def test_children_run_without_privileges():
    def report(child, say):
        say(f"ids {os.getresuid()} {os.getresgid()} {os.getgroups()}")
        return patient(child, say)

    identity = find_identity("nobody")
    nobody = pwd.getpwnam("nobody")
    family = Family([("worker", report)], identity=identity)
    line = family.expect("ids")
    assert line.startswith(f"ids {(nobody.pw_uid,) * 3} {(nobody.pw_gid,) * 3}")
    assert "0" not in line.rsplit("[", 1)[1].strip("]").split(", ")
    family.expect("all ready")
    assert family.end() == 0


def test_an_unknown_user_is_explained():
    if os.geteuid() == 0:
        with pytest.raises(UserError, match="useradd"):
            find_identity("no-such-user-here")
    assert find_identity("") is None


def test_a_port_in_use_is_explained():
    with bind(Address("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BindError, match=rf":{port}: the port is in use by another program .*ss -ltnp"):
            bind(Address("127.0.0.1", port))


def test_an_address_of_another_machine_is_explained():
    with pytest.raises(BindError, match="no interface of this machine"):
        bind(Address("192.0.2.1", 0))


def test_a_unix_socket_left_by_a_killed_server_is_replaced_and_a_live_one_is_not(tmp_path):
    address = Address(path=str(tmp_path / "run" / "lmtp"))
    bind(address).close()
    with bind(address), pytest.raises(BindError, match="another server answers"):
        bind(address)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("192.0.2.1:25", ["192.0.2.1:25"]),
        ("[::1]:143", ["[::1]:143"]),
        ("*:25", ["0.0.0.0:25", "[::]:25"]),
        ("unix:/run/posthouse/lmtp", ["unix:/run/posthouse/lmtp"]),
    ],
)
def test_addresses_are_read(text, addresses):
    assert [str(a) for a in parse_listen_address(text)] == addresses


@pytest.mark.parametrize("text", ["25", "::1:25", "[::1:25", "host:99999", "host:", "unix:lmtp", "[zz]:25"])
def test_addresses_that_cannot_be_read(text):
    with pytest.raises(Invalid):
        parse_listen_address(text)


def test_both_families_listen_on_one_port():
    with bind(Address("0.0.0.0", 0)) as four, bind(Address("::", four.getsockname()[1])) as six:
        assert six.family == socket.AF_INET6


def test_sockets_of_systemd_are_taken_by_name():
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            socks = [bind(Address("127.0.0.1", 0)) for _ in range(2)]
            for i, sock in enumerate(socks):
                os.dup2(os.dup(sock.fileno()), 100 + i)
            os.dup2(100, 3)
            os.dup2(101, 4)
            environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "smtp:imaps-v6"}
            found = inherited_sockets(environ, os.getpid())
            answer = sorted((name, len(each)) for name, each in found.items())
            answer.append(inherited_sockets({**environ, "LISTEN_PID": "1"}, os.getpid()))
            os.write(writer, repr(answer).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 1000) == b"[('imaps', 1), ('smtp', 1), {}]"
    os.close(reader)
    os.close(writer)


def test_systemd_is_told(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        notify_systemd("READY=1", {"NOTIFY_SOCKET": path})
        assert sock.recv(100) == b"READY=1"
    notify_systemd("READY=1", {"NOTIFY_SOCKET": path})
    notify_systemd("READY=1", {})
