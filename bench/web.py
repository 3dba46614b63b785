"""The webmail in Chromium, on a mailbox of 100,000: `make bench-web` (`BENCH_WEB_MESSAGES` for another size).

One house of the demo is filled, then driven by `bench_web.mjs`; medians of five rounds beside the budgets of the pages.
Needs Node.js, Chromium, and `npm ci --prefix tests/clients`.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Final

from posthouse.app.admin import run_with_store
from posthouse.app.config import Config, load_config
from posthouse.app.demo import HOUSES, PASSWORD
from posthouse.http.web import ASSETS
from posthouse.mime.facts import facts_of
from posthouse.storage.ports import Store
from posthouse.storage.rows import Delivery, LocalCopy

from .jmap import letter
from .web_letters import NEWSLETTERS, huge, newsletter

MESSAGES: Final = int(os.environ.get("BENCH_WEB_MESSAGES", "100000"))
OFFSET: Final = int(os.environ.get("BENCH_WEB_OFFSET", "26000"))
WHO: Final = "zhang@qq.test"
CLIENTS: Final = Path(__file__).parent.parent / "tests" / "clients"
BOUND_S: Final = 1_200
FREEZE_MS: Final = 100
"""How long the page may be without an answer to a key, whatever is opened."""
# (what, key of the result, budget, unit)
ROWS: Final = (
    ("first screen, script", "script_kb", "60", "kB gz"),
    ("first load, signed out", "first_ms", "", "ms"),
    ("sign in until the list is there", "signin_ms", "", "ms"),
    ("reload until the list is there", "reload_ms", "", "ms"),
    ("open the mailbox", "mailbox_ms", "", "ms"),
    ("jump to its middle until rows are there", "jump_ms", "", "ms"),
    ("scroll, frame, median", "frame_p50_ms", "", "ms"),
    ("scroll, longest frame", "frame_max_ms", "50", "ms"),
    ("key to frame, median", "key_p50_ms", "", "ms"),
    ("key to frame, p95", "key_p95_ms", "50", "ms"),
    ("open a letter fetched ahead, median", "open_p50_ms", "100", "ms"),
    ("open a letter fetched ahead, p95", "open_p95_ms", "", "ms"),
    ("open a newsletter fetched ahead, median", "html_p50_ms", "100", "ms"),
    ("open a newsletter fetched ahead, p95", "html_p95_ms", "", "ms"),
    ("first search, no index", "first_search_ms", "", "ms"),
    ("search, index warm", "search_ms", "300", "ms"),
    ("send until the window is closed", "send_ms", "", "ms"),
    ("new letter on screen, median", "new_p50_ms", "", "ms"),
    ("new letter on screen, p99", "new_p99_ms", "300", "ms"),
    ("longest block of the page's thread", "block_ms", "100", "ms"),
)


class Demo:
    def __init__(self, data: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "posthouse",
            "--lang",
            "en",
            "demo",
            "--data",
            str(data),
            "--offset",
            str(OFFSET),
        ]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "Both are open" in line:
                return
        raise RuntimeError("the demo did not start")

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.communicate(timeout=60)


async def fill(store: Store, _config: Config) -> None:
    account = await store.directory.account_by_address(WHO)
    assert account is not None

    async def put(name: str, letters: Iterable[bytes]) -> None:
        await store.mailboxes.create(account.id, name)
        box = await store.mailboxes.get(account.id, name)
        numbered = enumerate(letters)
        while batch := [
            Delivery(
                f"{name}{n}",
                store.contents.draft(data),
                facts_of(data),
                [LocalCopy(account.id, box.id, flags=n % 2, date=1.7e9 + n)],
            )
            for n, data in islice(numbered, 500)
        ]:
            await store.messages.deliver(batch)

    await put("Big", map(letter, range(MESSAGES)))
    await put("Newsletters", map(newsletter, range(NEWSLETTERS)))
    await put("Huge", (data for _, data in huge()))


def script_kb() -> float:
    """What the first screen loads: the entry and what it imports at once."""
    page = (ASSETS / "index.html").read_text()
    names = [part.split('"')[0] for part in page.split("/mail/assets/")[1:]]
    return (
        sum(
            len(gzip.compress((ASSETS / "assets" / name).read_bytes(), 9))
            for name in set(names)
            if name.endswith(".js")
        )
        / 1000
    )


def main() -> None:
    node, chromium = shutil.which("node"), shutil.which("chromium")
    if node is None or chromium is None or not (CLIENTS / "node_modules").exists():
        print("skipped: needs Node.js, Chromium and `npm ci --prefix tests/clients`")
        return
    root = Path(tempfile.mkdtemp(dir=Path.cwd(), prefix=".bench-web-"))
    try:
        data = root / "demo"
        Demo(data).stop()
        run_with_store(load_config(data / HOUSES[0].domain / "posthouse.toml"), fill)
        demo = Demo(data)
        try:
            url = f"http://127.0.0.1:{HOUSES[0].port('http', OFFSET)}"
            port = str(HOUSES[0].port("submission", OFFSET))
            figures = drive(node, "bench_web.mjs", chromium, url, WHO, PASSWORD, port)
            show(figures | {"script_kb": script_kb()})
            show_freezes(drive(node, "bench_huge.mjs", chromium, url, WHO, PASSWORD))
        finally:
            demo.stop()
    finally:
        shutil.rmtree(root)


def drive(node: str, script: str, *words: str) -> dict[str, Any]:
    """What the script found; it says itself which step did not end, and never runs longer than `BOUND_S`."""
    try:
        done = subprocess.run(
            [node, script, *words], cwd=CLIENTS, capture_output=True, text=True, check=False, timeout=BOUND_S
        )
    except subprocess.TimeoutExpired as late:
        sys.exit(f"{script}: not done in {BOUND_S} s\n{(late.stderr or b'').decode(errors='replace')}")
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def show(found: dict[str, Any]) -> None:
    print(f"a mailbox of {MESSAGES:,}; medians of 5 rounds")
    print(f"{'':44} {'measured':>12} {'budget':>10}")
    for what, key, budget, unit in ROWS:
        over = "" if not budget or found[key] <= float(budget) else "  over"
        print(f"{what:44} {found[key]:>8.1f} {unit:5} {budget:>6}{over}")


def show_freezes(found: dict[str, Any]) -> None:
    print(
        f"\nlongest block of the page's thread while it is opened, and while all of it is shown; budget {FREEZE_MS} ms"
    )
    for what, one in found.items():
        opened = "" if one["open_ms"] is None else f"{one['open_ms']:>8.0f} ms"
        whole = (
            "" if one["all_ms"] is None else f"{one['all_ms']:>8.0f} ms, all there after {one['all_s']:.1f} s"
        )
        over = "  over" if max(one["open_ms"] or 0, one["all_ms"] or 0) > FREEZE_MS else ""
        print(f"{what:28} {opened} {whole}{over} {one['fault']}".rstrip())


if __name__ == "__main__":
    main()
