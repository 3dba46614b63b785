"""Corners of extensions: CONDSTORE, QRESYNC, UTF8=ACCEPT, BINARY, OBJECTID, SAVEDATE, PREVIEW, APPENDLIMIT, WITHIN."""

from __future__ import annotations

import re
from array import array
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.sessions.imap.select import _still_agreed
from posthouse.sessions.imap.view import View
from posthouse.wire.imap.sequence_set import parse_sequence_set
from tests.storage.fixtures import make_account
from tests.unit.imap_world import Client, World, imap_world

LETTER = b"From: a@b.test\r\nSubject: one\r\n\r\ntext\r\n"
UTF8_LETTER = "From: 李@驿站.test\r\nSubject: 驿站\r\n\r\n正文\r\n".encode()
BINARY = (
    b"Subject: b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n"
    b"--q\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    b"--q\r\nContent-Type: application/octet-stream\r\ncontent-transfer-encoding:\r\n binary\r\n\r\n"
    b"\x00\x01\x02\xff\r\nrest\x00\r\n--q--\r\n"
)
OCTETS = b"\x00\x01\x02\xff\r\nrest\x00"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        yield world


async def modseq_of(client: Client, number: int) -> int:
    lines = await client.run(f"FETCH {number} MODSEQ")
    return int(next(found[1] for line in lines if (found := re.search(r"FETCH \(MODSEQ \((\d+)", line))))


# --- RFC 7162, RFC 4731 §3.2 ---


async def test_the_first_use_of_mod_sequences_tells_where_the_mailbox_is(world: World) -> None:
    await world.letters(2)
    for command in ("ENABLE CONDSTORE", "FETCH 1 MODSEQ", "SEARCH MODSEQ 1", "STATUS Trash (HIGHESTMODSEQ)",
                    "STORE 1 (UNCHANGEDSINCE 9999) +FLAGS (a)", "FETCH 1 FLAGS (CHANGEDSINCE 1)"):  # fmt: skip
        client = await world.login("INBOX")
        highest = client.session.mailbox.view.modseq
        assert f"* OK [HIGHESTMODSEQ {highest}] Highest modification sequence" in await client.run(command)
        assert not any("HIGHESTMODSEQ" in line for line in await client.run("FETCH 1 MODSEQ"))
    client = await world.login()
    lines = await client.run("SELECT INBOX (CONDSTORE)")
    assert sum("HIGHESTMODSEQ" in line for line in lines) == 1


async def test_seen_set_by_fetch_comes_with_uid_and_modseq(world: World) -> None:
    await world.letters(1)
    client = await world.login("INBOX")
    await client.run("ENABLE CONDSTORE")
    lines = await client.run("FETCH 1 BODY[TEXT]")
    assert re.match(r"\* 1 FETCH \(UID 1 FLAGS \(\\Seen \\Recent\) MODSEQ \(\d+\) BODY\[TEXT\] ", lines[0])
    assert await client.run("NOOP") == ["t OK NOOP completed"]


async def test_modseq_is_of_the_messages_returned(world: World) -> None:
    await world.letters(4)
    client = await world.login("INBOX")
    await client.run("STORE 2 +FLAGS.SILENT (\\Flagged)")
    await client.run("STORE 4 +FLAGS.SILENT (\\Flagged)")
    await client.run("STORE 3 +FLAGS.SILENT (\\Flagged)")
    first, second, highest, last = [await modseq_of(client, number) for number in (1, 2, 3, 4)]
    assert first < second < last < highest

    async def told(command: str) -> int:
        return int(re.findall(r"MODSEQ (\d+)\r?$", (await client.run(command))[0])[0])

    assert await told('SEARCH RETURN (MIN) MODSEQ "/flags/\\\\draft" all 1') == first
    assert await told("SEARCH RETURN (MAX) MODSEQ 1") == last
    assert await told("SEARCH RETURN (MIN MAX) MODSEQ 1") == last
    assert await told("SEARCH RETURN (MIN COUNT) MODSEQ 1") == highest
    assert await told("SEARCH RETURN (ALL) MODSEQ 1") == highest
    assert await told("UID SEARCH RETURN (PARTIAL 1:2) MODSEQ 1") == second
    assert await told("SORT RETURN (MIN) (REVERSE ARRIVAL) UTF-8 MODSEQ 1") in (first, last)
    assert await told("ESEARCH IN (selected) RETURN (MIN) MODSEQ 1") == first
    await client.run("UNSELECT")
    assert await told("ESEARCH IN (inboxes) RETURN (MAX) MODSEQ 1") == last


