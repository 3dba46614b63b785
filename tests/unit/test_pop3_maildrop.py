"""POP3 with an open maildrop: lists, marks, the lock, and what QUIT makes of the marks."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from posthouse.core.errors import Invalid, StorageFull
from posthouse.core.flags import SEEN
from posthouse.services.maildrop import KEPT_KEYWORD, parse_policy, uid_ranges
from posthouse.sessions.pop3 import Pop3Settings
from tests.unit.pop3_world import ZHANG, MemoryPeer, World, message

SIZE = len(message(1))


async def test_stat_list_uidl() -> None:
    client = await World(message(1), message(2), message(3)).connect().sign_in()
    assert await client.say(b"STAT\r\n") == b"+OK 3 %d\r\n" % (3 * SIZE)
    assert await client.say(b"LIST 2\r\n") == b"+OK 2 %d\r\n" % SIZE
    assert await client.say(b"LIST\r\n") == (
        b"+OK 3 message(s), %d octets\r\n1 %d\r\n2 %d\r\n3 %d\r\n.\r\n" % (3 * SIZE, SIZE, SIZE, SIZE)
    )
    assert (
        await client.say(b"UIDL\r\n")
        == b"+OK Unique-id listing follows\r\n1 71.1\r\n2 71.2\r\n3 71.3\r\n.\r\n"
    )
    assert await client.say(b"UIDL 3\r\n") == b"+OK 3 71.3\r\n"
    assert (await client.say(b"LIST 4\r\n")).startswith(b"-ERR No such message")


async def test_an_empty_maildrop() -> None:
    client = await World().connect().sign_in()
    assert await client.say(b"STAT\r\n") == b"+OK 0 0\r\n"
    assert await client.say(b"LIST\r\n") == b"+OK 0 message(s), 0 octets\r\n.\r\n"
    assert (await client.say(b"RETR 1\r\n")).startswith(b"-ERR No such message")


async def test_marked_messages_are_hidden_until_rset() -> None:
    client = await World(message(1), message(2)).connect().sign_in()
    assert await client.say(b"DELE 1\r\n") == b"+OK Message 1 will be deleted at QUIT\r\n"
    for verb in (b"DELE 1", b"RETR 1", b"LIST 1", b"UIDL 1", b"TOP 1 0"):
        assert (await client.say(verb + b"\r\n")).startswith(b"-ERR Message 1 is marked as deleted")
    assert await client.say(b"STAT\r\n") == b"+OK 1 %d\r\n" % SIZE
    assert b"\r\n1 " not in await client.say(b"LIST\r\n")
    assert b"\r\n1 " not in await client.say(b"UIDL\r\n")
    assert await client.say(b"RSET\r\n") == (
        b"+OK 2 message(s), %d octets; no deletions pending\r\n" % (2 * SIZE)
    )
    assert (await client.say(b"RETR 1\r\n")).startswith(b"+OK")


async def test_quit_deletes_in_one_call() -> None:
    world = World(*[message(n) for n in range(1, 8)])
    client = await world.connect().sign_in()
    await client.say(b"DELE 1\r\nDELE 2\r\nDELE 3\r\nDELE 6\r\n")
    assert len(world.inbox.rows) == 7
    world.store.calls.clear()
    assert await client.say(b"QUIT\r\n") == b"+OK 4 message(s) deleted, goodbye\r\n"
    assert world.store.calls == ["expunge"]
    assert list(world.inbox.rows) == [4, 5, 7]
    assert client.peer.closed
    assert world.store.locked == set()


async def test_unique_ids_stay_when_others_go() -> None:
    world = World(message(1), message(2), message(3))
    await (await world.connect().sign_in()).say(b"DELE 2\r\nQUIT\r\n")
    world.inbox.add(message(4))
    client = await world.connect().sign_in()
    assert (
        await client.say(b"UIDL\r\n")
        == b"+OK Unique-id listing follows\r\n1 71.1\r\n2 71.3\r\n3 71.4\r\n.\r\n"
    )


@pytest.mark.parametrize("end", ["lost", "timed out", "eof", "shutdown"])
async def test_without_quit_nothing_is_deleted(end: str) -> None:
    world = World(message(1))
    client = await world.connect().sign_in()
    await client.say(b"RETR 1\r\nDELE 1\r\n")
    if end == "timed out":
        client.session.timed_out()
        assert client.take() == b""  # RFC 1939 §3: closed without a word
    elif end == "eof":
        client.session.eof()
    elif end == "shutdown":
        client.session.shutdown()
        assert client.take().startswith(b"-ERR [SYS/TEMP] The server is restarting")
    assert client.peer.closed is (end != "lost")
    await client.drop()
    assert list(world.inbox.rows) == [1]
    assert world.inbox.rows[1].flags == 0
    assert world.store.locked == set()
    await world.connect().sign_in()


async def test_a_failed_quit_deletes_nothing_and_says_so() -> None:
    world = World(message(1))
    client = await world.connect().sign_in()
    await client.say(b"DELE 1\r\n")
    world.store.failure = StorageFull()
    answer = await client.say(b"QUIT\r\n")
    assert answer.startswith(b"-ERR [SYS/TEMP] The deletions could not be stored, nothing was deleted")
    assert client.peer.closed
    assert list(world.inbox.rows) == [1]
    assert world.store.locked == set()


async def test_the_maildrop_is_exclusive() -> None:
    world = World(message(1))
    first = await world.connect().sign_in()
    second = world.connect()
    answer = await second.say(b"USER zhang@qq.test\r\nPASS posthouse-demo\r\n")
    assert b"-ERR [IN-USE] The mailbox is open in another POP3 session" in answer
    await first.say(b"QUIT\r\n")
    await second.sign_in()


async def test_mail_that_arrives_meanwhile_is_for_the_next_session() -> None:
    world = World(message(1))
    client = await world.connect().sign_in()
    world.inbox.add(message(2))
    assert await client.say(b"STAT\r\n") == b"+OK 1 %d\r\n" % SIZE


async def test_read_messages_become_seen_at_quit() -> None:
    world = World(message(1), message(2), message(3), message(4))
    world.inbox.rows[4].flags = SEEN
    client = await world.connect().sign_in()
    await client.say(b"RETR 1\r\nTOP 2 0\r\nRETR 3\r\nDELE 3\r\nRETR 4\r\n")
    world.store.calls.clear()
    await client.say(b"QUIT\r\n")
    assert {uid: row.flags for uid, row in world.inbox.rows.items()} == {1: SEEN, 2: 0, 4: SEEN}
    assert world.store.calls == ["store_flags", "expunge"]


async def test_marking_as_seen_can_be_switched_off() -> None:
    world = World(message(1), settings=Pop3Settings(mark_seen=False))
    client = await world.connect().sign_in()
    await client.say(b"RETR 1\r\nQUIT\r\n")
    assert world.inbox.rows[1].flags == 0


@pytest.mark.parametrize("trash", [None, "trash", "unnamed"])
async def test_policy_trash(trash: str | None) -> None:
    world = World(message(1), message(2))
    world.accounts.account = replace(ZHANG, pop3_delete="trash")
    if trash:
        world.store.make("Trash" if trash == "unnamed" else "已删除", None if trash == "unnamed" else "trash")
    client = await world.connect().sign_in()
    assert (await client.say(b"DELE 2\r\nQUIT\r\n")).endswith(b"+OK 1 message(s) deleted, goodbye\r\n")
    assert list(world.inbox.rows) == [1]
    box = world.store.boxes["已删除" if trash == "trash" else "Trash"]
    assert [row.content for row in box.rows.values()] == [message(2)]


async def test_policy_keep_purges_only_what_pop3_deleted_long_ago() -> None:
    world = World(message(1), message(2))
    world.accounts.account = replace(ZHANG, pop3_delete="keep:7")
    trash = world.store.make("Trash", "trash")
    trash.add(message(9), savedate=1.0)  # thrown away by the user elsewhere
    await (await world.connect().sign_in()).say(b"DELE 1\r\nQUIT\r\n")
    assert world.store.words == [KEPT_KEYWORD]
    assert [row.content for row in trash.rows.values()] == [message(9), message(1)]
    world.clock.time += 6 * 86400
    await (await world.connect().sign_in()).say(b"DELE 1\r\nQUIT\r\n")
    assert [row.content for row in trash.rows.values()] == [message(9), message(1), message(2)]
    world.clock.time += 86400
    await (await world.connect().sign_in()).say(b"QUIT\r\n")
    assert [row.content for row in trash.rows.values()] == [message(9), message(2)]


async def test_quit_before_sign_in() -> None:
    client = World().connect(MemoryPeer(tls=False))
    assert await client.say(b"QUIT\r\nUSER a\r\n") == b"+OK Goodbye\r\n"
    assert client.peer.closed


async def test_long_listings_come_in_slices() -> None:
    world = World(*[b"x\r\n"] * 12_000)
    client = await world.connect().sign_in()
    client.peer.must_drain = True
    answer = await client.say(b"LIST\r\n")
    assert answer.count(b"\r\n") == 12_002
    assert answer.endswith(b"\r\n12000 3\r\n.\r\n")
    assert client.peer.writes >= 5
    assert client.peer.drains >= 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [("delete", ("delete", 0)), ("trash", ("trash", 0)), ("keep:30", ("keep", 30)), ("keep:0", ("keep", 0))],
)
def test_policies(text: str, expected: tuple[str, int]) -> None:
    assert parse_policy(text) == expected


@pytest.mark.parametrize("text", ["", "keep", "keep:", "keep:-1", "keep:x", "trash:3", "archive"])
def test_unknown_policies(text: str) -> None:
    with pytest.raises(Invalid):
        parse_policy(text)


@pytest.mark.parametrize(
    ("uids", "ranges"), [([], []), ([3], [(3, 3)]), ([1, 2, 3, 7, 9, 10], [(1, 3), (7, 7), (9, 10)])]
)
def test_uid_ranges(uids: list[int], ranges: list[tuple[int, int]]) -> None:
    assert uid_ranges(uids) == ranges


async def test_what_was_sent_before_the_end_of_input_is_still_done() -> None:
    world = World(message(1))
    client = world.connect()
    client.session.receive(b"USER zhang@qq.test\r\nPASS posthouse-demo\r\nDELE 1\r\nQUIT\r\n")
    client.session.eof()
    assert (await client.say(b"")).endswith(b"+OK 1 message(s) deleted, goodbye\r\n")
    assert client.peer.closed
    assert world.inbox.rows == {}
