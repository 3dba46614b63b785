"""Claims and notes of teams in the store: one holder at a time, keywords that stay, notes that are nobody else's."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.json import decode

from posthouse.core.errors import Forbidden, NotFound, OverQuota
from posthouse.core.flags import FLAGGED, SEEN
from posthouse.core.ids import AccountId, MessageId
from posthouse.core.rights import ALL as EVERYTHING
from posthouse.core.rights import LOOKUP, READ
from posthouse.storage.email_rows import EmailChange
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Actor, LocalCopy, Mailbox
from posthouse.storage.sqlite.team_requests import PruneTeams
from posthouse.storage.team_rows import MENTION, Claimed, Mention, Note, NoteDraft, NoteLimits
from tests.storage.fixtures import ALL, deliver, deliver_one, make_account, message

LIMITS = NoteLimits(3, 4)


class Team:
    def __init__(self, store: Store, account: Account, inbox: Mailbox) -> None:
        self.store, self.account, self.inbox = store, account, inbox
        self.li = self.wang = self.reader = AccountId(0)
        self.thread = 0

    async def claim(self, user: AccountId, holder: AccountId, expected: int = 0) -> Claimed:
        keyword = f"$Claimed:{holder}" if holder else ""
        return await self.store.team.claim(
            self.account.id,
            self.thread,
            user=user,
            holder=holder,
            expected=AccountId(expected),
            keyword=keyword,
        )

    async def note(self, user: AccountId, text: str | None, *mentions: AccountId, number: int = 0) -> Note:
        draft = NoteDraft(self.thread, text, list(mentions), number)
        return await self.store.team.note(self.account.id, user, draft, LIMITS)

    async def holder(self) -> AccountId:
        _, found = await self.store.team.claims(self.account.id, [self.thread])
        return found[0].holder if found else AccountId(0)

    async def keywords(self, name: str = "INBOX") -> list[set[str]]:
        """Of each message of a mailbox."""
        box = await self.store.mailboxes.get(self.account.id, name)
        names = await self.store.messages.keywords(self.account.id)
        found = []
        async for rows in self.store.messages.fetch(self.account.id, box.id, ALL, ("flags",)):
            found += [{name for at, name in enumerate(names) if bits >> (8 + at) & 1} for (bits,) in rows]
        return found


@pytest.fixture
async def team(store: Store) -> Team:
    account = await make_account(store, "support", team=True)
    made = Team(store, account, await store.mailboxes.get(account.id, "INBOX"))
    for name, rights in (("li", EVERYTHING), ("wang", EVERYTHING), ("reader", LOOKUP | READ)):
        person = (await make_account(store, name, name=name.title())).id
        setattr(made, name, person)
        await store.acls.set(
            account.id,
            made.inbox.id.__class__(0),
            person,
            negative=False,
            change=("=", rights),
            entries_max=9,
        )
    placed = await deliver_one(store, message(1), LocalCopy(account.id, made.inbox.id))
    read = await store.emails.get(account.id, [placed[0].message], ("thread",))
    made.thread = read.rows[0][1]
    return made


async def test_of_two_at_the_same_moment_one_has_it_and_the_other_is_told_who(team: Team) -> None:
    both = await asyncio.gather(team.claim(team.li, team.li), team.claim(team.wang, team.wang))
    assert sorted(one.done for one in both) == [False, True]
    winner = next(one.claim for one in both if one.done)
    loser = next(one.claim for one in both if not one.done)
    assert winner is not None
    assert loser is not None
    assert winner.holder == loser.holder == await team.holder()
    assert loser.address.endswith("@example.test")


async def test_handed_over_taken_over_and_given_back(team: Team) -> None:
    assert (await team.claim(team.li, team.li)).done
    assert (await team.claim(team.li, team.li)).done  # asked again, as its answer was lost
    assert not (await team.claim(team.wang, team.wang)).done
    handed = await team.claim(team.li, team.wang, team.li)
    assert handed.claim is not None
    assert (handed.claim.holder, handed.claim.by) == (team.wang, team.li)
    assert not (await team.claim(team.li, AccountId(0), team.li)).done
    assert (await team.claim(team.li, team.li, team.wang)).done
    assert (await team.claim(team.li, AccountId(0), team.li)).done
    assert await team.holder() == 0
    _, _, changes = await team.store.team.claim_changes(team.account.id, 0)
    assert [(one.thread, one.holder) for one in changes] == [(team.thread, 0)]
    told = [one.facts for one in await team.store.audit.recent(9, team.account.id) if one.action == "claim"]
    assert [(one["before"], one["after"]) for one in told] == [
        ("", "li@example.test"),
        ("li@example.test", "wang@example.test"),
        ("wang@example.test", "li@example.test"),
        ("li@example.test", ""),
    ]
    assert await team.keywords() == [set()]


async def test_who_may_not_change_messages_has_no_conversation(team: Team) -> None:
    stranger = (await make_account(team.store, "stranger")).id
    for one in (team.reader, stranger, team.account.id):
        with pytest.raises(Forbidden):
            await team.claim(team.li, one)
    team.thread += 1000
    with pytest.raises(NotFound):
        await team.claim(team.li, team.li)


async def test_keywords_name_the_holder_and_stay_wherever_the_messages_go(team: Team) -> None:
    store, account = team.store, team.account.id
    await team.claim(team.li, team.li)
    mine = {"$Claimed", f"$Claimed:{team.li}"}
    assert await team.keywords() == [mine]
    answer = message(2, headers="In-Reply-To: <1@qq.test>\r\n")
    await deliver_one(store, answer, LocalCopy(account, team.inbox.id, keywords=["$Claimed:99"]))
    await deliver_one(store, message(3), LocalCopy(account, team.inbox.id, keywords=["$claimed", "other"]))
    assert await team.keywords() == [mine, mine, {"other"}]
    everything = await store.messages.keyword_bits(account, ["$claimed", f"$claimed:{team.li}", "more"])
    for acting in (store.messages, store.messages.acting(Actor(team.wang, EVERYTHING))):
        await acting.store_flags(account, team.inbox.id, ALL, remove=everything)
        await acting.store_flags(account, team.inbox.id, [(3, 3)], add=everything | FLAGGED)
        await acting.store_flags(account, team.inbox.id, [(1, 1)], replace=SEEN)
        assert await team.keywords() == [mine, mine, {"other", "more"}]
    _, places = await store.emails.places(account, [team.thread])
    letter = MessageId(places[0][1])
    await store.emails.change(account, [EmailChange(letter, replace=True)])
    archive, trash = [await store.mailboxes.get(account, name) for name in ("Archive", "Trash")]
    await store.messages.copy(account, team.inbox.id, [(1, 1)], account, trash.id)
    reading = store.messages.acting(Actor(team.li, LOOKUP | READ))
    await reading.copy(account, team.inbox.id, [(2, 2)], account, trash.id)
    await store.messages.copy(account, team.inbox.id, ALL, account, archive.id, move=True)
    assert await team.keywords("Archive") == [mine, mine, {"other", "more"}]
    assert await team.keywords("Trash") == [mine, mine]
    other = await store.mailboxes.get(team.wang, "INBOX")
    await store.messages.copy(account, archive.id, ALL, team.wang, other.id, move=True)
    assert [name for name in await store.messages.keywords(team.wang) if "laimed" in name] == []
    await team.claim(team.wang, team.wang, team.li)
    assert await team.keywords("Trash") == [{"$Claimed", f"$Claimed:{team.wang}"}] * 2


async def test_where_each_has_its_own_seen(team: Team) -> None:
    await team.store.acls.set_own_seen(team.account.id, team.inbox.id, on=True)
    li = team.store.messages.acting(Actor(team.li, EVERYTHING))
    await li.store_flags(team.account.id, team.inbox.id, ALL, add=SEEN)
    await team.claim(team.li, team.li)
    bits = await team.store.messages.keyword_bits(team.account.id, ["$claimed"])
    await li.store_flags(team.account.id, team.inbox.id, ALL, remove=bits)
    assert await team.keywords() == [{"$Claimed", f"$Claimed:{team.li}"}]


@pytest.mark.parametrize("how", ["rights", "denied", "account"])
async def test_who_leaves_has_nothing_any_more(team: Team, how: str) -> None:
    await team.claim(team.li, team.li)
    if how == "account":
        await team.store.directory.delete_account(team.li)
    else:
        await team.store.acls.set(
            team.account.id,
            team.inbox.id.__class__(0),
            team.li,
            negative=how == "denied",
            change=("=", LOOKUP | READ if how == "rights" else EVERYTHING & ~READ),
            entries_max=9,
        )
    assert await team.holder() == 0
    assert await team.keywords() == [set()]


async def test_keywords_of_others_are_labels_as_any(store: Store, account: Account, inbox: Mailbox) -> None:
    await deliver(store, inbox, message(1))
    bits = await store.messages.keyword_bits(account.id, ["$Claimed"])
    done = await store.messages.store_flags(account.id, inbox.id, ALL, add=bits)
    assert [row[1] for row in done.changed] == [bits]


# --- notes ---


async def test_notes_are_written_changed_and_removed_by_their_author(team: Team) -> None:
    first = await team.note(team.li, "一 @wang", team.wang, team.li, team.reader, AccountId(999))
    assert (first.author, first.name, first.mentions) == (team.li, "Li", [team.wang, team.li, team.reader])
    second = await team.note(team.wang, "two")
    for text in ("mine", None):
        with pytest.raises(Forbidden):
            await team.note(team.wang, text, number=first.id)
    changed = await team.note(team.li, "三", number=first.id)
    assert changed.edited_at > 0
    assert (changed.at, changed.thread) == (first.at, team.thread)
    await team.note(team.wang, None, number=second.id)
    with pytest.raises(NotFound):
        await team.note(team.wang, "again", number=second.id)
    _, found = await team.store.team.notes(team.account.id, threads=[team.thread])
    assert [one.text for one in found] == ["三"]
    assert found == (await team.store.team.notes(team.account.id, ids=[first.id, second.id]))[1]
    _, _, changes = await team.store.team.note_changes(team.account.id, first.modseq)
    assert [(one.id, one.text) for one in changes] == [(first.id, ""), (second.id, None)]
    _, _, [one] = await team.store.team.note_changes(team.account.id, first.modseq, 1)
    assert one.id == first.id
    assert await team.store.team.changed(team.account.id, first.modseq) == {"TeamNote"}


async def test_who_is_mentioned_is_told_once_and_not_what_was_written(team: Team) -> None:
    note = await team.note(team.li, "secret word", team.wang, team.li)
    await team.note(team.li, "secret word, changed", team.wang, team.reader, number=note.id)
    for person, count in ((team.wang, 1), (team.reader, 1), (team.li, 0)):
        _, rows = await team.store.objects.get(person, MENTION)
        assert len(rows) == count
        for row in rows:
            assert b"secret" not in (row.value or b"")
            value = decode(row.value or b"", type=Mention)
            assert (value.account, value.thread, value.note) == (team.account.id, team.thread, note.id)
            assert value.by_address == "li@example.test"


async def test_notes_are_bounded_and_go_with_their_conversation(team: Team) -> None:
    for n in range(LIMITS.thread_max):
        await team.note(team.li, f"{n}")
    with pytest.raises(OverQuota):
        await team.note(team.li, "one too many")
    await team.claim(team.li, team.li)
    prune = PruneTeams(100)
    submit = team.store._writer.submit  # type: ignore[attr-defined]
    assert await submit(prune) == 0
    await team.store.messages.expunge(team.account.id, team.inbox.id, only_deleted=False)
    with pytest.raises(NotFound):
        await team.note(team.li, "to nothing")
    assert await submit(prune) == LIMITS.thread_max
    assert (await team.store.team.notes(team.account.id))[1] == []
    assert (await team.store.team.claims(team.account.id))[1] == []
    # Told to clients that come back; and looked at once.
    _, history, changes = await team.store.team.note_changes(team.account.id, 0)
    assert (history, [one.text for one in changes]) == (0, [None] * LIMITS.thread_max)
    _, _, [claim] = await team.store.team.claim_changes(team.account.id, 0)
    assert claim.holder == 0
    assert await submit(prune) == 0


async def test_notes_of_who_is_gone_stay(team: Team) -> None:
    await team.note(team.li, "by li")
    await team.store.directory.delete_account(team.li)
    _, [note] = await team.store.team.notes(team.account.id)
    assert (note.address, note.name, note.text) == ("li@example.test", "Li", "by li")
    await team.store.directory.delete_account(team.account.id)
