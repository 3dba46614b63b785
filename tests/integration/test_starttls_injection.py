"""Everything published against STARTTLS on servers, as one table: nothing said in the clear counts under TLS.

CVE-2011-0411 and its kin (Postfix, Dovecot CVE-2021-33515, exim CVE-2021-38371, courier CVE-2021-38084), "Why TLS Is
Better Without STARTTLS" (USENIX Security 2021): command injection, session fixation, split commands, and STARTTLS
where it has no place.
"""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.integration.node_rig import HOSTNAME, LIMIT_S, PASSWORD, ServedNode

LI = b"li@qq.test"
PLAIN = base64.b64encode(b"\0li@qq.test\0" + PASSWORD.encode())


class Case(NamedTuple):
    name: str
    listener: str
    before: list[tuple[bytes, bytes]]  # said in the clear, each with how the answer begins
    start: bytes  # everything of the packet that begins TLS
    go: bytes
    probe: bytes  # the first thing under TLS
    answer: bytes


EHLO = (b"EHLO x", b"250")
SIGNED_IN = (b"AUTH PLAIN " + PLAIN, b"235")
CASES = [
    # --- command injection: behind STARTTLS in one packet ---
    Case(
        "mail",
        "submission",
        [EHLO],
        b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@x.test>\r\n",
        b"220",
        b"EHLO me",
        b"250",
    ),
    Case(
        "auth",
        "submission",
        [EHLO],
        b"STARTTLS\r\nAUTH PLAIN " + PLAIN + b"\r\n",
        b"220",
        b"MAIL FROM:<li@qq.test>",
        b"503",
    ),
    Case(
        "relay", "smtp", [EHLO], b"STARTTLS\r\nEHLO evil\r\nRSET\r\n", b"220", b"MAIL FROM:<a@b.test>", b"503"
    ),
    Case(
        "stls-user", "pop3", [], b"STLS\r\nUSER li@qq.test\r\n", b"+OK", b"PASS " + PASSWORD.encode(), b"-ERR"
    ),
    Case("stls-auth", "pop3", [], b"STLS\r\nAUTH PLAIN " + PLAIN + b"\r\n", b"+OK", b"STAT", b"-ERR"),
    Case(
        "imap-login",
        "imap",
        [],
        b"a STARTTLS\r\nb AUTHENTICATE PLAIN " + PLAIN + b"\r\n",
        b"a OK",
        b"c SELECT INBOX",
        b"c BAD",
    ),
    Case(
        "imap-literal", "imap", [], b"a STARTTLS\r\nb LOGIN {10+}\r\nli@qq.test", b"a OK", b"c NOOP", b"c OK"
    ),
    Case("imap-many", "imap", [], b"a STARTTLS\r\n" + b"b NOOP\r\n" * 300, b"a OK", b"c NOOP", b"c OK"),
    Case(
        "sieve",
        "managesieve",
        [],
        b'STARTTLS\r\nAUTHENTICATE "PLAIN" "' + PLAIN + b'"\r\n',
        b"OK",
        b"LISTSCRIPTS",
        b"NO",
    ),
    # --- the first half of a command in the clear, for the victim's line to complete ---
    Case(
        "half-mail",
        "submission",
        [EHLO],
        b"STARTTLS\r\nMAIL FROM:<evil@x.test> SIZE=1",
        b"220",
        b"NOOP",
        b"250",
    ),
    Case(
        "half-data",
        "smtp",
        [EHLO],
        b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<>\r\nRCPT TO:<li@qq.test>\r\nDATA\r\nx",
        b"220",
        b"NOOP",
        b"250",
    ),
    Case("half-user", "pop3", [], b"STLS\r\nUSER ", b"+OK", b"NOOP", b"-ERR"),
    Case("half-append", "imap", [], b"a STARTTLS\r\nb APPEND INBOX {310+}\r\n", b"a OK", b"c NOOP", b"c OK"),
    Case("half-tag", "imap", [], b"a STARTTLS\r\nevil ", b"a OK", b"c NOOP", b"c OK"),
    Case("half-sieve", "managesieve", [], b'STARTTLS\r\nPUTSCRIPT "x" {100+}\r\n', b"OK", b"NOOP", b"OK"),
    # --- session fixation: what was said before ---
    Case("old-ehlo", "submission", [EHLO], b"STARTTLS\r\n", b"220", b"MAIL FROM:<li@qq.test>", b"503"),
    Case(
        "old-auth",
        "submission",
        [EHLO, SIGNED_IN],
        b"STARTTLS\r\n",
        b"220",
        b"MAIL FROM:<li@qq.test>",
        b"503",
    ),
    Case(
        "old-user",
        "pop3",
        [(b"USER li@qq.test", b"+OK")],
        b"STLS\r\n",
        b"+OK",
        b"PASS " + PASSWORD.encode(),
        b"-ERR",
    ),
    # --- a ClientHello that does not wait for the go-ahead is no command either ---
    Case("eager", "imap", [], b"a STARTTLS\r\n\x16\x03\x01\x00\x05hello", b"a OK", b"c NOOP", b"c OK"),
]
REFUSED = [
    # (listener, said before, said, how the answer begins): STARTTLS where it has no place
    ("submission", [EHLO], b"STARTTLS now", b"501"),
    ("submission", [EHLO], b"STARTTLS\nNOOP", b"5"),
    ("smtp", [EHLO, (b"MAIL FROM:<evil@x.test>", b"250")], b"STARTTLS", b"503"),
    ("pop3", [], b"STLS now", b"-ERR"),
    ("pop3", [(b"USER li@qq.test", b"+OK"), (b"PASS " + PASSWORD.encode(), b"+OK")], b"STLS", b"-ERR"),
    ("imap", [], b"a STARTTLS now", b"a BAD"),
    ("imap", [(b"a AUTHENTICATE PLAIN " + PLAIN, b"a OK")], b"b STARTTLS", b"b BAD"),
    ("imap", [(b"a AUTHENTICATE PLAIN", b"+")], b"b STARTTLS", b"a BAD"),
    ("managesieve", [(b'AUTHENTICATE "PLAIN" "' + PLAIN + b'"', b"OK")], b"STARTTLS", b"NO"),
]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedNode]:
    node = ServedNode(tmp_path_factory.mktemp("starttls"), workers=1)
    node.add_people("li")
    node.start()
    yield node
    assert node.stop() == 0


