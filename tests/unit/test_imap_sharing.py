"""A mailbox that several users have open: what one does the others hear of, and rights that change meanwhile."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.flags import DELETED
from tests.storage.fixtures import make_account
from tests.unit.imap_world import Client, World, imap_world
from tests.unit.test_imap_rights import LI, outcome, share, wang

BOX = f'"{LI}/Archive"'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as made:
        await make_account(made.store, "wang")
        await make_account(made.store, "zhao")
        yield made


async def heard(client: Client, wanted: bytes) -> bytes:
    """What is said unasked, up to something that is wanted."""
    said = b""
    for _ in range(2000):
        said += await client.settle()
        if wanted in said:
            return said
        await asyncio.sleep(0.001)  # the hint comes over a socket
    raise AssertionError(f"{said!r} lacks {wanted!r}")


async def idle(client: Client) -> None:
    assert (await client.send(b"i1 IDLE\r\n")).startswith(b"+ ")


async def test_each_hears_of_the_others_while_idle(world: World) -> None:
    await share(world, "lrswite", to="wang@example.test")
    await share(world, "lr", to="zhao@example.test")
    owner = await world.login("Archive")
    one = await wang(world, BOX)
    two = await world.login(BOX, address="zhao@example.test")
    for client in (owner, two):
        await idle(client)
    await one.append(BOX, b"a: b\r\n\r\n")
    for client in (owner, two):
        await heard(client, b"* 1 EXISTS\r\n")
    await one.run("STORE 1 +FLAGS (\\Flagged mine)")
    for client in (owner, two):
        assert b"FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft mine)" in await heard(client, b"FETCH")
    await one.run("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await one.run("EXPUNGE")
    for client in (owner, two):
        await heard(client, b"* 1 EXPUNGE\r\n")


async def test_the_owners_keywords_are_registered_with_the_owner(world: World) -> None:
    await share(world, "lrw")
    await world.letters(1, "Archive")
    client = await wang(world, BOX)
    await client.run("STORE 1 +FLAGS (project)")
    assert await world.store.messages.keywords(world.account.id) == ("project",)
    found = await client.run("SEARCH KEYWORD project")
    assert found[0] == "* SEARCH 1"
    found = await client.run(f"ESEARCH IN (MAILBOXES {BOX}) KEYWORD project")
    assert found[0].endswith("UID ALL 1")


@pytest.mark.parametrize(
    "how", ["SETACL Archive wang@example.test -r", "DELETEACL Archive wang@example.test"]
)
async def test_who_may_read_no_more_hears_it_while_idle(how: str, world: World) -> None:
    await share(world, "lrs")
    owner = await world.login()
    client = await wang(world, BOX)
    await idle(client)
    await owner.run(how)
    said = await heard(client, b"* BYE You may no longer read this mailbox")
    assert said.count(b"\r\n") == 1
    assert client.peer.closed


async def test_who_may_read_no_more_gets_nothing_from_the_next_command(world: World) -> None:
    await world.letters(1, "Archive")
    await share(world, "lrs")
    for command in ("FETCH 1 BODY[]", "SEARCH ALL", "NOOP", "COPY 1 INBOX", "STORE 1 +FLAGS (\\Seen)", "IDLE",
                    "UID REPLACE 1 INBOX {3+}\r\na:b", 'APPEND INBOX CATENATE (URL "/;UID=1")', "CLOSE"):  # fmt: skip
        client = await wang(world, BOX)
        await share(world, "l")
        assert await client.run(command) == [
            "* BYE You may no longer read this mailbox; connect again and select another"
        ], command
        assert client.peer.closed
        await share(world, "lrs")
    owner = await world.login("Archive")
    assert (await owner.run("FETCH 1 (FLAGS)"))[0] == "* 1 FETCH (FLAGS ())"


async def test_other_changes_of_rights_are_told(world: World) -> None:
    await world.letters(1, "Archive", flags=DELETED)
    await share(world, "lrs")
    client = await wang(world, BOX)
    await idle(client)
    await share(world, "lrst")
    said = await heard(client, b"PERMANENTFLAGS")
    assert b"[PERMANENTFLAGS (\\Deleted \\Seen)]" in said
    await client.send(b"DONE\r\n")
    await share(world, "lr")
    said = await client.run("STORE 1 +FLAGS (\\Seen)")
    assert any("[PERMANENTFLAGS ()]" in line for line in said)
    assert outcome(said) == "NOPERM"
    await share(world, "lrte")
    assert outcome(await client.run("EXPUNGE")) == "OK"


async def test_what_the_owner_deletes_is_gone_for_others(world: World) -> None:
    await share(world, "lr")
    owner = await world.login()
    client = await wang(world, BOX)
    await idle(client)
    await owner.run("DELETE Archive")
    assert b"* BYE The mailbox was deleted" in await heard(client, b"* BYE ")


async def test_an_account_that_is_deleted_lets_go_of_what_it_shared(world: World) -> None:
    zhao = await world.login(address="zhao@example.test")
    await zhao.run("SETACL INBOX wang@example.test lr")
    client = await wang(world, '"Other Users/zhao@example.test/INBOX"')
    await idle(client)
    await world.store.directory.delete_account(zhao.session.account_id)
    await heard(client, b"* BYE")
    client = await wang(world)
    assert await client.run('LIST "" "Other Users/*"') == ["t OK LIST completed"]


# --- NOTIFY ---


async def test_notify_of_a_shared_mailbox(world: World) -> None:
    await share(world, "lri")
    client = await wang(world)
    said = await client.run(f"NOTIFY SET STATUS (MAILBOXES {BOX} (MessageNew MessageExpunge))")
    assert said[0].startswith(f"* STATUS {BOX} (UIDVALIDITY ")
    await world.letters(2, "Archive")
    assert f"* STATUS {BOX}".encode() in await heard(client, b"MESSAGES 2")
    await share(world, "l")
    await world.letters(1, "Archive")
    assert await client.run("NOOP") == ["t OK NOOP completed"]
    # RFC 5465 §5.9: when it may be read again, it is watched again.
    await share(world, "lr")
    await client.settle()
    await world.letters(1, "Archive")
    assert f"* STATUS {BOX}".encode() in await heard(client, b"MESSAGES 4")


async def test_notify_tells_what_may_not_be_read(world: World) -> None:
    client = await wang(world)
    command = f"NOTIFY SET (MAILBOXES {BOX} (MessageNew MessageExpunge))"
    assert await client.run(command) == ["t OK NOTIFY completed"]
    await share(world, "r")  # not to be looked up: not a word
    assert await client.run(command) == ["t OK NOTIFY completed"]
    await share(world, "l")
    assert (await client.run(command))[0] == f'* LIST (\\NoAccess) "/" {BOX}'


async def test_notify_tells_of_mailboxes_that_are_granted_and_revoked(world: World) -> None:
    client = await wang(world)
    await client.run('NOTIFY SET (SUBTREE "Other Users" (MailboxName))')
    await share(world, "r")
    assert await client.run("NOOP") == ["t OK NOOP completed"]
    await share(world, "lr")
    said = await heard(client, b"Archive")
    assert f'* LIST (\\HasNoChildren) "/" {BOX}\r\n'.encode() in said
    await share(world, "r")
    assert b"\\NonExistent" in await heard(client, b"Archive")


async def test_personal_is_not_what_others_share(world: World) -> None:
    await share(world, "lr")
    client = await wang(world)
    assert len(await client.run("NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge))")) == 7
    await world.letters(1, "Archive")
    assert await client.run("NOOP") == ["t OK NOOP completed"]


async def test_notify_of_the_selected_mailbox_of_somebody_else(world: World) -> None:
    await share(world, "lr")
    client = await wang(world, BOX)
    await client.run("NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge))")
    await world.letters(1, "Archive")
    assert b"* BYE" not in await heard(client, b"* 1 EXISTS")
    await share(world, "l")
    assert b"* BYE You may no longer read" in await heard(client, b"* BYE ")


# --- what it costs ---


def statements(world: World) -> list[str]:
    """The statements that the process's reader runs from now on."""
    seen: list[str] = []

    def trace(_cursor: object, sql: str, _bindings: object) -> bool:
        seen.append(sql)
        return True

    world.store._reader.connection.exec_trace = trace  # type: ignore[attr-defined]
    return seen


