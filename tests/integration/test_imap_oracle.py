"""Dovecot as oracle: the same letters, the same commands, and the answers compared.

Every command of `COMMANDS` runs on a private Dovecot and on a session of ours, in this order.  What differs must stand
in `DIFFERENCES`, with the reason why ours is right, or as right.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.wire.imap.client import Response, ResponseReader
from tests.integration.dovecot import Dovecot, running_dovecot
from tests.unit.imap_world import Client, imap_world

pytestmark = pytest.mark.peers

# --- the letters ---


def letter(number: int, subject: str, more: str = "", body: str = "Hello\r\n", day: int = 0) -> bytes:
    people = (
        "Ann <ann@one.test>",
        '"Bob, B." <bob@two.test>',
        "carl@three.test",
        "=?utf-8?q?J=C3=BCrgen?= <j@four.test>",
    )
    return (
        f"From: {people[number % 4]}\r\nTo: {people[(number + 1) % 4]}\r\nCc: {people[(number + 2) % 4]}\r\n"
        f"Subject: {subject}\r\nDate: {day or number:d} Feb 2024 {number:02d}:00:00 +0800\r\n"
        f"Message-ID: <m{number}@one.test>\r\n{more}\r\n{body}"
    ).encode()


MIXED = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n",
    "--q\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n6am/56uZ5p2l5L+h\r\n"
    "--q\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: x@y.test\r\n\r\ninner words\r\n"
    "--q\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n"
    "--q--\r\n",
)
LETTERS: list[tuple[bytes, str]] = [
    (letter(1, "Lunch on Friday"), r"\Seen"),
    (
        letter(2, "Re: Lunch on Friday", "In-Reply-To: <m1@one.test>\r\nReferences: <m1@one.test>\r\n"),
        r"\Answered",
    ),
    (letter(3, "Re: Lunch on Friday", "References: <m1@one.test> <m2@one.test>\r\n"), r"\Flagged \Seen"),
    (letter(4, "report", "X-Team: Blue Herons\r\n", "figures inside\r\n" * 100), "$Work"),
    (letter(5, "=?utf-8?q?caf=C3=A9?="), ""),
    (letter(6, "[list] report (fwd)", *MIXED), r"\Deleted"),
    (letter(7, "Fwd: lunch on friday", "References: <gone@one.test>\r\n"), ""),
    (letter(8, "report", "References: <gone@one.test>\r\n", day=1), r"\Draft"),
    (letter(9, "", body="empty subject\r\n"), r"\Seen $Work"),
    (b"Subject: no date\r\n\r\nno date here\r\n", ""),
    (letter(11, "=?gb18030?B?xOO6ww==?="), ""),
    (letter(12, "zebra", "MIME-Version: 1.0\r\nContent-Type: text/html\r\n", "<p>b<b>ol</b>d</p>\r\n"), ""),
]

# --- the commands ---

SEARCHES = (
    "ALL", "SEEN", "UNSEEN", "ANSWERED FLAGGED", "OR ANSWERED FLAGGED", "NOT SEEN", "DELETED", "UNDELETED DRAFT",
    "KEYWORD $Work", "KEYWORD $work", "UNKEYWORD $Work", "KEYWORD $Never", "2:4", "*", "NOT 2:4", "UID 3:*", "UID 99",
    "LARGER 500", "SMALLER 300", "BEFORE 3-Feb-2024", "ON 3-Feb-2024", "SINCE 3-Feb-2024", "SENTBEFORE 3-Feb-2024",
    "SENTON 3-Feb-2024", "SENTSINCE 3-Feb-2024", "FROM ann", "FROM ANN@ONE", "FROM bob", "FROM jürgen", "TO one.test",
    "CC carl", "BCC x", "SUBJECT lunch", 'SUBJECT "lunch on"', "SUBJECT café", "SUBJECT 你好", 'SUBJECT ""',
    "HEADER X-Team heron", 'HEADER X-Team ""', "HEADER Message-ID m7", "BODY figures", "BODY 驿站", "BODY inner",
    "TEXT herons", 'BODY "herons"', "TEXT nowhere", "BODY bold", "TEXT inner", "OR (SEEN FROM ann) SUBJECT zebra",
    "NOT (SEEN OR FROM ann FROM bob)", "OLDER 60", "YOUNGER 60", "1:3 UID 2:5 SEEN",
)  # fmt: skip
RETURNS = ("", "ALL", "MIN", "MAX", "COUNT", "MIN MAX COUNT", "COUNT ALL")
SORTS = (
    "ARRIVAL", "REVERSE ARRIVAL", "DATE", "REVERSE DATE", "SUBJECT", "REVERSE SUBJECT", "FROM", "TO", "CC", "SIZE",
    "REVERSE SIZE", "SUBJECT REVERSE DATE", "FROM SUBJECT", "DISPLAYFROM", "DISPLAYTO",
)  # fmt: skip
LISTS = (
    'LIST "" "*"', 'LIST "" "%"', 'LIST "" "work/%"', 'LIST "work/" "%"', 'LIST "" ("work" "work/*")', 'LIST "" ""',
    'LIST (SUBSCRIBED) "" "*"', 'LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"', 'LIST "" "*" RETURN (SUBSCRIBED CHILDREN)',
    'LIST "" "%" RETURN (CHILDREN)', 'LIST "" "work" RETURN (STATUS (MESSAGES UIDNEXT))', 'LSUB "" "*"', 'LSUB "" "%"',
    'LIST "" "nothing"', 'LIST "" "inbox"',
)  # fmt: skip
FETCHES = (
    "FETCH 1:* (UID FLAGS RFC822.SIZE)", "FETCH 1:* INTERNALDATE", "FETCH 1:* ENVELOPE", "FETCH 1:* BODYSTRUCTURE",
    "FETCH 6 BODY", "FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT X-TEAM)]", "FETCH 6 BODY.PEEK[2.HEADER]",
    "FETCH 6 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2.TEXT])", "FETCH 6 BINARY.PEEK[1]", "FETCH 6 BINARY.SIZE[3]",
    "FETCH 6 BINARY.PEEK[3]", "FETCH 4 BODY.PEEK[TEXT]<5.10>", "FETCH 4 BODY.PEEK[]<99999.10>", "UID FETCH 5:7 FLAGS",
    "UID FETCH 500 FLAGS", "FETCH 1 (FLAGS BODY[TEXT])", "FETCH 5 BODY[TEXT]", "FETCH 2:3 ALL", "FETCH 2 FULL",
    "FETCH 99 FLAGS", "FETCH 6 BODY.PEEK[9]",
)  # fmt: skip
CHANGES = (
    "STORE 1 +FLAGS (\\Flagged)", "STORE 1:2 -FLAGS.SILENT (\\Flagged)", "UID STORE 3 FLAGS ($Work $New)",
    "STORE 4 FLAGS ()", "COPY 1:2 work", "UID COPY 3,5 work/plans", "COPY 1 nothing", "UID COPY 99 work",
    "STORE 1 +FLAGS (\\Recent)", "STORE 1 +FLAGS (\\Odd)",
    "ENABLE CONDSTORE", "FETCH 1 (MODSEQ)", "STORE 2 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)", "UID EXPUNGE 1:4", "EXPUNGE",
    "UID MOVE 2 work", "NOOP", "SEARCH ALL", "UNSELECT", "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)", "CREATE work",
    "DELETE nothing", "CREATE new/", "RENAME new newer", 'LIST "" "new*"', "RENAME nothing x", "SUBSCRIBE newer",
    "UNSUBSCRIBE newer", "DELETE newer", "SELECT nothing", "EXAMINE work", "STORE 1 +FLAGS (\\Seen)", "EXPUNGE",
    "CLOSE", "FETCH 1 FLAGS", "UNKNOWN", "LOGIN a b",
)  # fmt: skip
COMMANDS = (
    *[f"{word} CHARSET UTF-8 {key}" for key in SEARCHES for word in ("SEARCH", "UID SEARCH")],
    *[f"SEARCH RETURN ({returns}) UNSEEN" for returns in RETURNS],
    *[f"UID SEARCH RETURN ({returns}) KEYWORD $Never" for returns in RETURNS],
    "SEARCH RETURN (SAVE) UNSEEN", "FETCH $ (UID)", "SEARCH $ FROM ann", "SEARCH CHARSET X-NONE TEXT x",
    *[f"SORT ({criteria}) UTF-8 ALL" for criteria in SORTS],
    "UID SORT (REVERSE DATE) UTF-8 UNSEEN", "UID SORT RETURN (ALL COUNT) (SIZE) UTF-8 SEEN",
    *[f"THREAD {algorithm} UTF-8 ALL" for algorithm in ("REFERENCES", "ORDEREDSUBJECT", "REFS")],
    "UID THREAD REFERENCES UTF-8 NOT 2",
    *LISTS, *FETCHES, *CHANGES,
)  # fmt: skip

# --- what differs, and why ---

_NO_DATE = "RFC 9051 §6.4.4: SENT... is about the Date field; a letter without one has none to compare"
_HTML = (
    "ours searches the words a reader of the page sees; Dovecot has a gap where a tag stands inside a word"
)
_READ_ONLY = (
    "RFC 9051 §6.3.3: nothing can be changed after EXAMINE; ours says so, Dovecot says OK and does nothing"
)
DIFFERENCES: dict[str, str] = {
    **{f"{word} CHARSET UTF-8 SENTBEFORE 3-Feb-2024": _NO_DATE for word in ("SEARCH", "UID SEARCH")},
    **{f"{word} CHARSET UTF-8 BODY bold": _HTML for word in ("SEARCH", "UID SEARCH")},
    "THREAD REFS UTF-8 ALL": "the draft of REFS orders threads by their newest INTERNALDATE; Dovecot by the Date field",
    "FETCH 6 BODY.PEEK[9]": "a part that does not exist has no text: NIL, not an empty string",
    "STORE 1 +FLAGS (\\Recent)": "clients give back the flags they were shown; ours overlooks what cannot be stored",
    "SELECT nothing": "RFC 5530 §3: NONEXISTENT",
    'LIST "" "new*"': "RFC 9051 §6.3.4: made without its delimiter it can be selected; Dovecot makes a folder",
    "STORE 1 +FLAGS (\\Seen)": _READ_ONLY,
    "EXPUNGE": _READ_ONLY,
}


# --- both sides ---


class Side:
    """Says a command, and gives the answer as values that can be compared."""

    def __init__(self) -> None:
        self._number = 0

    async def say(self, raw: bytes) -> bytes:
        raise NotImplementedError

    async def ask(self, command: str) -> list[Any]:
        self._number += 1
        tag = f"x{self._number}".encode()
        reader = ResponseReader()
        reader.receive(await self.say(tag + b" " + literals(command) + b"\r\n"))
        out: list[Any] = []
        while (response := reader.next_response()) is not None:
            out.append(comparable(response, tag.decode()))
        lines = [line for line in out if line is not None]
        # The order of mailboxes is free.
        return sorted(lines, key=repr) if command.startswith(("LIST", "LSUB")) else lines


class Ours(Side):
    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    async def say(self, raw: bytes) -> bytes:
        return await self._client.send(raw)


class Theirs(Side):
    def __init__(self, imap: Any) -> None:
        super().__init__()
        self._file = imap

    async def say(self, raw: bytes) -> bytes:
        self._file.sock.sendall(raw)
        tag = raw.split(b" ", 1)[0]
        said = bytearray()
        while True:
            line = self._file.file.readline()
            assert line
            said += line
            if (marker := re.search(rb"\{(\d+)\}\r\n\Z", line)) is not None:
                said += self._file.file.read(int(marker[1]))
            elif line.startswith(tag + b" "):
                return bytes(said)


def literals(command: str) -> bytes:
    """Words beyond ASCII as literals that need no answer."""
    raw = command.encode()
    return re.sub(rb"[^ ()]*[\x80-\xff][^ ()]*", lambda m: b"{%d+}\r\n%b" % (len(m[0]), m[0]), raw)


UNCOMPARED = ("HIGHESTMODSEQ", "PERMANENTFLAGS", "MAILBOXID", "CAPABILITY")
"""Codes with values of each server's own, or of an extension that only one of them has (OBJECTID)."""


