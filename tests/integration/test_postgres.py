"""PostgreSQL as a directory of passwords: Debian's server, over a Unix socket and over TLS; and when it is gone."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.app.certificates import Authority
from posthouse.client.directory.postgres import PostgresSettings, PostgresSource
from posthouse.core.errors import Unavailable
from posthouse.services.signin import SignInSettings, hash_password
from tests.integration.node_rig import ServedNode
from tests.integration.ports import free_ports
from tests.integration.requirements import missing

pytestmark = pytest.mark.peers
QUERY = "SELECT hash::text, name FROM person WHERE mail = :address AND note <> ':domain'"
PASSWORD = "post horse"
SQL = """
CREATE ROLE mail LOGIN PASSWORD 'db secret';
CREATE TABLE person (mail text, hash varchar(200), name text, note text DEFAULT '');
INSERT INTO person VALUES ('li@pg.test', '{hash}', '李'), ('none@pg.test', NULL, ''), ('empty@pg.test', '', ''),
    ('twin@pg.test', 'H', ''), ('twin@pg.test', 'H2', '');
GRANT ALL ON person TO mail;
"""


class Postgres:
    def __init__(self, directory: Path) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not programs:
            missing("postgresql is not installed (.ci/run installs it)")
        self.programs = programs[-1].parent
        self.data, self.run = directory / "data", directory / "run"
        self.port = free_ports(1)[0]
        authority = Authority(directory / "tls")
        certificate = authority.issue(["localhost"])
        self.ca = authority.file
        self.run.mkdir()
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:  # it refuses to run as root
            for parent in (directory, *directory.parents):
                if parent == Path(tempfile.gettempdir()):
                    break
                parent.chmod(0o755)
            shutil.chown(directory, "postgres")
            shutil.chown(self.run, "postgres")
        self._do("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-N", "--no-instructions")
        for name, source in (("server.crt", certificate.chain), ("server.key", certificate.key)):
            shutil.copy(source, self.data / name)
            (self.data / name).chmod(0o600)
            shutil.chown(self.data / name, self.user)
        (self.data / "pg_hba.conf").write_text(
            "local all postgres trust\nlocal all mail scram-sha-256\nhostssl all mail 127.0.0.1/32 scram-sha-256\n"
        )
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.run,
            "ssl": "on",
            "fsync": "off",
        }
        lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(lines)
        self.start()
        cheap = hash_password(PASSWORD, SignInSettings())
        words = [
            "psql",
            "-q",
            "-h",
            str(self.run),
            "-p",
            str(self.port),
            "-U",
            "postgres",
            "-v",
            "ON_ERROR_STOP=1",
        ]
        subprocess.run(words, input=SQL.format(hash=cheap), text=True, check=True, cwd="/")

    def _do(self, program: str, *words: str) -> None:
        command: list[Any] = [self.programs / program, *words]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self) -> None:
        self._do("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.run / "log"), "start")

    def stop(self) -> None:
        self._do("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")

    @property
    def unix(self) -> str:
        return f"postgresql://mail@/postgres?host={self.run}&port={self.port}"

    def source(self, **changes: Any) -> PostgresSource:
        values: dict[str, Any] = {"url": self.unix, "query": QUERY, "password": "db secret", "timeout_s": 2.0}
        return PostgresSource(PostgresSettings(**values | changes))


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.stop()


def test_a_query_yields_the_hash(postgres: Postgres) -> None:
    found = postgres.source().check("li@pg.test", "p")
    assert found is not None
    assert found.name == "李"
    assert found.hash.startswith("$argon2id$")
    for address in (
        "nobody@pg.test",
        "none@pg.test",
        "empty@pg.test",
        "twin@pg.test",
        "' OR '1'='1",
        "li\0@pg.test",
    ):
        assert postgres.source().check(address, "p") is None
    assert postgres.source().check("li@pg.test", "") is None
    parts = postgres.source(
        query="SELECT hash FROM person WHERE mail = :local || '@' || :domain AND mail = :address"
    )
    assert parts.check("li@pg.test", "p") is not None


def test_over_the_network_the_server_is_verified(postgres: Postgres, tmp_path: Path) -> None:
    url = f"postgresql://mail@localhost.localdomain:{postgres.port}/postgres"
    stranger = Authority(tmp_path).file
    for ca_file in (
        str(postgres.ca),
        str(stranger),
        "",
    ):  # the certificate is for another name; of nobody we trust
        with pytest.raises(Unavailable):
            postgres.source(url=url, ca_file=ca_file).check("li@pg.test", "p")


def test_what_cannot_be_asked_is_no_wrong_password(postgres: Postgres) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for changes in (
            {"url": f"postgresql://mail@127.0.0.1:{free_ports(1)[0]}/postgres"},
            {"url": f"postgresql://mail@127.0.0.1:{silent.getsockname()[1]}/postgres", "timeout_s": 0.3},
            {"url": f"postgresql://mail@/postgres?host={postgres.run}/missing"},
            {"url": postgres.unix.replace("/postgres?", "/missing?")},
            {"password": "changed"},
            {"query": "SELECT hash FROM nowhere WHERE mail = :address"},
            {"query": "SELECT pg_sleep(10), :address::text", "timeout_s": 0.3},
            {"query": "DELETE FROM person WHERE mail = :address RETURNING hash"},
            {"query": "nonsense"},
        ):
            with pytest.raises(Unavailable) as refused:
                postgres.source(**changes).check("li@pg.test", "p")
            assert "db secret" not in str(refused.value)
    assert postgres.source().check("li@pg.test", "p") is not None


def test_people_of_the_database_sign_in_until_it_is_gone(postgres: Postgres, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("db secret\n")
    (tmp_path / "node").mkdir()
    node = ServedNode(
        tmp_path / "node",
        workers=1,
        extra=f"""
[[directories]]
kind = "sql"
domains = ["pg.test"]
database = "{postgres.unix}"
database_password_file = "{secret}"
query = "{QUERY}"
provision = true
timeout_s = 2
""",
    )
    node.command("domain", "add", "pg.test")
    node.start()

    def imap(password: str) -> bytes:
        line = node.dial("imap")
        line.read()
        line.say(f'a LOGIN li@pg.test "{password}"\r\n'.encode())
        answer = line.until(b"a ")[-1]
        line.close()
        return answer

    try:
        assert imap("wrong").startswith(b"a NO [AUTHENTICATIONFAILED]")
        assert imap(PASSWORD).startswith(b"a OK")
        assert node.json("account", "show", "li@pg.test")["name"] == "李"
        postgres.stop()
        try:
            assert imap("wrong").startswith(b"a NO [UNAVAILABLE]")
            assert imap(PASSWORD).startswith(b"a OK")  # verified a moment ago
        finally:
            postgres.start()
    finally:
        assert node.stop() == 0
    assert "db secret" not in node.log.read_text()
