"""kill -9 of every process of a node at random moments under load: nothing acknowledged is lost or doubled.

POSTHOUSE_KILLS sets how many (default 200).
"""

from __future__ import annotations

import os
import random
import signal
import smtplib
import time
from pathlib import Path

import pytest

from tests.integration.kill_load import Load, message, read_all
from tests.integration.kill_moves import Mover
from tests.integration.node import DOMAIN, HOST, PASSWORD, Node, running_node, wait_until

KILLS = int(os.environ.get("POSTHOUSE_KILLS", "200"))
SUPERVISOR_KILLS = 0.1
WRITER_KILLS = 0.4
PAUSE_MAX_S = 0.35
TAKERS = [f"u{n}@{DOMAIN}" for n in range(4)]
APPENDED, COLLECTED, MOVED = f"u4@{DOMAIN}", f"u5@{DOMAIN}", f"u6@{DOMAIN}"


def choose(chance: random.Random) -> str:
    value = chance.random()
    if value < SUPERVISOR_KILLS:
        return "supervisor"
    return "writer" if value < SUPERVISOR_KILLS + WRITER_KILLS else "worker"


def kill_one(node: Node, chance: random.Random) -> str:
    role = choose(chance)
    node.kill(role, chance)
    if role == "supervisor":
        node.gone()  # its children end by themselves, and with them go the ports
        node.start()
    return role


def last_look(node: Node, mover: Mover) -> None:
    client = node.imap(MOVED)
    mover.look(client)
    client.logout()
    assert mover.faults == [], node.tail()


@pytest.mark.slow
def test_kills_under_load(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    killed = {"supervisor": 0, "writer": 0, "worker": 0}
    with running_node(tmp_path) as node:
        load = Load(HOST, node.ports["smtp"], node.ports["imap"], node.ports["pop3"], PASSWORD)
        mover = Mover(HOST, node.ports["imap"], MOVED, PASSWORD, random.Random(seed))
        load.start(smtp_to=TAKERS, append_to=APPENDED, pop3_user=COLLECTED)
        load.run(mover.run)
        ledger = load.ledger
        try:
            wait_until(lambda: len(ledger.acked) > 50, "the load runs")
            for _ in range(KILLS):
                time.sleep(chance.uniform(0, PAUSE_MAX_S))  # the moment is what is random here
                killed[kill_one(node, chance)] += 1
            done = len(ledger.acked)
            wait_until(lambda: len(ledger.acked) > done + 50, "letters are taken after the last kill", 30)
        except AssertionError:
            pytest.fail(f"seed {seed}, killed {killed}, {len(ledger.acked)} acknowledged\n{node.tail(80)}")
        finally:
            load.join()
        last_look(node, mover)
        found = read_all(HOST, node.ports["imap"], [*TAKERS, APPENDED, COLLECTED], PASSWORD)
        assert ledger.verify(found) == [], f"seed {seed}\n{node.tail()}"
        assert node.check() == []
        print(
            f"killed {killed}; {len(ledger.acked)} acknowledged, {len(ledger.deleted)} deleted, "
            f"{ledger.refused} refused for now, {len(ledger.unknown)} cut off"
        )
        print(f"moved and copied {dict(mover.done)}; without answer {dict(mover.settled)}")
        assert sum(killed.values()) == KILLS
        assert mover.done.total() > KILLS / 4
        assert len(ledger.acked) > KILLS
        assert len(ledger.deleted) > KILLS / 4


def test_the_writer_is_back_within_a_second(tmp_path: Path) -> None:
    took = []
    with running_node(tmp_path, workers=1) as node:
        for number in range(5):
            wait_until(node.writer, "there is a writer")
            node.kill("writer")
            killed_at = time.monotonic()

            def accepted(number: int = number) -> bool:
                with smtplib.SMTP(HOST, node.ports["smtp"], timeout=20) as client:
                    try:
                        client.sendmail("a@elsewhere.test", [TAKERS[0]], message(f"back-{number}", 500))
                    except (smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused):
                        return False
                return True

            wait_until(accepted, "a letter is taken")
            took.append(time.monotonic() - killed_at)
        assert read_all(HOST, node.ports["imap"], TAKERS[:1], PASSWORD).total() == 5
        assert node.metric("restarts_total") == 5
    assert sorted(took)[2] < 1.0, took


def test_after_a_killed_supervisor_the_ports_are_free(tmp_path: Path) -> None:
    with running_node(tmp_path) as node:
        client = node.imap(TAKERS[0])
        node.kill("supervisor")
        started = time.monotonic()
        node.gone()
        assert time.monotonic() - started < 5
        answer = client.readline()
        assert answer in (b"", b"* BYE [UNAVAILABLE] Server is going down, reconnect in a moment\r\n") or (
            answer.startswith(b"* BYE")
        )
        client.shutdown()
        node.start()
        node.imap(TAKERS[0]).logout()


def test_a_supervisor_killed_while_its_workers_wait_for_the_writer(tmp_path: Path) -> None:
    """The workers that started just now know no writer; they end as soon as the others."""
    with running_node(tmp_path) as node:
        writer = node.writer()
        os.kill(writer, signal.SIGSTOP)  # keeps its lock; nobody gets an answer
        (node.data / "run" / "writer.sock").unlink()
        before = set(node.children())
        for pid in before - {writer}:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(set(node.children()) - before) == 2, "the workers are replaced")
        node.kill("supervisor")
        os.kill(writer, signal.SIGKILL)
        node.gone(5)
        node.start()
        assert before.isdisjoint(node.children())