def comparable(response: Response, tag: str) -> Any:
    """The answer without its texts, and without what each server chooses for itself."""
    name = response.name
    code = str(response.code[0]).upper() if response.code else None
    if response.tag == tag:
        return ("tagged", name, None if code in UNCOMPARED else code)
    if name in ("OK", "NO", "BAD"):
        return None if code is None or code in UNCOMPARED else ("*", name, code)
    if name in ("FLAGS", "RECENT", "ENABLED", "CAPABILITY"):
        return None
    if name == "STATUS":
        return (name, response.data[0], response.pairs)
    if name == "FETCH":
        pairs = {key: value for key, value in response.pairs.items() if key != "MODSEQ"}
        if "INTERNALDATE" in pairs:
            pairs["INTERNALDATE"] = re.sub(rb"\A ", b"0", pairs["INTERNALDATE"])  # both are right
        if isinstance(pairs.get("FLAGS"), list):
            pairs["FLAGS"] = sorted(flag for flag in pairs["FLAGS"] if flag != "\\Recent")
        return (name, response.number, pairs)
    if name in ("LIST", "LSUB"):
        attributes = sorted(a for a in response.data[0] if a not in USES)
        return (name, attributes, *map(textual, response.data[1:]))
    if name == "ESEARCH":
        return (name, sorted(map(str, response.data[1:])))
    return (name, response.number, response.data)


