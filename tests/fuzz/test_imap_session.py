"""Ten thousand mutated dialogues: no fault, no hang, no growth, and the store stays whole.

Deterministic: the mutations come from a seeded generator, so a failure names its dialogue.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Final

import pytest

from tests.unit.imap_world import Client, MemoryPeer, World, imap_world

DIALOGUES: Final = 10_000
SESSIONS_AT_ONCE: Final = 50
BACKLOG_MAX: Final = 1 << 20

_LOGIN: Final = b"l LOGIN li@example.test secret\r\n"
SEEDS: Final = (
    _LOGIN + b"s SELECT INBOX\r\nf FETCH 1:* (FLAGS UID ENVELOPE BODY.PEEK[HEADER.FIELDS (FROM)])\r\n",
    _LOGIN + b"s EXAMINE INBOX\r\nu UID FETCH 1:* (BODY.PEEK[1.MIME]<0.5> BINARY.SIZE[1] PREVIEW)\r\n",
    _LOGIN + b"s SELECT INBOX\r\nt STORE 1:2 +FLAGS.SILENT (\\Seen $Fuzz)\r\nx UID EXPUNGE 1:2\r\n",
    _LOGIN + b's SELECT INBOX\r\nq SEARCH OR SEEN (NOT SUBJECT "x") SINCE 1-Feb-2024 UID 1:*\r\n',
    _LOGIN
    + b"s SELECT INBOX\r\nq UID SEARCH RETURN (MIN MAX SAVE) CHARSET UTF-8 BODY {3+}\r\nabc\r\nf FETCH $ UID\r\n",
    _LOGIN + b"a APPEND Drafts (\\Draft) {24+}\r\nSubject: fuzz\r\n\r\nbody\r\n\r\nn NOOP\r\n",
    _LOGIN + b'a APPEND Drafts "01-Jan-2024 00:00:00 +0000" {10}\r\n0123456789\r\nn NOOP\r\n',
    _LOGIN + b"s SELECT INBOX\r\ni IDLE\r\nDONE\r\nc COPY 1 Drafts\r\nm UID MOVE 1 Trash\r\nc CLOSE\r\n",
    _LOGIN + b"x CREATE a/b\r\nx RENAME a/b c\r\n"
    b'x LIST (SUBSCRIBED) "" (% "c*") RETURN (STATUS (MESSAGES))\r\nx DELETE c\r\n',
    _LOGIN
    + b'x ENABLE QRESYNC IMAP4rev2\r\ns SELECT INBOX (QRESYNC (1 1 1:9 (1 1)))\r\nx STATUS "INBOX" (SIZE)\r\n',
    _LOGIN + b"s SELECT INBOX (CONDSTORE)\r\nf FETCH 1:* (FLAGS) (CHANGEDSINCE 1)\r\n"
    b"t STORE 1 (UNCHANGEDSINCE 1) FLAGS ()\r\n",
    b'a AUTHENTICATE PLAIN\r\nAGxpQGV4YW1wbGUudGVzdABzZWNyZXQ=\r\nx NAMESPACE\r\nx LSUB "" *\r\nx LOGOUT\r\n',
    b'a AUTHENTICATE LOGIN\r\nbGk=\r\n*\r\nx ID ("name" NIL)\r\nx CAPABILITY\r\nx STARTTLS\r\n',
)
_PIECES: Final = (
    b"\r\n", b"\n", b"\0", b"{3+}\r\n", b"{99999999999}\r\n", b"(", b")", b'"', b"*", b"$", b"1:*", b"4294967296",
    b"\xff\xfe", b"\\", b"[", b"]", b"<0.0>", b" ", b"INBOX", b"&AAA-", b"UID ", b"BODY[9.9.TEXT]", b"~{4}\r\n",
)  # fmt: skip


def mutate(rng: random.Random, seed: bytes) -> bytes:
    data = bytearray(seed)
    # Most keep their login, so that what comes after is reached.
    floor = len(_LOGIN) if seed.startswith(_LOGIN) and rng.random() < 0.9 else 0
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randint(floor, len(data))
        match rng.randrange(6):
            case 0:
                data[at:at] = rng.choice(_PIECES)
            case 1:
                del data[at : at + rng.randint(1, 8)]
            case 2 if at < len(data):
                data[at] = rng.randrange(256)
            case 3:
                other = rng.choice(SEEDS)
                start = rng.randrange(len(other))
                data[at:at] = other[start : start + rng.randint(1, 40)]
            case 4:
                stop = min(len(data), at + rng.randint(1, 30))
                data[at:at] = data[at:stop]
            case _:
                del data[at:]
    return bytes(data)


async def play(world: World, rng: random.Random) -> None:
    client = Client(world, MemoryPeer())
    client.session.greet()
    data = mutate(rng, rng.choice(SEEDS))
    while data and not client.peer.closed:
        size = rng.choice((1, 7, 64, 4096))
        async with asyncio.timeout(20):
            await client.send(data[:size])
        data = data[size:]
        assert client.session._backlog() < BACKLOG_MAX
    if rng.random() < 0.5 and not client.peer.closed:
        client.session.eof()
    client.drop()
    async with asyncio.timeout(20):
        await client.settle()


@pytest.mark.slow
async def test_mutated_dialogues(tmp_path: Path) -> None:
    async with imap_world(tmp_path) as world:
        await world.letters(5)
        for start in range(0, DIALOGUES, SESSIONS_AT_ONCE):
            numbers = range(start, min(start + SESSIONS_AT_ONCE, DIALOGUES))
            await asyncio.gather(*[play(world, random.Random(number)) for number in numbers])
            assert world.faults == [], f"dialogues {numbers}"
            if start % 1000 == 0:
                await world.letters(3)
