"""Reading letters in the webmail, in a real browser."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.app.demo import HOUSES, PASSWORD
from tests.integration.requirements import missing, require
from tests.integration.test_node_demo import FREE, RunningDemo
from tests.integration.test_node_webmail import CLIENTS, house, run

pytestmark = pytest.mark.peers
WHO = "wang@qq.test"

NEWSLETTER = """<h1>News</h1><p>What is new.</p>
<img src="http://127.0.0.1/one.png" alt="one" width=200><img src="//pics.test/two.jpg" alt="two">
<table background="http://pics.test/ground.png"><tr><td style="background: #eee url('https://pics.test/cell.png');
color: red">cell</td></tr></table>
<img src="http://track.test/p.gif?who=wang" width=1 height=1><img src="http://track.test/q.gif" style="display:none">"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    require("node", "chromium")
    if not (CLIENTS / "node_modules" / "playwright-core").exists():
        missing("playwright-core is not installed: npm ci --prefix tests/clients")
    running = RunningDemo(tmp_path_factory.mktemp("reading") / "demo")
    yield running
    status, _ = running.interrupt()
    assert status == 0


def send(*letters: tuple[str, str, str], sender: str = WHO) -> None:
    """(subject, media type, body) each."""
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login(sender, PASSWORD)
        for subject, kind, body in letters:
            head = f"From: {sender}\r\nTo: {WHO}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n"
            smtp.sendmail(
                sender, WHO, f"{head}\r\n{body}\r\n".replace("\r\n", "\n").replace("\n", "\r\n").encode()
            )


def test_pictures_from_elsewhere(demo: RunningDemo, tmp_path: Path) -> None:
    html = "text/html; charset=utf-8"
    send(("newsletter", html, NEWSLETTER), ("other", html, "<p>other</p>"))
    found = run("reading_pictures.mjs", house(0), WHO, PASSWORD, str(tmp_path))
    assert found["bar"].startswith("4 pictures from elsewhere are not shown")
    assert "2 tracking pixels" in found["bar"]
    assert found["sources"] == [None] * 4
    assert "4 pictures could not" in found["refused"] or "2 pictures could not" in found["refused"]
    wanted = ["http://127.0.0.1/one.png", "http://pics.test/ground.png", "https://pics.test/cell.png"]
    assert found["asked"] == sorted([*wanted, "https://pics.test/two.jpg"])
    assert found["referrer"] == ""
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["requests"] == []
    # What is not fetched is answered by 502, which the browser's log tells of.
    assert [line for line in found["console"] if "502" not in line] == []
