"""The admin pages in a real browser, on a house of the demo."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.app.demo import HOUSES, PASSWORD
from tests.integration.requirements import missing, require
from tests.integration.test_node_demo import FREE, RunningDemo
from tests.integration.test_node_webmail import CLIENTS, house, run

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    require("node", "chromium")
    if not (CLIENTS / "node_modules" / "playwright-core").exists():
        missing("playwright-core is not installed: npm ci --prefix tests/clients")
    running = RunningDemo(tmp_path_factory.mktemp("admin") / "demo")
    yield running
    status, _ = running.interrupt()
    assert status == 0


def test_the_main_ways_through(demo: RunningDemo, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login("zhang@qq.test", PASSWORD)
        letter = "Subject: x\r\n\r\ny\r\n"
        smtp.sendmail("zhang@qq.test", "somebody@[127.0.0.1]", letter)
        smtp.sendmail("zhang@qq.test", "li@163.test", letter, mail_options=["HOLDFOR=86400"])
    context = ssl.create_default_context(cafile=demo.data / "ca" / "ca.pem")
    imap = imaplib.IMAP4_SSL("localhost", HOUSES[0].port("imaps", FREE), ssl_context=context)
    imap.login("zhang@qq.test", PASSWORD)
    found = run("admin.mjs", house(0), PASSWORD, str(tmp_path))
    with pytest.raises(imaplib.IMAP4.error):  # disconnected by a button
        imap.noop()
    imap.shutdown()
    assert found["console"] == []
    assert found["requests"] == []
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["scrolls"] == []
    # Tokens are in memory only, and a reload comes back to where it was.
    assert "pha_" not in found["storage"]
    assert "phr_" not in found["storage"]
    assert found["back"] == "/admin/audit"
    assert "mail.qq.test" in found["overview"]
    assert "no full domain" in found["refused"]
    assert found["copied"].endswith(".")
    assert "problem" in found["checked"]
    assert "ok" in found["ours"]
    assert found["secret"] == 23
    assert "chen@shop.test" in found["search"]
    assert "can no longer sign in" in found["asked"]
    assert {"Make an account", "Say where an alias leads", "Make a team mailbox", "Ban somebody"} <= set(
        found["audit"]
    )
    assert found["seen"] == ["Read by one is read by all", "Each has its own"]
    assert "IMAPS" in found["sessions"]
    assert "zhang@qq.test" in found["sessions"]
    assert "Submitted 2" in found["flow"]
    assert found["token"] == "phk_"
    assert "li@163.test" in found["queue"]
    assert "received" in found["story"]
    assert found["focus"] == "H1"
    assert "Add a domain" in found["escaped"]
    # wang administrates shop.test and sees nothing of qq.test, not even his own account.
    assert found["wang_domains"] == ["shop.test"]
    assert found["wang_accounts"] == ["chen@shop.test"]
    assert "没有" in found["hidden"]
