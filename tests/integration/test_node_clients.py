"""IMAP clients that people use, one after the other on one account: each reads, writes, and sees what the others did.

offlineimap, neomutt, IMAPClient, imapflow, and the sequence of commands that Thunderbird keeps folders in sync with.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pty
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from tests.integration.autosync import Device
from tests.integration.kill_load import message
from tests.integration.node import DOMAIN, HOST, PASSWORD, running_node, wait_until
from tests.integration.requirements import missing, require
from tests.integration.test_node_peers import Station, run, token

pytestmark = pytest.mark.peers
FLOW = Path(__file__).parents[1] / "clients"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    directory = tmp_path_factory.mktemp("clients")
    with running_node(directory) as node:
        yield Station(node, directory)
        assert node.check() == []


def plain(station: Station, user: str, mailbox: str = "INBOX") -> dict[str, set[str]]:
    """Token -> flags, as a plain client sees them."""
    return {name: flags - {r"\Recent"} for name, (_, flags) in station.letters(user, mailbox).items()}


# --- offlineimap ---

OFFLINEIMAP = """
[general]
accounts = post
metadata = {dir}/meta
[Account post]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {dir}/mail
[Repository far]
type = IMAP
remotehost = {host}
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = no
starttls = no
"""


def offlineimap(station: Station, user: str, directory: Path) -> None:
    facts = {"dir": directory, "host": HOST, "port": station.port("imap"), "user": user, "password": PASSWORD}
    (directory / "rc").write_text(OFFLINEIMAP.format(**facts))
    (directory / "mail").mkdir(exist_ok=True)
    run("offlineimap", "-o", "-u", "quiet", "-c", directory / "rc", cwd=directory)


def maildir(directory: Path, mailbox: str = "INBOX") -> dict[str, Path]:
    return {
        token(path.read_bytes()): path
        for part in ("cur", "new")
        for path in (directory / "mail" / mailbox / part).glob("*")
    }


def test_offlineimap_both_ways(station: Station, tmp_path: Path) -> None:
    require("offlineimap")
    user = f"u1@{DOMAIN}"
    station.put(user, *(message(f"far-{n}", 300 + n * 20_000) for n in range(6)))
    offlineimap(station, user, tmp_path)
    assert maildir(tmp_path).keys() == {f"far-{n}" for n in range(6)}
    kept = maildir(tmp_path)["far-5"].read_bytes().replace(b"\r\n", b"\n")
    assert kept == message("far-5", 100_300).replace(b"\r\n", b"\n")
    # Flags, a letter and a deletion from each side.
    client = station.node.imap(user)
    client.select("INBOX")
    client.store("1", "+FLAGS", r"(\Seen \Flagged)")
    client.store("2", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.logout()
    (tmp_path / "mail/INBOX/new/1.near.host").write_bytes(message("near-1", 5000).replace(b"\r\n", b"\n"))
    answered = maildir(tmp_path)["far-3"]
    answered.rename(answered.parents[1] / "cur" / (answered.name.partition(":")[0] + ":2,RS"))
    maildir(tmp_path)["far-4"].unlink()
    offlineimap(station, user, tmp_path)
    far = plain(station, user)
    assert far.keys() == {"far-0", "far-2", "far-3", "far-5", "near-1"}
    assert far["far-3"] == {r"\Answered", r"\Seen"}
    assert maildir(tmp_path).keys() >= far.keys()
    assert set(maildir(tmp_path)["far-0"].name.rpartition(":2,")[2]) == {"F", "S"}


# --- neomutt ---


def neomutt(station: Station, user: str, keys: str, directory: Path) -> str:
    """Type keys in a terminal of its own; what was on the screen."""
    rc = directory / "muttrc"
    rc.write_text(
        f'set imap_user = "{user}"\nset imap_pass = "{PASSWORD}"\nset folder = "imap://{HOST}:{station.port("imap")}/"\n'
        "set ssl_starttls = no\nset ssl_force_tls = no\nset confirmappend = no\nset quit = yes\nset delete = yes\n"
        "set move = no\nset mail_check = 0\nset sleep_time = 0\nset header_cache =\n"
        "set imap_condstore = yes\nset imap_qresync = yes\nset sort = date-received\nset wait_key = no\n"
        "unset tunnel\nset confirmcreate = no\nset mark_old = no\nunset collapse_all\n"
    )
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover
        os.environ.update(HOME=str(directory), TERM="xterm", LC_ALL="C.UTF-8", LINES="40", COLUMNS="120")
        os.execvp("neomutt", ["neomutt", "-F", str(rc), "-f", "+INBOX", "-e", f'push "{keys}"'])
    shown = bytearray()
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    shown += os.read(terminal, 65536)
                except OSError:  # it ended
                    break
        else:
            os.kill(process, 9)
            pytest.fail(f"neomutt does not end:\n{shown.decode('utf-8', 'replace')[-3000:]}")
    finally:
        os.close(terminal)
        _, status = os.waitpid(process, 0)
    assert status == 0, shown.decode("utf-8", "replace")[-3000:]
    return shown.decode("utf-8", "replace")


def test_neomutt_reads_flags_copies_and_deletes(station: Station, tmp_path: Path) -> None:
    require("neomutt")
    user = f"u2@{DOMAIN}"
    station.put(user, *(message(f"mutt-{n}", 400 + n * 1000) for n in range(4)))
    shown = neomutt(
        station,
        user,
        "<first-entry><display-message><exit>"  # 1 is read
        "<jump>2<enter><flag-message>"
        "<jump>3<enter><copy-message>=Archive<enter>"
        "<jump>4<enter><delete-message>"
        "<sync-mailbox><quit>",
        tmp_path,
    )
    assert "mutt-1" in shown
    far = plain(station, user)
    assert far.keys() == {"mutt-0", "mutt-1", "mutt-2"}
    assert r"\Seen" in far["mutt-0"]
    assert r"\Flagged" in far["mutt-1"]
    assert plain(station, user, "Archive").keys() == {"mutt-2"}
    # What another client did meanwhile.
    with imapclient(station, user) as other:
        other.select_folder("INBOX")
        other.add_flags(other.search(["HEADER", "X-Token", "mutt-2"]), [r"\Answered"])
        other.append("INBOX", message("late", 300))
    shown = neomutt(station, user, "<limit>~s late<enter><flag-message><sync-mailbox><quit>", tmp_path)
    assert "late" in shown
    assert r"\Flagged" in plain(station, user)["late"]


# --- IMAPClient ---


def imapclient(station: Station, user: str) -> IMAPClient:
    client = IMAPClient(HOST, station.port("imap"), ssl=False, timeout=30)
    client.login(user, PASSWORD)
    return client


def test_imapclient(station: Station) -> None:
    user = f"u3@{DOMAIN}"
    with imapclient(station, user) as client:
        client.id_({"name": "IMAPClient"})
        assert {b"IDLE", b"CONDSTORE", b"SORT", b"THREAD=REFERENCES"} <= set(client.capabilities())
        client.create_folder("工作/项目")
        client.append("工作/项目", message("one", 800), [r"\Seen", "$Work"])
        client.append("工作/项目", message("two", 3000))
        assert client.folder_status("工作/项目", ["MESSAGES", "UNSEEN"]) == {b"MESSAGES": 2, b"UNSEEN": 1}
        info = client.select_folder("工作/项目")
        assert info[b"EXISTS"] == 2
        assert client.search(["KEYWORD", "$Work"]) == [1]
        assert client.sort(["REVERSE SIZE"]) == [2, 1]
        assert client.thread() == ((1,), (2,))
        rows = client.fetch(
            [1, 2], ["ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE", "BODY[TEXT]"]
        )
        assert rows[1][b"ENVELOPE"].subject == b"one"
        assert rows[2][b"RFC822.SIZE"] == len(message("two", 3000))
        client.move([1], "Archive")
        client.idle()
        with imapclient(station, user) as other:
            other.select_folder("工作/项目")
            other.add_flags([2], [r"\Flagged"])
            heard: list[Any] = []
            wait_until(
                lambda: heard.extend(client.idle_check(timeout=0.2)) or len(heard) > 0, "IDLE tells of it"
            )
        client.idle_done()
        assert any(response[1] == b"FETCH" for response in heard)
        assert "工作/项目" in {name for _, _, name in client.list_folders()}
        assert client.namespace().personal
    assert plain(station, user, "Archive") == {"one": {r"\Seen", "$Work"}}


# --- imapflow ---


def flow(station: Station, user: str, *task: str) -> Any:
    command = ["node", str(FLOW / "flow.mjs"), str(station.port("imap")), user, PASSWORD, *task]
    return json.loads(run(*command, cwd=FLOW).splitlines()[-1])


@pytest.fixture
def needs_flow() -> None:
    require("node")
    if not (FLOW / "node_modules" / "imapflow").is_dir():
        missing("imapflow is not installed (npm ci --prefix tests/clients)")


@pytest.mark.usefixtures("needs_flow")
def test_imapflow(station: Station) -> None:
    user = f"u4@{DOMAIN}"
    station.put(user, message("first", 900), message("second", 90_000))
    assert [(m["token"], m["type"]) for m in flow(station, user, "list", "INBOX")] == [
        ("first", "text/plain"),
        ("second", "text/plain"),
    ]
    assert flow(station, user, "append", "INBOX", "third")["uid"] == 3
    assert plain(station, user)["third"] == {r"\Flagged", "$Flow"}
    assert base64.b64decode(flow(station, user, "download", "INBOX", "second")) == message("second", 90_000)
    assert flow(station, user, "change", "INBOX", "first") == {"found": 1, "moved": 1}
    assert plain(station, user, "Archive") == {"first": {r"\Answered"}}
    folders = {folder["path"]: folder for folder in flow(station, user, "folders")}
    assert folders["Sent"]["use"] == r"\Sent"
    assert folders["INBOX"]["messages"] == 2


@pytest.mark.usefixtures("needs_flow")
def test_imapflow_hears_of_others(station: Station) -> None:
    user = f"u5@{DOMAIN}"
    station.put(user, message("one", 300), message("two", 300))
    command = ["node", str(FLOW / "flow.mjs"), str(station.port("imap")), user, PASSWORD, "watch", "INBOX"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=FLOW) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == '"ready"\n'
        with imapclient(station, user) as other:
            other.select_folder("INBOX")
            other.append("INBOX", message("three", 300))
            other.add_flags([1], [r"\Flagged"])
            other.delete_messages([2])
            other.expunge([2])
        seen = json.loads(watcher.stdout.readline())
        assert watcher.wait(30) == 0
    assert seen["exists"] >= 2
    assert seen["expunge"] == 2
    assert r"\Flagged" in seen["flags"] or r"\Deleted" in seen["flags"]


# --- Thunderbird ---


@pytest.mark.parametrize(("number", "enables"), [(6, ""), (7, "CONDSTORE"), (8, "QRESYNC")])
def test_two_devices_in_sync(station: Station, number: int, enables: str) -> None:
    """Full sync, changes heard while idle, what was missed while away."""
    user = f"u{number}@{DOMAIN}"
    station.put(user, *(message(f"old-{n}", 300 + n % 7 * 3000) for n in range(60)))
    station.put(user, message("sent", 500), mailbox="Sent", flags=r"(\Seen)")
    one, two = asyncio.run(_two_devices(station, user, enables))
    assert one == two
    assert one.keys() >= {f"new-{n}" for n in range(30)}


async def _two_devices(station: Station, user: str, enables: str) -> list[dict[str, Any]]:
    """What each has of INBOX in the end: flags by letter."""
    names = ("INBOX", "Sent", "Archive")
    one, two = (Device(station.node, user, enables) for _ in range(2))
    for device in (one, two):
        await device.start(*names)
    inbox = one.folders["INBOX"]
    assert (inbox.headers, inbox.bodies) == (2, 6)
    await _same(station, user, one, two)
    # Device one reads, answers, sends; device two hears of it while it idles.
    await inbox.wake()
    uids = sorted(inbox.messages)
    await inbox.client.run(f"UID STORE {uids[0]}:{uids[9]} +FLAGS (\\Seen)")
    await inbox.client.run(f"UID STORE {uids[3]} +FLAGS (\\Answered $Forwarded)")
    await inbox.client.run(f"UID MOVE {uids[20]}:{uids[24]} Archive")
    sent = message("answer", 4000)
    await inbox.client.run(b"APPEND Sent (\\Seen) {%d+}\r\n%b" % (len(sent), sent))
    await inbox.sync()
    await inbox.idle()
    for name in names:
        await _until(lambda name=name: two.folders[name].heard, f"device two hears of {name}")
    for device in (one, two):
        await device.wake()
    await _same(station, user, one, two)
    assert two.folders["Archive"].tokens().keys() == {f"old-{n}" for n in range(20, 25)}
    # Device one is away; plain clients and device two go on.
    await one.gone()
    client = station.node.imap(user)
    client.select("INBOX")
    client.store("1:5", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.store("1:3", "+FLAGS", r"(\Flagged)")
    client.logout()
    station.put(user, *(message(f"new-{n}", 700) for n in range(30)))
    before = inbox.headers, inbox.bodies
    await one.start(*names)
    await two.wake()
    await _same(station, user, one, two)
    assert (inbox.headers - before[0], inbox.bodies - before[1]) == (1, 3)  # of the new ones alone
    await one.gone()
    await two.gone()
    return [device.folders["INBOX"].tokens() for device in (one, two)]


async def _until(condition: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(wait_until, condition, what)


async def _same(station: Station, user: str, *devices: Device) -> None:
    """Every device holds what a plain client reads."""
    for name in devices[0].folders:
        stored = await asyncio.to_thread(station.letters, user, name)
        for device in devices:
            folder = device.folders[name]
            assert {t: set(flags) for t, flags in folder.tokens().items()} == {
                t: flags - {r"\Recent"} for t, (_, flags) in stored.items()
            }
            assert {held.token: held.body for held in folder.messages.values()} == {
                t: body for t, (body, _) in stored.items()
            }
