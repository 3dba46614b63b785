"""Letters are found by Message-ID wherever they stand: packed, waiting, late, after a rollback and a restart."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from posthouse.storage.rows import Account, JournalLine, LocalCopy
from posthouse.storage.sqlite import journal_index
from tests.storage.fixtures import deliver_one, make_account, message, open_backend


async def send(store: Any, account: Account, number: int, trace: str, at: float | None = None) -> None:
    journal = [JournalLine(time.time() if at is None else at, "received")]
    await deliver_one(store, message(number), LocalCopy(account.id), trace=trace, journal=journal)


def packed(store: Any) -> list[int]:
    rows = store._reader.rows("SELECT length(hashes) / 8 FROM journal_index ORDER BY id")
    return [count for (count,) in rows]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_index, "PACKED_AT_ONCE", 10)
    monkeypatch.setattr(journal_index, "LEFT", 3)


async def test_all_are_found(tmp_path: Path) -> None:
    traces = {number: f"{number:04}" for number in range(1, 41)}
    async with open_backend(tmp_path) as store:
        account = await make_account(store)
        for number in range(1, 15):
            await send(store, account, number, traces[number])
        assert packed(store) == [10]
        traces[50] = "0003x"  # it began long ago
        await send(store, account, 50, traces[50])
        assert packed(store) == [10, 1]
        store._writer._transactor.ledger.forget()  # as a rollback does
        for number in range(15, 30):
            await send(store, account, number, traces[number])
        traces[51] = traces[7] + "y"
        await send(store, account, 7, traces[51])  # the same Message-ID again
    async with open_backend(tmp_path) as store:
        for number in range(30, 41):
            await send(store, account, number, traces[number])
        assert packed(store) == [10, 1, 10, 1, 10]
        traces_of = store.journal.traces_of
        found = {number: await traces_of(f"{number}@qq.test") for number in traces if number != 51}
        assert found.pop(7) == [traces[7], traces[51]]
        assert found == {number: [traces[number]] for number in found}
        assert await traces_of("none@qq.test") == []


async def test_what_is_pruned_leaves_the_index(tmp_path: Path) -> None:
    async with open_backend(tmp_path) as store:
        account = await make_account(store)
        for number in range(1, 41):
            await send(store, account, number, f"{number:04}", None if number > 25 else 1.0)
        assert packed(store) == [10, 10, 10]
        await store._writer.prune_journal()  # type: ignore[attr-defined]
        assert packed(store) == [10]
        assert await store.journal.traces_of("25@qq.test") == []
        assert await store.journal.traces_of("26@qq.test") == ["0026"]
        assert await store.journal.traces_of("40@qq.test") == ["0040"]


async def test_a_letter_that_is_not_found_is_a_problem(tmp_path: Path) -> None:
    async with open_backend(tmp_path) as store:
        account = await make_account(store)
        for number in range(1, 20):
            await send(store, account, number, f"{number:04}")
        connection = store._writer._transactor.connection  # type: ignore[attr-defined]
        connection.execute("UPDATE journal_index SET hashes = zeroblob(80)")
        assert {problem.invariant for problem in await store.check()} == {"journal-index"}
        connection.execute("DELETE FROM journal_index")
