"""Data may lie deeper than the kernel takes paths of sockets."""

from __future__ import annotations

from pathlib import Path

from posthouse.storage.sqlite.socket_path import SOCKET_PATH_MAX, reachable
from tests.storage.fixtures import make_account, open_backend


async def test_a_writer_and_its_worker_meet_however_deep_the_data_lies(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    async with open_backend(deep, "process") as store:
        account = await make_account(store)
        assert await store.mailboxes.get(account.id, "INBOX")


def test_a_short_path_stays(tmp_path: Path) -> None:
    with reachable(Path("/run/posthouse/writer.sock")) as path:
        assert path == "/run/posthouse/writer.sock"
    with reachable(tmp_path / ("x" * SOCKET_PATH_MAX)) as path:
        assert path.startswith("/proc/self/fd/")
