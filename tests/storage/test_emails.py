"""Emails by account: rows, threads, queries, changes; one message in several mailboxes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from posthouse.core.errors import Conflict, Forbidden, InUse, NotFound
from posthouse.core.flags import DELETED, DRAFT, FIRST_KEYWORD_BIT, FLAGGED, SEEN
from posthouse.core.ids import MailboxId, MessageId
from posthouse.storage import email_rows as e
from posthouse.storage.email_rows import EmailChange, Since
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, LocalCopy, Mailbox
from tests.storage.fixtures import ALL, deliver_one, make_account, message, rows

NEWEST = (e.Order("date", ascending=False),)


async def put(
    store: Store, number: int, *boxes: Mailbox, headers: str = "", flags: int = 0, **fields: Any
) -> int:
    copies = [LocalCopy(b.account, b.id, flags=flags, date=float(fields.get("date", number))) for b in boxes]
    placed = await deliver_one(store, message(number, headers=headers), *copies)
    return int(placed[0].message)


async def boxes(store: Store, account: Account) -> tuple[Mailbox, Mailbox]:
    return await store.mailboxes.get(account.id, "INBOX"), await store.mailboxes.get(account.id, "Archive")


async def ids(store: Store, account: Account, condition: e.Condition, **options: Any) -> list[int]:
    order = options.pop("order", NEWEST)
    return [one for one, _ in await store.emails.query(account.id, condition, order, **options)]


async def test_one_message_in_two_mailboxes(store: Store, account: Account) -> None:
    inbox, archive = await boxes(store, account)
    number = await put(store, 1, inbox, archive, flags=SEEN)
    read = await store.emails.get(account.id, [number, number + 999], ("size", "date", "thread", "subject"))
    assert [(row[0], row[2], row[3], row[4]) for row in read.rows] == [(number, 1.0, number, "a letter 1")]
    assert sorted(read.places[number]) == sorted([(inbox.id, SEEN), (archive.id, SEEN)])
    assert read.modseq == await store.emails.modseq(account.id)
    assert [(m, c) async for part in store.emails.contents(account.id, [number]) for m, _, c in part] == [
        (number, message(1))
    ]
    other = await make_account(store, "wang")
    assert (await store.emails.get(other.id, [number], ())).rows == []
    assert [part async for part in store.emails.contents(other.id, [number])] == []


async def test_a_change_reaches_every_placement(store: Store, account: Account) -> None:
    inbox, archive = await boxes(store, account)
    number = await put(store, 1, inbox, archive)
    done = await store.emails.change(account.id, [EmailChange(MessageId(number), add=FLAGGED)])
    assert done.errors == [""]
    assert await rows(store, inbox, "flags") == await rows(store, archive, "flags") == [(FLAGGED,)]
    await store.messages.store_flags(account.id, inbox.id, ALL, add=SEEN)
    assert await ids(store, account, e.Keyword(SEEN)) == [number]
    assert await ids(store, account, e.Every((e.InMailbox((archive.id,)), e.Keyword(SEEN)))) == [number]
    await store.emails.change(account.id, [EmailChange(MessageId(number), remove=SEEN)])
    assert await ids(store, account, e.Keyword(SEEN)) == []
    with pytest.raises(Conflict):
        await store.emails.change(
            account.id, [EmailChange(MessageId(number), add=SEEN)], if_modseq=done.modseq
        )


async def test_into_and_out_of_mailboxes(store: Store, account: Account) -> None:
    inbox, archive = await boxes(store, account)
    number = MessageId(await put(store, 1, inbox, flags=SEEN))
    done = await store.emails.change(account.id, [EmailChange(number, into=[archive.id])])
    assert done.errors == [""]
    assert await rows(store, archive, "flags", "message") == [(SEEN, number)]
    await store.emails.change(account.id, [EmailChange(number, only=[archive.id])])
    assert await rows(store, inbox, "uid") == []
    answers = await store.emails.change(
        account.id,
        [
            EmailChange(number, out_of=[archive.id]),
            EmailChange(number, only=[MailboxId(999)]),
            EmailChange(MessageId(999), destroy=True),
        ],
    )
    assert answers.errors == ["Conflict", "NotFound", "NotFound"]
    await store.emails.change(account.id, [EmailChange(number, destroy=True)])
    assert (await store.emails.get(account.id, [number], ())).rows == []
    found = await store.directory.account(account.id)
    assert found is not None
    assert (found.used_bytes, found.used_messages) == (0, 0)


async def test_a_message_is_in_a_mailbox_once(store: Store, account: Account) -> None:
    inbox, archive = await boxes(store, account)
    number = await put(store, 1, inbox)
    await store.messages.copy(account.id, inbox.id, ALL, account.id, inbox.id)
    (_, first), (_, second) = await rows(store, inbox, "uid", "message")
    assert first == number != second
    await store.messages.copy(account.id, inbox.id, [(1, 1)], account.id, archive.id)
    await store.messages.copy(account.id, inbox.id, [(1, 1)], account.id, archive.id, move=True)
    assert len(set(await rows(store, archive, "message"))) == 2
    assert [m for _, m in await store.emails.threads(account.id, [number])] == sorted(
        {number, second} | {m for (m,) in await rows(store, archive, "message")}
    )


async def test_what_is_marked_deleted_is_out_of_view(store: Store, account: Account) -> None:
    inbox, archive = await boxes(store, account)
    both = await put(store, 1, inbox, archive)
    one = await put(store, 2, inbox)
    before = Since(await store.emails.modseq(account.id))
    await store.messages.store_flags(account.id, inbox.id, ALL, add=DELETED)
    assert await ids(store, account, e.Every(())) == [both]
    assert await ids(store, account, e.InMailbox((inbox.id,))) == []
    assert await store.emails.count(account.id, e.Every(())) == 1
    changes = await store.emails.changes(account.id, before)
    assert [(c.message, c.known, c.in_view) for c in changes.changed] == [
        (both, True, True),
        (one, True, False),
    ]
    before = Since(changes.modseq)
    await store.messages.store_flags(account.id, inbox.id, ALL, remove=DELETED)
    changes = await store.emails.changes(account.id, before)
    assert [(c.message, c.known, c.in_view) for c in changes.changed][1] == (one, False, True)
    assert await ids(store, account, e.Every(())) == [one, both]


async def test_changes_of_an_account(store: Store, account: Account) -> None:
    inbox, archive = await boxes(store, account)
    old = [await put(store, n, inbox) for n in range(4)]
    start = await store.emails.modseq(account.id)
    await store.emails.change(account.id, [EmailChange(MessageId(old[0]), add=SEEN)])
    await store.messages.expunge(account.id, inbox.id, [(2, 2)], only_deleted=False)
    await store.messages.copy(account.id, inbox.id, [(3, 3)], account.id, archive.id, move=True)
    new = await put(store, 9, inbox)
    brief = await put(store, 10, inbox)
    await store.emails.change(account.id, [EmailChange(MessageId(brief), destroy=True)])
    changes = await store.emails.changes(account.id, Since(start))
    assert [(c.message, c.known, c.in_view, c.moved) for c in changes.changed if c.message != brief] == [
        (old[0], True, True, False),
        (old[1], True, False, True),
        (old[2], True, True, True),
        (new, False, True, True),
    ]
    # One by one, whatever stands at one modseq.
    since, seen = Since(start), []
    while True:
        part = await store.emails.changes(account.id, since, limit=1)
        if not part.changed:
            break
        seen += [c.message for c in part.changed]
        since = Since(part.changed[-1].modseq, part.changed[-1].message)
    assert seen == [c.message for c in changes.changed]


async def test_threads_and_collapsing(store: Store, account: Account) -> None:
    inbox, archive = await boxes(store, account)
    first = await put(store, 1, inbox)
    other = await put(store, 2, inbox)
    reply = await put(store, 3, archive, headers="In-Reply-To: <1@qq.test>\r\n")
    later = await put(store, 4, inbox, headers="References: <1@qq.test> <3@qq.test>\r\n", flags=SEEN)
    assert await store.emails.threads(account.id, [first, other]) == [
        (first, first),
        (first, reply),
        (first, later),
        (other, other),
    ]
    inside = e.InMailbox((inbox.id,))
    assert await ids(store, account, inside, collapse=True, first=10) == [later, other]
    assert await ids(store, account, inside, collapse=True) == [later, other]
    assert await ids(store, account, inside, first=2) == [later, other]
    assert await store.emails.count(account.id, inside, collapse=True) == 2
    assert await ids(store, account, e.ThreadKeyword(SEEN, "some")) == [later, reply, first]
    assert await ids(store, account, e.ThreadKeyword(SEEN, "all")) == []
    assert await ids(store, account, e.ThreadKeyword(SEEN, "none")) == [other]


async def test_queries_against_a_model(store: Store, account: Account) -> None:
    """Random conditions over random emails, in SQL and in Python."""
    rng = random.Random(7)
    inbox, archive = await boxes(store, account)
    many = await store.messages.keyword_bits(account.id, [f"k{n}" for n in range(70)])
    assert many >> FIRST_KEYWORD_BIT
    bits = [SEEN, FLAGGED, DRAFT, 1 << (FIRST_KEYWORD_BIT + 3), 1 << (FIRST_KEYWORD_BIT + 69)]
    model: dict[int, tuple[set[int], int, float]] = {}
    for n in range(40):
        where = rng.choice([(inbox,), (archive,), (inbox, archive)])
        flags = sum(bit for bit in bits if rng.random() < 0.3)
        number = await put(store, n, *where, flags=flags, date=rng.randrange(20))
        date = (await store.emails.get(account.id, [number], ("date",))).rows[0][1]
        model[number] = ({box.id for box in where}, flags, date)

    def holds(one: e.Condition, number: int) -> bool:
        inside, flags, date = model[number]
        match one:
            case e.Every(of):
                return all(holds(part, number) for part in of)
            case e.Either(of):
                return any(holds(part, number) for part in of)
            case e.Neither(of):
                return not any(holds(part, number) for part in of)
            case e.InMailbox(wanted):
                return bool(inside & set(wanted))
            case e.NotOnlyIn(others):
                return bool(inside - set(others))
            case e.Keyword(bit, present):
                return bool(flags & bit) is present
            case e.Compare(_, "<", value):
                return date < value
            case e.Compare(_, _, value):
                return date >= value
        raise AssertionError(one)

    def some(depth: int = 0) -> e.Condition:
        kind = rng.randrange(8 if depth < 2 else 5)
        if kind >= 5:
            parts = tuple(some(depth + 1) for _ in range(rng.randrange(4)))
            return (e.Every, e.Either, e.Neither)[kind - 5](parts)
        return [
            lambda: e.InMailbox((rng.choice([inbox.id, archive.id]),)),
            lambda: e.NotOnlyIn((rng.choice([inbox.id, archive.id]),)),
            lambda: e.Keyword(rng.choice(bits), present=rng.random() < 0.5),
            lambda: e.Compare("date", "<", float(rng.randrange(20))),
            lambda: e.Compare("date", ">=", float(rng.randrange(20))),
        ][kind]()

    for _ in range(150):
        condition = some()
        expected = sorted(
            (n for n in model if holds(condition, n)), key=lambda n: (model[n][2], n), reverse=True
        )
        assert await ids(store, account, condition) == expected, condition
        assert await ids(store, account, condition, first=5) == expected[:5]
        assert await store.emails.count(account.id, condition) == len(expected)


async def test_orders(store: Store, account: Account) -> None:
    inbox, _ = await boxes(store, account)
    numbers = [await put(store, n, inbox, flags=SEEN * (n == 2)) for n in (3, 1, 2)]
    a, b, c = numbers
    for key, expected in [
        (e.Order("date"), [b, c, a]),
        (e.Order("subject"), [b, c, a]),
        (e.Order("subject", ascending=False), [a, c, b]),
        (e.Order("keyword", bit=SEEN, ascending=False), [c, b, a]),
        (e.Order("some", bit=SEEN), [b, a, c]),
        (e.Order("from"), [c, b, a]),
        (e.Order("to"), [c, b, a]),
        (e.Order("size"), [c, b, a]),
    ]:
        assert await ids(store, account, e.InMailbox((inbox.id,)), order=(key,)) == expected, key


async def test_changes_of_mailboxes(store: Store, account: Account) -> None:
    inbox, archive = await boxes(store, account)
    start = await store.emails.modseq(account.id)
    await put(store, 1, inbox)
    new = await store.mailboxes.create(account.id, "New")
    changed = await store.emails.change_mailbox(
        account.id, archive.id, name="Old/Archive", sort_order=7, subscribed=False
    )
    assert (changed.name, changed.sort_order, changed.subscribed, changed.role) == (
        "Old/Archive", 7, False, "archive",
    )  # fmt: skip
    found = await store.emails.mailbox_changes(account.id, start)
    assert (found.created, found.changed, found.counted) == ([new.id], [archive.id], [inbox.id])
    await store.emails.delete_mailbox(account.id, new.id, with_emails=False)
    assert (await store.emails.mailbox_changes(account.id, found.modseq)).gone == [new.id]
    await put(store, 2, archive)
    with pytest.raises(InUse):
        await store.emails.delete_mailbox(account.id, archive.id, with_emails=False)
    with pytest.raises(Forbidden):
        await store.emails.delete_mailbox(account.id, inbox.id, with_emails=True)
    with pytest.raises(NotFound):
        await store.emails.delete_mailbox(account.id, new.id, with_emails=True)
    await store.emails.delete_mailbox(account.id, archive.id, with_emails=True)


PINNED, WOKEN = 1 << FIRST_KEYWORD_BIT, 1 << (FIRST_KEYWORD_BIT + 1)


async def test_marked_emails_come_first_whatever_happens(store: Store, account: Account) -> None:
    """The first emails, which are remembered, beside the whole list, which is read anew."""
    chance = random.Random(5)
    inbox, archive = await boxes(store, account)
    await store.messages.keyword_bits(account.id, ["$pinned", "$woken"])
    orders = [
        [e.Order("keyword", ascending=False, bit=PINNED), *NEWEST],
        [
            e.Order("keyword", ascending=False, bit=WOKEN),
            e.Order("keyword", ascending=False, bit=PINNED),
            e.Order("date"),
        ],
    ]
    numbers = [await put(store, n, inbox, flags=chance.choice((0, 0, PINNED))) for n in range(12)]
    for turn in range(60):
        one = MessageId(chance.choice(numbers))
        match chance.randrange(6):
            case 0:
                change = EmailChange(one, into=[archive.id])
            case 1:
                change = EmailChange(one, out_of=[inbox.id], into=[archive.id])
            case 2:
                change = EmailChange(one, into=[inbox.id])
            case 3:
                numbers.append(await put(store, 100 + turn, inbox, flags=chance.choice((0, WOKEN))))
                change = EmailChange(one, add=SEEN)
            case 4:
                change = EmailChange(one, destroy=len(numbers) > 9)
                if change.destroy:
                    numbers.remove(one)
            case _:
                bit = chance.choice((PINNED, WOKEN))
                change = chance.choice((EmailChange(one, add=bit), EmailChange(one, remove=bit)))
        assert (await store.emails.change(account.id, [change])).errors == [""]
        for order in orders:
            for collapse in (False, True):
                every = await ids(store, account, e.InMailbox((inbox.id,)), order=order, collapse=collapse)
                first = await ids(
                    store, account, e.InMailbox((inbox.id,)), order=order, collapse=collapse, first=5
                )
                assert first == every[:5]


async def test_the_first_of_many_mailboxes_are_those_of_the_whole_list(
    store: Store, account: Account
) -> None:
    """Windows over the account, which are merged from its mailboxes, beside the whole list, which is sorted."""
    chance = random.Random(11)
    inbox, archive = await boxes(store, account)
    places = [inbox, archive, *[await store.mailboxes.create(account.id, f"Box {n}") for n in range(6)]]
    numbers: list[int] = []
    for n in range(60):
        where = chance.sample(places, chance.choice((1, 1, 1, 2, 3)))
        reply = f"In-Reply-To: <{chance.randrange(n)}@qq.test>\r\n" if n and chance.random() < 0.5 else ""
        numbers.append(await put(store, n, *where, headers=reply, date=chance.randrange(25)))
    conditions = [
        e.Every(()),
        e.NotOnlyIn((inbox.id, places[3].id)),
        e.Every((e.InMailbox((archive.id, places[4].id, places[5].id)), e.Every(()))),
        e.Either((e.Keyword(FLAGGED), e.Compare("date", "<", 12.0))),
    ]
    for turn in range(3):
        for condition in conditions:
            total = await store.emails.count(account.id, condition)
            for order in (NEWEST, (e.Order("date"),)):
                for collapse in (False, True):
                    options = {"order": order, "collapse": collapse}
                    every = await ids(store, account, condition, **options)
                    assert collapse or total == len(every)
                    for first in (1, 7, 30, 1000):
                        assert await ids(store, account, condition, first=first, **options) == every[:first]
        changes = [EmailChange(MessageId(n), add=FLAGGED) for n in chance.sample(numbers, 10)]
        await store.emails.change(account.id, changes)
        if turn == 1:  # from here on some are out of view
            await store.messages.store_flags(account.id, places[2].id, ALL, add=DELETED)
