"""SEARCH with an index says what SEARCH without one says, at every moment."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.flags import SEEN
from tests.unit.imap_world import Client, World, imap_world

CHARSETS = ("utf-8", "gb18030", "gbk", "big5", "iso-2022-jp", "shift_jis", "euc-kr", "koi8-r", "windows-1252")
TEXTS = {
    "utf-8": "驿站来信，今天天气很好。Straße naïve ＡＢＣ",
    "gb18030": "季度报告已经发给你了，请查收附件",
    "gbk": "本季度 报告没有发",
    "big5": "傳統中文的信件",
    "iso-2022-jp": "こんにちは、ガラス",
    "shift_jis": "カタカナとひらがな",
    "euc-kr": "안녕하세요 세계",
    "koi8-r": "Привет, мир",
    "windows-1252": "café “quoted” text",
}
KEYS = (
    "TEXT 季度", "TEXT 报告", "TEXT 季度报告", "BODY 报", "BODY 天气很", "TEXT 傳統", "TEXT 信", "BODY ガラス",
    "BODY か", "TEXT 안녕", "TEXT привет", "BODY мир", "TEXT cafe", "TEXT café", "TEXT STRAẞE", "TEXT abc",
    "TEXT NAÏVE", "TEXT nowhere", "SUBJECT 中文的", "SUBJECT 3", "FROM 张", "FROM ann@one", "TO li@", "CC x",
    "TEXT report-1", "BODY 报告.pdf",
    "HEADER X-Team blue", 'HEADER X-Team ""', 'TEXT "x-team: Blue"', 'BODY "bold text"',
    "BODY boldtext", "NOT TEXT 季度", "OR TEXT 季度 SUBJECT 中文的", "UNSEEN TEXT 信",
    "TEXT 信 UID 20:90", "NOT (SEEN TEXT 信)",
    "FUZZY TEXT ガラズ", "FUZZY BODY weater", "FUZZY TEXT 季度報告", "FUZZY SUBJECT 驛站",
    "FUZZY (TEXT 信 SUBJECT 3)", "FUZZY TEXT strase", "NOT FUZZY TEXT 季度", "FUZZY FROM ann",
    "UID 20:90 FUZZY TEXT cafe", "UID 5:9 FUZZY TEXT cafe",
    "TEXT a", 'TEXT "."', "TEXT <p>", "10:30 BODY 报", "LARGER 300 NOT BODY text", 'TEXT ""',
)  # fmt: skip
_BEYOND_ASCII = re.compile(rb"[^ ()]*[\x80-\xff][^ ()]*")


def encoded(text: str, charset: str) -> str:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def letter(number: int) -> bytes:
    chance = random.Random(number)
    charset = CHARSETS[number % len(CHARSETS)]
    text = TEXTS[charset]
    name = "张三" if charset in {"utf-8", "gb18030"} else "Ann"
    head = (
        f"From: {encoded(name, 'utf-8')} <ann@{chance.choice(('one', 'two'))}.test>\r\nTo: li@example.test\r\n"
        f"Subject: {encoded(text[:6], charset)} {number}\r\nMIME-Version: 1.0\r\n"
    )
    if number % 3 == 0:
        head += "X-Team: Blue Herons\r\nCc: x@y.test\r\n"
    body = base64.encodebytes(text.encode(charset)).replace(b"\n", b"\r\n")
    plain = (
        f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
        + body
    )
    if number % 4:
        return head.encode() + plain
    page = "<p>Some <b>bold</b> text, b<i>oldt</i>ext &amp; 报告</p><style>p{}</style>"
    pdf = encoded(f"报告.pdf report-{number}", "utf-8")
    return (
        head.encode()
        + b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n"
        + plain
        + b"--q\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        + page.encode()
        + f'\r\n--q\r\nContent-Type: application/pdf; name="{pdf}"\r\n\r\nBODY\r\n--q--\r\n'.encode()
    )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        yield world


def literals(command: str) -> bytes:
    """Words beyond ASCII as literals."""
    return _BEYOND_ASCII.sub(lambda m: b"{%d+}\r\n%s" % (len(m[0]), m[0]), command.encode())


async def answers(client: Client) -> dict[str, str]:
    found = {}
    for key in KEYS:
        lines = await client.run(literals(f"UID SEARCH CHARSET UTF-8 {key}"))
        assert lines[-1] == "t OK SEARCH completed", (key, lines)
        found[key] = next(line for line in lines if line.startswith("* SEARCH"))
    return found


async def indexed(world: World) -> None:
    assert await world.store.search.update(world.account.id)


async def test_an_index_changes_no_answer(world: World) -> None:
    await world.put(*map(letter, range(100)))
    await world.put(*map(letter, range(100, 110)), flags=SEEN)
    client = await world.login("INBOX")
    by_reading = await answers(client)
    assert await world.store.search.pending() == [world.account.id], "a search that read much wants an index"
    await indexed(world)
    assert await answers(client) == by_reading
    # A hit in each charset, and not only agreement in finding nothing.
    for key in KEYS:
        if key not in {"TEXT nowhere", "TEXT <p>", "FUZZY BODY weater"}:
            assert by_reading[key] != "* SEARCH", key


async def test_what_is_newer_than_the_index_is_found(world: World) -> None:
    await world.put(*map(letter, range(80)))
    await indexed(world)
    client = await world.login("INBOX")
    await world.put(*map(letter, range(80, 120)))
    with_index = await answers(client)
    await world.store.search.forget(world.account.id)
    assert await answers(client) == with_index
    assert with_index["TEXT 季度报告"].endswith(" 119")


async def test_what_was_expunged_is_not_found(world: World) -> None:
    await world.put(*map(letter, range(100)))
    await indexed(world)
    client, other = await world.login("INBOX"), await world.login("INBOX")
    await other.run("UID STORE 2,11:40 +FLAGS.SILENT (\\Deleted)")
    await other.run("EXPUNGE")
    with_index = await answers(client)
    assert with_index["TEXT 季度报告"] == "* SEARCH 47 56 65 74 83 92"
    await world.store.search.forget(world.account.id)
    assert await answers(client) == with_index


async def test_other_mailboxes_and_modseq(world: World) -> None:
    await world.put(*map(letter, range(90)))
    client = await world.login("INBOX")
    await client.run("UID COPY 10:80 Archive")
    await client.run("ENABLE CONDSTORE")
    asked = (
        "ESEARCH IN (PERSONAL) RETURN (ALL COUNT) CHARSET UTF-8 TEXT 季度报告",
        "UID SEARCH RETURN (MIN MAX) CHARSET UTF-8 MODSEQ 1 TEXT 季度报告",
        "UID SORT (REVERSE ARRIVAL) UTF-8 TEXT 季度报告",
        "SEARCH RETURN (SAVE) CHARSET UTF-8 TEXT 季度报告",
        "UID SEARCH $",
    )

    async def lines() -> list[str]:
        return [re.sub('TAG "t[0-9]+"', "TAG", "\n".join(await client.run(literals(line)))) for line in asked]

    by_reading = await lines()
    await indexed(world)
    assert await lines() == by_reading
    assert "COUNT 8" in by_reading[0]


async def test_only_searches_for_text_want_an_index(world: World) -> None:
    await world.put(*map(letter, range(100)))
    client = await world.login("INBOX")
    for key in ("ALL", "UNSEEN", "SENTON 1-Jan-2024", "LARGER 10", "TEXT alpha 1:20"):
        await client.run(f"SEARCH {key}")
    assert await world.store.search.pending() == []
    await client.run("SEARCH BODY alpha")
    assert await world.store.search.pending() == [world.account.id]
