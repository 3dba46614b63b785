"""The webmail in a real browser, on both houses of the demo."""

from __future__ import annotations

import json
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.app.demo import HOUSES, PASSWORD
from tests.integration.requirements import missing, require
from tests.integration.test_node_demo import FREE, RunningDemo

pytestmark = pytest.mark.peers
CLIENTS = Path(__file__).parents[1] / "clients"

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "<svg><script>alert(1)</script></svg>",
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)"></style></mglyph></table></mtext></math>',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    '<a href="javascript:alert(1)">click</a><a href="&#106;avascript:alert(1)">click</a>',
    '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
    '<object data="data:text/html,<script>alert(1)</script>"></object><embed src="//evil.test/x">',
    '<meta http-equiv=refresh content="0;url=http://evil.test/">',
    '<base href="http://evil.test/"><a href="x">y</a>',
    '<link rel=stylesheet href="http://evil.test/x.css"><style>@import "http://evil.test/y.css";</style>',
    '<p style="background:url(http://evil.test/a.png)">a</p><p style="background:var(--x,url(//evil.test/b))">b</p>',
    '<img src="http://evil.test/pixel.gif" width=1><img srcset="http://evil.test/2x.png 2x">',
    '<picture><source srcset="//evil.test/s"><img></picture><video poster="http://evil.test/p" src="//x.test">',
    '<table background="http://evil.test/t.png"><tr><td>t</td></tr></table><body background="http://evil.test/b">',
    '<form action="/jmap/api" method=post><input name=x autofocus onfocus=alert(1)><button>send</button></form>',
    '<input type=image src="http://evil.test/i.png" formaction="javascript:alert(1)">',
    '<a href="/oauth/authorize" ping="http://evil.test/ping" id=cursor name=body>relative</a>',
    '<div style="position:fixed;inset:0;z-index:9999;background:#fff">cover</div>',
    "<plaintext><script>alert(1)</script>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<template><img src=x onerror=alert(1)></template><xmp><img src=x onerror=alert(1)></xmp>",
    "<p>" * 20_000 + "deep" + "</p>" * 20_000,
    "<b>" * 3_000 + "nested",
    "<table>" + "<tr>" + "<td>x</td>" * 50 + "</tr>" * 400 + "</table>",
    '<details open ontoggle=alert(1)><summary>s</summary></details><marquee onstart=alert(1)>m</marquee>',
    '<img src="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\' onload=\'alert(1)\'/>">',
    '<a href="data:text/html,<script>alert(1)</script>" target=_self>data</a>',
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    '<div data-cid="x" class="notice" id="app"><img data-cid="photo">clobber</div>',
]  # fmt: skip


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


def run(script: str, *words: str) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    assert chromium is not None
    done = subprocess.run(
        ["node", script, chromium, *words],
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=180,
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
    assert any("deep" in text for text in found["text"])


def test_two_people_write_to_each_other(demo: RunningDemo, tmp_path: Path) -> None:
    found = run("webmail.mjs", house(0), house(1), PASSWORD, str(tmp_path))
    assert found["arrived_ms"] < 10_000
    assert found["row"].startswith("Unread，张，")
    assert "春节快乐：一张照片With attachments" in found["row"]
    assert found["text"] == "见信如面。附件是照片。"
    assert found["file"] == "照片.png"
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
