"""Address books and cards: what is kept, found, told as changed, and bounded."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from posthouse.cards.keys import COMPLETED, NAMES, facts_of, parse_sought
from posthouse.core.errors import Conflict, Exists, InUse, NotFound, OverQuota
from posthouse.storage import contact_rows as c
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account
from tests.storage.fixtures import make_account

LIMITS = c.CardLimits(50, 10_000)


def write(uid: str, books: dict[int, str], card: int = 0, **fields: Any) -> c.CardWrite:
    more = {name: fields.pop(name) for name in ("media", "if_modseq", "at") if name in fields}
    at = more.pop("at", 5.0)
    value = {"@type": "Card", "version": "1.0", "uid": uid, **fields}
    return c.CardWrite(card, uid, msgspec.json.encode(value), facts_of(value), at, at, books, **more)


async def book(store: Store, account: Account, name: str = "B", **fields: Any) -> c.AddressBook:
    return await store.contacts.put_book(c.AddressBook(account.id, 0, name, **fields), count_max=3)


async def put(store: Store, account: Account, *writes: c.CardWrite) -> list[c.CardWritten]:
    return (await store.contacts.write(account.id, writes, LIMITS)).cards


async def test_books_come_change_and_go(store: Store, account: Account) -> None:
    first = await book(store, account, "A", is_default=True, path="default")
    second = await book(store, account, description="友")
    assert (second.path, second.created, second.is_default) == (f"book{second.id}", second.modseq, False)
    with pytest.raises(Exists):
        await book(store, account, path="default")
    second.is_default = True
    changed = await store.contacts.put_book(second, count_max=3)
    modseq, books = await store.contacts.books(account.id)
    assert [(one.name, one.is_default) for one in books] == [("A", False), ("B", True)]
    assert books[1] == changed
    told = await store.contacts.book_changes(account.id, second.modseq - 1)
    assert [one.id for one in told[2]] == [first.id, second.id]  # the old default changed too
    await book(store, account)
    with pytest.raises(OverQuota):
        await book(store, account)
    await store.contacts.delete_book(account.id, second.id, with_cards=False)
    _, _, _, gone = await store.contacts.book_changes(account.id, modseq)
    assert gone == [second.id]
    assert [one.is_default for one in (await store.contacts.books(account.id))[1]] == [True, False]
    with pytest.raises(NotFound):
        await store.contacts.put_book(second, count_max=9)
    other = await make_account(store, "wang")
    with pytest.raises(NotFound):
        await store.contacts.delete_book(other.id, first.id, with_cards=True)


async def test_cards_come_change_and_go(store: Store, account: Account) -> None:
    a, b = await book(store, account), await book(store, account)
    one, two = await put(store, account, write("1", {a.id: "x.vcf"}), write("2", {a.id: "", b.id: ""}))
    modseq, [stored, other] = await store.contacts.get(account.id, [one.card, two.card, 99])
    assert (stored.uid, stored.books, stored.modseq) == ("1", {a.id: "x.vcf"}, one.modseq)
    assert other.books == {a.id: f"C{two.card}.vcf", b.id: f"C{two.card}.vcf"}
    assert modseq == two.modseq == one.modseq + 1
    assert await store.contacts.by_uids(account.id, ["1", "?"]) == {"1": one.card}
    assert await store.contacts.by_resource(account.id, a.id, ["x.vcf", "y"]) == {"x.vcf": one.card}
    # each fails by itself
    results = await put(
        store,
        account,
        write("1", {a.id: ""}),
        write("3", {a.id: "x.vcf"}),
        write("3", {99: ""}),
        write("3", {}),
        write("1", {a.id: ""}, 77),
        write("1", {a.id: ""}, one.card, if_modseq=1),
        write("2", {a.id: ""}, one.card),
        write("1", {b.id: ""}, one.card, if_modseq=one.modseq),
    )
    errors = ["Exists", "Exists", "NotFound", "NotFound", "NotFound", "Conflict", "Exists", ""]
    assert [result.error for result in results] == errors
    assert results[0].detail == str(one.card)
    with pytest.raises(Conflict):
        await store.contacts.write(account.id, [], LIMITS, if_modseq=1)
    # the card left a for b
    told = await store.contacts.changes_of_book(account.id, a.id, modseq)
    assert (told.changed, told.gone) == ([], ["x.vcf"])
    told = await store.contacts.changes_of_book(account.id, b.id, modseq)
    assert [(card, name) for card, name, _ in told.changed] == [(one.card, f"C{one.card}.vcf")]
    _, books = await store.contacts.books(account.id)
    assert {row.contents for row in books} == {results[-1].modseq}
    # and went
    await put(store, account, c.CardWrite(one.card))
    changes = await store.contacts.changes(account.id, modseq)
    assert (changes.created, changes.changed, changes.gone) == ([], [], [one.card])
    changes = await store.contacts.changes(account.id, 0)
    assert (changes.created, changes.gone) == ([two.card], [])
    with pytest.raises(InUse):
        await store.contacts.delete_book(account.id, b.id, with_cards=False)
    await store.contacts.delete_book(account.id, b.id, with_cards=True)
    _, [left] = await store.contacts.get(account.id, [two.card])
    assert left.books == {a.id: f"C{two.card}.vcf"}
    await store.contacts.delete_book(account.id, a.id, with_cards=True)
    assert await store.contacts.ids(account.id, c.EVERY_CARD) == []


async def test_changes_are_told_in_pieces(store: Store, account: Account) -> None:
    a = await book(store, account)
    made = [one.card for one in await put(store, account, *[write(str(n), {a.id: ""}) for n in range(5)])]
    since, found, more = 0, [], True
    while more:
        part = await store.contacts.changes(account.id, since, 2)
        found += part.created
        since, more = part.modseq, part.more
    assert found == made
    part = await store.contacts.changes_of_book(account.id, a.id, 0, 3)
    assert ([card for card, _, _ in part.changed], part.more) == (made[:3], True)


async def test_what_is_bounded(store: Store, account: Account) -> None:
    a = await book(store, account)
    await put(store, account, *[write(str(n), {a.id: ""}) for n in range(50)])
    [over] = await put(store, account, write("50", {a.id: ""}))
    assert over.error == "OverQuota"
    [first] = await store.contacts.ids(account.id, c.Is("uid", "0"))
    large = c.CardMedia(7, 10_001, "image/png", store.contents.draft(b"a" * 10_001))
    [over] = await put(store, account, write("0", {a.id: ""}, first, media=[large]))
    assert over.error == "OverQuota"


async def test_pictures_are_kept_once(store: Store, account: Account) -> None:
    a = await book(store, account)
    media = c.CardMedia(7, 3, "image/png", store.contents.draft(b"abc"))
    again = c.CardMedia(7, 3, "image/png", store.contents.draft(b"abc"))
    one, two = await put(
        store, account, write("1", {a.id: ""}, media=[media]), write("2", {a.id: ""}, media=[again])
    )
    row = await store.contacts.media(account.id, 7)
    assert row is not None
    assert row[1:] == (3, "image/png")
    assert await store.contents.read(row[0]) == b"abc"
    assert await store.contacts.cards_with(account.id, 7) == [one.card, two.card]
    [unknown] = await put(store, account, write("3", {a.id: ""}, media=[c.CardMedia(8, 0, "")]))
    assert unknown.error == "NotFound"
    await put(store, account, write("1", {a.id: ""}, one.card), c.CardWrite(two.card))
    assert await store.contacts.media(account.id, 7) is None
    with pytest.raises(NotFound):
        await store.contents.read(row[0])
    other = await make_account(store, "wang")
    assert await store.contacts.media(other.id, 7) is None
    await put(store, account, write("1", {a.id: ""}, one.card, media=[media]))
    await store.directory.delete_account(account.id)


async def test_search_and_order(store: Store, account: Account) -> None:
    a, b = await book(store, account), await book(store, account)

    def name(surname: str, given: str) -> dict[str, Any]:
        parts = [{"kind": "surname", "value": surname}, {"kind": "given", "value": given}]
        return {"components": parts}

    zhang, mary, group = [
        one.card
        for one in await put(
            store,
            account,
            write(
                "z", {a.id: ""}, name=name("张", "伟"), phones={"p": {"number": "+86 138-0013-8000"}}, at=3.0
            ),
            write(
                "m", {b.id: ""}, name=name("Curie", "Márie"), emails={"e": {"address": "Marie@Ex.fr"}}, at=1.0
            ),
            write("g", {a.id: ""}, kind="group", members={"z": True}, name={"full": "朋友"}, at=2.0),
        )
    ]

    async def ids(condition: c.CardCondition, *order: c.CardOrder) -> list[int]:
        return await store.contacts.ids(account.id, condition, order)

    async def text(words: str, first: int = 0, last: int = 0) -> list[int]:
        return await ids(c.Contains(tuple(parse_sought(words)), first, last))

    for words in (
        "张",
        "张伟",
        "zhangwei",
        "zhang",
        "zw",
        "zhang w",
        "wei",
        "zhangw",
        "張偉",
        "0013 8000",
        "Z",
    ):
        assert await text(words) == [zhang], words
    for words in ("marie", "curie mar", '"marie curie"', "MÁRIE", "ex.fr", "ex", "marie@ex.fr"):
        assert await text(words) == [mary], words
    for words in ("angwei", "arie", '"curie marie"', "zhang x"):
        assert await text(words) == [], words
    assert await text("ex", *NAMES) == []
    assert await text("ex", *COMPLETED) == [mary]
    assert await text("", *NAMES) == [zhang, mary, group]
    assert await ids(c.InBook(a.id)) == [zhang, group]
    assert await ids(c.HasMember("z")) == [group]
    assert await ids(c.Is("kind", "individual")) == [zhang, mary]
    assert await ids(c.When("created_at", "<", 2.5)) == [mary, group]
    assert await ids(c.Reachable()) == [mary, group]
    assert await ids(c.Joined("NOT", (c.InBook(a.id), c.Is("uid", "m")))) == []
    assert await ids(c.Joined("OR", (c.Is("uid", "z"), c.Is("uid", "m")))) == [zhang, mary]
    assert await ids(c.Joined("OR", ())) == []
    assert await ids(c.EVERY_CARD, c.CardOrder("created_at")) == [mary, group, zhang]
    assert await ids(c.EVERY_CARD, c.CardOrder("surname", ascending=False)) == [zhang, group, mary]
    # who is written to comes first; who is not known is collected, once
    new = write("n", {b.id: ""}, emails={"e": {"address": "new@x.cn"}})
    uses = [c.Use("marie@ex.fr", new), c.Use("new@x.cn", new), c.Use("who@x.cn", write("w", {99: ""}))]
    await store.contacts.use(account.id, uses, 9.0, LIMITS)
    await store.contacts.use(account.id, uses[1:], 10.0, LIMITS)
    assert await store.contacts.known_emails(account.id, ["new@x.cn", "who@x.cn"]) == {"new@x.cn"}
    collected = (await store.contacts.by_uids(account.id, ["n"]))["n"]
    assert (await ids(c.EVERY_CARD, c.CardOrder("uses", ascending=False)))[:2] == [collected, mary]


async def test_old_removals_are_forgotten(
    store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from posthouse.storage.sqlite import contact_write  # noqa: PLC0415

    monkeypatch.setattr(contact_write, "GONE_KEPT", 4)
    monkeypatch.setattr(contact_write, "_LOOK_EVERY", 2)
    a = await book(store, account)
    for _ in range(3):
        made = await put(store, account, *[write(str(n), {a.id: ""}) for n in range(3)])
        await put(store, account, *[c.CardWrite(one.card) for one in made])
    changes = await store.contacts.changes(account.id, 0)
    assert changes.history > 0
