"""Several sessions on one mailbox: what each is told, and when; IDLE; CONDSTORE and QRESYNC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.errors import Invalid, StorageFull, Unavailable
from posthouse.services.mailboxes import MailboxHub
from tests.unit.imap_world import World, imap_world, said_while_idle


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        yield world


async def test_new_messages_and_flags_of_others(world: World) -> None:
    await world.letters(2)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    await world.letters(1)
    await two.run("STORE 1 +FLAGS.SILENT (\\Flagged)")
    assert await one.run("NOOP") == [
        "* 3 EXISTS",
        "* 3 RECENT",
        "* 1 FETCH (FLAGS (\\Flagged \\Recent))",
        "t OK NOOP completed",
    ]
    # RFC 3501 §2.3.2: the second session is not the first to see 1 and 2, but sees 3 arrive
    assert (await two.run("FETCH 1:3 FLAGS"))[:3] == [
        "* 1 FETCH (FLAGS (\\Flagged))",
        "* 2 FETCH (FLAGS ())",
        "* 3 FETCH (FLAGS (\\Recent))",
    ]


async def test_expunges_wait_for_a_command_that_allows_them(world: World) -> None:
    await world.letters(3)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    await two.run("STORE 2 +FLAGS.SILENT (\\Deleted)")
    await two.run("EXPUNGE")
    # RFC 9051 §7.5.1: not during FETCH, STORE or SEARCH; RFC 5530 §3: EXPUNGEISSUED
    lines = await one.run("FETCH 1:3 UID")
    assert lines[:2] == ["* 1 FETCH (UID 1)", "* 3 FETCH (UID 3)"]
    assert lines[-1].startswith("t NO [EXPUNGEISSUED] ")
    assert await one.run("SEARCH ALL") == ["* SEARCH 1 2 3", "t OK SEARCH completed"]
    assert (await one.run("STORE 2 +FLAGS (\\Seen)"))[-1].startswith("t NO [EXPUNGEISSUED] ")
    assert (await one.run("COPY 2 Trash"))[-1].startswith("t NO [EXPUNGEISSUED] ")
    assert (await one.run("FETCH 2 UID"))[0] == "* 2 FETCH (UID 3)"


async def test_expunges_come_with_uid_commands(world: World) -> None:
    await world.letters(3)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    await two.run("UID MOVE 1 Trash")
    assert await one.run("UID SEARCH ALL") == ["* SEARCH 1 2 3", "* 1 EXPUNGE", "t OK SEARCH completed"]


async def commits(world: World, letters: int) -> tuple[int, int]:
    """How many groups were committed, and the pages they wrote, for letters that come one by one."""
    store: Any = world.store
    transactor = store._writer._transactor
    seen: list[str] = []

    def trace(_cursor: Any, sql: str, _bindings: Any) -> bool:
        seen.append(sql)
        return True

    transactor.connection.exec_trace = trace
    before = transactor.wal_pages
    for _ in range(letters):
        await world.letters(1)
        await asyncio.gather(*world.hub._tasks)  # what the hint of the letter has set going
    transactor.connection.exec_trace = None
    return seen.count("COMMIT"), transactor.wal_pages - before


async def test_letters_to_an_idle_session_are_claimed_as_they_are_written(world: World) -> None:
    await world.letters(9)
    alone = await commits(world, 8)
    one, again = await world.login("INBOX"), await world.login("INBOX")
    assert await one.send(b"i IDLE\r\n") == b"+ idling\r\n"
    await world.letters(1)
    assert await said_while_idle(one, lines=2) == [b"* 18 EXISTS", b"* 18 RECENT"]
    await asyncio.sleep(0)
    idle = await commits(world, 8)
    assert idle[0] == alone[0] == 8
    assert idle[1] <= alone[1] + 8  # leaves that are split, not a write for each
    # RFC 3501 §2.3.2: a later session does not see them, a read-only one takes nothing away.
    assert "* 0 RECENT" in await (await world.login()).run("SELECT INBOX")
    # What came when nobody was there, or was not told, is \\Recent for the next one.
    await one.send(b"DONE\r\n")
    await again.run("NOOP")
    await world.letters(1)
    for client in list(world.clients):
        await client.run("UNSELECT")
    await asyncio.gather(*world.hub._tasks)  # it is given back behind the answer
    assert "* 1 RECENT" in await (await world.login()).run("EXAMINE INBOX")
    assert "* 1 RECENT" in await (await world.login()).run("SELECT INBOX")
    assert "* 0 RECENT" in await (await world.login()).run("EXAMINE INBOX")


async def test_sessions_of_imap4rev2_take_no_recent_away(world: World) -> None:
    one = await world.login()
    await one.run("ENABLE IMAP4rev2")
    await one.run("SELECT INBOX")
    await one.send(b"i IDLE\r\n")
    await world.letters(1)
    assert await said_while_idle(one, lines=1) == [b"* 1 EXISTS"]
    assert (await commits(world, 4))[0] == 4
    assert "* 5 RECENT" in await (await world.login()).run("SELECT INBOX")


async def test_idle_hears_everything(world: World) -> None:
    await world.letters(2)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    assert await one.send(b"i IDLE\r\n") == b"+ idling\r\n"
    assert not one.session.busy
    await world.letters(1)
    assert await said_while_idle(one, lines=2) == [b"* 3 EXISTS", b"* 3 RECENT"]
    await two.run("STORE 1 +FLAGS.SILENT ($New)")
    said = await said_while_idle(one, lines=3)
    assert said[0] == b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $New)"
    assert said[2] == b"* 1 FETCH (FLAGS (\\Recent $New))"
    await two.run("UID MOVE 2 Trash")
    assert await said_while_idle(one, lines=1) == [b"* 2 EXPUNGE"]
    assert await one.send(b"DONE\r\n") == b"i OK IDLE completed\r\n"
    await world.letters(1)
    assert one.take() == b""


async def test_idle_before_select_and_broken_idle(world: World) -> None:
    client = await world.login()
    assert await client.send(b"i IDLE\r\nDONE\r\n") == b"+ idling\r\ni OK IDLE completed\r\n"
    await client.run("SELECT INBOX")
    await client.send(b"j IDLE\r\n")
    assert b"BAD" in await client.send(b"k NOOP\r\n")
    assert world.hub._open[world.account.id][client.session.mailbox.id].listeners == {}


async def test_idle_ends_when_the_mailbox_is_deleted(world: World) -> None:
    one = await world.login()
    await one.run("CREATE a")
    two = await world.login("a")
    await two.send(b"i IDLE\r\n")
    await one.run("DELETE a")
    said = await said_while_idle(two, lines=1)
    assert said[0].startswith(b"* BYE The mailbox was deleted")
    assert two.peer.closed


async def test_many_idlers_share_one_snapshot(world: World) -> None:
    await world.letters(3)
    idlers = [await world.login("INBOX") for _ in range(MailboxHub.POKES_AT_ONCE + 20)]
    for client in idlers:
        await client.send(b"i IDLE\r\n")
    await world.letters(1)
    for client in idlers:
        assert (await said_while_idle(client, lines=2))[0] == b"* 4 EXISTS"
    assert len({id(client.session.mailbox.view.uids) for client in idlers}) == 1


async def test_who_stopped_idling_is_told_nothing_between_commands(world: World, monkeypatch) -> None:
    """The hub calls its listeners in turns; IDLE may end before the turn of one."""
    await world.letters(2)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    await one.send(b"i IDLE\r\n")
    waiting = list(one.session.mailbox.shared.listeners)
    assert await one.send(b"DONE\r\n") == b"i OK IDLE completed\r\n"
    await two.run("UID MOVE 1 Trash")
    world.hub._poke(waiting)
    # RFC 9051 §7.5.1: no EXPUNGE while no command runs
    assert await one.settle() == b""
    assert (await one.run("NOOP"))[0] == "* 1 EXPUNGE"


async def test_an_idler_that_reads_slowly_is_told_when_it_has_read(world: World, monkeypatch) -> None:
    await world.letters(2)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    await one.send(b"i IDLE\r\n")
    read = asyncio.Event()

    async def drain() -> None:
        await read.wait()
        one.peer.must_drain = False

    one.peer.must_drain = True
    monkeypatch.setattr(one.peer, "drain", drain)
    listener = next(iter(one.session.mailbox.shared.listeners))
    for flag in ("\\Seen", "\\Draft"):
        await two.run(f"STORE 1 +FLAGS.SILENT ({flag})")
        listener()
    assert one.take() == b""
    read.set()
    assert await one.settle() == b"* 1 FETCH (FLAGS (\\Seen \\Draft \\Recent))\r\n"
    assert await one.send(b"DONE\r\n") == b"i OK IDLE completed\r\n"


async def test_a_silent_store_leaves_no_doubt_about_the_flags(world: World) -> None:
    """RFC 9051 §6.4.6: what another session changed just before is told even after .SILENT."""
    await world.letters(3)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    await two.run("STORE 1 +FLAGS.SILENT (\\Flagged)")
    await two.run("STORE 2 +FLAGS.SILENT (\\Seen \\Draft)")
    # the first is changed by both, the second holds \Seen already, the third is nobody else's
    assert await one.run("STORE 1:3 +FLAGS.SILENT (\\Seen)") == [
        "* 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent))",
        "* 2 FETCH (FLAGS (\\Seen \\Draft \\Recent))",
        "t OK STORE completed",
    ]
    await two.run("STORE 3 +FLAGS.SILENT (\\Flagged)")
    assert await one.run("STORE 3 FLAGS.SILENT (\\Draft)") == ["t OK STORE completed"]
    assert await one.run("NOOP") == ["t OK NOOP completed"]


async def test_flags_that_a_failed_fetch_set_are_told(world: World, monkeypatch) -> None:
    await world.letters(1)
    client = await world.login("INBOX")

    async def unreadable(*_: object) -> int:
        raise Invalid("a broken pack")

    monkeypatch.setattr("posthouse.sessions.imap.fetch._send_sections", unreadable)
    lines = await client.run("FETCH 1 BODY[]")
    assert lines[0] == "* 1 FETCH (FLAGS (\\Seen \\Recent))"
    assert lines[1].startswith("t NO [CORRUPTION] ")


async def test_a_message_that_is_expunged_while_its_replacement_comes(world: World) -> None:
    """RFC 8508: the answer is about the message; a TRYCREATE would let clients make a mailbox that is there."""
    await world.letters(2)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    await one.send(b"r UID REPLACE 2 Trash {17+}\r\nSubject: x\r\n")
    await two.run("UID MOVE 2 Trash")
    lines = (await one.send(b"\r\ny\r\n\r\n")).splitlines()
    assert lines[0] == b"* 2 EXPUNGE"
    assert lines[1].startswith(b"r NO [NONEXISTENT] ")


async def test_no_modseq_above_an_expunge_that_is_held_back(world: World) -> None:
    """RFC 7162 §3.2, §6: otherwise a client that is cut off would never hear of the expunge."""
    await world.letters(3)
    one, two = await world.login(), await world.login("INBOX")
    await one.run("ENABLE QRESYNC")
    await one.run("SELECT INBOX")
    before = one.session.mailbox.view.modseq
    await two.run("UID MOVE 2 Trash")
    await two.run("STORE 1 +FLAGS.SILENT (\\Seen)")
    told = f"* OK [HIGHESTMODSEQ {before}] Some messages are gone; NOOP tells which"
    lines = await one.run("FETCH 1 (FLAGS MODSEQ)")
    assert int(lines[0].rpartition("(")[2].rstrip(")")) > before
    assert lines[-2] == told
    # nothing new, and still owed
    assert (await one.run("SEARCH ALL"))[-2] == told
    assert await one.run("NOOP") == ["* VANISHED 2", "t OK NOOP completed"]
    assert (await one.run("FETCH 1 (UID)"))[1:] == ["t OK FETCH completed"]


async def test_a_forgotten_log_is_read_from_the_store(world: World) -> None:
    await world.letters(3)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    for flag in ("\\Seen", "\\Flagged", "\\Answered"):
        await two.run(f"STORE 1:3 +FLAGS.SILENT ({flag})")
    await two.run("UID MOVE 2 Trash")
    one.session.mailbox.shared._log.clear()
    assert await one.run("NOOP") == [
        "* 2 EXPUNGE",
        "* 1 FETCH (FLAGS (\\Answered \\Flagged \\Seen \\Recent))",
        "* 2 FETCH (FLAGS (\\Answered \\Flagged \\Seen \\Recent))",
        "t OK NOOP completed",
    ]


async def test_a_lost_hint_costs_latency_only(world: World) -> None:
    client = await world.login("INBOX")
    world.hub.close()
    await world.letters(1)
    assert (await client.run("NOOP"))[0] == "* 1 EXISTS"


async def test_a_warm_snapshot_serves_the_next_select(world: World) -> None:
    await world.letters(2)
    first = await world.login("INBOX")
    uids = first.session.mailbox.view.uids
    await first.run("UNSELECT")
    second = await world.login("INBOX")
    assert second.session.mailbox.view.uids is uids
    await second.run("UNSELECT")
    await world.letters(1)
    third = await world.login("INBOX")
    assert list(third.session.mailbox.view.uids) == [1, 2, 3]


@pytest.mark.parametrize("error", [Unavailable, StorageFull])
async def test_a_store_that_is_away(world: World, monkeypatch, error) -> None:
    await world.letters(1)
    client = await world.login("INBOX")

    async def away(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(world.store.messages, "store_flags", away)
    monkeypatch.setattr(world.store.mailboxes, "by_id", away)
    assert (await client.run("STORE 1 +FLAGS (\\Seen)"))[-1].startswith("t NO [UNAVAILABLE] ")
    assert await client.run("NOOP") == ["t OK NOOP completed"]
    monkeypatch.undo()
    assert (await client.run("STORE 1 +FLAGS (\\Seen)"))[-1] == "t OK STORE completed"


async def test_a_fault_is_told_in_general_words(world: World, monkeypatch) -> None:
    client = await world.login("INBOX")

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(world.store.mailboxes, "list", broken)
    lines = await client.run('LIST "" *')
    assert lines[-1].startswith("* BYE [SERVERBUG] ")
    assert "secret" not in "".join(lines)
    assert [type(fault) for fault in world.faults] == [RuntimeError]
    world.faults.clear()
    assert client.peer.closed


# --- RFC 7162 ---


async def test_condstore(world: World) -> None:
    await world.letters(3)
    client = await world.login()
    lines = await client.run("SELECT INBOX (CONDSTORE)")
    since = int(next(line for line in lines if "HIGHESTMODSEQ" in line).split()[3].rstrip("]"))
    lines = await client.run("STORE 2 +FLAGS.SILENT (\\Seen)")
    assert lines[0].startswith("* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent) MODSEQ (")
    modseq = int(lines[0].split("MODSEQ (")[1].rstrip(")"))
    assert modseq > since
    assert await client.run(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {since})") == [
        f"* 2 FETCH (FLAGS (\\Seen \\Recent) MODSEQ ({modseq}))",
        "t OK FETCH completed",
    ]
    lines = await client.run(f"STORE 1:2 (UNCHANGEDSINCE {since}) +FLAGS (\\Flagged)")
    assert lines[-1].startswith("t OK [MODIFIED 2] ")
    assert lines[0].startswith("* 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent) MODSEQ (")
    assert await client.run(f"SEARCH MODSEQ {modseq} UNFLAGGED") == [
        f"* SEARCH 2 (MODSEQ {modseq})",
        "t OK SEARCH completed",
    ]


async def test_qresync(world: World) -> None:
    await world.letters(4)
    one = await world.login()
    assert await one.run("ENABLE QRESYNC") == ["* ENABLED QRESYNC", "t OK ENABLE completed"]
    lines = await one.run("SELECT INBOX")
    since = int(next(line for line in lines if "HIGHESTMODSEQ" in line).split()[3].rstrip("]"))
    validity = next(line for line in lines if "UIDVALIDITY" in line).split()[3].rstrip("]")
    await one.run("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
    lines = await one.run("EXPUNGE")
    assert lines[0] == "* VANISHED 1:2"
    assert lines[1].startswith("t OK [HIGHESTMODSEQ ")
    await one.run("UID STORE 4 +FLAGS.SILENT (\\Seen)")
    lines = await one.run(f"SELECT INBOX (QRESYNC ({validity} {since} 1:4))")
    assert lines[0].startswith("* OK [CLOSED] ")
    assert "* VANISHED (EARLIER) 1:2" in lines
    assert any(line.startswith("* 2 FETCH (UID 4 FLAGS (\\Seen") for line in lines)
    lines = await one.run(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since} VANISHED)")
    assert lines[0] == "* VANISHED (EARLIER) 1:2"
    assert [line for line in lines if line.startswith("* 1 FETCH")] == []
    other = await world.login()
    assert (await other.run("SELECT INBOX (QRESYNC (1 1))"))[0] == "t BAD ENABLE QRESYNC first"


async def test_rev2_changes_what_is_said(world: World) -> None:
    await world.letters(1)
    client = await world.login()
    await client.run("ENABLE IMAP4rev2")
    lines = await client.run("SELECT INBOX")
    assert not any("RECENT" in line or "UNSEEN" in line for line in lines)
    assert '* LIST () "/" INBOX' in lines
    assert await client.run("SEARCH ALL") == [
        f'* ESEARCH (TAG "t{client.tag}") ALL 1',
        "t OK SEARCH completed",
    ]
    assert (await client.run("FETCH 1 FLAGS"))[0] == "* 1 FETCH (FLAGS ())"


async def test_little_that_changed_is_found_by_its_modseq(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.letters(40)
    client = await world.login("INBOX")
    await client.run("STORE 5,11:13 +FLAGS.SILENT (\\Deleted)")
    await client.run("EXPUNGE")
    since = client.session.mailbox.view.modseq
    await client.run("UID STORE 3,9,30:32 +FLAGS.SILENT (\\Flagged)")
    ranges: list[object] = []
    fetch = world.store.messages.fetch

    def watched(account: object, mailbox: object, uids: object, columns: object) -> object:
        ranges.append(uids)
        return fetch(account, mailbox, uids, columns)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store.messages, "fetch", watched)
    commands = [
        f"{command} (CHANGEDSINCE {modseq})"
        for command in (
            "FETCH 1:* (FLAGS)",
            "UID FETCH 2:10,31 (UID)",
            "UID FETCH 1:2 (FLAGS)",
            "FETCH 3 (ENVELOPE)",
        )
        for modseq in (1, since, since + 5)
    ]
    await client.run("ENABLE CONDSTORE")
    found = [await client.run(command) for command in commands]
    assert ranges[1] == [(3, 3), (9, 9), (30, 32)]
    monkeypatch.setattr("posthouse.sessions.imap.fetch.CHANGED_MAX", 0)
    assert found == [await client.run(command) for command in commands]
    assert [len(lines) for lines in found] == [37, 6, 1, 10, 4, 1, 3, 1, 1, 2, 2, 1]