async def test_unchangedsince_of_sets(world: World) -> None:
    await world.letters(5)
    client = await world.login("INBOX")
    await client.run("STORE 2 +FLAGS (\\Flagged)")
    since = await modseq_of(client, 1)
    later = await modseq_of(client, 5)
    lines = await client.run(f"STORE 1,5 (UNCHANGEDSINCE {later}) +FLAGS.SILENT (\\Seen)")
    assert [line.split(" MODSEQ")[0] for line in lines] == [
        "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent)",
        "* 5 FETCH (UID 5 FLAGS (\\Seen \\Recent)",
        "t OK STORE completed",
    ]
    lines = await client.run(f"UID STORE 1:5 (UNCHANGEDSINCE {later}) -FLAGS (\\Answered)")
    assert lines[-1].startswith("t OK [MODIFIED 1:2,5] ")
    assert [line.split()[1] for line in lines[:-1]] == ["3", "4"]
    lines = await client.run("STORE 3 (UNCHANGEDSINCE 0) +FLAGS (\\Answered)")
    assert lines == ["t OK [MODIFIED 3] STORE completed, some messages had changed"]
    assert since < later


async def test_vanished_needs_qresync(world: World) -> None:
    await world.letters(1)
    client = await world.login("INBOX")
    assert await client.run("UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)") == [
        "t BAD ENABLE QRESYNC before VANISHED"
    ]


async def test_qresync_with_what_the_client_knows(world: World) -> None:
    await world.letters(8)
    client = await world.login()
    await client.run("ENABLE QRESYNC")
    lines = await client.run("SELECT INBOX")
    validity, since = (
        re.findall(rf"\[{word} (\d+)\]", "\n".join(lines))[0] for word in ("UIDVALIDITY", "HIGHESTMODSEQ")
    )
    await client.run("STORE 2,4,7 +FLAGS.SILENT (\\Deleted)")
    await client.run("EXPUNGE")

    async def vanished(more: str) -> list[str]:
        lines = await client.run(f"SELECT INBOX (QRESYNC ({validity} {since}{more}))")
        return [line for line in lines if "VANISHED" in line]

    assert await vanished("") == ["* VANISHED (EARLIER) 2,4,7"]
    assert await vanished(" 1:3,7") == ["* VANISHED (EARLIER) 2,7"]
    # RFC 7162 §3.2.5.2: numbers 1, 2 and 3 are UIDs 1, 3 and 5 to both, so 2 and 4 are known to be gone.
    assert await vanished(" 1:8 (1,2:3 1,3,5)") == ["* VANISHED (EARLIER) 7"]
    assert await vanished(" (1:3,8 1,3,5,8)") == ["* VANISHED (EARLIER) 7"]
    assert await vanished(" (2 2)") == ["* VANISHED (EARLIER) 2,4,7"]
    lines = await client.run(f"SELECT INBOX (QRESYNC ({int(validity) + 1} {since}))")
    assert not any("VANISHED" in line for line in lines)


@pytest.mark.parametrize(
    ("numbers", "uids", "agreed"),
    [(b"1:3", b"1,3,5", 5), (b"1,3", b"1,5", 5), (b"1:4", b"1,3,5,9", 5), (b"1:2,4", b"1,3,7", 3), (b"1", b"2", 0),
     (b"1:5", b"1", 1), (b"1", b"1:5", 1)],
)  # fmt: skip
def test_how_far_the_numbering_is_the_same(numbers: bytes, uids: bytes, agreed: int) -> None:
    view = View(array("I", [1, 3, 5, 6, 8]), 9, 1)
    assert _still_agreed(view, parse_sequence_set(numbers), parse_sequence_set(uids)) == agreed


async def test_annotations_move_the_mod_sequence(world: World) -> None:
    client = await world.login()

    async def highest() -> int:
        return int(re.findall(r"\d+", (await client.run("STATUS INBOX (HIGHESTMODSEQ)"))[0])[0])

    before = await highest()
    await client.run('SETMETADATA INBOX (/private/comment "x")')
    assert await highest() > before


# --- RFC 6855 ---


