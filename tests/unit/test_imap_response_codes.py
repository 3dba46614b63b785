"""Every response code of RFC 5530 and RFC 9051 §7.1: how a client gets it, or why it never does."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from posthouse.core import errors
from posthouse.services.mailboxes import MailboxService, MailboxSettings
from posthouse.sessions.imap import ImapLimits
from tests.unit.imap_world import MemoryPeer, World, imap_world

Patch = pytest.MonkeyPatch
Way = Callable[[World, Patch], Awaitable[list[str]]]

UNKNOWN_ENCODING = (
    b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: image/png\r\n"
    b"Content-Transfer-Encoding: x-odd\r\n\r\nabc\r\n"
)


def failing(error: BaseException) -> Callable[..., Awaitable[Any]]:
    async def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def command(*lines: str, mailbox: str = "INBOX") -> Way:
    """The answer to the last of some commands, with two messages in INBOX."""

    async def run(world: World, _: Patch) -> list[str]:
        await world.letters(2)
        client = await world.login(mailbox)
        said: list[str] = []
        for line in lines:
            said = await client.run(line)
        return said

    return run


def before_login(line: str, *, tls: bool = True) -> Way:
    async def run(world: World, _: Patch) -> list[str]:
        return await world.connect(MemoryPeer(tls=tls)).run(line)

    return run


def login_fails(error: errors.MailError) -> Way:
    async def run(world: World, patch: Patch) -> list[str]:
        patch.setattr(world, "check_password", failing(error))
        return await world.connect().run(f"LOGIN {world.account.address} x")

    return run


async def alert(world: World, patch: Patch) -> list[str]:
    return await login_fails(errors.NotApproved())(world, patch)


async def corruption(world: World, patch: Patch) -> list[str]:
    await world.letters(1)
    client = await world.login("INBOX")
    patch.setattr("posthouse.sessions.imap.fetch._send_sections", failing(errors.Invalid("a broken pack")))
    return await client.run("FETCH 1 BODY.PEEK[]")


async def expunge_issued(world: World, _: Patch) -> list[str]:
    await world.letters(2)
    one, two = await world.login("INBOX"), await world.login("INBOX")
    await two.run("UID MOVE 1 Trash")
    return await one.run("FETCH 1:2 BODY.PEEK[]")


async def highestmodseq_while_expunge_waits(world: World, _: Patch) -> list[str]:
    await world.letters(2)
    one, two = await world.login(), await world.login("INBOX")
    await one.run("ENABLE QRESYNC")
    await one.run("SELECT INBOX")
    await two.run("UID MOVE 1 Trash")
    return await one.run("FETCH 2 UID")


async def in_use(world: World, patch: Patch) -> list[str]:
    client = await world.login()
    patch.setattr(world.store.mailboxes, "rename", failing(errors.Conflict()))
    await client.run("CREATE a")
    return await client.run("RENAME a b")


async def limit(world: World, _: Patch) -> list[str]:
    world.services.mailboxes = MailboxService(world.store, MailboxSettings(mailboxes_max=6))
    return await (await world.login()).run("CREATE one-more")


async def no_perm(world: World, _: Patch) -> list[str]:
    return await (await world.login()).run('SETQUOTA "" (STORAGE 1)')


async def notification_overflow(world: World, _: Patch) -> list[str]:
    client = await world.login()
    return await client.run("NOTIFY SET (PERSONAL (MessageNew MessageExpunge))")


async def over_quota(world: World, _: Patch) -> list[str]:
    await world.store.directory.update_account(world.account.id, {"quota_bytes": 10})
    return await (await world.login()).append("INBOX", b"Subject: x\r\n\r\n12345\r\n")


async def server_bug(world: World, patch: Patch) -> list[str]:
    client = await world.login()
    patch.setattr(world.store.mailboxes, "list", failing(RuntimeError("secret")))
    said = await client.run('LIST "" *')
    world.faults.clear()
    return said


async def too_big(world: World, _: Patch) -> list[str]:
    client = await world.login()
    return await client.run("APPEND INBOX {99999999}")


async def unavailable(world: World, patch: Patch) -> list[str]:
    client = await world.login()
    patch.setattr(world.store.mailboxes, "list", failing(errors.Unavailable()))
    return await client.run('LIST "" *')


async def unknown_cte(world: World, _: Patch) -> list[str]:
    await world.put(UNKNOWN_ENCODING)
    return await (await world.login("INBOX")).run("FETCH 1 BINARY.PEEK[1]")


CODES: list[tuple[str, str, Way | str]] = [
    # name, what stands before it, how to get it or why it never comes
    ("ALERT", "t NO", alert),
    ("ALREADYEXISTS", "t NO", command("CREATE Trash")),
    ("APPENDUID", "t OK", command("APPEND Trash {3+}\r\na:b")),
    ("AUTHENTICATIONFAILED", "t NO", before_login("LOGIN li@example.test wrong")),
    ("AUTHORIZATIONFAILED", "t NO", login_fails(errors.Forbidden())),
    ("BADCHARSET", "t NO", command("SEARCH CHARSET X-KLINGON TEXT x")),
    ("BADCOMPARATOR", "", "RFC 5255: only with I18NLEVEL=2 and COMPARATOR; i;unicode-casemap is the one here"),
    ("BADEVENT", "t NO", command("NOTIFY SET (PERSONAL (AnnotationChange))")),
    ("BADURL", "t NO", command('APPEND INBOX CATENATE (URL "/INBOX/;UID=99")')),
    ("CANNOT", "t NO", command("CREATE a//b")),
    ("CAPABILITY", "t OK", before_login("LOGIN li@example.test secret")),
    ("CLIENTBUG", "* BAD", command("IDLE\r\nDONE\r\nDONE")),
    ("CLOSED", "* OK", command("ENABLE IMAP4rev2", "SELECT Trash")),
    ("COMPRESSIONACTIVE", "t NO", "RFC 4978: tested with the stream it needs, in test_imap_session_compress"),
    ("CONTACTADMIN", "", "RFC 5530: instead of a better code; whatever is the administrator's here has one"),
    ("COPYUID", "t OK", command("COPY 1 Trash")),
    ("CORRUPTION", "t NO", corruption),
    ("EXPIRED", "t NO", login_fails(errors.Expired())),
    ("EXPUNGEISSUED", "t NO", expunge_issued),
    ("HASCHILDREN", "t NO", command("CREATE a/b", "DELETE a")),
    ("HIGHESTMODSEQ", "* OK", highestmodseq_while_expunge_waits),
    ("INPROGRESS", "* OK", "RFC 9585: after ten seconds; tested in test_imap_session_progress"),
    ("INUSE", "t NO", in_use),
    ("LIMIT", "t NO", limit),
    ("MAILBOXID", "t OK", command("CREATE a")),
    ("METADATA LONGENTRIES", "t OK", command('SETMETADATA "" (/private/comment "long")',
                                             'GETMETADATA (MAXSIZE 2) "" /private/comment')),
    ("METADATA MAXSIZE", "t NO", command(f'SETMETADATA "" (/private/comment {{40000+}}\r\n{"x" * 40000})')),
    ("METADATA NOPRIVATE", "", "RFC 5464: private annotations are supported"),
    ("METADATA TOOMANY", "t NO", command('SETMETADATA "" (/private/a "1" /private/b "1" /private/c "1")')),
    ("MODIFIED", "t OK", command("ENABLE CONDSTORE", "STORE 1 +FLAGS (\\Seen)",
                                 "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Flagged)")),
    ("NOMODSEQ", "", "RFC 7162: for mailboxes without mod-sequences; all have them"),
    ("NONEXISTENT", "t NO", command("SELECT nothing")),
    ("NOPERM", "t NO", no_perm),
    ("NOTIFICATIONOVERFLOW", "t NO", notification_overflow),
    ("NOTSAVED", "", "RFC 5182: for a server that refuses to save a result; each can be saved"),
    ("NOUPDATE", "* NO", command("SEARCH RETURN (UPDATE COUNT) YOUNGER 5")),
    ("OVERQUOTA", "t NO", over_quota),
    ("PARSE", "", "RFC 9051 §7.1: for messages that cannot be read; whatever was stored has an ENVELOPE"),
    ("PERMANENTFLAGS", "* OK", command("SELECT Trash")),
    ("PRIVACYREQUIRED", "t NO", before_login("LOGIN li@example.test secret", tls=False)),
    ("READ-ONLY", "t OK", command("EXAMINE Trash")),
    ("READ-WRITE", "t OK", command("SELECT Trash")),
    ("REFERRAL", "", "RFC 2221: a node serves all of its accounts, so it has nowhere to send anybody"),
    ("SERVERBUG", "* BYE", server_bug),
    ("TOOBIG", "t NO", too_big),
    ("TRYCREATE", "t NO", command("COPY 1 nothing")),
    ("UIDNEXT", "* OK", command("SELECT Trash")),
    ("UIDNOTSTICKY", "", "RFC 4315: for mailboxes whose UIDs do not last; all UIDs here do"),
    ("UIDREQUIRED", "t BAD", command("ENABLE UIDONLY", "FETCH 1 FLAGS")),
    ("UIDVALIDITY", "* OK", command("SELECT Trash")),
    ("UNAVAILABLE", "t NO", unavailable),
    ("UNDEFINED-FILTER", "t NO", command("SEARCH FILTER nothing")),
    ("UNKNOWN-CTE", "t NO", unknown_cte),
    ("UNSEEN", "* OK", command("SELECT INBOX", mailbox="")),
    ("USEATTR", "t NO", command("CREATE a (USE (\\Flagged))")),
]  # fmt: skip
WAYS = [(name, before, way) for name, before, way in CODES if not isinstance(way, str)]


@pytest.mark.parametrize(("name", "before", "way"), WAYS, ids=[row[0] for row in WAYS])
async def test_code(name: str, before: str, way: Way, tmp_path: Path, monkeypatch: Patch) -> None:
    async with imap_world(tmp_path, ImapLimits(metadata_max_entries=2, notify_mailboxes_max=3)) as world:
        lines = await way(world, monkeypatch)
        monkeypatch.undo()
        found = [line for line in lines if re.match(rf"{re.escape(before)} \[{name}[ \]]", line)]
        assert found, lines
        # RFC 9051 §9 (resp-text): something for people follows the code.
        assert all(line.rpartition("] ")[2] for line in found)


def test_the_table_is_whole() -> None:
    """Whatever code stands in the sources has its row."""
    source = Path(__file__).parents[2] / "src" / "posthouse"
    files = [*(source / "sessions" / "imap").glob("*.py"), *(source / "wire" / "imap").glob("*.py")]
    said = {
        code
        for path in files
        for code in re.findall(r'b"(?:\* )?(?:OK|NO|BAD|BYE) \[([A-Z][A-Z-]+)', path.read_text("utf-8"))
    }
    named = set(
        re.findall(r'Final = b"([A-Z-]+)"', (source / "wire/imap/response_code.py").read_text("utf-8"))
    )
    table = {name.split(" ")[0] for name, _, _ in CODES}
    assert (said | named) - table == set()
    assert [name for name, _, _ in CODES] == sorted(name for name, _, _ in CODES)
    assert len(said) > 20