async def test_ones_own_mailboxes_cost_no_look_at_rights(world: World) -> None:
    await world.letters(3)
    client = await world.login()
    seen = statements(world)
    for command in (
        "SELECT INBOX", "FETCH 1:* (FLAGS)", "FETCH 1 BODY[]", "STORE 1:2 +FLAGS (\\Flagged)", "SEARCH UNSEEN",
        "COPY 1 Archive", "MOVE 2 Archive", "STATUS Archive (UNSEEN)", "NOOP", "EXPUNGE", "MYRIGHTS INBOX",
        'LIST "" "Arch%"', 'LSUB "" *', "APPEND INBOX {3+}\r\na:b", "CREATE New", "RENAME New Newer", "DELETE Newer",
    ):  # fmt: skip
        assert (await client.run(command))[-1].startswith("t OK"), command
    assert not [sql for sql in seen if re.search("FROM (acl|seen|reader) ", sql)]
    # Names of others are looked for once, whoever may have shared something.
    seen.clear()
    await client.run('LIST "" *')
    assert len([sql for sql in seen if " acl " in sql]) == 1


async def test_a_command_in_a_shared_mailbox_reads_the_rights_twice(world: World) -> None:
    await world.letters(3, "Archive")
    await share(world, "lrswite")
    client = await wang(world, BOX)
    seen = statements(world)
    for command in ("FETCH 1:* (FLAGS)", "STORE 1 +FLAGS (\\Flagged)", "NOOP", "SEARCH FLAGGED"):
        seen.clear()
        await client.run(command)
        # Before it runs, and before what others did is announced (which SEARCH does twice).
        assert len([sql for sql in seen if " acl " in sql]) <= 3, command
        assert len(seen) <= 18, (command, seen)


