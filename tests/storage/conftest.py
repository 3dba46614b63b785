"""`store`: a fresh local store; its invariants are checked when the test ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Mailbox
from posthouse.storage.sqlite import open_store
from tests.storage.fixtures import make_account


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(tmp_path / "data", role="local")
    yield opened
    problems = await opened.check()
    await opened.close()
    assert problems == []


@pytest.fixture
async def account(store: Store) -> Account:
    return await make_account(store)


@pytest.fixture
async def inbox(store: Store, account: Account) -> Mailbox:
    return await store.mailboxes.get(account.id, "INBOX")
