"""Deliver: copies, quota, roles, threads, shared bytes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from posthouse.core.flags import DELETED, FLAGGED, SEEN
from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, JournalLine, LocalCopy, Mailbox
from tests.storage.fixtures import deliver, deliver_one, delivery, make_account, message, open_backend, rows


async def test_uids_modseqs_and_counters(store: Store, account: Account, inbox: Mailbox) -> None:
    sent = [message(n, 100 * n) for n in range(3)]
    assert await deliver(store, inbox, *sent) == [1, 2, 3]
    await deliver(store, inbox, message(9), flags=SEEN | DELETED)
    found = await rows(store, inbox, "uid", "flags", "size", "date", "content")
    assert found[:3] == [(n + 1, 0, len(sent[n]), 1.0, sent[n]) for n in range(3)]
    modseqs = [modseq for (modseq,) in await rows(store, inbox, "modseq")]
    assert modseqs == sorted(set(modseqs))
    now = await store.mailboxes.by_id(account.id, inbox.id)
    total = sum(map(len, sent)) + len(message(9))
    assert (now.messages, now.unseen, now.deleted, now.uidnext) == (4, 3, 1, 5)
    assert (now.size_bytes, now.deleted_bytes, now.modseq) == (total, len(message(9)), modseqs[-1])
    owner = await store.directory.account(account.id)
    assert owner is not None
    assert (owner.used_bytes, owner.used_messages) == (total, 4)


async def test_facts_come_back(store: Store, inbox: Mailbox) -> None:
    data = message(7, subject="Re: 你好", headers="Cc: wang@qq.test\r\n")
    await deliver(store, inbox, data)
    columns = (
        "message_id",
        "subject",
        "base_subject",
        "sort_from",
        "sort_cc",
        "header_size",
        "has_attachment",
    )
    head = data.index(b"\r\n\r\n") + 4
    assert await rows(store, inbox, *columns) == [
        ("7@qq.test", "Re: 你好 7", "你好 7", "ZHANG", "WANG", head, 0)
    ]
    [(envelope, structure, body, fields)] = await rows(
        store, inbox, "envelope", "bodystructure", "body", "header_fields"
    )
    assert envelope.startswith(b"(")
    assert b"TEXT" in structure.upper()
    assert body.startswith(b"(")
    assert b"Message-ID: <7@qq.test>\r\n" in fields


async def test_recipients_share_one_blob(store: Store) -> None:
    people = [await make_account(store, f"u{n}") for n in range(3)]
    data = message(1, 5000)
    placed = await deliver_one(store, data, *(LocalCopy(person.id) for person in people))
    assert [p.error for p in placed] == [None] * 3
    assert len({p.message for p in placed}) == 3
    for person in people:
        inbox = await store.mailboxes.get(person.id, "INBOX")
        assert await rows(store, inbox, "content") == [(data,)]
        await store.messages.expunge(person.id, inbox.id, only_deleted=False)


async def test_two_copies_in_one_account_share_a_message(
    store: Store, account: Account, inbox: Mailbox
) -> None:
    sent = await store.mailboxes.get(account.id, "Sent")
    placed = await deliver_one(
        store, message(), LocalCopy(account.id, inbox.id), LocalCopy(account.id, sent.id, flags=SEEN)
    )
    assert placed[0].message == placed[1].message
    assert placed[1].modseq > placed[0].modseq


async def test_quota_is_per_copy(store: Store, account: Account, inbox: Mailbox) -> None:
    small = await make_account(store, "small", quota_bytes=300)
    few = await make_account(store, "few", quota_messages=1)
    data = message()
    copies = [LocalCopy(a.id) for a in (small, few, account)]
    first = await deliver_one(store, data, *copies)
    second = await deliver_one(store, data, *copies)
    third = await deliver_one(store, data, LocalCopy(few.id, enforce_quota=False))
    assert [p.error for p in first] == [None, None, None]
    assert [p.error for p in second] == ["OverQuota", "OverQuota", None]
    assert third[0].error is None


async def test_unknown_targets(store: Store, account: Account) -> None:
    other = await make_account(store, "other")
    theirs = await store.mailboxes.get(other.id, "INBOX")
    placed = await deliver_one(
        store,
        message(),
        LocalCopy(AccountId(999)),
        LocalCopy(account.id, MailboxId(999)),
        LocalCopy(account.id, theirs.id),
    )
    assert [p.error for p in placed] == ["NotFound"] * 3
    # Nothing was stored, large or small: the invariants tell at the end of the test.
    huge = message(1, 2 << 20)
    assert (await deliver_one(store, huge, LocalCopy(AccountId(999))))[0].error == "NotFound"


async def test_role_is_found_or_made_again(store: Store, account: Account) -> None:
    await store.mailboxes.rename(account.id, "Junk", "垃圾")
    await store.mailboxes.delete(account.id, "Archive")
    await deliver_one(
        store, message(), LocalCopy(account.id, role="junk"), LocalCopy(account.id, role="archive")
    )
    junk = await store.mailboxes.get(account.id, "垃圾")
    archive = await store.mailboxes.get(account.id, "Archive")
    assert (junk.messages, archive.messages, archive.role) == (1, 1, "archive")


async def test_keywords_on_delivery(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver_one(store, message(), LocalCopy(account.id, flags=FLAGGED, keywords=("$Forwarded", "work")))
    bits = await store.messages.keyword_bits(account.id, ["WORK", "$forwarded"])
    assert await rows(store, inbox, "flags") == [(bits | FLAGGED,)]
    assert await store.messages.keywords(account.id) == ("$Forwarded", "work")


async def test_threads(store: Store, inbox: Mailbox) -> None:
    reply = "In-Reply-To: <1@qq.test>\r\nReferences: <1@qq.test>\r\n"
    late = "References: <50@qq.test> <51@qq.test>\r\n"
    await deliver(store, inbox, message(1), message(2, headers=reply), message(3))
    await deliver(store, inbox, message(4, headers="References: <1@qq.test> <2@qq.test>\r\n"))
    await deliver(store, inbox, message(52, headers=late), message(50))
    threads = [thread for (thread,) in await rows(store, inbox, "thread")]
    assert threads[0] == threads[1] == threads[3]
    assert threads[4] == threads[5]
    assert len(set(threads)) == 3


async def test_many_callers_at_once(store: Store, account: Account, inbox: Mailbox) -> None:
    async def one(number: int) -> int:
        return (
            await deliver_one(store, message(number), LocalCopy(account.id, inbox.id), trace=f"t{number}")
        )[0].uid

    uids = await asyncio.gather(*(one(n) for n in range(200)))
    assert sorted(uids) == list(range(1, 201))
    found = await rows(store, inbox, "uid", "message_id")
    assert dict(found) == {uid: f"{n}@qq.test" for n, uid in enumerate(uids)}


async def test_one_group_one_failure(store: Store, account: Account, inbox: Mailbox) -> None:
    """A request that no one could foresee to fail does not take its neighbours along."""
    bad = delivery(store, message(1), LocalCopy(account.id, inbox.id))
    bad.facts.envelope = None  # type: ignore[assignment]
    results = await asyncio.gather(
        store.messages.deliver([delivery(store, message(0), LocalCopy(account.id, inbox.id))]),
        store.messages.deliver([bad]),
        store.messages.deliver([delivery(store, message(2), LocalCopy(account.id, inbox.id))]),
        return_exceptions=True,
    )
    assert isinstance(results[1], Exception)
    assert [mid for (mid,) in await rows(store, inbox, "message_id")] == ["0@qq.test", "2@qq.test"]


async def test_ids_are_never_given_again(store: Store, account: Account, inbox: Mailbox) -> None:
    [first] = await deliver_one(store, message(), LocalCopy(account.id, inbox.id))
    await store.messages.expunge(account.id, inbox.id, only_deleted=False)
    [second] = await deliver_one(store, message(), LocalCopy(account.id, inbox.id))
    assert second.message > first.message
    assert (first.uid, second.uid) == (1, 2)


async def test_journal(store: Store, account: Account) -> None:
    lines = [JournalLine(1.0, "received", {"size": 5}), JournalLine(2.0, "stored", {"to": ["a", "b"]})]
    await deliver_one(store, message(1), LocalCopy(account.id), trace="0a", journal=lines)
    await deliver_one(
        store, message(2), LocalCopy(account.id), trace="0b", journal=[JournalLine(3.0, "received")]
    )
    more = JournalLine(4.0, "attempt", {"host": "mx"})
    await store.queue.report([], [("0a", more)])
    assert await store.journal.by_trace("0a") == [*lines, more]
    assert await store.journal.traces_of("<1@qq.test>") == ["0a"]
    assert await store.journal.traces_of("1@qq.test") == ["0a"]
    assert await store.journal.traces_of("none@qq.test") == []
    assert await store.journal.by_trace("zz") == []
    recent = await store.journal.recent(2)
    assert [(trace, line.at) for trace, line in recent] == [
        ("0a", 1.0),
        ("0a", 2.0),
        ("0a", 4.0),
        ("0b", 3.0),
    ]
    assert await store.journal.recent(1) == recent[-1:]


async def test_an_old_journal_is_dropped(tmp_path: Path) -> None:
    async with open_backend(tmp_path) as store:
        account = await make_account(store)
        for number in range(3):
            old = [JournalLine(float(number), "received")]
            await deliver_one(store, message(number), LocalCopy(account.id), trace=f"0{number}", journal=old)
        new = [JournalLine(time.time(), "received")]
        await deliver_one(store, message(9), LocalCopy(account.id), trace="10", journal=new)
        await store._writer.prune_journal()  # type: ignore[attr-defined]
        assert [trace for trace, _ in await store.journal.recent(10)] == ["10"]
