"""kill -9 of workers, writer and supervisor during /set, import, submission and upload by JMAP.

Nothing that was answered is lost or doubled; what was cut off is done or not, for each object.  POSTHOUSE_JMAP_KILLS
sets how many (default 4; a hundred take two minutes).
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.integration import kill_jmap
from tests.integration.node import DOMAIN, running_node, wait_until
from tests.integration.test_kill import kill_one

KILLS = int(os.environ.get("POSTHOUSE_JMAP_KILLS", "4"))
PAUSE_MAX_S = 0.5


def test_kills_during_changes_by_jmap(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    killed = {"supervisor": 0, "writer": 0, "worker": 0}
    with running_node(tmp_path) as node:
        port = node.ports["http"]
        kinds = (
            kill_jmap.Mover,
            kill_jmap.Importer,
            kill_jmap.Submitter,
            kill_jmap.Uploader,
            kill_jmap.Scripter,
        )
        actors = [kind(port, f"u{at}", seed + at) for at, kind in enumerate(kinds)]
        kill_jmap.Submitter.taker = kill_jmap.Jmap(port, f"u9@{DOMAIN}")
        try:
            with kill_jmap.running(actors):
                wait_until(lambda: all(one.acked or one.faults for one in actors), "the load runs", 30)
                for _ in range(KILLS):
                    time.sleep(chance.uniform(0, PAUSE_MAX_S))  # the moment is what is random here
                    killed[kill_one(node, chance)] += 1
                before = [len(one.acked) for one in actors]
                wait_until(
                    lambda: all(
                        one.faults or len(one.acked) > had for one, had in zip(actors, before, strict=True)
                    ),
                    "all go on after the last kill",
                    30,
                )
        except AssertionError:
            pytest.fail(f"seed {seed}, killed {killed}\n{[one.faults for one in actors]}\n{node.tail(60)}")
        wait_until(lambda: not node.run("queue", "list"), "the queue is empty", 30)
        faults = [fault for one in actors for fault in (*one.faults, *one.verify())]
        for client in (kill_jmap.Submitter.taker, *(one.client for one in actors)):
            client.close()
        assert faults == [], f"seed {seed}\n{node.tail()}"
        assert node.check() == []
    print(f"killed {killed}")
    for one in actors:
        print(f"{type(one).__name__}: {len(one.acked)} answered, {one.cut} cut off")
    assert sum(killed.values()) == KILLS
