"""Client certificates on a running node: openssl and Python sign in by EXTERNAL in every protocol; who is kept out."""

from __future__ import annotations

import base64
import imaplib
import poplib
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.integration.node import wait_until
from tests.integration.node_rig import HOSTNAME, PASSWORD, ServedNode
from tests.integration.requirements import require
from tests.unit.client_certificates import ClientAuthority

LI, WANG = "li@qq.test", "wang@qq.test"
ASKS = {
    "imaps": "optional",
    "imap": "optional",
    "submission": "optional",
    "pop3s": "optional",
    "managesieve": "optional",
    "submissions": "required",
}


class Rig:
    def __init__(self, directory: Path) -> None:
        self.node = node = ServedNode(directory, workers=1)
        self.authority = authority = ClientAuthority(directory / "clients")
        text = node.config.read_text()
        for name, mode in ASKS.items():
            head = f"[listeners.{name}]\n"
            more = f'client_certificates = "{mode}"\nclient_ca_file = "{authority.file}"\n'
            text = text.replace(head, f'{head}{more}client_crl_file = "{authority.revoked}"\n')
        node.config.write_text(text)

    def context(self, certificate: Path | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.node.ca))
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context

    def imap(self, certificate: Path | None, *, starttls: bool = False) -> imaplib.IMAP4:
        context = self.context(certificate)
        if not starttls:
            return imaplib.IMAP4_SSL("127.0.0.1", self.node.ports["imaps"], ssl_context=context)
        client = imaplib.IMAP4("127.0.0.1", self.node.ports["imap"])
        client.starttls(context)
        return client

    def signs_in(self, certificate: Path, name: str = "", *, starttls: bool = False) -> str:
        """The answer to EXTERNAL."""
        client = self.imap(certificate, starttls=starttls)
        try:
            assert "AUTH=EXTERNAL" in client.capabilities
            client.authenticate("EXTERNAL", lambda _: name.encode())
        except imaplib.IMAP4.error as error:
            return str(error)
        finally:
            client.shutdown()
        return "OK"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("node"))
    rig.node.add_people("li", "wang")
    rig.node.start()
    yield rig
    assert rig.node.stop() == 0
    assert "msg=fault" not in rig.node.log.read_text()
    rig.node.command("check")


def test_every_protocol_by_the_address_in_it(rig: Rig) -> None:
    li = rig.authority.issue("li", LI)
    assert rig.signs_in(li) == "OK"
    assert rig.signs_in(li, LI, starttls=True) == "OK"
    assert "AUTHENTICATIONFAILED" in rig.signs_in(li, WANG)
    client = rig.imap(None)
    assert "AUTH=EXTERNAL" not in client.capabilities  # asked, and had none
    client.shutdown()

    pop3 = poplib.POP3_SSL("127.0.0.1", rig.node.ports["pop3s"], context=rig.context(li))
    assert "EXTERNAL" in pop3.capa()["SASL"]
    assert pop3._shortcmd("AUTH EXTERNAL =").startswith(b"+OK")  # type: ignore[attr-defined]
    pop3.quit()
    with smtplib.SMTP("127.0.0.1", rig.node.ports["submission"]) as smtp:
        smtp.starttls(context=rig.context(li))
        smtp.ehlo()
        assert "EXTERNAL" in smtp.esmtp_features["auth"].split()
        assert smtp.docmd("AUTH", "EXTERNAL =")[0] == 235
        smtp.sendmail(LI, [WANG], b"Subject: by certificate\r\n\r\n")
    with smtplib.SMTP_SSL("127.0.0.1", rig.node.ports["submissions"], context=rig.context(li)) as smtp:
        assert smtp.docmd("EHLO", "c.test")[0] == 250
        assert smtp.docmd("AUTH", "EXTERNAL " + base64.b64encode(WANG.encode()).decode())[0] == 535
        assert smtp.docmd("AUTH", "EXTERNAL " + base64.b64encode(LI.encode()).decode())[0] == 235
    # What is noted of a sign-in is written with the next batch.
    shown = wait_until(lambda: rig.node.json("sign-ins", LI), "the sign-ins are noted")
    assert {one["kind"] for one in shown if one["outcome"] != "wrong"} <= {"certificate"}


class ManageSieve:
    def __init__(self, rig: Rig, certificate: Path) -> None:
        self.sock = socket.create_connection(("127.0.0.1", rig.node.ports["managesieve"]))
        self.sock.settimeout(10)
        self.read()
        self.say(b"STARTTLS\r\n")
        self.sock = rig.context(certificate).wrap_socket(self.sock, server_hostname=HOSTNAME)
        self.offered = self.read()

    def read(self) -> bytes:
        said = b""
        while not said.endswith(b"\r\n") or not said.splitlines()[-1].startswith((b"OK", b"NO", b"BYE")):
            said += self.sock.recv(4096)
        return said

    def say(self, data: bytes) -> bytes:
        self.sock.sendall(data)
        return self.read()


def test_manage_sieve(rig: Rig) -> None:
    client = ManageSieve(rig, rig.authority.issue("li", LI))
    assert b"EXTERNAL" in client.offered
    assert client.say(b'AUTHENTICATE "EXTERNAL" ""\r\n').startswith(b"OK")
    assert b"OWNER" in client.say(b"CAPABILITY\r\n")
    client.sock.close()


