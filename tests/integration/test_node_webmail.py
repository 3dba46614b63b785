"""The webmail in a real browser, on both houses of the demo."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.app.demo import HOUSES, PASSWORD
from tests.integration.hostile_mail import HOSTILE, LIES
from tests.integration.requirements import missing, require
from tests.integration.test_node_demo import FREE, RunningDemo

pytestmark = pytest.mark.peers
RANDOM_S = os.environ.get("RANDOM_VIEWS_S", "8")
CLIENTS = Path(__file__).parents[1] / "clients"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    require("node", "chromium")
    if not (CLIENTS / "node_modules" / "playwright-core").exists():
        missing("playwright-core is not installed: npm ci --prefix tests/clients")
    running = RunningDemo(tmp_path_factory.mktemp("webmail") / "demo")
    yield running
    status, _ = running.interrupt()
    assert status == 0


def house(number: int) -> str:
    return f"http://127.0.0.1:{HOUSES[number].port('http', FREE)}"


def run(script: str, *words: str, most_s: float = 180) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    assert chromium is not None
    done = subprocess.run(
        ["node", script, chromium, *words],
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=most_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_letters_that_attack_their_reader(demo: RunningDemo) -> None:
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login("wang@qq.test", PASSWORD)
        for number, payload in enumerate(HOSTILE):
            head = f"From: wang@qq.test\r\nTo: wang@qq.test\r\nSubject: {number}\r\nMIME-Version: 1.0\r\n"
            body = payload.replace("alert(1)", "(document.title='PWNED',alert('PWNED'),console.log('PWNED'))")
            lines = "\r\n".join(body[at : at + 900] for at in range(0, len(body), 900))
            letter = f"{head}Content-Type: text/html; charset=utf-8\r\n\r\n{lines}\r\n"
            smtp.sendmail("wang@qq.test", "wang@qq.test", letter.encode())
    found = run("hostile.mjs", house(0), "wang@qq.test", PASSWORD, str(len(HOSTILE)))
    assert found["ran"] == []
    assert found["requests"] == []
    assert found["navigated"] == []
    assert found["shown"] == len(HOSTILE)
    # A frame that was left is emptied for the next letter: none is loaded for each.
    assert 1 <= found["frames"] <= 4
    assert any("deep" in text for text in found["text"])
    # The letters are read from the newest on: first the one with links that lie.
    assert found["warned"] == LIES
    assert set(found["schemes"]) <= {"http:", "https:", "mailto:"}
    print({name: found[name] for name in ("slow_ms", "blocked_ms")})  # for those who look


def test_two_people_write_to_each_other(demo: RunningDemo, tmp_path: Path) -> None:
    found = run("webmail.mjs", house(0), house(1), PASSWORD, str(tmp_path))
    assert found["arrived_ms"] < 10_000
    said = found["row"].splitlines()[0]
    assert re.match(
        r'- row "Unread, 张, 春节快乐：一张照片, \d\d:\d\d, With attachments, 见信如面。附件是照片。"', said
    ), said
    assert found["text"] == "见信如面。附件是照片。"
    assert found["file"] == "照片.png"
    assert found["left"] == 1
    assert found["believed"] is None
    assert found["download"] == 70
    assert found["to"].startswith("张")
    assert found["subject"] == "Re: 春节快乐：一张照片"
    assert "写道：" in found["quoted"]
    assert "见信如面。附件是照片。" in found["quoted"]
    assert found["thread"] == 2
    assert found["notice"] == "已移到“归档”"
    assert found["search"] == 1
    assert found["axe"] == {name: [] for name in found["axe"]}
    # A wrong password is the one thing that the browser's log tells of.
    assert [line for line in found["console"] if "403 (Forbidden)" not in line] == []
    assert found["requests"] == []


def test_all_windows_and_programs_end_with_the_same_view(demo: RunningDemo) -> None:
    """RANDOM_VIEWS_S=600 for the long way; RANDOM_VIEWS_SEED for choices of before."""
    seed = os.environ.get("RANDOM_VIEWS_SEED", str(random.randrange(1_000_000)))
    ports = [str(HOUSES[0].port(service, FREE)) for service in ("imap", "submission")]
    most_s = float(RANDOM_S) + 300
    found = run(
        "random_views.mjs", house(0), "zhang@qq.test", PASSWORD, *ports, RANDOM_S, seed, most_s=most_s
    )
    assert found["differs"] == [], json.dumps(found, ensure_ascii=False, indent=1)
    assert found["console"] == [], found
    assert sum(found["actions"].values()) > 10
