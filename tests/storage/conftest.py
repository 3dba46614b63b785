"""`store`: a fresh store of every backend; its invariants are checked when the test ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Mailbox
from tests.storage.fixtures import make_account, open_backend


@pytest.fixture(params=["local", "process"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with open_backend(tmp_path, request.param) as opened:
        yield opened


@pytest.fixture
async def account(store: Store) -> Account:
    return await make_account(store)


@pytest.fixture
async def inbox(store: Store, account: Account) -> Mailbox:
    return await store.mailboxes.get(account.id, "INBOX")
