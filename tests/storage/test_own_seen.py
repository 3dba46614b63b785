"""Mailboxes in which each user has its own \\Seen: against a model, and through every way in and out."""

from __future__ import annotations

import random

import pytest

from posthouse.core.flags import DELETED, FLAGGED, SEEN
from posthouse.core.ids import AccountId
from posthouse.core.rights import ALL as EVERYTHING
from posthouse.core.rights import WRITE
from posthouse.storage.ports import Messages, Store
from posthouse.storage.rows import Account, Actor, LocalCopy, Mailbox
from tests.storage.fixtures import ALL, deliver, delivery, make_account, message


@pytest.fixture
async def users(store: Store, account: Account, inbox: Mailbox) -> list[AccountId]:
    await store.acls.set_own_seen(account.id, inbox.id, on=True)
    return [(await make_account(store, name)).id for name in ("wang", "zhao")]


def acting(store: Store, user: AccountId, rights: int = EVERYTHING) -> Messages:
    return store.messages.acting(Actor(user, rights))


async def flags_of(messages: Messages, mailbox: Mailbox) -> dict[int, int]:
    found: dict[int, int] = {}
    async for rows in messages.fetch(mailbox.account, mailbox.id, ALL, ("flags", "uid")):
        found.update((uid, flags) for flags, uid in rows)
    numbers: dict[int, int] = {}
    async for uids, flags in messages.fetch_numbers(mailbox.account, mailbox.id, ALL, ("uid", "flags")):
        numbers.update(zip(uids, flags, strict=True))
    assert numbers == found
    return found


async def unseen(store: Store, user: AccountId, mailbox: Mailbox) -> int:
    row = await store.mailboxes.by_id(mailbox.account, mailbox.id)
    return row.unseen + (await store.acls.unseen(user, mailbox.id)).get(mailbox.id, 0)


async def test_each_has_its_own(store: Store, inbox: Mailbox, users: list[AccountId]) -> None:
    wang, zhao = users
    await deliver(store, inbox, message(1), message(2), message(3))
    done = await acting(store, wang).store_flags(inbox.account, inbox.id, [(1, 2)], add=SEEN | FLAGGED)
    assert [row[:2] for row in done.changed] == [(1, SEEN | FLAGGED), (2, SEEN | FLAGGED)]
    assert await flags_of(acting(store, wang), inbox) == {1: SEEN | FLAGGED, 2: SEEN | FLAGGED, 3: 0}
    assert await flags_of(acting(store, zhao), inbox) == {1: FLAGGED, 2: FLAGGED, 3: 0}
    assert (await unseen(store, wang, inbox), await unseen(store, zhao, inbox)) == (1, 3)
    await acting(store, wang).store_flags(inbox.account, inbox.id, [(1, 1)], remove=SEEN)
    assert (await unseen(store, wang, inbox), await unseen(store, zhao, inbox)) == (2, 3)


async def test_modseqs_are_those_of_what_the_user_sees(
    store: Store, inbox: Mailbox, users: list[AccountId]
) -> None:
    wang, zhao = users
    await deliver(store, inbox, message(1), message(2))
    before = (await store.mailboxes.by_id(inbox.account, inbox.id)).modseq
    await acting(store, wang).store_flags(inbox.account, inbox.id, [(1, 1)], add=SEEN)
    mine = await acting(store, wang).changes(inbox.account, inbox.id, before)
    theirs = await acting(store, zhao).changes(inbox.account, inbox.id, before)
    assert [row[:2] for row in mine.changed] == [(1, SEEN)]
    assert theirs.changed == []
    assert mine.modseq == theirs.modseq == before + 1
    key = inbox.account, inbox.id, before
    assert await acting(store, wang).changed_uids(*key, 5) == [1]
    assert await acting(store, wang).changed_uids(*key, 0) is None
    assert await acting(store, zhao).changed_uids(*key, 0) == []
    # CONDSTORE: the user's own change counts for the user, and for nobody else.
    stored = await acting(store, wang).store_flags(
        inbox.account, inbox.id, ALL, add=FLAGGED, unchanged_since=before
    )
    assert (stored.refused, [row[0] for row in stored.changed]) == ([1], [2])
    stored = await acting(store, zhao).store_flags(
        inbox.account, inbox.id, [(1, 1)], add=FLAGGED, unchanged_since=before
    )
    assert stored.refused == []
    # A change that everybody sees comes with what each has seen.
    mine = await acting(store, wang).changes(inbox.account, inbox.id, mine.modseq)
    assert {uid: flags for uid, flags, _ in mine.changed} == {1: SEEN | FLAGGED, 2: FLAGGED}
    modseqs = [
        row
        async for rows in acting(store, wang).fetch(inbox.account, inbox.id, ALL, ("uid", "modseq"))
        for row in rows
    ]
    assert modseqs == [(uid, modseq) for uid, _, modseq in mine.changed]