def textual(value: Any) -> Any:
    """A name may be an atom or a string."""
    if isinstance(value, list):
        return [textual(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value


USES = {
    "\\Sent",
    "\\Drafts",
    "\\Junk",
    "\\Trash",
    "\\Archive",
    "\\UnMarked",
    "\\Marked",
    "\\HasNoChildren",
    "\\HasChildren",
}


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
async def ours(tmp_path: Path) -> AsyncIterator[Ours]:
    async with imap_world(tmp_path) as world:
        yield Ours(await world.login())


DEFAULTS = ("Archive", "Drafts", "Junk", "Sent", "Trash")


async def prepare(side: Side) -> None:
    for name in DEFAULTS:  # accounts of ours have them
        await side.ask(f"CREATE {name}")
        await side.ask(f"SUBSCRIBE {name}")
    for name in ("work", "work/plans"):
        assert (await side.ask(f"CREATE {name}"))[-1][1] == "OK"
    await side.ask("SUBSCRIBE work/plans")
    await side.ask("SUBSCRIBE INBOX")
    for number, (data, flags) in enumerate(LETTERS, 1):
        head = f'APPEND INBOX ({flags}) "{number % 9 + 1:2d}-Feb-2024 1{number % 10}:00:00 +0000" {{{len(data)}+}}\r\n'
        said = await side.say(b"p%d " % number + head.encode() + data + b"\r\n")
        assert b"p%d OK" % number in said, said
    await side.ask("SELECT INBOX")


async def test_answers_are_the_same(ours: Ours, dovecot: Dovecot) -> None:
    imap = dovecot.login()
    theirs = Theirs(imap)
    await prepare(ours)
    await prepare(theirs)
    found: dict[str, str] = {}
    for command in COMMANDS:
        mine, other = await ours.ask(command), await theirs.ask(command)
        if mine != other:
            found[command] = f"ours   {mine}\n    theirs {other}"
    imap.shutdown()
    new = {command: text for command, text in found.items() if command not in DIFFERENCES}
    assert not new, "\n".join(f"{command}\n    {text}" for command, text in new.items())
    assert DIFFERENCES.keys() <= found.keys(), "these agree by now"
