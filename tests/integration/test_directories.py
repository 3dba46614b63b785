"""Passwords that a directory knows: Debian's slapd and an SQLite file, through every protocol."""

from __future__ import annotations

import poplib
import signal
import smtplib
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.app.certificates import Authority
from posthouse.client.directory.ldap import LdapSettings, LdapSource
from posthouse.client.directory.sql import SqlSettings, SqlSource
from posthouse.core.errors import Unavailable
from posthouse.services.signin import SignInSettings, hash_password
from tests.integration.node_rig import ServedNode
from tests.integration.ports import free_ports
from tests.integration.requirements import require

SUFFIX = "dc=qq,dc=test"
LI = "li@qq.test"
PASSWORD = "ldap pass 密码"
pytestmark = pytest.mark.peers

LDIF = f"""dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
dc: qq
o: QQ

dn: ou=people,{SUFFIX}
objectClass: organizationalUnit
ou: people

dn: uid=li,ou=people,{SUFFIX}
objectClass: inetOrgPerson
uid: li
sn: Li
cn: Li Si
mail: {LI}
userPassword: {PASSWORD}

dn: uid=twin1,ou=people,{SUFFIX}
objectClass: inetOrgPerson
uid: twin1
sn: T
cn: Twin
mail: twin@qq.test
userPassword: same

dn: uid=twin2,ou=people,{SUFFIX}
objectClass: inetOrgPerson
uid: twin2
sn: T
cn: Twin
mail: twin@qq.test
userPassword: same
"""


