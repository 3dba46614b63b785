"""The lens in a real browser, on both houses of the demo: a practice letter, its five stages, its dialogues."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.app.demo import PASSWORD
from tests.integration.requirements import missing, require
from tests.integration.test_node_demo import RunningDemo
from tests.integration.test_node_webmail import CLIENTS, house, run

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    require("node", "chromium")
    if not (CLIENTS / "node_modules" / "playwright-core").exists():
        missing("playwright-core is not installed: npm ci --prefix tests/clients")
    running = RunningDemo(tmp_path_factory.mktemp("lens") / "demo")
    yield running
    status, _ = running.interrupt()
    assert status == 0


def test_a_practice_letter_and_its_dialogues(demo: RunningDemo, tmp_path: Path) -> None:
    found = run("lens.mjs", house(0), PASSWORD, str(tmp_path))
    assert found["states"] == ["step done"] * 5
    stages = found["stages"]
    assert "Message-ID: <practice-" in stages["compose"]
    assert "AUTH" in stages["submit"]
    assert "加密开始" in stages["relay"]
    assert "DKIM-Signature" in stages["relay"]
    assert "DMARC 通过" in stages["store"]
    assert "li@163.test" in stages["fetch"]
    assert "FETCH" in stages["fetch"]
    shown = str(found)
    assert PASSWORD not in shown
    assert "C ──▶ S" in found["text"]
    assert "[RFC 9051 §" in found["text"]
    assert "Asks what the server can do." in found["english"]
    assert found["reloaded"] == found["address"]
    assert not found["scrolls"]
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["console"] == []
    assert found["requests"] == []