async def test_searches_after_enable_are_utf8(world: World) -> None:
    await world.put(b"Subject: =?utf-8?b?6am/56uZ?=\r\n\r\nx\r\n")
    client = await world.login("INBOX")
    assert (await client.run("SEARCH CHARSET UTF-8 ALL"))[-1] == "t OK SEARCH completed"
    await client.run("ENABLE UTF8=ACCEPT")
    assert await client.run('SEARCH SUBJECT "驿站"') == ["* SEARCH 1", "t OK SEARCH completed"]
    for command in ("SEARCH CHARSET UTF-8 ALL", "ESEARCH CHARSET UTF-8 ALL"):
        assert (await client.run(command))[0].startswith("t BAD After ENABLE UTF8=ACCEPT ")
    assert (await client.run(b'SEARCH SUBJECT "\xc3"'))[0].startswith("t BAD Expected ")
    assert (await client.run(b'UID SEARCH HEADER "\xc3" x'))[0].startswith("t BAD Expected ")


async def test_old_letters_with_8_bit_header_fields_are_taken(world: World) -> None:
    client = await world.login()
    for letter in (UTF8_LETTER, b"Subject: \xc4\xe3\xba\xc3\r\n\r\nGBK\r\n"):
        assert (await client.append("INBOX", letter))[-1].startswith("t OK ")


async def test_the_utf8_form_needs_a_client_that_knows_it(world: World) -> None:
    client = await world.login()
    literal = b"UTF8 (~{%d+}\r\n%b)" % (len(UTF8_LETTER), UTF8_LETTER)
    assert (await client.run(b"APPEND INBOX " + literal))[-1].startswith("t BAD ENABLE UTF8=ACCEPT ")
    assert (await client.run(b"APPEND INBOX CATENATE (" + literal + b")"))[0].startswith("t BAD ENABLE UTF8=")
    await client.run("ENABLE UTF8=ACCEPT")
    assert (await client.run(b"APPEND INBOX " + literal))[-1].startswith("t OK ")
    head = b"CATENATE (TEXT {10+}\r\nX-A: one\r\n "
    assert (await client.run(b"APPEND INBOX " + head + literal + b" TEXT {4+}\r\nend\n)"))[-1].startswith(
        "t OK "
    )
    await client.run("SELECT INBOX")
    said = await client.send(b"a FETCH 2 BODY.PEEK[]\r\n")
    assert b"X-A: one\r\n" + UTF8_LETTER + b"end\n)" in said


async def test_who_was_not_offered_utf8_may_append_what_it_has(world: World) -> None:
    client = await world.login()
    client.session.off = frozenset(("UTF8=ACCEPT",))
    assert (await client.append("INBOX", UTF8_LETTER))[-1].startswith("t OK ")


# --- RFC 3516 ---


async def test_binary_both_ways(world: World) -> None:
    client = await world.login()
    assert (await client.run(b"APPEND INBOX ~{%d+}\r\n%b" % (len(BINARY), BINARY)))[-1].startswith("t OK ")
    await client.run("SELECT INBOX")
    said = await client.send(
        b"a FETCH 1 (BINARY.PEEK[2] BINARY.SIZE[2] BINARY.PEEK[2]<2.4> BINARY.PEEK[1])\r\n"
    )
    assert said.startswith(
        b"* 1 FETCH (BINARY[2] ~{%d}\r\n%b BINARY.SIZE[2] %d BINARY[2]<2> {4}\r\n\x02\xff\r\n BINARY[1] {5}\r\nhello)"
        % (len(OCTETS), OCTETS, len(OCTETS))
    )
    said = await client.send(b"a FETCH 1 (BODYSTRUCTURE BODY.PEEK[])\r\n")
    assert b"\x00" not in said
    assert b'"octet-stream" NIL NIL NIL "base64"' in said
    assert (await client.run("FETCH 1 BINARY.PEEK[7]"))[0] == "* 1 FETCH (BINARY[7] NIL)"


async def test_a_message_with_a_nul_of_one_part(world: World) -> None:
    client = await world.login()
    data = b"Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\na\x00b"
    assert (await client.run(b"APPEND INBOX ~{%d}" % len(data)))[0] == "+ OK"
    assert b" OK [APPENDUID " in await client.send(data + b"\r\n")
    await client.run("SELECT INBOX")
    assert b"BINARY[1] ~{3}\r\na\x00b BINARY.SIZE[1] 3)" in await client.send(
        b"a FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])\r\n"
    )