class Slapd:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.port, self.tls_port = free_ports(2)
        authority = Authority(directory / "tls")
        certificate = authority.issue(["localhost", "127.0.0.1"])
        self.ca = str(authority.file)
        (directory / "db").mkdir()
        self.config = directory / "slapd.conf"
        self.config.write_text(
            "\n".join(
                [
                    "include /etc/ldap/schema/core.schema",
                    "include /etc/ldap/schema/cosine.schema",
                    "include /etc/ldap/schema/inetorgperson.schema",
                    "modulepath /usr/lib/ldap",
                    "moduleload back_mdb",
                    f"TLSCACertificateFile {self.ca}",
                    f"TLSCertificateFile {certificate.chain}",
                    f"TLSCertificateKeyFile {certificate.key}",
                    "database mdb",
                    f'suffix "{SUFFIX}"',
                    f'rootdn "cn=admin,{SUFFIX}"',
                    "rootpw admin-secret",
                    f"directory {directory / 'db'}",
                    "access to attrs=userPassword by anonymous auth by * none",
                    "access to * by users read by * none",
                ]
            )
            + "\n"
        )
        (directory / "people.ldif").write_text(LDIF, encoding="utf-8")
        subprocess.run(
            ["slapadd", "-f", self.config, "-l", directory / "people.ldif"], check=True, capture_output=True
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        self.process = subprocess.Popen(
            ["slapd", "-h", urls, "-f", self.config, "-d", "0"], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def stop(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    require("slapd", "slapadd")
    made = Slapd(tmp_path_factory.mktemp("ldap") / "slapd")
    yield made
    made.stop()


def source(slapd: Slapd, **changes: object) -> LdapSource:
    values: dict[str, object] = {
        "search_base": SUFFIX,
        "bind_dn": f"cn=admin,{SUFFIX}",
        "bind_password": "admin-secret",
        "ca_file": slapd.ca,
        "timeout_s": 3.0,
    }
    url = str(changes.pop("url", f"ldap://localhost:{slapd.port}"))
    return LdapSource(LdapSettings(url, **(values | changes)))  # type: ignore[arg-type]


def test_people_are_found_and_bound(slapd: Slapd) -> None:
    for url in (f"ldap://localhost:{slapd.port}", f"ldaps://localhost:{slapd.tls_port}"):
        one = source(slapd, url=url)
        found = one.check(LI, PASSWORD)
        assert found is not None
        assert (found.name, found.hash) == ("Li Si", "")
        for address, password in (
            (LI, "wrong"),
            (LI, ""),
            ("nobody@qq.test", PASSWORD),
            ("twin@qq.test", "same"),
            ("*", PASSWORD),
            ("li*@qq.test", PASSWORD),
            ("li@qq.test)(uid=*", PASSWORD),
            ("\\2a\0", PASSWORD),
        ):
            assert one.check(address, password) is None, (address, password)
    direct = source(slapd, user_dn=f"uid={{local}},ou=people,{SUFFIX}")
    assert (direct.check(LI, PASSWORD) or source).name == "Li Si"  # type: ignore[union-attr]
    for address, password in (
        (LI, "wrong"),
        (LI, ""),
        ("no@qq.test", "x"),
        (f"li,ou=people,{SUFFIX}#@qq.test", PASSWORD),
    ):
        assert direct.check(address, password) is None


def test_what_is_no_answer_is_no_wrong_password(slapd: Slapd, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "tls")
    [closed] = free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for changes in (
            {"url": f"ldap://localhost:{closed}"},
            {"url": f"ldap://127.0.0.1:{silent.getsockname()[1]}", "timeout_s": 0.3},
            {"bind_password": "changed"},
            {"search_filter": "(mail={address}"},
            {"ca_file": str(stranger.file)},
            {"url": f"ldaps://localhost:{slapd.tls_port}", "ca_file": str(stranger.file)},
        ):
            with pytest.raises(Unavailable):
                source(slapd, **changes).check(LI, PASSWORD)


def test_a_query_yields_the_hash(tmp_path: Path) -> None:
    file = tmp_path / "users.db"
    with sqlite3.connect(file) as users:
        users.execute("CREATE TABLE person (mail TEXT, hash TEXT, name TEXT)")
        users.executemany(
            "INSERT INTO person VALUES (?, ?, ?)",
            [(LI, "H", "Li"), ("x@qq.test", None, ""), ("t@qq.test", "H", "")],
        )
        users.execute("INSERT INTO person VALUES ('t@qq.test', 'H2', '')")
    users.close()
    query = "SELECT hash, name FROM person WHERE mail = :address"
    one = SqlSource(SqlSettings(file, query))
    found = one.check(LI, "p")
    assert found is not None
    assert (found.hash, found.name) == ("H", "Li")
    for address in ("x@qq.test", "t@qq.test", "' OR 1=1 --"):
        assert one.check(address, "p") is None
    assert one.check(LI, "") is None
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i), '' FROM n"
    for settings in (
        SqlSettings(tmp_path / "missing.db", query),
        SqlSettings(file, "SELECT hash FROM nowhere"),
        SqlSettings(file, "DELETE FROM person"),
        SqlSettings(file, endless, 0.1),
    ):
        with pytest.raises(Unavailable):
            SqlSource(settings).check(LI, "p")


def test_every_protocol_asks_the_directory(slapd: Slapd, tmp_path: Path) -> None:
    users = tmp_path / "users.db"
    with sqlite3.connect(users) as connection:
        connection.execute("CREATE TABLE person (local TEXT, hash TEXT)")
        cheap = hash_password("sql pass", SignInSettings())
        connection.execute("INSERT INTO person VALUES ('wang', ?)", (cheap,))
    connection.close()
    (tmp_path / "node").mkdir()
    secret = tmp_path / "bind"
    secret.write_text("admin-secret\n")
    node = ServedNode(
        tmp_path / "node",
        extra=f"""
[[directories]]
kind = "ldap"
domains = ["qq.test"]
url = "ldap://localhost:{slapd.port}"
ca_file = "{slapd.ca}"
search_base = "{SUFFIX}"
bind_dn = "cn=admin,{SUFFIX}"
bind_password_file = "{secret}"
provision = true
timeout_s = 2

[[directories]]
kind = "sql"
domains = ["sql.test"]
database = "{users}"
query = "SELECT hash FROM person WHERE local = :local"
provision = true
""",
    )
    node.add_people("own")
    node.command("domain", "add", "sql.test")
    node.start()

    def imap(address: str, password: str) -> bytes:
        line = node.dial("imap")
        assert b"AUTH=SCRAM" not in line.read()
        size = len(password.encode())
        line.say(f"a LOGIN {address} {{{size}+}}\r\n".encode() + password.encode())
        answer = line.until(b"a ")[-1]
        line.close()
        return answer

    assert imap("nobody@qq.test", PASSWORD).startswith(b"a NO [AUTHENTICATIONFAILED]")
    assert node.json("account", "list") is not None
    assert imap(LI, "wrong").startswith(b"a NO [AUTHENTICATIONFAILED]")
    assert LI not in {one["address"] for one in node.json("account", "list")}
    assert imap(LI, PASSWORD).startswith(b"a OK")
    assert next(one for one in node.json("account", "list") if one["address"] == LI)["name"] == "Li Si"
    assert imap("own@qq.test", "correct horse").startswith(b"a OK")
    assert imap("wang@sql.test", "sql pass").startswith(b"a OK")
    assert imap("wang@sql.test", "wrong").startswith(b"a NO [AUTHENTICATIONFAILED]")
    assert imap("zhao@sql.test", "sql pass").startswith(b"a NO [AUTHENTICATIONFAILED]")
    slapd.stop()
    try:
        for word in ("never seen", "another"):
            assert imap(LI, word).startswith(b"a NO [UNAVAILABLE]")
        pop = poplib.POP3("127.0.0.1", node.ports["pop3"], timeout=20)
        pop.user(LI)
        with pytest.raises(poplib.error_proto, match="SYS/TEMP"):
            pop.pass_("never seen")
        pop.close()
        with smtplib.SMTP("127.0.0.1", node.ports["submission"], timeout=20) as smtp:
            with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
                smtp.login(LI, "never seen")
            assert caught.value.smtp_code == 454
        assert imap("own@qq.test", "correct horse").startswith(b"a OK")
    finally:
        slapd.start()
    assert node.stop() == 0