def test_a_registered_certificate_from_its_making_to_its_end(rig: Rig, tmp_path: Path) -> None:
    laptop = rig.authority.issue("laptop")
    assert "AUTHENTICATIONFAILED" in rig.signs_in(laptop)
    words = ("account", "certificate")
    rig.node.command(*words, "add", LI, "laptop", str(laptop), "--protocols", "imap")
    assert rig.signs_in(laptop) == "OK"
    assert rig.signs_in(laptop, LI) == "OK"
    with smtplib.SMTP_SSL("127.0.0.1", rig.node.ports["submissions"], context=rig.context(laptop)) as smtp:
        assert smtp.docmd("EHLO", "c.test")[0] == 250
        assert smtp.docmd("AUTH", "EXTERNAL =")[0] == 535
    [shown] = rig.node.json(*words, "list", LI)
    assert (shown["name"], shown["protocols"], shown["used_ip"]) == ("laptop", ["imap"], "127.0.0.1")
    client = rig.imap(laptop)
    client.authenticate("EXTERNAL", lambda _: b"")
    rig.node.command(*words, "revoke", LI, "laptop")
    assert "AUTHENTICATIONFAILED" in rig.signs_in(laptop)
    # The session that it opened ends too.
    assert b"BYE" in client.readline()
    client.shutdown()
    (tmp_path / "none").write_text("none\n")
    assert (
        "no certificate" in rig.node.command(*words, "add", LI, "x", str(tmp_path / "none"), status=1).stderr
    )


def openssl(rig: Rig, service: str, certificate: Path | None, said: str, *more: str) -> str:
    require("openssl")
    words = [
        "openssl",
        "s_client",
        "-quiet",
        "-verify_quiet",
        "-connect",
        f"127.0.0.1:{rig.node.ports[service]}",
    ]
    words += ["-CAfile", str(rig.node.ca), "-servername", HOSTNAME, "-ign_eof", *more]
    if certificate is not None:
        words += ["-cert", str(certificate), "-key", str(certificate)]
    done = subprocess.run(words, input=said.encode(), capture_output=True, timeout=20, check=False)
    return done.stdout.decode(errors="replace")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_signs_in(rig: Rig, version: str) -> None:
    li = rig.authority.issue("li", LI)
    said = openssl(rig, "imaps", li, "a AUTHENTICATE EXTERNAL =\r\nb LOGOUT\r\n", version)
    assert "a OK [CAPABILITY" in said
    said = openssl(rig, "imap", li, "a AUTHENTICATE EXTERNAL =\r\nb LOGOUT\r\n", version, "-starttls", "imap")
    assert "a OK [CAPABILITY" in said
    # `required`: without one nobody is spoken to.
    said = openssl(rig, "submissions", None, "EHLO c.test\r\nQUIT\r\n", version)
    assert "250" not in said
    assert "250" in openssl(rig, "submissions", li, "EHLO c.test\r\nQUIT\r\n", version)


def greeted(
    rig: Rig, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> ssl.SSLSession | None:
    """The TLS session of a connection that was greeted; None when it was not."""
    raw = socket.create_connection(("127.0.0.1", rig.node.ports["imaps"]), 10)
    try:
        with context.wrap_socket(raw, server_hostname=HOSTNAME, session=session) as sock:
            return sock.session if sock.recv(4096).startswith(b"* OK") else None
    except (ssl.SSLError, ConnectionError):  # with TLS 1.3 only the first read tells
        return None


def handshakes(rig: Rig, certificate: Path) -> bool:
    return greeted(rig, rig.context(certificate)) is not None


def test_who_is_not_let_in(rig: Rig, tmp_path: Path) -> None:
    authority = rig.authority
    strangers = ClientAuthority(tmp_path / "strangers", "strangers")
    assert not handshakes(rig, strangers.issue("stranger", LI))
    assert not handshakes(rig, authority.issue("over", LI, lasts_s=-60))
    server = authority.issue("server", LI, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    assert not handshakes(rig, server)  # one that is for servers opens nothing
    li, lost = authority.issue("li", LI), authority.issue("lost", LI)
    context = rig.context(lost)
    session = greeted(rig, context)
    assert session is not None
    assert greeted(rig, context, session) is not None
    authority.revoke(lost)
    reload(rig)
    assert not handshakes(rig, lost)
    assert greeted(rig, context, session) is None  # a session from before is no way round the list
    assert rig.signs_in(li) == "OK"
    authority.revoke(lost, lasts_s=-60)  # a list that ran out proves nothing any more
    reload(rig)
    assert not handshakes(rig, li)
    client = rig.imap(None)
    client.login(LI, PASSWORD)  # who shows none is not concerned
    client.logout()


def reload(rig: Rig) -> None:
    before = rig.node.log.read_text().count("msg=reloading")
    assert rig.node.process is not None
    rig.node.process.send_signal(1)
    rig.node.wait_log("msg=reloading", before + 1)
    rig.node.json("domain", "list")  # a whole command later the worker has it
