"""Migrations, forward and back; databases of every released schema open and hold their invariants."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
import zstandard

from posthouse.mime.facts import facts_of
from posthouse.mime.kept import pack_kept
from posthouse.storage.sqlite import open_store
from posthouse.storage.sqlite.connection import open_writer
from posthouse.storage.sqlite.schema import SCHEMA_VERSION, migrate, version_of
from tests.storage.fixtures import DOMAIN, deliver, message, open_backend, rows

SAVED = sorted(
    (Path(__file__).parent / "data").glob("schema-*.db.zst"),
    key=lambda path: int(path.name[7:].partition(".")[0]),
)


def shape(connection: apsw.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_every_step_leads_forward_and_back(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "mail.db")
    shapes = [shape(connection)]
    for version in range(1, SCHEMA_VERSION + 1):
        migrate(connection, version)
        shapes.append(shape(connection))
        assert version_of(connection) == version
    for version in range(SCHEMA_VERSION, -1, -1):
        migrate(connection, version)
        assert shape(connection) == shapes[version]
    connection.close()


def test_every_released_schema_is_kept() -> None:
    assert [path.name for path in SAVED] == [f"schema-{n}.db.zst" for n in range(1, SCHEMA_VERSION + 1)]


@pytest.mark.parametrize("saved", SAVED, ids=lambda path: path.name)
async def test_saved_databases_open(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "mail.db").write_bytes(zstandard.ZstdDecompressor().decompress(saved.read_bytes()))
    async with open_backend(tmp_path) as store:
        account = await store.directory.account_by_address(f"li@{DOMAIN}")
        assert account is not None
        assert account.name == "李四"
        inbox = await store.mailboxes.get(account.id, "INBOX")
        expected = [(n + 1, 1, message(n, n * 100)) for n in range(10) if n not in (3, 4)]
        assert await rows(store, inbox, "uid", "flags", "content") == expected
        # Kept fields were once text, packed or plain; both are read in the form of today.
        texts = [facts_of(data).header_fields for _, _, data in expected]
        assert await rows(store, inbox, "header_fields", "kept_fields") == [(t, pack_kept(t)) for t in texts]
        assert await deliver(store, inbox, message(100)) == [11]
        assert [entry.sender for entry in await store.queue.entries()] == ["li@163.test"]
        assert [line.step for line in await store.journal.by_trace("t")] == ["received"]


async def test_a_later_schema_is_refused(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "mail.db")
    migrate(connection)
    connection.pragma("user_version", SCHEMA_VERSION + 1)
    connection.close()
    with pytest.raises(Exception, match="later version"):
        await open_store(tmp_path, role="local")
