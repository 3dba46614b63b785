from tests.storage.fixtures import deliver, message


async def test_deliver_and_fetch(store, account, inbox):
    sent = [message(n) for n in range(3)]
    assert await deliver(store, inbox, *sent) == [1, 2, 3]
    rows = [row async for rows in store.messages.fetch(account.id, inbox.id, [(1, 9)], ("uid", "flags", "content", "message_id")) for row in rows]
    assert rows == [(n + 1, 0, sent[n], f"{n}@qq.test") for n in range(3)]
    snapshot = await store.messages.snapshot(account.id, inbox.id)
    assert list(snapshot.uids) == [1, 2, 3]
    stored = await store.messages.store_flags(account.id, inbox.id, [(2, 3)], add=9)
    assert [c[:2] for c in stored.changed] == [(2, 9), (3, 9)]
    assert (await store.messages.expunge(account.id, inbox.id)).uids == [2, 3]
    now = await store.mailboxes.by_id(account.id, inbox.id)
    assert (now.messages, now.unseen, now.deleted, now.uidnext) == (1, 1, 0, 4)
