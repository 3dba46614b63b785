"""NOTIFY (RFC 5465): what one session is told of the doings of others, between its commands and while it idles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.errors import Unavailable
from posthouse.sessions.imap import ImapLimits
from posthouse.storage.rows import Mailbox
from tests.unit.imap_world import Client, World, imap_world

MESSAGES = "MessageNew MessageExpunge"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        yield world


async def unasked(client: Client, *, lines: int) -> list[str]:
    """What comes without a command, and that nothing more does."""
    out: list[str] = []
    async with asyncio.timeout(5):
        while len(out) < lines:
            await asyncio.sleep(0.001)
            out += client.take().decode().splitlines()
    assert await quiet(client) == []
    return out


async def quiet(client: Client) -> list[str]:
    for _ in range(20):
        await asyncio.sleep(0)
    return (await client.settle()).decode().splitlines()


async def notify(client: Client, text: str) -> list[str]:
    lines = await client.run(f"NOTIFY SET {text}")
    assert lines.pop() == "t OK NOTIFY completed"
    return lines


async def mailbox(world: World, name: str) -> Mailbox:
    return await world.store.mailboxes.get(world.account.id, name)


# --- the selected mailbox ---


async def test_new_messages_come_with_what_is_wanted_of_them(world: World) -> None:
    await world.letters(1)
    client = await world.login("INBOX")
    await notify(client, "(selected (MessageNew (uid body.peek[header.fields (subject)]) MessageExpunge))")
    await world.put(b"Subject: one\r\n\r\nx", b"Subject: two\r\n\r\ny")
    said = await unasked(client, lines=10)
    assert said == [
        "* 3 EXISTS",
        "* 3 RECENT",
        "* 2 FETCH (UID 2 BODY[HEADER.FIELDS (subject)] {16}",
        "Subject: one",
        "",
        ")",
        "* 3 FETCH (UID 3 BODY[HEADER.FIELDS (subject)] {16}",
        "Subject: two",
        "",
        ")",
    ]
    # its own messages are not fetched
    assert (await client.append("INBOX", b"Subject: own\r\n\r\nz"))[:2] == ["* 4 EXISTS", "* 4 RECENT"]
    assert await quiet(client) == []


async def test_expunges_come_at_once_or_are_delayed(world: World) -> None:
    await world.letters(4)
    other, now, later = [await world.login("INBOX") for _ in range(3)]
    await notify(now, f"(selected ({MESSAGES}))")
    await notify(later, f"(selected-delayed ({MESSAGES}))")
    await other.run("UID MOVE 2 Trash")
    assert await unasked(now, lines=1) == ["* 2 EXPUNGE"]
    assert await quiet(later) == []
    assert await later.run("SEARCH ALL") == ["* SEARCH 1 2 3 4", "t OK SEARCH completed"]
    assert await later.run("NOOP") == ["* 2 EXPUNGE", "t OK NOOP completed"]
    # RFC 5465 §6.1.2: IDLE lets them out too
    await other.run("UID MOVE 1 Trash")
    assert await unasked(now, lines=1) == ["* 1 EXPUNGE"]
    await later.send(b"i IDLE\r\n")
    await later.settle()
    await other.run("UID MOVE 3 Trash")
    assert await unasked(later, lines=1) == ["* 1 EXPUNGE"]
    assert await later.send(b"DONE\r\n") == b"i OK IDLE completed\r\n"


async def test_vanished_after_qresync(world: World) -> None:
    await world.letters(3)
    client, other = await world.login(), await world.login("INBOX")
    await client.run("ENABLE QRESYNC")
    await client.run("SELECT INBOX")
    await notify(client, f"(selected ({MESSAGES} FlagChange))")
    await other.run("UID MOVE 2 Trash")
    assert await unasked(client, lines=1) == ["* VANISHED 2"]
    await other.run("STORE 1 +FLAGS.SILENT (\\Seen)")
    [line] = await unasked(client, lines=1)
    assert line.startswith("* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (")


async def test_flags_are_told_only_when_wanted(world: World) -> None:
    await world.letters(1)
    client, other = await world.login("INBOX"), await world.login("INBOX")
    await notify(client, f"(selected ({MESSAGES}))")
    await other.run("STORE 1 +FLAGS.SILENT (\\Seen)")
    assert await quiet(client) == []
    assert await client.run("NOOP") == ["t OK NOOP completed"]
    # RFC 5465 §3.1: SET tells what was kept back
    assert await notify(client, f"(selected ({MESSAGES} FlagChange))") == [
        "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))"
    ]
    await other.run("STORE 1 +FLAGS.SILENT (\\Flagged)")
    assert await unasked(client, lines=1) == ["* 1 FETCH (UID 1 FLAGS (\\Flagged \\Seen \\Recent))"]


async def test_none_is_silent_but_for_what_the_client_removes(world: World) -> None:
    await world.letters(2)
    client, other = await world.login("INBOX"), await world.login("INBOX")
    await client.run("NOTIFY NONE")
    await world.letters(1)
    await other.run("STORE 1 +FLAGS.SILENT (\\Seen)")
    await client.send(b"i IDLE\r\n")
    assert await quiet(client) == []
    assert await client.send(b"DONE\r\n") == b"i OK IDLE completed\r\n"
    assert await client.run("NOOP") == ["t OK NOOP completed"]
    assert await client.run("STORE 2 +FLAGS (\\Deleted)") == [
        "* 2 FETCH (FLAGS (\\Deleted \\Recent))",
        "t OK STORE completed",
    ]
    assert await client.run("EXPUNGE") == [
        "* 2 EXPUNGE",
        "* 2 EXISTS",
        "* 2 RECENT",
        "t OK EXPUNGE completed",
    ]
    await world.letters(1)
    said = await notify(client, f"(selected ({MESSAGES} FlagChange))")
    # the flags of 2, which arrived unseen meanwhile, come along
    assert said == [
        "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))",
        "* 2 FETCH (UID 3 FLAGS (\\Recent))",
        "* 3 EXISTS",
        "* 3 RECENT",
    ]


async def test_the_selector_follows_the_selection(world: World) -> None:
    client, other = await world.login("INBOX"), await world.login("INBOX")
    await notify(client, f"(selected ({MESSAGES})) (personal ({MESSAGES}))")
    await world.letters(1)
    assert await unasked(client, lines=2) == ["* 1 EXISTS", "* 1 RECENT"]
    assert (await client.run("SELECT Trash"))[-1].startswith("t OK")
    assert await quiet(client) == []
    row = await mailbox(world, "INBOX")
    await world.letters(1)
    assert await unasked(client, lines=1) == [
        f"* STATUS INBOX (UIDVALIDITY {row.uidvalidity} UIDNEXT 3 MESSAGES 2)"
    ]
    await other.run("NOOP")
    await other.run("UID COPY 1 Trash")
    assert await unasked(client, lines=2) == ["* 1 EXISTS", "* 1 RECENT"]
    await client.run("UNSELECT")
    await other.run("UID COPY 1 Trash")
    assert len(await unasked(client, lines=1)) == 1


async def test_the_selected_mailbox_is_deleted(world: World) -> None:
    other = await world.login()
    await other.run("CREATE a")
    client = await world.login("a")
    await notify(client, f"(selected ({MESSAGES}))")
    await other.run("DELETE a")
    [line] = await unasked(client, lines=1)
    assert line.startswith("* BYE The mailbox was deleted")
    assert client.peer.closed


# --- other mailboxes ---


async def test_status_of_others(world: World) -> None:
    await world.letters(1)
    client, other = await world.login(), await world.login("INBOX")
    await notify(client, f"(inboxes ({MESSAGES} FlagChange)) (mailboxes Trash ({MESSAGES}))")
    inbox, trash = await mailbox(world, "INBOX"), await mailbox(world, "Trash")
    await world.letters(1)
    assert await unasked(client, lines=1) == [
        f"* STATUS INBOX (UIDVALIDITY {inbox.uidvalidity} UIDNEXT 3 MESSAGES 2 UNSEEN 2)"
    ]
    # RFC 5465 §5.1: without CONDSTORE only what changes UNSEEN is told
    await other.run("STORE 1 +FLAGS.SILENT (\\Flagged)")
    assert await quiet(client) == []
    await other.run("STORE 1 +FLAGS.SILENT (\\Seen)")
    assert await unasked(client, lines=1) == [f"* STATUS INBOX (UIDVALIDITY {inbox.uidvalidity} UNSEEN 1)"]
    await client.run("ENABLE CONDSTORE")
    await other.run("STORE 1 -FLAGS.SILENT (\\Flagged)")
    inbox = await mailbox(world, "INBOX")
    assert await unasked(client, lines=1) == [
        f"* STATUS INBOX (UIDVALIDITY {inbox.uidvalidity} UNSEEN 1 HIGHESTMODSEQ {inbox.modseq})"
    ]
    await other.run("UID MOVE 1 Trash")
    said = await unasked(client, lines=2)
    assert f"* STATUS Trash (UIDVALIDITY {trash.uidvalidity} UIDNEXT 2 MESSAGES 1 HIGHESTMODSEQ" in said[1]
    assert said[0].startswith(
        f"* STATUS INBOX (UIDVALIDITY {inbox.uidvalidity} UIDNEXT 3 MESSAGES 1 UNSEEN 1"
    )


async def test_its_own_messages_are_not_told_but_those_of_others_are(world: World) -> None:
    await world.letters(2)
    client = await world.login("INBOX")
    await notify(client, f"(personal ({MESSAGES}))")
    assert (await client.append("Trash", b"Subject: x\r\n\r\ny"))[0].startswith("t OK")
    assert (await client.run("UID COPY 1:2 Trash"))[0].startswith("t OK")
    assert await quiet(client) == []
    trash = await mailbox(world, "Trash")
    await world.put(b"a: b\r\n\r\n", name="Trash")
    assert await unasked(client, lines=1) == [
        f"* STATUS Trash (UIDVALIDITY {trash.uidvalidity} UIDNEXT 5 MESSAGES 4)"
    ]


async def test_events_wait_for_the_end_of_a_command_that_comes_in_pieces(world: World) -> None:
    client = await world.login()
    await notify(client, f"(personal ({MESSAGES}))")
    assert await client.send(b"a APPEND Trash {16}\r\n") == b"+ OK\r\n"
    await world.letters(1)
    assert await quiet(client) == []
    said = (await client.send(b"Subject: x\r\n\r\ny\n\r\n")).decode().splitlines()
    assert said[0].startswith("* STATUS INBOX ")
    assert said[1].startswith("a OK [APPENDUID")


async def test_set_replaces_and_none_ends(world: World) -> None:
    client = await world.login()
    await notify(client, f"(inboxes ({MESSAGES}))")
    await notify(client, f"(mailboxes Trash ({MESSAGES}))")
    await world.letters(1)
    assert await quiet(client) == []
    await world.letters(1, "Trash")
    assert len(await unasked(client, lines=1)) == 1
    await client.run("NOTIFY NONE")
    await world.letters(1, "Trash")
    assert await quiet(client) == []
    assert world.hub._watchers == {}


# --- the list of mailboxes ---


async def test_names(world: World) -> None:
    client, other = await world.login(), await world.login()
    await notify(client, "(personal (MailboxName))")
    await other.run("CREATE Made")
    assert await unasked(client, lines=1) == ['* LIST (\\HasNoChildren) "/" Made']
    # RFC 5465 §5.4: the parent is affected too
    await other.run("CREATE Made/Below")
    assert await unasked(client, lines=2) == [
        '* LIST (\\HasNoChildren) "/" Made/Below',
        '* LIST (\\HasChildren) "/" Made',
    ]
    await other.run("RENAME Made Other")
    assert await unasked(client, lines=1) == ['* LIST (\\HasChildren) "/" Other ("OLDNAME" ("Made"))']
    await other.run("DELETE Other/Below")
    assert await unasked(client, lines=2) == [
        '* LIST (\\NonExistent \\HasNoChildren) "/" Other/Below',
        '* LIST (\\HasNoChildren) "/" Other',
    ]
    await client.run("CREATE Mine/Below")
    await client.run("RENAME Mine Yours")
    await client.run("DELETE Yours/Below")
    await client.run("SUBSCRIBE Yours")
    assert await quiet(client) == []


async def test_names_of_a_subtree(world: World) -> None:
    client, other = await world.login(), await world.login()
    await other.run("CREATE Lists")
    await other.run("CREATE Foo")
    await notify(client, f"(subtree Lists (MailboxName {MESSAGES}))")
    await other.run("CREATE Bar")
    assert await quiet(client) == []
    await other.run("RENAME Foo Lists/Foo")
    assert await unasked(client, lines=1) == ['* LIST (\\HasNoChildren) "/" Lists/Foo ("OLDNAME" ("Foo"))']
    await world.letters(1, "Lists/Foo")
    [line] = await unasked(client, lines=1)
    assert line.startswith("* STATUS Lists/Foo (UIDVALIDITY ")


async def test_subscriptions(world: World) -> None:
    client, other = await world.login(), await world.login()
    await other.run("CREATE Made")
    await notify(client, f"(subscribed ({MESSAGES})) (personal (SubscriptionChange))")
    await world.letters(1, "Made")
    assert await quiet(client) == []
    await other.run("SUBSCRIBE Made")
    assert await unasked(client, lines=1) == ['* LIST (\\HasNoChildren \\Subscribed) "/" Made']
    # RFC 5465 §6.4: the set is worked out again
    await world.letters(1, "Made")
    assert len(await unasked(client, lines=1)) == 1
    await other.run("UNSUBSCRIBE Made")
    assert await unasked(client, lines=1) == ['* LIST (\\HasNoChildren) "/" Made']
    await world.letters(1, "Made")
    assert await quiet(client) == []


async def test_a_mailbox_made_later_is_watched(world: World) -> None:
    client, other = await world.login(), await world.login()
    await notify(client, f"(subtree Lists ({MESSAGES} FlagChange))")
    await other.run("CREATE Lists")
    row = await mailbox(world, "Lists")
    # RFC 5465 §5.1: UIDVALIDITY
    assert await unasked(client, lines=1) == [
        f"* STATUS Lists (UIDVALIDITY {row.uidvalidity} UIDNEXT 1 MESSAGES 0 UNSEEN 0)"
    ]
    await world.letters(1, "Lists")
    assert await unasked(client, lines=1) == [
        f"* STATUS Lists (UIDVALIDITY {row.uidvalidity} UIDNEXT 2 MESSAGES 1 UNSEEN 1)"
    ]


# --- annotations ---


async def test_annotations(world: World) -> None:
    both, server, other = [await world.login() for _ in range(3)]
    await notify(both, "(personal (MailboxMetadataChange ServerMetadataChange))")
    await notify(server, "(personal (ServerMetadataChange))")
    await other.run('SETMETADATA INBOX (/private/comment "x")')
    assert await unasked(both, lines=1) == ["* METADATA INBOX /private/comment"]
    assert await quiet(server) == []
    await other.run('SETMETADATA "" (/private/comment "x")')
    assert await unasked(both, lines=1) == ['* METADATA "" /private/comment']
    assert await unasked(server, lines=1) == ['* METADATA "" /private/comment']
    await both.run('SETMETADATA "" (/private/comment "y")')
    assert await quiet(both) == []
    await both.run("NOTIFY NONE")
    await other.run('SETMETADATA "" (/private/comment NIL)')
    assert await both.run("NOOP") == ["t OK NOOP completed"]


# --- limits and trouble ---


async def test_overflow(tmp_path: Path) -> None:
    async with imap_world(tmp_path, ImapLimits(notify_mailboxes_max=6)) as world:
        client, other = await world.login("INBOX"), await world.login()
        rows = await world.store.mailboxes.list(world.account.id)
        for number in range(6 - len(rows)):
            await other.run(f"CREATE m{number}")
        await notify(client, f"(selected ({MESSAGES})) (personal ({MESSAGES}))")
        await other.run("CREATE more")
        [line] = await unasked(client, lines=1)
        assert line.startswith("* OK [NOTIFICATIONOVERFLOW] ")
        # RFC 5465 §5.8: as after NOTIFY NONE
        await world.letters(1)
        await world.letters(1, "Trash")
        assert await quiet(client) == []
        assert (await client.run(f"NOTIFY SET (personal ({MESSAGES}))"))[-1].startswith(
            "t NO [NOTIFICATIONOVERFLOW] "
        )
        assert await notify(client, f"(inboxes ({MESSAGES}))") == ["* 1 EXISTS", "* 1 RECENT"]


async def test_a_client_that_does_not_read_is_told_the_sum_later(world: World) -> None:
    client = await world.login()
    await notify(client, f"(inboxes ({MESSAGES}))")
    gate = asyncio.Event()

    async def drain() -> None:
        await gate.wait()
        client.peer.must_drain = False

    client.peer.must_drain, client.peer.drain = True, drain  # type: ignore[method-assign]
    for _ in range(5):
        await world.letters(1)
    assert client.take() == b""
    gate.set()
    [line] = await unasked(client, lines=1)
    assert line.endswith("UIDNEXT 6 MESSAGES 5)")


async def test_a_storage_that_is_away_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await world.login()
    await notify(client, f"(inboxes ({MESSAGES}))")

    async def away(*_: object) -> Mailbox:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(world.store.mailboxes, "by_id", away)
        await world.letters(1)
        assert await quiet(client) == []
    await world.letters(1)
    [line] = await unasked(client, lines=1)
    assert line.endswith("UIDNEXT 3 MESSAGES 2)")


async def test_a_lost_hint_is_made_up_for_by_noop(world: World) -> None:
    client = await world.login("INBOX")
    await notify(client, f"(selected ({MESSAGES})) (personal ({MESSAGES}))")
    world.hub.close()
    await world.letters(1)
    await world.letters(1, "Trash")
    said = await client.run("NOOP")
    assert said[:2] == ["* 1 EXISTS", "* 1 RECENT"]
    assert said[2].startswith("* STATUS Trash ")


async def test_logging_out_of_the_account_ends_it(world: World) -> None:
    client = await world.login("INBOX")
    await notify(client, f"(selected ({MESSAGES})) (personal ({MESSAGES}))")
    assert (await client.run("UNAUTHENTICATE"))[-1].startswith("t OK")
    assert client.session.notify is None
    assert world.hub._watchers == {}
    await world.letters(1)
    assert await quiet(client) == []


async def test_what_the_client_adds_itself_is_there(world: World) -> None:
    client = await world.login("INBOX")
    await client.run("NOTIFY NONE")
    said = await client.append("INBOX", b"Subject: own\r\n\r\nz")
    assert said[:2] == ["* 1 EXISTS", "* 1 RECENT"]
    assert (await client.run("UID FETCH 1 UID"))[0] == "* 1 FETCH (UID 1)"


async def test_replacing_counts_for_the_mailbox_it_is_put_into(world: World) -> None:
    await world.letters(1)
    client = await world.login("INBOX")
    await notify(client, f"(personal ({MESSAGES}))")
    said = await client.run(b"UID REPLACE 1 Trash {17+}\r\nSubject: x\r\n\r\ny\r\n")
    assert [line for line in said if "EXPUNGE" in line or "STATUS" in line] == ["* 1 EXPUNGE"]
    assert await quiet(client) == []


async def test_idle_tells_of_other_mailboxes_too(world: World) -> None:
    client, other = await world.login("INBOX"), await world.login()
    await notify(client, f"(mailboxes Trash ({MESSAGES})) (personal (MailboxName))")
    await client.send(b"i IDLE\r\n")
    await client.settle()
    await world.letters(1, "Trash")
    assert (await unasked(client, lines=1))[0].startswith("* STATUS Trash ")
    await other.run("CREATE Made")
    assert await unasked(client, lines=1) == ['* LIST (\\HasNoChildren) "/" Made']
    # RFC 5465 §4: nothing of the selected mailbox, as it was not asked for
    await world.letters(1)
    assert await quiet(client) == []
    assert await client.send(b"DONE\r\n") == b"i OK IDLE completed\r\n"


async def test_uidonly(world: World) -> None:
    await world.letters(2)
    client, other = await world.login(), await world.login("INBOX")
    await client.run("ENABLE UIDONLY")
    await client.run("SELECT INBOX")
    await notify(client, "(selected (MessageNew (UID FLAGS) MessageExpunge FlagChange))")
    await other.run("UID MOVE 1 Trash")
    assert await unasked(client, lines=1) == ["* VANISHED 1"]
    await world.letters(1)
    assert "* 3 UIDFETCH (FLAGS (\\Recent))" in await unasked(client, lines=3)
    await other.run("UID STORE 2 +FLAGS.SILENT (\\Seen)")
    assert (await unasked(client, lines=1))[0].startswith("* 2 UIDFETCH (FLAGS (\\Seen")
