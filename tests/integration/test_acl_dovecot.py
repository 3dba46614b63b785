"""What each right opens, side by side with Dovecot's ACL plugin; where the two differ, the reason stands here."""

from __future__ import annotations

import imaplib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.dovecot import PASSWORD, Dovecot, running_dovecot
from tests.integration.node import HOST, running_node
from tests.integration.node import PASSWORD as NODE_PASSWORD

OWNER, GUEST = "u0@example.test", "u1@example.test"
BOX = f'"Other Users/{OWNER}/Box"'
CONFIG = """
mail_plugins = acl
protocol imap {
  mail_plugins = acl imap_acl
}
plugin {
  acl = vfile
  acl_shared_dict = file:%s/shared
}
service auth {
  unix_listener auth-userdb {
    mode = 0666
  }
}
namespace inbox {
  separator = /
}
namespace {
  type = shared
  prefix = Other Users/%%%%u/
  separator = /
  location = sdbox:%%%%h/sdbox
  subscriptions = no
  list = children
}
"""
RIGHTS = [
    "",
    "l",
    "r",
    "lr",
    "li",
    "lrs",
    "lrw",
    "lrt",
    "lre",
    "lrte",
    "lk",
    "lx",
    "la",
    "lrswite",
    "lrswipkxtea",
]
COMMANDS = [
    f"MYRIGHTS {BOX}",
    f"SELECT {BOX}",
    f"EXAMINE {BOX}",
    f"STATUS {BOX} (MESSAGES)",
    f"GETACL {BOX}",
    f"LISTRIGHTS {BOX} {GUEST}",
    f"SETACL {BOX} {GUEST} +l",
    f"APPEND {BOX} (\\Seen \\Flagged) {{4+}}\r\na: b",
    f'CREATE "Other Users/{OWNER}/Box/new"',
    f'DELETE "Other Users/{OWNER}/Box/new"',
]
IN_SELECTED = [
    "STORE 1 +FLAGS (\\Seen)",
    "STORE 1 +FLAGS (\\Flagged)",
    "STORE 1 +FLAGS (\\Deleted)",
    "STORE 1 +FLAGS (\\Seen \\Flagged \\Deleted)",
    "UID EXPUNGE 999",
    "COPY 1 INBOX",
]


def justified(rights: str, command: str, mine: str | None, other: str | None) -> bool:
    """Where Dovecot asks for less than RFC 4314 §4: STATUS without r, LISTRIGHTS without a; and where it answers OK to
    STORE and EXPUNGE that may do nothing at all, and does nothing.
    """
    if (mine, other) != ("NO", "OK"):
        return False
    needed = {"STATUS": "r", "LISTRIGHTS": "a"}.get(command.split(maxsplit=1)[0])
    return needed not in rights if needed else command.startswith(("STORE", "UID EXPUNGE"))


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    directory = Path(tempfile.mkdtemp(prefix="posthouse-acl-"))
    directory.chmod(0o777)
    try:
        with running_dovecot(extra=CONFIG % directory) as server:
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class Side:
    """A server with an owner and a guest."""

    def __init__(self, address: tuple[str, int], password: str) -> None:
        self._address, self._password = address, password
        self.owner, self.guest = self._connect(OWNER), self._connect(GUEST)
        self.ask(self.owner, "CREATE Box")
        self.ask(self.owner, "APPEND Box (\\Draft) {4+}\r\na: b")

    def _connect(self, user: str) -> imaplib.IMAP4:
        client = imaplib.IMAP4(*self._address, timeout=20)
        client.login(user, self._password)
        return client

    @staticmethod
    def ask(client: imaplib.IMAP4, command: str) -> tuple[str, list[str]]:
        client.send(f"x {command}\r\n".encode())
        said: list[str] = []
        while not said or not said[-1].startswith("x "):
            line = client.readline().decode()
            assert line, command
            said.append(line.rstrip())
        return said[-1].split()[1], said[:-1]

    def answers(self, rights: str) -> dict[str, str]:
        self.ask(self.owner, f"DELETEACL Box {GUEST}")
        if rights:
            assert self.ask(self.owner, f"SETACL Box {GUEST} {rights}")[0] == "OK"
        found = {}
        self.guest.logout()
        self.guest = self._connect(GUEST)  # Dovecot remembers rights for a while
        for command in COMMANDS:
            status, said = self.ask(self.guest, command)
            found[command] = status
            if command.startswith("MYRIGHTS") and status == "OK":
                found["rights"] = "".join(sorted(set(said[0].split()[-1]) - set("cd")))
            if "SETACL" in command and status == "OK":
                self.ask(self.owner, f"SETACL Box {GUEST} {rights}")
        if self.ask(self.guest, f"SELECT {BOX}")[0] == "OK":
            for command in IN_SELECTED:
                found[command] = self.ask(self.guest, command)[0]
            _, said = self.ask(self.guest, "FETCH 1 (FLAGS)")
            found["flags"] = said[-1].replace("\\Recent", "").replace(" )", ")").replace("( ", "(")
            self.ask(self.guest, "UNSELECT")
            self.ask(self.owner, "SELECT Box")
            self.ask(self.owner, "STORE 1:* FLAGS (\\Draft)")
            self.ask(self.owner, "UNSELECT")
        _, said = self.ask(self.guest, f'LIST "" {BOX}')
        found["listed"] = str(any(line.rstrip('"').endswith("Box") for line in said))
        return found

    def close(self) -> None:
        self.owner.logout()
        self.guest.logout()


@pytest.mark.peers
def test_what_each_right_opens(dovecot: Dovecot, tmp_path: Path) -> None:
    with running_node(tmp_path, users=2, workers=1) as node:
        ours = Side((HOST, node.ports["imap"]), NODE_PASSWORD)
        theirs = Side((dovecot.host, dovecot.port), PASSWORD)
        differences = []
        for rights in RIGHTS:
            mine, other = ours.answers(rights), theirs.answers(rights)
            differences += [
                (rights, name, mine.get(name), other.get(name))
                for name in mine.keys() | other.keys()
                if mine.get(name) != other.get(name)
                and not justified(rights, name, mine.get(name), other.get(name))
            ]
        assert differences == []
        ours.close()
        theirs.close()
