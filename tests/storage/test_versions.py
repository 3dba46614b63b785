"""What processes remember of lists without asking the database again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from posthouse.core.errors import NotFound, Unavailable
from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.rows import Account, Hint, LocalCopy
from posthouse.storage.sqlite import open_store
from posthouse.storage.sqlite import versions as module
from posthouse.storage.sqlite.versions import MAILBOXES, Remembered, Versions, VersionsView
from tests.storage.fixtures import deliver_one, make_account, message, open_backend
from tests.storage.test_statements import reading, statements


async def test_a_known_mailbox_is_found_without_reading(tmp_path: Path) -> None:
    async with open_backend(tmp_path) as store:
        account = await make_account(store)
        inbox = await store.mailboxes.find(account.id, "INBOX")
        await store.directory.quota_of(account.id)
        with statements(reading(store)) as seen:
            for number in range(3):
                await deliver_one(store, message(number), LocalCopy(account.id, inbox.id))
                assert (await store.mailboxes.find(account.id, "INBOX")).id == inbox.id
                assert await store.directory.quota_of(account.id) is not None
        assert seen == []


async def test_with_a_quota_what_is_used_is_read_each_time(tmp_path: Path) -> None:
    async with open_backend(tmp_path) as store:
        account = await make_account(store, quota_bytes=1_000_000)
        await deliver_one(store, message(1), LocalCopy(account.id))
        first = await store.directory.quota_of(account.id)
        await deliver_one(store, message(2), LocalCopy(account.id))
        second = await store.directory.quota_of(account.id)
        assert first is not None
        assert second is not None
        assert first.used_messages == 1
        assert second.used_messages == 2
        await store.directory.update_account(account.id, {"quota_bytes": 0})
        for used in (2, 2):
            unlimited = await store.directory.quota_of(account.id)
            assert unlimited is not None
            assert unlimited.used_messages == used
            assert unlimited.quota_bytes == 0
        await store.directory.update_account(account.id, {"quota_bytes": 10})
        limited = await store.directory.quota_of(account.id)
        assert limited is not None
        assert limited.quota_bytes == 10


async def test_another_process_sees_a_change_with_its_answer(tmp_path: Path) -> None:
    """No hint has to come first: both stores share this event loop, which does not run between the two calls."""
    async with open_backend(tmp_path, "process") as one:
        account = await make_account(one)
        two = await open_store(tmp_path, role="client")
        for round_ in range(20):
            made = await one.mailboxes.create(account.id, "work")
            assert (await two.mailboxes.find(account.id, "work")).id == made.id
            await one.mailboxes.rename(account.id, "work", f"old{round_}")
            with pytest.raises(NotFound):
                await two.mailboxes.find(account.id, "work")
        await one.directory.delete_account(account.id)
        assert await two.directory.quota_of(account.id) is None
        await two.close()


async def test_who_signs_in_is_read_once_and_a_change_is_seen_at_once(tmp_path: Path) -> None:
    async with open_backend(tmp_path, "process") as one:
        account = await make_account(one)
        two = await open_store(tmp_path, role="client")

        async def found(address: str) -> Account | None:
            known = await two.directory.account_signing_in(address)
            with statements(reading(two)) as seen:
                assert await two.directory.account_signing_in(address) == known
            assert seen == []
            return known

        assert await found(account.address) == account
        assert await found("nobody@example.test") is None
        await deliver_one(one, message(1), LocalCopy(account.id))  # concerns nobody's sign-in
        for password in ("first", "second"):
            await one.directory.update_account(account.id, {"password": password})
            known = await found(account.address)
            assert known is not None
            assert known.password == password
        assert await one.credentials.rehash(account.id, "second", "third")
        known = await found(account.address)
        assert known is not None
        assert known.password == "third"
        await one.directory.delete_account(account.id)
        assert await found(account.address) is None
        await two.close()


async def test_a_new_writer_ends_what_was_remembered(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    killed = Versions(tmp_path)
    killed.note([Hint("mailboxes", AccountId(1)), Hint("mailbox", AccountId(1), MailboxId(1), 5)])
    view = VersionsView(tmp_path)
    known: Remembered[str, int] = Remembered(view, MAILBOXES)
    assert known.get("a") is None
    known.keep("a", 1)
    killed.note([Hint("directory"), Hint("queue")])
    assert known.get("a") == 1
    killed.close()
    Versions(tmp_path).close()
    assert known.get("a") is None
    view.close()
    with pytest.raises(Unavailable):  # of a process that stops
        known.get("a")


async def test_what_could_not_be_told_is_told_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = Versions(tmp_path)
    view = VersionsView(tmp_path)
    before = view.version(MAILBOXES)

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "pwrite", full)
        versions.note([Hint("mailboxes", AccountId(1))])
    assert view.version(MAILBOXES) == before
    versions.note([Hint("queue")])
    assert view.version(MAILBOXES) != before
    versions.close()
    view.close()


async def test_a_directory_that_takes_no_file_is_let_go(tmp_path: Path) -> None:
    (tmp_path / "run").touch()  # where a directory should be
    for _ in range(2):  # the second time would meet the lock of the first
        with pytest.raises(Unavailable):
            await open_store(tmp_path, role="local")
    (tmp_path / "run").unlink()
    await (await open_store(tmp_path, role="local")).close()


async def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED_MAX", 10)
    versions = Versions(tmp_path)
    view = VersionsView(tmp_path)
    known: Remembered[int, int] = Remembered(view, MAILBOXES)
    for number in range(35):
        assert known.get(number) is None
        known.keep(number, number)
    assert [number for number in range(35) if known.get(number) is not None] == [30, 31, 32, 33, 34]
    versions.close()
    view.close()