async def test_what_one_brings_is_seen_by_that_one(
    store: Store, account: Account, inbox: Mailbox, users: list[AccountId]
) -> None:
    wang, zhao = users
    own = await store.mailboxes.get(wang, "INBOX")
    copy = LocalCopy(account.id, inbox.id, flags=SEEN, user=wang)
    await acting(store, wang).deliver([delivery(store, message(1), copy)])
    await deliver(store, own, message(2), flags=SEEN)
    await acting(store, wang).copy(wang, own.id, ALL, account.id, inbox.id)
    assert await flags_of(acting(store, wang), inbox) == {1: SEEN, 2: SEEN}
    assert await flags_of(acting(store, zhao), inbox) == {1: 0, 2: 0}
    # Out again: as the user sees it, into another mailbox of the team and into one's own.
    trash = await store.mailboxes.get(account.id, "Trash")
    await acting(store, zhao).copy(account.id, inbox.id, [(1, 1)], account.id, trash.id)
    await acting(store, wang).copy(account.id, inbox.id, [(1, 1)], account.id, trash.id)
    assert await flags_of(store.messages, trash) == {1: 0, 2: SEEN}
    await acting(store, wang).copy(account.id, inbox.id, [(1, 2)], wang, own.id, move=True)
    assert await flags_of(store.messages, own) == {1: SEEN, 2: SEEN, 3: SEEN}
    assert await unseen(store, wang, inbox) == await unseen(store, zhao, inbox) == 0


async def test_what_each_has_seen_goes_along_in_the_team(
    store: Store, account: Account, inbox: Mailbox, users: list[AccountId]
) -> None:
    wang, zhao = users
    done = await store.mailboxes.create(account.id, "Done")
    await deliver(store, inbox, message(1), message(2), message(3))
    await acting(store, wang).store_flags(inbox.account, inbox.id, [(1, 2)], add=SEEN)
    await acting(store, zhao).store_flags(inbox.account, inbox.id, [(2, 2)], add=SEEN)
    await acting(store, zhao).copy(account.id, inbox.id, ALL, account.id, done.id, move=True)
    assert await flags_of(acting(store, wang), done) == {1: SEEN, 2: SEEN, 3: 0}
    assert await flags_of(acting(store, zhao), done) == {1: 0, 2: SEEN, 3: 0}
    assert (await unseen(store, wang, done), await unseen(store, zhao, done)) == (1, 2)


async def test_switching(store: Store, account: Account, inbox: Mailbox, users: list[AccountId]) -> None:
    wang, zhao = users
    await store.acls.set_own_seen(account.id, inbox.id, on=False)
    await deliver(store, inbox, message(1), flags=SEEN)
    await deliver(store, inbox, message(2))
    await store.acls.set_own_seen(account.id, inbox.id, on=True)
    assert await flags_of(acting(store, wang), inbox) == {1: SEEN, 2: 0}
    await acting(store, wang).store_flags(inbox.account, inbox.id, ALL, remove=SEEN)
    await acting(store, zhao).store_flags(inbox.account, inbox.id, ALL, add=SEEN)
    assert (await unseen(store, wang, inbox), await unseen(store, zhao, inbox)) == (2, 0)
    before = (await store.mailboxes.by_id(inbox.account, inbox.id)).modseq
    await store.acls.set_own_seen(account.id, inbox.id, on=False)
    changes = await acting(store, wang).changes(inbox.account, inbox.id, before)
    assert {uid: flags for uid, flags, _ in changes.changed} == {1: SEEN, 2: 0}
    assert await store.acls.unseen(wang) == {}


