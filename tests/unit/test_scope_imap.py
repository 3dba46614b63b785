"""A credential for one folder, and every command of IMAP: what lies outside is as if it were not there.

Each command has rows.  A row is given twice, with the name of a hidden mailbox and with one that nobody has: the two
answers have to be the same, and nothing hidden may have changed.  A command without a row fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from posthouse.core.scope import ACTIONS
from posthouse.sessions.imap.state import SERVER
from posthouse.sessions.imap.table import COMMANDS
from tests.storage.fixtures import deliver
from tests.unit.sign_in_place import Place, open_place

WORD: Final = b"xyzzy"
HIDDEN, ABSENT = "Private", "Nowhere"
BEFORE: Final = "before sign-in"
ROWS: dict[str, tuple[str, ...]] = {
    "CAPABILITY": ("CAPABILITY",),
    "NOOP": ("NOOP",),
    "LOGOUT": ("LOGOUT",),
    "ID": ("ID NIL",),
    "STARTTLS": (BEFORE,),
    "AUTHENTICATE": (BEFORE,),
    "LOGIN": (BEFORE,),
    "COMPRESS": ("COMPRESS LZW",),
    "LANGUAGE": ("LANGUAGE",),
    "GETJMAPACCESS": ("GETJMAPACCESS",),
    "UNAUTHENTICATE": ("UNAUTHENTICATE",),
    "ENABLE": ("ENABLE QRESYNC",),
    "SELECT": ("SELECT {}", "SELECT {} (QRESYNC (1 1))", "SELECT {}/x"),
    "EXAMINE": ("EXAMINE {}",),
    "CREATE": ("CREATE {}", "CREATE {}/x"),
    "DELETE": ("DELETE {}", "DELETE {}/Below"),
    "RENAME": ("RENAME {} Work/x", "RENAME Work/2026 {}", "RENAME Work/2026 {}/x", "RENAME {}/Below Work/x"),
    "SUBSCRIBE": ("SUBSCRIBE {}",),
    "UNSUBSCRIBE": ("UNSUBSCRIBE {}",),
    "LIST": (
        'LIST "" {}',
        'LIST "" {}/%',
        'LIST (SUBSCRIBED RECURSIVEMATCH) "" (* {})',
        'LIST "" * RETURN (CHILDREN SPECIAL-USE MYRIGHTS STATUS (MESSAGES UNSEEN SIZE HIGHESTMODSEQ))',
        'LIST "{}/" %',
    ),
    "LSUB": ('LSUB "" *', 'LSUB "" {}'),
    "NAMESPACE": ("NAMESPACE",),
    "STATUS": ("STATUS {} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE MAILBOXID)",),
    "APPEND": (
        "APPEND {} {{3+}}\r\na:b",
        'APPEND Work CATENATE (URL "/{}/;UID=1")',
        "APPEND {}/x {{3+}}\r\na:b",
    ),
    "IDLE": ("IDLE\r\nDONE",),
    "CHECK": ("CHECK",),
    "CLOSE": ("CLOSE",),
    "UNSELECT": ("UNSELECT",),
    "EXPUNGE": ("EXPUNGE",),
    "SEARCH": ("SEARCH BODY xyzzy", "SEARCH RETURN (COUNT) KEYWORD hidden"),
    "ESEARCH": (
        "ESEARCH IN (mailboxes {}) RETURN (COUNT ALL) ALL",
        "ESEARCH IN (personal) RETURN (COUNT) BODY xyzzy",
        "ESEARCH IN (subtree {}) RETURN (COUNT) ALL",
        "ESEARCH IN (subscribed) RETURN (COUNT) SUBJECT xyzzy",
        "ESEARCH IN (inboxes) RETURN (COUNT) ALL",
    ),
    "SORT": ("SORT (DATE) UTF-8 BODY xyzzy",),
    "THREAD": ("THREAD REFERENCES UTF-8 ALL", "UID THREAD REFS UTF-8 ALL"),
    "CANCELUPDATE": ('CANCELUPDATE "x"',),
    "FETCH": ("FETCH 1:* (ENVELOPE FLAGS BODY.PEEK[])", "FETCH 1:* (EMAILID THREADID)"),
    "STORE": ("STORE 3:* +FLAGS (\\Seen)",),
    "COPY": ("COPY 1 {}", "UID COPY 1 {}/x", "COPY 1 {}/Below"),
    "MOVE": ("MOVE 1 {}", "UID MOVE 1 {}/Below"),
    "GETACL": ("GETACL {}",),
    "SETACL": ("SETACL {} wang@post.test lr",),
    "DELETEACL": ("DELETEACL {} wang@post.test",),
    "LISTRIGHTS": ("LISTRIGHTS {} wang@post.test",),
    "MYRIGHTS": ("MYRIGHTS {}",),
    "GETQUOTA": ("GETQUOTA {}",),
    "GETQUOTAROOT": ("GETQUOTAROOT {}",),
    "SETQUOTA": ('SETQUOTA "" (STORAGE 1)',),
    "GETMETADATA": (
        "GETMETADATA {} /private/comment",
        'GETMETADATA "" /private/comment',
        "GETMETADATA (DEPTH infinity) {} /private",
        'GETMETADATA "*" /private/comment',
    ),
    "SETMETADATA": ('SETMETADATA {} (/private/comment "x")', 'SETMETADATA "" (/private/comment "x")'),
    "NOTIFY": (
        "NOTIFY SET STATUS (mailboxes {} (MessageNew MessageExpunge FlagChange))",
        "NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))",
        "NOTIFY SET (subtree {} (MessageNew MessageExpunge))",
    ),
}
ALL_ROWS: Final = [row for rows in ROWS.values() for row in rows if row != BEFORE]


def letter(word: bytes, number: int) -> bytes:
    return b"From: %b@b.test\r\nSubject: %b\r\nMessage-ID: <%d@%b>\r\n\r\n%b\r\n" % (
        word,
        word,
        number,
        word,
        word,
    )


class Hidden:
    def __init__(self, place: Place) -> None:
        self.place = place

    async def fill(self) -> None:
        store, account = self.place.world.store, (await self.place.account()).id
        for name in ("Work", "Work/2026", HIDDEN, f"{HIDDEN}/Below"):
            await store.mailboxes.create(account, name)
        for name, word in (("Work", b"plain"), (HIDDEN, WORD), ("INBOX", WORD), (f"{HIDDEN}/Below", WORD)):
            mailbox = await store.mailboxes.get(account, name)
            await deliver(store, mailbox, letter(word, 1), letter(word, 2))
        await store.mailboxes.subscribe(account, HIDDEN, on=True)
        owner = await self.place.login(await self.place.app("all"))
        for command in (
            f"SELECT {HIDDEN}",
            "STORE 1 +FLAGS (hidden)",
            f'SETMETADATA {HIDDEN} (/private/comment "xyzzy")',
            'SETMETADATA "" (/private/comment "xyzzy")',
            f"SETACL {HIDDEN} wang@post.test lr",
        ):
            assert "t OK" in await owner.run(command), command
        await owner.leave()

    async def outside(self) -> list[object]:
        store, account = self.place.world.store, (await self.place.account()).id
        rows = [one for one in await store.mailboxes.list(account) if not one.name.startswith("Work")]
        entries: list[object] = [
            await store.acls.entries(account, one.id) for one in rows if one.name == HIDDEN
        ]
        entries += [
            sorted(await store.metadata.entries(account, number))
            for number in (SERVER, *(one.id for one in rows))
        ]
        return [rows, entries, sorted(await store.mailboxes.subscriptions(account))]

    async def say(self, secret: str, row: str, name: str) -> str:
        """What a new connection is told, with what comes of itself in the end."""
        client = await self.place.login(secret)
        await client.run("ENABLE QRESYNC")
        await client.run("SELECT Work")
        said = await client.run(row.format(name))
        await client.leave()
        return said


@pytest.fixture
async def hidden(tmp_path: Path) -> AsyncIterator[Hidden]:
    async with open_place(tmp_path) as place:
        await place.world.account("wang")
        found = Hidden(place)
        await found.fill()
        yield found


def test_every_command_has_a_row() -> None:
    assert set(ROWS) == set(COMMANDS)


async def test_what_is_hidden_is_as_if_it_were_not_there(hidden: Hidden) -> None:
    secret = await hidden.place.app(folders=("Work",))
    before = await hidden.outside()
    for row in ALL_ROWS:
        there = await hidden.say(secret, row, HIDDEN)
        absent = await hidden.say(secret, row, ABSENT)
        assert there.replace(HIDDEN, ABSENT) == absent, row
        assert WORD.decode() not in there, (row, there)
        if "{}" not in row:
            assert HIDDEN not in there, (row, there)
            assert "INBOX" not in there, (row, there)
        assert await hidden.outside() == before, row


async def test_nothing_comes_of_itself(hidden: Hidden) -> None:
    place, account = hidden.place, (await hidden.place.account()).id
    client = await place.login(await place.app(folders=("Work",)))
    await client.run("SELECT Work")
    await client.run(
        "NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))"
    )
    owner = await place.login(await place.app("owner"))
    for command in (
        f"SELECT {HIDDEN}",
        "STORE 1 +FLAGS (\\Deleted)",
        "EXPUNGE",
        f"CREATE {HIDDEN}/new",
        f"RENAME {HIDDEN}/new {HIDDEN}/old",
        f"SUBSCRIBE {HIDDEN}/old",
        f"DELETE {HIDDEN}/old",
    ):
        assert "t OK" in await owner.run(command), command
    await deliver(place.world.store, await place.world.store.mailboxes.get(account, HIDDEN), letter(WORD, 9))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (await client.run("NOOP")).splitlines() == ["t OK NOOP completed"]


@pytest.mark.parametrize("actions", [("read",), ("send",), ("read", "send"), ("write",)])
async def test_actions(hidden: Hidden, actions: tuple[str, ...]) -> None:
    """Without reading nothing of letters or names is told; without writing nothing is changed."""
    assert set(actions) <= set(ACTIONS)
    secret = await hidden.place.app(actions=actions)
    store, account = hidden.place.world.store, (await hidden.place.account()).id
    before = [await hidden.outside(), await store.emails.modseq(account)]
    for row in ALL_ROWS:
        said = await hidden.say(secret, row, HIDDEN)
        if "read" not in actions:
            assert WORD.decode() not in said.replace("BODY xyzzy", ""), (row, said)
            assert "* LIST (" not in said, (row, said)
        if "write" not in actions:
            assert [await hidden.outside(), await store.emails.modseq(account)] == before, (row, said)
