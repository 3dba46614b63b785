"""The settings pages in a real browser, on a node of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.node_rig import PASSWORD, ServedNode
from tests.integration.requirements import missing, require

pytestmark = pytest.mark.peers
CLIENTS = Path(__file__).parents[1] / "clients"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedNode]:
    require("node", "chromium")
    if not (CLIENTS / "node_modules" / "playwright-core").exists():
        missing("playwright-core is not installed: npm ci --prefix tests/clients")
    node = ServedNode(tmp_path_factory.mktemp("settings") / "node", workers=1)
    node.config.write_text(node.config.read_text() + f'[oauth]\nissuer = "{origin(node)}"\n')
    node.add_people("li", "zhao", "sun")
    node.start()
    yield node
    assert node.stop() == 0


def origin(node: ServedNode) -> str:
    return f"http://localhost:{node.ports['http']}"


def run(node: ServedNode, script: str, who: str, pictures: Path, *more: str) -> dict[str, Any]:
    """What the script saw; whatever it looked at has no faults and keeps to itself."""
    chromium = shutil.which("chromium")
    assert chromium is not None
    words = [chromium, origin(node), f"{who}@qq.test", PASSWORD, str(pictures), *more]
    done = subprocess.run(
        ["node", f"settings/{script}", *words],
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["wide"] == []
    assert found["requests"] == []
    assert found["console"] == []
    return found


def test_general_settings_are_those_of_all_devices(node: ServedNode, tmp_path: Path) -> None:
    found = run(node, "general.mjs", "li", tmp_path)
    assert found["path"] == "/mail/settings/general#zone"
    assert found["heading"] == "常规"
    assert found["phone"] == {"theme": "dark", "density": "compact", "lang": "en"}
    assert found["zone"] == "America/New_York"
    assert found["back"] == "/mail/settings"
    assert found["density"] == "compact"
    assert found["after"] == ["compact", "en"]
    assert found["told"] == ["wang@example.org: 春节快乐"]
