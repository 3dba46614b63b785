"""What changed since a modseq: as if every message were looked at, whatever happened in whatever order."""

from __future__ import annotations

import random
from typing import cast

import pytest

from posthouse.storage.ports import Store
from posthouse.storage.rows import Mailbox
from posthouse.storage.sqlite.store import SqliteStore
from tests.storage.fixtures import deliver, message


@pytest.mark.parametrize("seed", range(3))
async def test_changes_are_those_of_the_rows(store: Store, inbox: Mailbox, seed: int) -> None:
    chance = random.Random(seed)
    messages, key = store.messages, (inbox.account, inbox.id)
    await deliver(store, inbox, *(message(n) for n in range(300)))
    for step in range(40):
        first = chance.randint(1, 330)
        ranges = [(first, first + chance.choice((0, 0, 2, 90))), (400, 500)]
        match chance.randrange(6):
            case 0:
                await deliver(store, inbox, *(message(1000 + step) for _ in range(chance.randint(1, 3))))
            case 1:
                await messages.expunge(*key, ranges, only_deleted=False)
            case 2:
                await messages.copy(*key, ranges, *key)
            case _:
                await messages.store_flags(*key, ranges, replace=chance.randrange(8))
    reader = cast(SqliteStore, store)._reader
    rows = sorted(
        reader.rows("SELECT uid, flags, modseq FROM placement WHERE account = ? AND mailbox = ?", key)
    )
    modseq = (await store.mailboxes.by_id(*key)).modseq
    for since in range(modseq + 1):
        expected = [row for row in rows if row[2] > since]
        assert (await messages.changes(*key, since)).changed == expected
        found = await messages.changed_uids(*key, since, 20)
        assert found == ([row[0] for row in expected] if len(expected) <= 20 else None)
