"""Sieve scripts in the store, and what they remember."""

from __future__ import annotations

import pytest

from posthouse.core.errors import Conflict, Exists, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.storage.ports import Store
from posthouse.storage.rows import SieveScript
from tests.storage.fixtures import make_account


async def test_one_script_is_active(store: Store) -> None:
    account = (await make_account(store)).id
    for name in ("b", "a"):
        await store.scripts.put(SieveScript(account, name, f"# {name}", changed_at=5.0), count_max=2)
    assert await store.scripts.active(account) is None
    with pytest.raises(OverQuota):
        await store.scripts.put(SieveScript(account, "c", ""), count_max=2)
    await store.scripts.activate(account, "b")
    await store.scripts.activate(account, "a")
    await store.scripts.put(SieveScript(account, "a", "keep;"), count_max=2)
    found = await store.scripts.of_account(account)
    assert [(one.name, one.content, one.active) for one in found] == [
        ("a", "keep;", True),
        ("b", "# b", False),
    ]
    assert await store.scripts.active(account) == found[0]
    with pytest.raises(Conflict):
        await store.scripts.delete(account, "a")
    with pytest.raises(Exists):
        await store.scripts.rename(account, "a", "b")
    await store.scripts.rename(account, "a", "z")
    await store.scripts.delete(account, "b")
    await store.scripts.activate(account, None)
    assert await store.scripts.active(account) is None
    for missing in (store.scripts.delete(account, "b"), store.scripts.activate(account, "b")):
        with pytest.raises(NotFound):
            await missing
    with pytest.raises(NotFound):
        await store.scripts.put(SieveScript(AccountId(99), "a", ""), count_max=2)


async def test_what_is_remembered_expires(store: Store) -> None:
    account = (await make_account(store)).id
    await store.scripts.remember(account, [("a", 10.0), ("b", 20.0)], 0.0, count_max=9)
    assert await store.scripts.remembered(account, 10.0) == {"b"}
    await store.scripts.remember(account, [("a", 30.0), ("c", 25.0)], 15.0, count_max=2)
    assert await store.scripts.remembered(account, 0.0) == {"a", "c"}


async def test_they_go_with_their_account(store: Store) -> None:
    account = (await make_account(store)).id
    await store.scripts.put(SieveScript(account, "a", ""), count_max=2)
    await store.scripts.remember(account, [("a", 10.0)], 0.0, count_max=2)
    await store.directory.delete_account(account)
    assert await store.scripts.of_account(account) == []
    assert await store.scripts.remembered(account, 0.0) == frozenset()