@pytest.mark.parametrize(
    "data",
    [b"Subject: \x00\r\n\r\ntext", b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: x-odd\r\n\r\n\x00",
     BINARY.replace(b"--q\r\n", b"\x00\r\n--q\r\n", 1)],
)  # fmt: skip
async def test_a_nul_that_no_encoding_can_carry(world: World, data: bytes) -> None:
    client = await world.login()
    (line,) = await client.run(b"APPEND INBOX ~{%d+}\r\n%b" % (len(data), data))
    assert line.startswith("t NO [UNKNOWN-CTE] ")


async def test_a_nul_never_goes_out_in_a_literal(world: World) -> None:
    await world.put(b"Subject: a\x00b\r\n\r\nc\x00d", b"Subject: long\r\n\r\n" + b"\x00" * 3_000_000)
    client = await world.login("INBOX")
    said = await client.send(b"a FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT])\r\n")
    assert b"Subject: a\x80b\r\n" in said
    assert b"{3}\r\nc\x80d)" in said
    said = await client.send(b"a FETCH 1:2 (BODY.PEEK[])\r\n")
    assert b"\x00" not in said
    assert b"\x80" * 3_000_000 in said


# --- RFC 8474, RFC 8514, RFC 8970, RFC 7889, RFC 5032 ---


async def test_objects_keep_their_ids(world: World) -> None:
    await world.letters(2)
    client = await world.login("INBOX")
    (line, _) = await client.run("FETCH 1 (EMAILID THREADID)")
    email, thread = re.findall(r"\(([MT]\d+)\)", line)
    assert await client.run(f"SEARCH EMAILID {email}") == ["* SEARCH 1", "t OK SEARCH completed"]
    assert await client.run(f"SEARCH THREADID {thread}") == ["* SEARCH 1", "t OK SEARCH completed"]
    assert await client.run("SEARCH OR EMAILID M0 THREADID T0") == ["* SEARCH", "t OK SEARCH completed"]
    made = re.search(r"MAILBOXID \(([^)]+)\)", (await client.run("CREATE kept"))[0])
    await client.run("COPY 1 kept")
    await client.run("RENAME kept renamed")
    lines = await client.run("SELECT renamed")
    assert made is not None
    assert any(f"[MAILBOXID ({made[1]})]" in line for line in lines)
    assert (await client.run("FETCH 1 (EMAILID THREADID)"))[
        0
    ] == f"* 1 FETCH (EMAILID ({email}) THREADID ({thread}))"
    lines = await client.run('LIST "" renamed RETURN (STATUS (MAILBOXID))')
    assert lines[1] == f"* STATUS renamed (MAILBOXID ({made[1]}))"


async def test_what_is_saved_when(world: World) -> None:
    client = await world.login()
    await client.run(b'APPEND INBOX "01-Jan-2001 00:00:00 +0000" {%d+}\r\n%b' % (len(LETTER), LETTER))
    await client.run("SELECT INBOX")
    for key, found in (
        ("SAVEDSINCE 1-Jan-2020", " 1"), ("SAVEDBEFORE 1-Jan-2020", ""), ("SAVEDON 1-Jan-2001", ""),
        ("ON 1-Jan-2001", " 1"),
        ("SAVEDATESUPPORTED", " 1"), ("NOT SAVEDATESUPPORTED", ""), ("OLDER 1000", " 1"), ("YOUNGER 1000", ""),
        ("YOUNGER 9223372036854775807", " 1"), ("OLDER 9223372036854775807", ""),
    ):  # fmt: skip
        assert (await client.run(f"SEARCH {key}"))[0] == f"* SEARCH{found}"
    assert (await client.run("SEARCH OLDER 0"))[0].startswith("t BAD ")
    assert re.match(r'\* 1 FETCH \(SAVEDATE "[^"]{26}"\)', (await client.run("FETCH 1 SAVEDATE"))[0])


async def test_previews(world: World) -> None:
    await world.put(b"Subject: x\r\n\r\nHello  there,\r\nhow are you?", b"Subject: empty\r\n\r\n")
    client = await world.login("INBOX")
    expected = '* 1 FETCH (PREVIEW "Hello there, how are you?")'
    for item in ("PREVIEW", "PREVIEW (LAZY)", "(preview (lazy))"):
        assert (await client.run(f"FETCH 1 {item}"))[0] == expected
    assert (await client.run("FETCH 2 (UID PREVIEW (LAZY) FLAGS)"))[
        0
    ] == '* 2 FETCH (UID 2 PREVIEW "" FLAGS (\\Recent))'
    assert (await client.run("FETCH 1 (PREVIEW (FUZZY))"))[0].startswith("t BAD ")
    assert (await client.run("UID FETCH 1 PREVIEW (CHANGEDSINCE 99999)"))[-1] == "t OK FETCH completed"


