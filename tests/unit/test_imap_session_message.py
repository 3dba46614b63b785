"""APPEND, FETCH, STORE, COPY, MOVE and EXPUNGE in one session."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.flags import SEEN
from posthouse.sessions.imap import ImapLimits, store
from posthouse.storage.blobs.contents import INLINE_CONTENT_MAX_BYTES
from tests.storage.fixtures import message
from tests.unit.imap_world import Client, MemoryPeer, World, imap_world

LETTER = (
    b"From: a@b.test\r\nSubject: parts\r\nX-Odd: kept nowhere\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="q"\r\n\r\n'
    b"--q\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.b64encode("驿站\r\n".encode())
    + b"\r\n--q\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n"
    b"--q\r\nContent-Type: application/x-odd\r\nContent-Transfer-Encoding: x-strange\r\n\r\nzzz\r\n--q--\r\n"
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path, ImapLimits(append_max_bytes=8_000_000)) as world:
        yield world


@pytest.fixture
async def client(world: World) -> Client:
    return await world.login("INBOX")


# --- APPEND ---


async def test_append_and_read_back(world: World, client: Client) -> None:
    data = message(7)
    lines = await client.append("INBOX", data, '(\\Seen $Work) " 7-Feb-2026 21:52:25 +0800" ')
    assert lines[0].startswith("* FLAGS ")
    assert lines[2:4] == ["* 1 EXISTS", "* 1 RECENT"]
    assert re.fullmatch(r"t OK \[APPENDUID \d+ 1\] APPEND completed", lines[-1])
    lines = await client.run("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
    assert lines[0] == (
        '* 1 FETCH (FLAGS (\\Seen \\Recent $Work) INTERNALDATE " 7-Feb-2026 13:52:25 +0000"'
        f" RFC822.SIZE {len(data)} BODY[] {{{len(data)}}}"
    )
    assert "\r\n".join(lines[1:]).encode().startswith(data + b")")


async def test_append_in_small_pieces(world: World, client: Client) -> None:
    data = message(1, 300_000)
    raw = b"a APPEND Sent {%d}\r\n" % len(data)
    assert await client.send(raw) == b"+ OK\r\n"
    for start in range(0, len(data), 9973):
        assert await client.send(data[start : start + 9973]) == b""
    assert b"a OK [APPENDUID " in await client.send(b"\r\n")
    await client.run("SELECT Sent")
    said = await client.send(b"b FETCH 1 BODY.PEEK[]\r\n")
    assert said.startswith(b"* 1 FETCH (BODY[] {%d}\r\n%b)\r\n" % (len(data), data))


@pytest.mark.parametrize(
    ("mailbox", "options", "answer"),
    [
        ("nothing", "", "t NO [TRYCREATE] "),
        ("INBOX", "(\\Odd) ", "t BAD "),
        ("INBOX", "($" + "x" * 200 + ") ", "t NO [LIMIT] "),
    ],
)
async def test_append_refused(client: Client, mailbox: str, options: str, answer: str) -> None:
    (line,) = await client.append(mailbox, message(), options)
    assert line.startswith(answer)
    assert await client.run("NOOP") == ["t OK NOOP completed"]


async def test_append_too_large_is_refused_before_it_is_sent(client: Client) -> None:
    said = await client.send(b"a APPEND INBOX {8000001}\r\n")
    assert said.startswith(b"a NO [TOOBIG] ")
    assert await client.run("NOOP") == ["t OK NOOP completed"]


async def test_append_of_nothing(client: Client) -> None:
    assert (await client.append("INBOX", b""))[0].startswith("t NO [CANNOT] ")


async def test_append_over_quota(world: World, client: Client) -> None:
    await world.store.directory.update_account(world.account.id, {"quota_bytes": 1000})
    assert (await client.append("INBOX", message(1, 2000)))[0].startswith("t NO [OVERQUOTA] ")
    assert (await client.append("INBOX", message(1)))[-1].startswith("t OK [APPENDUID ")


async def test_a_lost_connection_leaves_nothing(world: World, client: Client) -> None:
    await client.send(b"a APPEND INBOX {1000}\r\n")
    await client.send(b"Subject: half")
    client.drop()
    await client.settle()
    other = await world.login("INBOX")
    assert await other.run("SEARCH ALL") == ["* SEARCH", "t OK SEARCH completed"]


# --- FETCH ---


async def test_sections(world: World, client: Client) -> None:
    await world.put(LETTER)
    await client.run("NOOP")
    said = await client.send(
        b"a FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT X-ODD)] BODY.PEEK[1.MIME] BODY.PEEK[2.HEADER]"
        b" BODY.PEEK[2.TEXT] BODY.PEEK[2.1] BODY.PEEK[9] BODY.PEEK[HEADER]<5.6>"
        b" BODY.PEEK[HEADER.FIELDS.NOT (CONTENT-TYPE MIME-VERSION)] BINARY.PEEK[1] BINARY.SIZE[1])\r\n"
    )
    text = "驿站\r\n".encode()
    mime = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    few = b"Subject: parts\r\nX-Odd: kept nowhere\r\n\r\n"
    most = b"From: a@b.test\r\nSubject: parts\r\nX-Odd: kept nowhere\r\n\r\n"
    assert said == (
        b"* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT X-ODD)] {%d}\r\n%b" % (len(few), few)
        + b" BODY[1.MIME] {%d}\r\n%b" % (len(mime), mime)
        + b" BODY[2.HEADER] {18}\r\nSubject: inner\r\n\r\n BODY[2.TEXT] {10}\r\ninner text"
        + b" BODY[2.1] {10}\r\ninner text BODY[9] NIL BODY[HEADER]<5> {6}\r\n a@b.t"
        + b" BODY[HEADER.FIELDS.NOT (CONTENT-TYPE MIME-VERSION)] {%d}\r\n%b" % (len(most), most)
        + b" BINARY[1] {%d}\r\n%b BINARY.SIZE[1] %d)\r\n" % (len(text), text, len(text))
        + b"a OK FETCH completed\r\n"
    )


async def test_unknown_encodings_cannot_be_undone(world: World, client: Client) -> None:
    await world.put(LETTER)
    await client.run("NOOP")
    assert (await client.run("FETCH 1 BINARY.PEEK[3]"))[-1].startswith("t NO [UNKNOWN-CTE] ")


async def test_body_sets_seen_once(world: World, client: Client) -> None:
    await world.letters(2)
    await world.letters(1, flags=SEEN)
    await client.run("NOOP")
    assert (await client.run("FETCH 1 BODY.PEEK[1]"))[0] == "* 1 FETCH (BODY[1] {40}"
    assert (await client.run("FETCH 1,3 BODY[1]"))[0] == "* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[1] {40}"
    assert (await client.run("FETCH 1 BODY[1]"))[0] == "* 1 FETCH (BODY[1] {40}"
    assert (await client.run("FETCH 1 (FLAGS)"))[0] == "* 1 FETCH (FLAGS (\\Seen \\Recent))"
    assert (await client.run("STATUS INBOX (UNSEEN)"))[0] == "* STATUS INBOX (UNSEEN 1)"


async def test_examine_changes_nothing(world: World, client: Client) -> None:
    await world.letters(1)
    assert (await client.run("EXAMINE INBOX"))[-1] == "t OK [READ-ONLY] EXAMINE completed"
    assert (await client.run("FETCH 1 BODY[1]"))[0] == "* 1 FETCH (BODY[1] {40}"
    for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "MOVE 1 Trash"):
        assert (await client.run(command))[0].startswith("t NO [CANNOT] ")
    assert (await client.run("STATUS INBOX (UNSEEN RECENT)"))[0] == "* STATUS INBOX (UNSEEN 1 RECENT 1)"


async def test_long_messages_are_streamed(world: World, client: Client) -> None:
    data = message(1, INLINE_CONTENT_MAX_BYTES + 5_000_000)
    await client.append("INBOX", data)
    peer = client.peer
    peer.must_drain = True
    said = await client.send(b"a FETCH 1 (UID BODY.PEEK[])\r\n")
    assert said.startswith(b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%b)\r\n" % (len(data), data))
    assert peer.drained > 10
    peer.must_drain = False
    said = await client.send(b"b FETCH 1 (BODY.PEEK[TEXT]<%d.70>)\r\n" % 5_000_000)
    start = data.index(b"\r\n\r\n") + 4 + 5_000_000
    assert b"{70}\r\n" + data[start : start + 70] + b")\r\n" in said
    assert b"Subject: a letter 1\r\n\r\n)" in await client.send(
        b"c FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\n"
    )


async def test_numbers_that_do_not_exist(world: World, client: Client) -> None:
    await world.letters(2)
    await client.run("NOOP")
    assert (await client.run("FETCH 3 FLAGS"))[0].startswith("t BAD There is no message with that number")
    assert await client.run("UID FETCH 90 FLAGS") == ["t OK FETCH completed"]
    assert (await client.run("UID FETCH 90:* FLAGS"))[0] == "* 2 FETCH (UID 2 FLAGS (\\Recent))"


async def test_object_ids_and_dates(world: World, client: Client) -> None:
    await client.append("INBOX", message(1))
    lines = await client.run("FETCH 1 (EMAILID THREADID SAVEDATE PREVIEW)")
    assert re.fullmatch(
        r'\* 1 FETCH \(EMAILID \(M\d+\) THREADID \S+ SAVEDATE "[^"]+" PREVIEW "This is line [^"]+"\)',
        lines[0],
    )


# --- STORE ---


async def test_store_adds_removes_and_replaces(world: World, client: Client) -> None:
    await world.letters(2)
    await client.run("NOOP")
    lines = await client.run("STORE 1:2 +FLAGS (\\Flagged)")
    assert lines == [
        "* 1 FETCH (FLAGS (\\Flagged \\Recent))",
        "* 2 FETCH (FLAGS (\\Flagged \\Recent))",
        "t OK STORE completed",
    ]
    assert await client.run("STORE 1 -FLAGS.SILENT (\\Flagged)") == ["t OK STORE completed"]
    lines = await client.run("UID STORE 1 FLAGS (\\Draft $Label)")
    assert lines[-2:] == ["* 1 FETCH (UID 1 FLAGS (\\Draft \\Recent $Label))", "t OK STORE completed"]
    assert lines[0] == "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label)"
    assert (await client.run("STORE 2 +FLAGS (\\Recent)"))[-1] == "t OK STORE completed"
    assert (await client.run("STORE 2 +FLAGS (\\Odd)"))[0].startswith("t BAD ")
    assert await client.run("UID STORE 77 +FLAGS (\\Seen)") == ["t OK STORE completed"]


async def test_store_of_many_goes_in_pieces(world: World, client: Client, monkeypatch) -> None:
    monkeypatch.setattr(store, "PIECE_MESSAGES", 2)
    await world.letters(5)
    await client.run("NOOP")
    lines = await client.run("STORE 1:5 +FLAGS (\\Seen)")
    assert lines == [*[f"* {n} FETCH (FLAGS (\\Seen \\Recent))" for n in range(1, 6)], "t OK STORE completed"]
    assert await client.run("STORE 1:5 -FLAGS.SILENT (\\Seen)") == ["t OK STORE completed"]


# --- COPY, MOVE, EXPUNGE ---


async def test_copy_keeps_flags_and_tells_uids(world: World, client: Client) -> None:
    await world.letters(3)
    await client.run("NOOP")
    await client.run("STORE 2 +FLAGS (\\Answered)")
    (line,) = await client.run("COPY 2:3 Archive")
    assert re.fullmatch(r"t OK \[COPYUID \d+ 2:3 1:2\] COPY completed", line)
    assert (await client.run("COPY 1 nothing"))[0].startswith("t NO [TRYCREATE] ")
    assert await client.run("UID COPY 99 Archive") == ["t OK COPY completed, there was no such message"]
    await client.run("SELECT Archive")
    assert (await client.run("FETCH 1 FLAGS"))[0] == "* 1 FETCH (FLAGS (\\Answered \\Recent))"


async def test_move(world: World, client: Client) -> None:
    await world.letters(4)
    await client.run("NOOP")
    lines = await client.run("UID MOVE 2,4 Trash")
    assert re.fullmatch(r"\* OK \[COPYUID \d+ 2,4 1:2\] Moved", lines[0])
    assert lines[1:] == ["* 2 EXPUNGE", "* 3 EXPUNGE", "t OK MOVE completed"]
    assert (await client.run("STATUS Trash (MESSAGES)"))[0] == "* STATUS Trash (MESSAGES 2)"


async def test_expunge(world: World, client: Client) -> None:
    await world.letters(5)
    await client.run("NOOP")
    await client.run("STORE 1,3,5 +FLAGS.SILENT (\\Deleted)")
    assert await client.run("UID EXPUNGE 3:4") == ["* 3 EXPUNGE", "t OK EXPUNGE completed"]
    assert await client.run("EXPUNGE") == ["* 1 EXPUNGE", "* 3 EXPUNGE", "t OK EXPUNGE completed"]
    assert await client.run("UID SEARCH ALL") == ["* SEARCH 2 4", "t OK SEARCH completed"]


async def test_close_expunges_and_unselect_does_not(world: World, client: Client) -> None:
    await world.letters(2)
    await client.run("NOOP")
    await client.run("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert await client.run("UNSELECT") == ["t OK UNSELECT completed"]
    assert (await client.run("STATUS INBOX (MESSAGES DELETED)"))[0] == "* STATUS INBOX (MESSAGES 2 DELETED 1)"
    await client.run("SELECT INBOX")
    assert await client.run("CLOSE") == ["t OK CLOSE completed"]
    assert (await client.run("STATUS INBOX (MESSAGES DELETED)"))[0] == "* STATUS INBOX (MESSAGES 1 DELETED 0)"


async def test_pipelined_commands_are_answered_in_order(world: World) -> None:
    client = world.connect(MemoryPeer())
    said = await client.send(
        b"1 LOGIN li@example.test secret\r\n2 SELECT INBOX\r\n3 APPEND INBOX {17+}\r\nSubject: x\r\n\r\nhi\r\r\n"
        b"4 FETCH 1 BODY[TEXT]\r\n5 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n6 EXPUNGE\r\n7 LOGOUT\r\n"
    )
    tags = re.findall(rb"^(\d) OK", said, re.MULTILINE)
    assert tags == [b"1", b"2", b"3", b"4", b"5", b"6", b"7"]
