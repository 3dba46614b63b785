"""The settings pages in a real browser, on a node of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
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
    more = f'[oauth]\nissuer = "{origin(node)}"\n[tls]\nca_file = "{node.ca}"\n[migration]\n'
    more += f'networks = ["127.0.0.1"]\nports = [{node.ports["imaps"]}]\n'
    node.config.write_text(node.config.read_text() + more)
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
    # The browser's log tells of what the server refuses.
    told = "Failed to load resource: the server responded with a status of "
    assert [line for line in found["console"] if not line.startswith(told)] == []
    return found


def test_general_settings_are_those_of_all_devices(node: ServedNode, tmp_path: Path) -> None:
    node.command("account", "add", "--team", "team@qq.test")
    node.command("team", "add", "team@qq.test", "li@qq.test")
    found = run(node, "general.mjs", "li", tmp_path)
    assert found["path"] == "/mail/settings/general#zone"
    assert found["heading"] == "常规"
    assert found["phone"] == {"theme": "dark", "density": "compact", "lang": "en"}
    assert found["zone"] == "America/New_York"
    assert found["back"] == "/mail/settings"
    assert found["density"] == "compact"
    assert found["after"] == ["compact", "en"]
    who = "wang@example.org"
    assert found["told"] == [f"{who}: 春节快乐", f"{who} → team@qq.test: 给大家", f"{who}: 再见"]


def test_rules_are_made_tried_and_applied(node: ServedNode, tmp_path: Path) -> None:
    found = run(node, "rules.mjs", "zhao", tmp_path, "sun@qq.test")
    assert found["tried"] == 2
    assert found["fate"] == "放入“归档”，加星标"
    assert found["status"] == "最近 3 封邮件中有 2 封符合。没有改动任何邮件。"
    assert "王" in found["focus"]
    assert found["order"] == [["王", False], ["银行", True]]
    assert found["applied"] == "完成：检查 3 封，改动 2 封"
    assert found["fault"].startswith("第 3 行")
    assert found["byHand"] == "丢弃"
    assert found["again"] == found["order"]
    assert found["preview"] == "Back on Monday."
    assert found["script"]
    assert found["forwarding"] == {"addresses": ["sun@qq.test"], "keep": True}


def test_what_opens_an_account_is_changed_by_its_owner(node: ServedNode, tmp_path: Path) -> None:
    node.command("account", "add", "qian@qq.test", "--password-stdin", stdin=PASSWORD + "\n")
    found = run(node, "security.mjs", "qian", tmp_path, str(node.ports["imap"]))
    assert found["judged"] == ["太弱", "太弱", "太弱", "强"]
    assert "密码" in found["wrong"]
    assert (found["oldPassword"], found["app"], found["withTwo"]) == ("NO", "OK", ["NO", "OK"])
    assert found["shown"]
    assert found["focus"]
    assert found["codes"] == 10
    assert found["revoked"] == "NO"
    assert (found["held"], found["approved"]) == ("NO", "OK")
    assert {"新设备", "密码错误"} <= set(found["outcomes"]), found["outcomes"]
    [browser] = found["browsers"]
    assert browser.startswith("Chrome · Linux 本窗口 网页邮箱 · 127.0.0.1 · "), browser


def test_programs_find_their_settings(node: ServedNode, tmp_path: Path) -> None:
    found = run(node, "setup.mjs", "li", tmp_path)
    assert found["port"] == str(node.ports["imaps"])
    assert found["profile"] == "application/x-apple-aspen-config"
    assert f"imaps://li%40qq.test@mail.qq.test:{node.ports['imaps']}/" in found["mutt"]
    target = tmp_path / "li.mobileconfig"
    told = node.json("setup", "li@qq.test", "--profile", str(target))
    assert {"kind": "smtp", "port": node.ports["submissions"], "security": "tls"} in told["services"]
    shown = subprocess.run(
        ["openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-in", str(target)],
        capture_output=True,
        check=True,
    )
    assert b"<string>li@qq.test</string>" in shown.stdout


def test_mail_comes_in_from_files_and_goes_out_again(node: ServedNode, tmp_path: Path) -> None:
    node.command("account", "add", "zhou@qq.test", "--password-stdin", stdin=PASSWORD + "\n")
    found = run(node, "transfer.mjs", "zhou", tmp_path)
    assert found["first"] == "完成：导入 32 封，跳过重复 0 封，失败 0 封。"
    assert found["again"] == "完成：导入 0 封，跳过重复 32 封，失败 0 封。"
    assert (found["eml"], found["zip"]) == ("完成：导入 1 封，跳过重复 0 封，失败 0 封。",) * 2
    assert found["none"] == "x.eml 中没有找到邮件。"
    moment = "2020-11-28T12:00:00Z"
    assert found["kept"] == [[["$flagged", "$seen"], moment]] * 2
    assert found["preview"].endswith("From here")
    assert found["exported"] == ["归档.mbox", 34, True, True]
    with zipfile.ZipFile(found["zipPath"]) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 34
    assert (found["largest"], found["left"]) == ("large", 0)
    told = node.json("export", "zhou@qq.test", "归档", str(tmp_path / "out.mbox"))
    assert told["exported"] == 33
    for expected in (33, 0):
        [told] = node.json("import", "zhou@qq.test", str(tmp_path / "out.mbox"), "--mailbox", "旧邮件")
        assert (told["imported"], told["known"]) == (expected, 33 - expected)


def test_mail_moves_in_from_another_server(node: ServedNode, tmp_path: Path) -> None:
    for name in ("wei", "jin"):
        node.command("account", "add", f"{name}@qq.test", "--password-stdin", stdin=PASSWORD + "\n")
    found = run(node, "migrate.mjs", "wei", tmp_path, str(node.ports["imaps"]), "jin@qq.test")
    assert found["refused"].startswith(
        "The other server does not take the password. Most providers want an app"
    )
    assert found["there"] == "INBOX2 letters"
    assert found["chosen"].endswith("folders, about 2 letters")
    assert found["done"] == "2 copied, 0 were here"
    # Where people sign in at the provider's own page, there is no password to ask for.
    assert (found["passwords"], found["code"], found["link"]) == (
        0,
        "ABCD-EFGH",
        "https://provider.test/enter",
    )
    assert found["checked"] == {
        "provider": "office365",
        "host": "",
        "port": 993,
        "user": "li@office.test",
        "password": "granted",
        "by_token": False,
        "signed_in": True,
    }