async def test_what_everybody_may_is_told_to_those_who_watch_it(world: World) -> None:
    client = await wang(world)
    await client.run('NOTIFY SET (SUBTREE "Other Users" (MailboxName))')
    other = await world.login("INBOX")
    await idle(other)
    seen = statements(world)
    await share(world, "lr", to="anyone")
    assert b"Archive" in await heard(client, b"Archive")
    # Nobody else has to look at anything for it.
    assert await other.settle() == b""
    assert not [sql for sql in seen if "uidvalidity" in sql and "m.id = ?" in sql]


async def test_shared_annotations_are_told_of_to_who_shares_the_mailbox(world: World) -> None:
    """RFC 5464 §4.4.2, of mailboxes of others; what somebody noted for themselves is told to nobody."""
    await share(world, "lrsw")
    owner, friend = await world.login(), await wang(world)
    assert (await friend.run("ENABLE METADATA"))[-1].startswith("t OK")
    await owner.run('SETMETADATA Archive (/shared/comment "1" /private/comment "2")')
    await owner.run('SETMETADATA "" (/private/x "1")')
    await owner.run('SETMETADATA Drafts (/shared/comment "1")')
    told = [line for line in await friend.run("NOOP") if line.startswith("* METADATA")]
    assert told == [f"* METADATA {BOX} /shared/comment"]
    assert await friend.run("NOOP") == ["t OK NOOP completed"]
    # Its own changes are told to the others and not to itself.
    assert await friend.run(f'SETMETADATA {BOX} (/shared/comment "3")') == ["t OK SETMETADATA completed"]
    assert await friend.run("NOOP") == ["t OK NOOP completed"]


async def highest(client: Client) -> int:
    said = await client.run(f"STATUS {BOX} (HIGHESTMODSEQ)")
    [line] = [line for line in said if line.startswith("* STATUS")]
    return int(line.split()[-1].rstrip(")"))


async def test_a_private_annotation_moves_the_mailbox_for_who_made_it_alone(world: World) -> None:
    """RFC 7162 §3.2."""
    for name in ("wang", "zhao"):
        await share(world, "lrswi", to=f"{name}@example.test")
    one, two = await wang(world), await world.login(BOX, address="zhao@example.test")
    await one.append(BOX, b"a: b\r\n\r\n")
    await two.run("NOOP")
    before = await highest(one)
    await idle(two)
    assert (await one.run(f'SETMETADATA {BOX} (/private/comment "x")'))[-1] == "t OK SETMETADATA completed"
    moved = await highest(one)
    assert moved > before
    assert f"* OK [HIGHESTMODSEQ {moved}] Highest modification sequence" in await one.run(f"SELECT {BOX}")
    assert f"UIDNEXT 2 MESSAGES 1 UNSEEN 1 HIGHESTMODSEQ {moved})" in " ".join(
        await (await wang(world)).run(
            f"NOTIFY SET STATUS (MAILBOXES {BOX} (MessageNew MessageExpunge FlagChange))"
        )
    )
    assert await two.settle() == b""
    assert (await two.send(b"DONE\r\n")).endswith(b"OK IDLE completed\r\n")
    assert await highest(two) == before
    # Whatever comes later is above, so nobody misses it.
    await two.run("STORE 1 +FLAGS (\\Flagged)")
    later = await highest(two)
    assert later > moved
    assert await highest(one) == later
    assert "MODSEQ" in " ".join(await one.run(f"FETCH 1 FLAGS (CHANGEDSINCE {moved})"))
    # Taken away again it moves too, and stays there when many others are forgotten.
    await one.run(f"SETMETADATA {BOX} (/private/comment NIL)")
    last = await highest(one)
    assert last > later
    for start in range(0, 120, 40):
        names = " ".join(f"/private/{n} NIL" for n in range(start, start + 40))
        assert (await one.run(f"SETMETADATA Drafts ({names})"))[-1].startswith("t OK")
    assert await highest(one) == last
    assert await highest(two) == later
    await one.run("ENABLE QRESYNC")
    valid = re.search(r"UIDVALIDITY (\d+)", " ".join(await one.run(f"STATUS {BOX} (UIDVALIDITY)")))
    assert valid is not None
    said = await one.run(f"SELECT {BOX} (QRESYNC ({valid[1]} {last}))")
    assert f"* OK [HIGHESTMODSEQ {last}] Highest modification sequence" in said
    assert not [line for line in said if "FETCH" in line or "VANISHED" in line]
