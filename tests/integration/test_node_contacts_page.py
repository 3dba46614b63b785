"""The contacts page of the webmail in a real browser."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.app.demo import PASSWORD
from tests.integration.requirements import missing, require
from tests.integration.test_node_demo import RunningDemo
from tests.integration.test_node_webmail import CLIENTS, house, run

pytestmark = pytest.mark.peers

PIXEL = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()
CARDS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:anna\r\nFN:Anna Li\r\nN:Li;Anna;;;\r\nEMAIL:anna@x.test\r\nORG:Corp;Sales\r\n"
    f"PHOTO;ENCODING=b;TYPE=PNG:{PIXEL}\r\nNOTE:<b>likes</b> tea\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:cem\r\nFN:Cem\r\nEMAIL:cem@x.test\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:g\r\nKIND:group\r\nFN:Friends\r\nMEMBER:anna\r\nMEMBER:cem\r\nEND:VCARD\r\n"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    require("node", "chromium")
    if not (CLIENTS / "node_modules" / "playwright-core").exists():
        missing("playwright-core is not installed: npm ci --prefix tests/clients")
    running = RunningDemo(tmp_path_factory.mktemp("contacts") / "demo")
    yield running
    status, _ = running.interrupt()
    assert status == 0


def test_people_are_kept_found_and_written_to(demo: RunningDemo, tmp_path: Path) -> None:
    (tmp_path / "in.vcf").write_text(CARDS)
    words = ("wang@qq.test", PASSWORD, str(tmp_path), str(tmp_path / "in.vcf"), "zhang@qq.test")
    found = run("contacts.mjs", house(0), *words)
    assert found["empty"].startswith("Nobody here yet")
    assert found["imported"] == ["Anna Li", "Cem", "Friends"]
    assert found["zw"] == found["zhangwei"] == found["张"] == ["张伟"]
    assert found["kept"] == ["zhang@x.test", "13800138000"]
    assert sorted(found["members"]) == ["Anna Li", "Cem"]
    assert found["exported"] == 5
    assert found["wide"] <= 390
    assert found["axe"].keys() == {"form", "card", "photo", "phone", "phone-card", "book", "shared"}
    assert found["given"] == ["wang@qq.test", "read"]
    assert found["owner"].startswith("Suppliers · 张 <zhang@qq.test>")
    assert found["rights"] == [0, "Read only"]
    assert [one for one in found["ended"] if "Suppliers" in one] == []
    assert not any(found["axe"].values())
    assert found["console"] == []
    assert found["requests"] == []
