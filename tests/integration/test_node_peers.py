"""A whole node, TLS and all, with the programs people run against one: swaks, curl, mbsync, fetchmail."""

from __future__ import annotations

import email
import email.policy
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.app.certificates import Authority
from tests.integration.kill_load import message
from tests.integration.node import DOMAIN, HOST, PASSWORD, Node, running_node
from tests.integration.requirements import require

pytestmark = pytest.mark.peers


class Station:
    """The node and the certificate that clients trust."""

    def __init__(self, node: Node, ca: Path) -> None:
        self.node = node
        self.ca = ca

    def port(self, service: str) -> int:
        return self.node.ports[service]

    def put(self, user: str, *letters: bytes, mailbox: str = "INBOX", flags: str = "") -> None:
        client = self.node.imap(user)
        for letter in letters:
            assert client.append(mailbox, flags, "", letter)[0] == "OK"
        client.logout()

    def state(self, user: str) -> bytes:
        """Changes with every change of the INBOX."""
        client = self.node.imap(user)
        answer, [told] = client.status("INBOX", "(MESSAGES UIDNEXT HIGHESTMODSEQ)")
        assert answer == "OK"
        client.logout()
        return bytes(told)

    def letters(self, user: str, mailbox: str = "INBOX") -> dict[str, tuple[bytes, set[str]]]:
        """Token -> (message, flags)."""
        client = self.node.imap(user)
        count = int(client.select(mailbox, readonly=True)[1][0] or b"0")
        found = {}
        if count:
            _, rows = client.fetch("1:*", "(FLAGS BODY.PEEK[])")
            for at, row in enumerate(rows):
                if isinstance(row, tuple):
                    rest = rows[at + 1] if at + 1 < len(rows) and isinstance(rows[at + 1], bytes) else b""
                    flags = re.search(rb"FLAGS \(([^)]*)\)", row[0] + rest)  # type: ignore[operator]
                    assert flags is not None
                    found[token(row[1])] = (row[1], set(flags[1].decode().split()))
            assert len(found) == count
        client.logout()
        return found


def token(letter: bytes) -> str:
    found = re.search(rb"^X-Token: (\S+)", letter, re.MULTILINE)
    return found[1].decode() if found else ""


def run(*command: object, cwd: Path, stdin: bytes = b"", status: int = 0) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "HOME": str(cwd), "LC_ALL": "C.UTF-8", "FETCHMAILHOME": str(cwd)},
    )
    told = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == status, f"{command[0]}: {done.returncode}\n{told}"
    return told


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    directory = tmp_path_factory.mktemp("station")
    authority = Authority(directory / "tls")
    certificate = authority.issue(["localhost", HOST])
    with running_node(directory, tls=(certificate.chain, certificate.key)) as node:
        yield Station(node, directory / "tls" / "ca.pem")
        assert node.check() == []


# --- swaks and curl ---


def test_swaks_submits_an_attachment(station: Station, tmp_path: Path) -> None:
    require("swaks")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(bytes(range(256)) * 500)
    sender, recipient = f"u1@{DOMAIN}", f"u2@{DOMAIN}"
    told = run(
        *("swaks", "--server", f"localhost:{station.port('submission')}", "--tls", "--tls-verify"),
        *("--tls-ca-path", station.ca, "--auth", "PLAIN", "--auth-user", sender, "--auth-password", PASSWORD),
        *("--from", sender, "--to", recipient, "--header", "X-Token: swaks", "--attach-type", "image/jpeg"),
        *("--attach", f"@{photo}", "--body", "见字如面"),
        cwd=tmp_path,
    )
    assert "250 2.0.0 " in told
    letter, _ = station.letters(recipient)["swaks"]
    parts = list(email.message_from_bytes(letter, policy=email.policy.default).walk())
    assert parts[-1].get_content_type() == "image/jpeg"
    assert parts[-1].get_payload(decode=True) == photo.read_bytes()
    assert "见字如面" in parts[1].get_payload(decode=True).decode()