class Talk:
    def __init__(self, node: ServedNode, listener: str) -> None:
        self.listener = listener
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", node.ports[listener]), LIMIT_S)
        self.file = self.sock.makefile("rb", buffering=0)
        self.greeting()

    def greeting(self) -> None:
        if self.listener == "managesieve":
            self.answer()
        else:
            self.line()

    def line(self) -> bytes:
        data = bytearray()
        while not data.endswith(b"\n"):  # octet by octet: what follows is TLS
            octet = self.file.read(1)
            assert octet, bytes(data)
            data += octet
        return bytes(data)

    def answer(self) -> bytes:
        """The last line of an answer."""
        found = self.line()
        if self.listener in ("smtp", "submission"):
            while found[3:4] == b"-":
                found = self.line()
        elif self.listener == "imap":
            while found.startswith(b"* "):
                found = self.line()
        elif self.listener == "managesieve":
            while not found.startswith((b"OK", b"NO", b"BYE")):
                found = self.line()
        return found

    def say(self, text: bytes) -> bytes:
        self.sock.sendall(text + b"\r\n")
        return self.answer()

    def go_on_encrypted(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.file.close()
        self.sock = context.wrap_socket(self.sock, server_hostname=HOSTNAME)
        self.file = self.sock.makefile("rb", buffering=0)
        if self.listener == "managesieve":
            self.answer()  # RFC 5804 §2.2: the capabilities again

    def close(self) -> None:
        self.file.close()
        self.sock.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.listener}-{case.name}")
def test_nothing_said_in_the_clear_counts_under_tls(node: ServedNode, case: Case) -> None:
    talk = Talk(node, case.listener)
    for said, begins in case.before:
        assert talk.say(said).startswith(begins)
    talk.sock.sendall(case.start)
    assert talk.line().startswith(case.go)
    talk.go_on_encrypted()
    assert talk.say(case.probe).startswith(case.answer)
    talk.close()


@pytest.mark.parametrize(("listener", "before", "said", "begins"), REFUSED)
def test_starttls_where_it_has_no_place(
    node: ServedNode, listener: str, before: list[tuple[bytes, bytes]], said: bytes, begins: bytes
) -> None:
    talk = Talk(node, listener)
    for text, answer in before:
        assert talk.say(text).startswith(answer)
    assert talk.say(said).startswith(begins)
    talk.close()


@pytest.mark.parametrize(
    ("listener", "hello", "start", "go", "again", "refused"),
    [
        ("submission", b"EHLO x", b"STARTTLS", b"220", b"STARTTLS", b"503"),
        ("pop3", b"CAPA", b"STLS", b"+OK", b"STLS", b"-ERR"),
        ("imap", b"a NOOP", b"b STARTTLS", b"b OK", b"c STARTTLS", b"c BAD"),
        ("managesieve", b"NOOP", b"STARTTLS", b"OK", b"STARTTLS", b"NO"),
    ],
)
def test_tls_in_tls_is_refused(
    node: ServedNode, listener: str, hello: bytes, start: bytes, go: bytes, again: bytes, refused: bytes
) -> None:
    talk = Talk(node, listener)
    if listener != "pop3":
        talk.say(hello)
    assert talk.say(start).startswith(go)
    talk.go_on_encrypted()
    if listener == "submission":
        talk.say(hello)
    assert talk.say(again).startswith(refused)
    talk.close()
