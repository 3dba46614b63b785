"""SEARCH: every key on a small mailbox, exact substrings through encodings, RETURN options, SAVE."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.flags import ANSWERED, SEEN
from posthouse.sessions.imap.find import Found
from posthouse.storage.blobs.contents import INLINE_CONTENT_MAX_BYTES
from tests.storage.fixtures import message
from tests.unit.imap_world import Client, World, imap_world

PLAIN = (
    b"From: Ann <ann@one.test>\r\nTo: li@example.test\r\nCc: carl@three.test\r\nSubject: Lunch on Friday\r\n"
    b"Date: Wed, 31 Jan 2024 23:30:00 -0800\r\nX-Team: Blue Herons\r\n\r\nShall we meet at noon?\r\n"
)
CHINESE = (
    b"From: =?gb18030?B?" + base64.b64encode("张三".encode("gb18030")) + b"?= <zhang@qq.test>\r\n"
    b"Bcc: hidden@example.test\r\nSubject: =?UTF-8?B?" + base64.b64encode("驿站来信".encode()) + b"?=\r\n"
    b"Date: Thu, 1 Feb 2024 00:10:00 +0800\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=gb18030\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes("你好，世界。ＡＢＣ".encode("gb18030")).replace(b"\n", b"\r\n")
)
NESTED = (
    b"From: c@d.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n"
    b"--q\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<p>caf=C3=A9 au la=\r\nit</p>\r\n"
    b"--q\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?Inner_t=C3=AFtle?=\r\n\r\ndeep\r\n"
    b"--q\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.b64encode(b"hello inside a picture")
    + b"\r\n--q--\r\n"
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        yield world


@pytest.fixture
async def client(world: World) -> Client:
    """1 plain and seen, 2 Chinese and answered, 3 nested, all from the first second of 1970; 4 from 2024."""
    await world.put(PLAIN, flags=SEEN)
    await world.put(CHINESE, flags=ANSWERED)
    await world.put(NESTED)
    client = await world.login("INBOX")
    await client.append("INBOX", message(4, 3000), '($Work) "10-Feb-2024 12:00:00 +0000" ')
    return client


async def found(client: Client, keys: str | bytes) -> list[int]:
    raw = keys.encode() if isinstance(keys, str) else keys
    lines = await client.run(b"SEARCH " + raw)
    assert lines[-1] == "t OK SEARCH completed", lines
    return [int(number) for number in lines[0].split()[2:]]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("ALL", [1, 2, 3, 4]),
        ("SEEN", [1]),
        ("UNSEEN ANSWERED", [2]),
        ("KEYWORD $work", [4]),
        ("UNKEYWORD $Work", [1, 2, 3]),
        ("KEYWORD $Never", []),
        ("NOT SEEN", [2, 3, 4]),
        ("OR SEEN ANSWERED", [1, 2]),
        ("2:3", [2, 3]),
        ("UID 3:*", [3, 4]),
        ("NOT 2:3", [1, 4]),
        ("LARGER 2999", [4]),
        ("SMALLER 250", [1]),
        ("BEFORE 10-Feb-2024", [1, 2, 3]),
        ("ON 10-Feb-2024", [4]),
        ("SINCE 10-Feb-2024", [4]),
        # RFC 9051 §6.4.4: the sender's own day counts, not the day in UTC
        ("SENTON 31-Jan-2024", [1]),
        ("SENTON 1-Feb-2024", [2]),
        ("SENTBEFORE 1-Feb-2024", [1, 4]),
        ("SENTSINCE 1-Feb-2024", [2]),
        ("SAVEDBEFORE 1-Jan-2020", []),
        ("SAVEDATESUPPORTED", [1, 2, 3, 4]),
        ("YOUNGER 3600", []),
        ("OLDER 3600", [1, 2, 3, 4]),
        ("NEW", [2, 3, 4]),
        ("OLD", []),
        ("RECENT", [1, 2, 3, 4]),
        ("FROM ann", [1]),
        ("FROM ONE.test", [1]),
        ("TO example.test", [1, 4]),
        ("CC carl", [1]),
        ("BCC hidden", [2]),
        ('SUBJECT "on fri"', [1]),
        ("HEADER X-Team heron", [1]),
        ('HEADER X-Team ""', [1]),
        ('HEADER Message-ID ""', [4]),
        ('BODY "at noon"', [1]),
        ('TEXT "blue herons"', [1]),
        ('BODY "blue herons"', []),
        ('BODY "deep"', [3]),
        ('BODY "au lait"', [3]),
        # text only: no matches inside pictures
        ('BODY "inside a picture"', []),
        ('OR BODY noon NOT TEXT "line"', [1, 2, 3]),
        ("NOT BODY noon", [2, 3, 4]),
        ("(SEEN FROM ann) BODY noon", [1]),
    ],
)
async def test_keys(client: Client, keys: str, expected: list[int]) -> None:
    assert await found(client, keys) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("FROM 张三", [2]),
        ("SUBJECT 来信", [2]),
        ("BODY 世界", [2]),
        ("BODY 好，世", [2]),
        ("BODY abc", [2]),  # full-width letters are compatible with plain ones
        ("BODY CAFÉ", [3]),
        ("BODY Tïtle", [3]),
        ("TEXT 驿站", [2]),
    ],
)
async def test_utf8(client: Client, keys: str, expected: list[int]) -> None:
    key, text = keys.split()
    raw = text.encode()
    literal = b"CHARSET UTF-8 %b {%d+}\r\n%b" % (key.encode(), len(raw), raw)
    assert await found(client, literal) == expected


async def test_unknown_charsets_are_named(client: Client) -> None:
    (line,) = await client.run("SEARCH CHARSET X-KLINGON TEXT x")
    assert line.startswith("t NO [BADCHARSET ")


async def test_text_of_long_messages(world: World, client: Client) -> None:
    await client.append("INBOX", message(5, INLINE_CONTENT_MAX_BYTES + 1000) + b"a needle at the end\r\n")
    assert await found(client, 'BODY "a needle at the end"') == [5]


@pytest.mark.parametrize(
    ("returns", "answer"),
    [
        ("MIN", "MIN 2"),
        ("MAX", "MAX 4"),
        ("COUNT", "COUNT 3"),
        ("ALL", "ALL 2:4"),
        ("", "ALL 2:4"),
        ("MIN MAX COUNT", "MIN 2 MAX 4 COUNT 3"),
    ],
)
async def test_return_options(client: Client, returns: str, answer: str) -> None:
    lines = await client.run(f"SEARCH RETURN ({returns}) UNSEEN")
    assert lines[0] == f'* ESEARCH (TAG "t{client.tag}") {answer}'


async def test_nothing_found_is_said(client: Client) -> None:
    assert (await client.run("UID SEARCH RETURN (MIN ALL COUNT) KEYWORD $No"))[0] == (
        f'* ESEARCH (TAG "t{client.tag}") UID COUNT 0'
    )


async def test_saved_results(client: Client) -> None:
    # RFC 5182 §2.1
    assert await client.run("SEARCH RETURN (SAVE) UNSEEN") == ["t OK SEARCH completed"]
    assert await found(client, "$ ANSWERED") == [2]
    lines = await client.run("FETCH $ UID")
    assert lines[:3] == ["* 2 FETCH (UID 2)", "* 3 FETCH (UID 3)", "* 4 FETCH (UID 4)"]
    await client.run("SEARCH RETURN (SAVE MIN) UNSEEN")
    assert (await client.run("FETCH $ UID"))[0] == "* 2 FETCH (UID 2)"
    await client.run("UID MOVE $ Trash")
    assert await client.run("UID FETCH $ FLAGS") == ["t OK FETCH completed"]


async def test_new_messages_are_searched_at_once(world: World, client: Client) -> None:
    await world.letters(1)
    lines = await client.run("SEARCH UID 5")
    assert lines == ["* 5 EXISTS", "* 5 RECENT", "* SEARCH 5", "t OK SEARCH completed"]


async def test_many_numbers_stay_fast_and_right(world: World) -> None:
    await world.letters(500)
    client = await world.login("INBOX")
    await client.run("STORE " + ",".join(map(str, range(2, 501, 2))) + " +FLAGS.SILENT (\\Flagged)")
    assert await found(client, "FLAGGED") == list(range(2, 501, 2))


async def test_long_messages_are_searched_one_at_a_time(world: World, client: Client, monkeypatch) -> None:
    """A mailbox may hold any number of them, and a chunk of rows too."""
    for number in range(4):
        text = message(number, INLINE_CONTENT_MAX_BYTES + 1000) + f"the needle {number}\r\n".encode()
        assert (await client.append("INBOX", text))[-1].startswith("t OK")
    held: list[int] = []
    add = Found.add

    def counted(self: Found, rows, test, *, modseq: bool) -> None:
        held.append(sum(hasattr(row[-1], "chunks") for row in rows))
        add(self, rows, test, modseq=modseq)

    monkeypatch.setattr(Found, "add", counted)
    assert await found(client, 'BODY "the needle"') == [5, 6, 7, 8]
    assert await found(client, 'BODY "needle 2"') == [7]
    assert max(held) == 1
    assert sum(held) == 8