def test_swaks_delivers_by_lmtp(station: Station, tmp_path: Path) -> None:
    require("swaks")
    to = f"u2@{DOMAIN},nobody@{DOMAIN},u3@{DOMAIN}"
    told = run(
        *("swaks", "--server", f"{HOST}:{station.port('lmtp')}", "--protocol", "LMTP", "--to", to),
        *("--from", "a@elsewhere.test", "--header", "X-Token: lmtp"),
        cwd=tmp_path,
    )
    assert "550 5.1.1" in told
    assert told.count("250 2.0.0 <") == 2, told
    for user in (f"u2@{DOMAIN}", f"u3@{DOMAIN}"):
        assert "lmtp" in station.letters(user)


def test_curl_by_every_protocol(station: Station, tmp_path: Path) -> None:
    require("curl")
    user = f"u4@{DOMAIN}"
    letter = tmp_path / "letter.eml"
    letter.write_bytes(message("curl", 120_000))
    curl = ("curl", "--silent", "--show-error", "--cacert", station.ca, "--user", f"{user}:{PASSWORD}")
    for url in (
        f"smtps://localhost:{station.port('submissions')}",
        f"smtp://localhost:{station.port('smtp')}",
    ):
        login = curl if "smtps" in url else curl[:-2]
        run(
            *(*login, "--ssl-reqd", "--mail-from", user, "--mail-rcpt", user),
            *("--upload-file", letter, url),
            cwd=tmp_path,
        )
    run(*curl, "--upload-file", letter, f"imaps://localhost:{station.port('imaps')}/INBOX", cwd=tmp_path)
    got = []
    for url in (
        f"imaps://localhost:{station.port('imaps')}/INBOX;MAILINDEX=3",
        f"pop3s://localhost:{station.port('pop3s')}/3",
        f"imap://localhost:{station.port('imap')}/INBOX;MAILINDEX=1",
        f"pop3://localhost:{station.port('pop3')}/2",
    ):
        target = tmp_path / "got"
        run(*curl, "--ssl-reqd", "--output", target, url, cwd=tmp_path)
        got.append(target.read_bytes())
    assert got[0] == got[1] == letter.read_bytes()
    body = letter.read_bytes().partition(b"\r\n\r\n")[2]
    assert all(one.endswith(body) for one in got)
    assert got[2].startswith(b"Return-Path: ")


# --- mbsync ---

MBSYNC = """
IMAPAccount post
Host localhost
Port {port}
User {user}
Pass {password}
{tls} IMAPS
CertificateFile {ca}
AuthMechs {mechanism}

IMAPStore far
Account post

MaildirStore near
Path {dir}/mail/
Inbox {dir}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
"""


class Mbsync:
    """A Maildir that follows an account."""

    def __init__(self, station: Station, user: str, directory: Path, mechanism: str = "*") -> None:
        self.directory = directory
        (directory / "mail").mkdir()
        version = run("mbsync", "--version", cwd=directory)
        tls = "TLSType" if int(re.search(r"1\.(\d+)", version)[1]) >= 5 else "SSLType"  # type: ignore[index]
        facts = {
            "port": station.port("imaps"),
            "user": user,
            "password": PASSWORD,
            "ca": station.ca,
            "dir": directory,
            "tls": tls,
            "mechanism": mechanism,
        }
        (directory / "mbsyncrc").write_text(MBSYNC.format(**facts))

    def sync(self) -> str:
        return run("mbsync", "-V", "-c", self.directory / "mbsyncrc", "all", cwd=self.directory)

    def files(self, mailbox: str = "INBOX") -> dict[str, Path]:
        found = [p for part in ("cur", "new") for p in (self.directory / "mail" / mailbox / part).glob("*")]
        return {token(path.read_bytes()): path for path in found}

    def flags(self, name: str, mailbox: str = "INBOX") -> set[str]:
        return set(self.files(mailbox)[name].name.rpartition(":2,")[2])


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_mbsync_signs_in_by_scram(station: Station, tmp_path: Path, mechanism: str) -> None:
    require("mbsync")
    user = f"u6@{DOMAIN}"
    Mbsync(station, user, tmp_path, mechanism).sync()
    assert (tmp_path / "mail" / "INBOX").is_dir()


