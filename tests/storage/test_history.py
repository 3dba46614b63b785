"""What left mailboxes: few rows, every UID told, and not for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.flags import DELETED, FLAGGED, SEEN
from posthouse.storage.email_rows import Since
from posthouse.storage.rows import Mailbox
from posthouse.storage.sqlite import history, local
from tests.storage.fixtures import ALL, deliver, make_account, message, open_backend, rows


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Any]:
    async with open_backend(tmp_path) as opened:
        yield opened


@pytest.fixture
async def inbox(store: Any) -> Mailbox:
    account = await make_account(store)
    mailbox: Mailbox = await store.mailboxes.get(account.id, "INBOX")
    await deliver(store, mailbox, *(message(n) for n in range(20)))
    return mailbox


def remembered(store: Any, table: str) -> int:
    [(count,)] = store._reader.rows(f"SELECT count(*) FROM {table}")
    return int(count)


@pytest.mark.parametrize("uids", [ALL, [(1, 20)]], ids=["as ranges", "row by row"])
async def test_runs_of_uids_are_one_row(store: Any, inbox: Mailbox, uids: Any) -> None:
    await store.messages.expunge(inbox.account, inbox.id, [(5, 6), (9, 9)], only_deleted=False)
    before = await store.mailboxes.by_id(inbox.account, inbox.id)
    await store.messages.expunge(inbox.account, inbox.id, uids, only_deleted=False)
    left = [uid for uid in range(1, 21) if uid not in {5, 6, 9}]
    assert (await store.messages.changes(inbox.account, inbox.id, before.modseq)).expunged == left
    assert (await store.messages.changes(inbox.account, inbox.id, 1)).expunged == list(range(1, 21))
    assert remembered(store, "expunged") == 2 + 3
    assert remembered(store, "departed") == 2
    changes = await store.emails.changes(inbox.account, Since(before.modseq))
    assert len([one for one in changes.changed if not one.in_view]) == len(left)


@pytest.mark.parametrize("move", [False, True], ids=["copy", "move"])
@pytest.mark.parametrize("shared", [False, True], ids=["as ranges", "row by row"])
async def test_whole_mailboxes_as_ranges_and_row_by_row(
    store: Any, inbox: Mailbox, *, move: bool, shared: bool
) -> None:
    """With `shared` a message is in the target already, which only rows can tell."""
    messages, account = store.messages, inbox.account
    work = await store.mailboxes.create(account, "work")
    await messages.expunge(account, inbox.id, [(7, 7)], only_deleted=False)
    await messages.store_flags(account, inbox.id, [(2, 9)], add=SEEN | FLAGGED)
    await messages.store_flags(account, inbox.id, [(4, 4)], add=DELETED)
    if shared:
        await messages.copy(account, inbox.id, [(12, 12)], account, work.id)
    columns = ("flags", "size", "date", "content")
    wanted = await rows(store, inbox, *columns)
    done = await messages.copy(account, inbox.id, ALL, account, work.id, move=move)
    assert done.source == [uid for uid in range(1, 21) if uid != 7]
    assert done.target == list(range(1 + shared, 20 + shared))
    assert (await rows(store, work, *columns))[shared:] == wanted
    assert await rows(store, inbox, *columns) == ([] if move else wanted)
    counted = await store.mailboxes.by_id(account, work.id)
    assert (counted.messages, counted.unseen, counted.deleted) == (19 + shared, 12 + shared, 1)


async def test_flags_of_several_kinds_at_once(store: Any, inbox: Mailbox) -> None:
    messages, account = store.messages, inbox.account
    await messages.store_flags(account, inbox.id, [(3, 5)], add=SEEN)
    await messages.store_flags(account, inbox.id, [(8, 8)], add=FLAGGED)
    before = (await store.mailboxes.by_id(account, inbox.id)).modseq
    done = await messages.store_flags(account, inbox.id, [(1, 10), (15, 0xFFFFFFFF)], add=SEEN)
    touched = [*range(1, 11), *range(15, 21)]
    assert [row[0] for row in done.changed] == touched
    assert {row[0]: row[1] for row in done.changed}[8] == SEEN | FLAGGED
    assert [row[0] for row in done.changed if row[2] <= before] == [3, 4, 5]
    assert [row[0] for row in await rows(store, inbox, "uid", "flags") if row[1] & SEEN] == touched
    refused = await messages.store_flags(
        account, inbox.id, ALL, replace=FLAGGED, unchanged_since=done.modseq - 1
    )
    assert refused.refused == [uid for uid in touched if uid not in {3, 4, 5}]
    assert [row[0] for row in refused.changed] == [3, 4, 5, 11, 12, 13, 14]


async def test_a_long_history_is_cut(store: Any, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    account = inbox.account
    start = (await store.mailboxes.by_id(account, inbox.id)).modseq
    for uid in range(1, 11):
        await store.messages.expunge(account, inbox.id, [(uid, uid)], only_deleted=False)
    monkeypatch.setattr(local, "HISTORY_ROWS_MAX", 8)
    assert history.long_histories(store._root, 10) == []
    assert history.long_histories(store._root, 9) == [account]
    monkeypatch.setattr(local, "long_histories", lambda root: history.long_histories(root, 8))
    await store._writer.cut_histories()
    assert remembered(store, "expunged") == remembered(store, "departed") == 5
    # Who was here before it is told all that is not there; a client of JMAP reads anew.
    changes = await store.messages.changes(account, inbox.id, start)
    assert changes.expunged == list(range(1, 11))
    assert (await store.messages.changes(account, inbox.id, start + 8)).expunged == [9, 10]
    told = await store.emails.changes(account, Since(start))
    assert start < told.history <= start + 6
    kept = await store.emails.changes(account, Since(told.history))
    assert len(kept.changed) == start + 10 - told.history
    assert [uid for (uid,) in await rows(store, inbox, "uid")] == list(range(11, 21))