async def test_rights_and_the_flags_of_all(store: Store, inbox: Mailbox, users: list[AccountId]) -> None:
    wang, zhao = users
    await deliver(store, inbox, message(1), message(2))
    await acting(store, wang, WRITE).store_flags(
        inbox.account, inbox.id, ALL, replace=SEEN | FLAGGED | DELETED
    )
    assert await flags_of(acting(store, wang), inbox) == {1: FLAGGED, 2: FLAGGED}
    # Who acts for nobody changes it for all who said nothing of their own.
    await acting(store, wang).store_flags(inbox.account, inbox.id, [(1, 1)], add=SEEN)
    await store.messages.store_flags(inbox.account, inbox.id, ALL, add=SEEN)
    await acting(store, zhao).store_flags(inbox.account, inbox.id, [(2, 2)], remove=SEEN)
    assert (await unseen(store, wang, inbox), await unseen(store, zhao, inbox)) == (0, 1)
    await store.messages.store_flags(inbox.account, inbox.id, ALL, remove=SEEN)
    assert (await unseen(store, wang, inbox), await unseen(store, zhao, inbox)) == (1, 2)


async def test_an_account_that_goes_leaves_no_word(
    store: Store, inbox: Mailbox, users: list[AccountId]
) -> None:
    await deliver(store, inbox, message(1))
    await acting(store, users[0]).store_flags(inbox.account, inbox.id, ALL, add=SEEN)
    await store.directory.delete_account(users[0])
    assert await store.acls.unseen(users[0]) == {}
    await store.mailboxes.create(inbox.account, "Sub")
    assert (await store.mailboxes.get(inbox.account, "Sub")).own_seen


@pytest.mark.parametrize("seed", range(4))
async def test_against_a_model(
    store: Store, account: Account, inbox: Mailbox, users: list[AccountId], seed: int
) -> None:
    chance = random.Random(seed)
    await store.messages.keyword_bits(account.id, [f"k{n}" for n in range(70)])  # flags beyond 63 bits
    actors = [*users, AccountId(0)]
    shared: dict[int, int] = {}
    words: dict[tuple[AccountId, int], int] = {}

    def view(user: AccountId) -> dict[int, int]:
        return {uid: flags & ~SEEN | words.get((user, uid), flags & SEEN) for uid, flags in shared.items()}

    for _ in range(60):
        user = chance.choice(actors)
        messages = acting(store, user) if user else store.messages
        uids = sorted(chance.sample(sorted(shared), min(len(shared), chance.randint(0, 4))))
        ranges = [(uid, uid) for uid in uids]
        what = chance.choice(("deliver", "add", "remove", "replace", "expunge", "add", "remove"))
        bits = chance.choice((SEEN, FLAGGED, SEEN | FLAGGED, DELETED, 1 << 70 | SEEN))
        if what == "deliver" or not uids:
            copy = LocalCopy(account.id, inbox.id, flags=bits & 0xFF, user=user)
            [stored] = await messages.deliver([delivery(store, message(1), copy)])
            uid = stored.placed[0].uid
            shared[uid] = bits & 0xFF
            if user and bits & SEEN:
                shared[uid] &= ~SEEN
                words[user, uid] = SEEN
        elif what == "expunge":
            await messages.expunge(account.id, inbox.id, ranges, only_deleted=False)
            for uid in uids:
                del shared[uid]
        else:
            before = view(user)
            await messages.store_flags(account.id, inbox.id, ranges, **{what: bits})
            for uid in uids:
                old = before[uid]
                new = {"add": old | bits, "remove": old & ~bits, "replace": bits}[what]
                if not user:
                    shared[uid] = new
                else:
                    shared[uid] = new & ~SEEN | shared[uid] & SEEN
                    if (new ^ old) & SEEN:
                        words[user, uid] = new & SEEN
        for one in users:
            assert await flags_of(acting(store, one), inbox) == view(one)
            assert await unseen(store, one, inbox) == sum(not flags & SEEN for flags in view(one).values())