def test_mbsync_both_ways(station: Station, tmp_path: Path) -> None:
    require("mbsync")
    user = f"u5@{DOMAIN}"
    station.put(user, *(message(f"far-{n}", 300 + n * 40_000) for n in range(20)))
    station.put(user, message("sent-1", 100), mailbox="Sent", flags=r"(\Seen)")
    near = Mbsync(station, user, tmp_path)
    near.sync()
    assert near.files().keys() == {f"far-{n}" for n in range(20)}
    for (
        name,
        path,
    ) in near.files().items():  # byte for byte, but for the line ends of a Maildir and mbsync's mark
        far = station.letters(user)[name][0].replace(b"\r\n", b"\n")
        kept = re.sub(rb"^X-TUID: .*\n", b"", path.read_bytes(), flags=re.MULTILINE)
        assert kept == far
    assert near.flags("sent-1", "Sent") == {"S"}
    # Nothing to do: nothing changes on either side.
    before = {name: path.name for name, path in near.files().items()}
    state = station.state(user)
    near.sync()
    assert station.state(user) == state
    assert {name: path.name for name, path in near.files().items()} == before
    # A letter, flags and a deletion from each side.
    client = station.node.imap(user)
    client.select("INBOX")
    client.store("1", "+FLAGS", r"(\Seen \Flagged)")
    client.store("2", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.logout()
    station.put(user, message("far-late", 500))
    (tmp_path / "mail/INBOX/new/1.near.host").write_bytes(message("near-1", 70_000).replace(b"\r\n", b"\n"))
    answered = near.files()["far-5"]
    answered.rename(answered.parents[1] / "cur" / (answered.name.partition(":")[0] + ":2,RS"))
    trashed = near.files()["far-6"]
    trashed.rename(trashed.parents[1] / "cur" / (trashed.name.partition(":")[0] + ":2,T"))
    near.sync()
    expected = ({f"far-{n}" for n in range(20)} - {"far-1", "far-6"}) | {"far-late", "near-1"}
    far_side = station.letters(user)
    assert near.files().keys() == far_side.keys() == expected
    assert near.flags("far-0") == {"F", "S"}
    assert {r"\Answered", r"\Seen"} <= far_side["far-5"][1]
    stored = re.sub(rb"^X-TUID: .*\r\n", b"", far_side["near-1"][0], flags=re.MULTILINE)
    assert stored == message("near-1", 70_000)
    # New mailboxes, with names beyond ASCII, from both sides.
    client = station.node.imap(user)
    assert client.create("&ibv6WQ-")[0] == "OK"
    client.logout()
    station.put(user, message("named", 100), mailbox="&ibv6WQ-")
    for part in ("cur", "new", "tmp"):
        (tmp_path / "mail/Projects" / part).mkdir(parents=True)
    (tmp_path / "mail/Projects/new/2.near.host").write_bytes(message("project", 9).replace(b"\r\n", b"\n"))
    near.sync()
    assert "project" in station.letters(user, "Projects")
    assert any(token(p.read_bytes()) == "named" for p in (tmp_path / "mail").glob("*/*/*") if p.is_file())


# --- fetchmail ---


def test_fetchmail_by_pop3_and_imap(station: Station, tmp_path: Path) -> None:
    require("fetchmail")
    taken = tmp_path / "taken"
    taken.mkdir()
    script = tmp_path / "take"
    script.write_text(f'#!/bin/sh\nexec cat > "$(mktemp {taken}/XXXXXX)"\n')
    script.chmod(0o755)
    letters = {f"fetch-{n}": message(f"fetch-{n}", 200 + n * 30_000) for n in range(8)}
    for user, protocol, service in (
        (f"u6@{DOMAIN}", "POP3", "pop3s"),
        (f"u7@{DOMAIN}", "IMAP", "imaps"),
    ):
        station.put(user, *letters.values())
        config = tmp_path / "fetchmailrc"
        config.write_text(
            f"poll localhost protocol {protocol} port {station.port(service)} user {user!r} "
            f"password {PASSWORD!r} ssl sslcertck sslcertfile {str(station.ca)!r} nokeep fetchall "
            f"mda {str(script)!r}\n"
        )
        config.chmod(0o600)
        command = ("fetchmail", "--fetchmailrc", config, "--pidfile", tmp_path / "pid", "--nosyslog")
        run(*command, cwd=tmp_path)
        got = {token(path.read_bytes()): path for path in taken.iterdir()}
        assert got.keys() == letters.keys()
        for name, path in got.items():
            body = letters[name].partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")
            assert path.read_bytes().endswith(body)
            path.unlink()
        assert station.letters(user) == {}
        run(*command, cwd=tmp_path, status=1)  # 1: there was no mail