async def test_the_append_limit(world: World) -> None:
    client = await world.login()
    limit = world.services.limits.append_max_bytes
    assert f" APPENDLIMIT={limit}" in (await client.run("CAPABILITY"))[0]
    lines = await client.run('LIST "" (INBOX Trash) RETURN (STATUS (APPENDLIMIT))')
    assert [line for line in lines if "STATUS" in line] == [
        f"* STATUS {name} (APPENDLIMIT {limit})" for name in ("INBOX", "Trash")
    ]
    assert (await client.run(f"APPEND INBOX {{{limit + 1}}}"))[0].startswith("t NO [TOOBIG] ")


# --- RFC 9051 ---


async def test_names_are_told_as_they_are_spelled_here(world: World) -> None:
    client = await world.login()
    await client.run("ENABLE IMAP4rev2")
    given, name = "Cafe\u0301", "Caf\u00e9"
    old = f'* LIST () "/" "{name}" ("OLDNAME" ("{given}"))'
    assert (await client.run(f'CREATE "{given}"'))[0] == old
    assert old in await client.run(f'SELECT "{given}"')
    assert f'* LIST () "/" "{name}"' in await client.run(f'EXAMINE "{name}"')
    assert (await client.append(f'"{given}"', LETTER))[0] == old
    assert (await client.run(f'RENAME "{given}" plain'))[0] == f'* LIST () "/" plain ("OLDNAME" ("{given}"))'
    assert len(await client.run(f'RENAME plain "{name}"')) == 1
    assert (await client.run(f'DELETE "{given}"'))[0] == old.replace("()", "(\\NonExistent)")
    assert len(await client.run("CREATE a/")) == 1
    for bad in ("a\u2028b", "a\x7fb", "a\u0085b"):
        assert (await client.run(f'CREATE "{bad}"'))[-1].startswith(("t NO [CANNOT] ", "t BAD "))


async def test_what_an_imap4rev2_client_is_told(world: World) -> None:
    await world.letters(2)
    client = await world.login()
    await client.run("ENABLE IMAP4rev2")
    assert await client.run("STATUS inbox (MESSAGES DELETED SIZE UNSEEN)") == [
        "* STATUS INBOX (MESSAGES 2 DELETED 0 SIZE 354 UNSEEN 2)",
        "t OK STATUS completed",
    ]
    lines = await client.run("SELECT INBOX")
    assert not any("RECENT" in line.upper() or "UNSEEN" in line for line in lines)
    assert await client.run("SEARCH NOT ALL") == ['* ESEARCH (TAG "t5")', "t OK SEARCH completed"]
    assert await client.run("UID SEARCH ALL") == ['* ESEARCH (TAG "t6") UID ALL 1:2', "t OK SEARCH completed"]
    assert (await client.run("SELECT INBOX"))[0].startswith("* OK [CLOSED] ")
    other = await world.login("INBOX")
    await other.run("STORE 1 +FLAGS (\\Seen)")
    assert (await client.run("NOOP"))[0] == "* 1 FETCH (UID 1 FLAGS (\\Seen))"


async def test_who_may_only_insert_learns_no_uids(world: World) -> None:
    await world.letters(1)
    owner = await world.login()
    await make_account(world.store, "wang")
    await owner.run("CREATE drop")
    await owner.run("SETACL drop wang@example.test li")
    client = await world.login("INBOX", address="wang@example.test")
    name = '"Other Users/li@example.test/drop"'
    assert await client.append(name, LETTER) == ["t OK APPEND completed"]
    await client.append("INBOX", LETTER)
    await client.run("SELECT INBOX")
    assert await client.run(f"COPY 1 {name}") == ["t OK COPY completed"]
    assert await client.run(f"MOVE 1 {name}") == ["* 1 EXPUNGE", "t OK MOVE completed"]
    await client.append("INBOX", LETTER)
    lines = await client.run(f"UID REPLACE 2 {name} {{{len(LETTER)}+}}\r\n".encode() + LETTER)
    assert lines == ["* 1 EXPUNGE", "t OK REPLACE completed"]
