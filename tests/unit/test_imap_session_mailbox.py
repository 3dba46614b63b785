"""CREATE, DELETE, RENAME, SUBSCRIBE, LIST, LSUB, STATUS, NAMESPACE."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.errors import Invalid
from posthouse.services.mailboxes import MailboxSettings, canonical_name, check_new_name
from tests.unit.imap_world import Client, World, imap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        yield world


@pytest.fixture
async def client(world: World) -> Client:
    return await world.login()


def listed(lines: list[str]) -> dict[str, str]:
    """Name -> attributes of LIST and LSUB lines."""
    return {
        line.rsplit(" ", 1)[1]: line[line.index("(") + 1 : line.index(")")]
        for line in lines
        if line.startswith(("* LIST", "* LSUB"))
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("inbox", "INBOX"),
        ("inBox/Work", "INBOX/Work"),
        ("inboxes", "inboxes"),
        ("a/b/", "a/b"),
        ("/", "/"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_canonical_names(name: str, expected: str) -> None:
    assert canonical_name(name) == expected


@pytest.mark.parametrize(
    "name", ["", "/a", "a//b", "a%b", "*", "#news", "a\tb", "a\u2028b", "\ud800", "x" * 256, "a/" * 20 + "a"]
)
def test_names_that_cannot_be_given(name: str) -> None:
    with pytest.raises(Invalid):
        check_new_name(name, MailboxSettings())


async def test_create_makes_the_superiors(client: Client) -> None:
    (line,) = await client.run("CREATE a/b/c/")
    assert line.startswith("t OK [MAILBOXID (F")
    found = listed(await client.run('LIST "" "a*"'))
    assert found == {"a": "\\HasChildren", "a/b": "\\HasChildren", "a/b/c": "\\HasNoChildren"}
    assert (await client.run("CREATE a/b"))[0].startswith("t NO [ALREADYEXISTS]")
    assert (await client.run("CREATE inbox"))[0].startswith("t NO [ALREADYEXISTS]")
    assert (await client.run('CREATE "a//b"'))[0].startswith("t NO [CANNOT]")


async def test_create_with_a_special_use(client: Client) -> None:
    await client.run("DELETE Archive")
    assert (await client.run("CREATE Old (USE (\\Archive))"))[0].startswith("t OK")
    assert listed(await client.run('LIST (SPECIAL-USE) "" "O%"')) == {"Old": "\\HasNoChildren \\Archive"}
    for use in ("\\Archive", "\\Flagged", "\\Sent \\Trash"):
        assert (await client.run(f"CREATE Other (USE ({use}))"))[0].startswith("t NO [USEATTR]")


async def test_delete(client: Client) -> None:
    await client.run("CREATE a/b")
    assert (await client.run("DELETE a"))[0].startswith("t NO [HASCHILDREN]")
    assert await client.run("DELETE a/b") == ["t OK DELETE completed"]
    assert await client.run("DELETE a") == ["t OK DELETE completed"]
    assert (await client.run("DELETE a"))[0].startswith("t NO [NONEXISTENT]")
    assert (await client.run("DELETE INBOX"))[0].startswith("t NO [CANNOT]")


async def test_deleting_the_selected_mailbox_closes_it(client: Client) -> None:
    await client.run("CREATE a")
    await client.run("SELECT a")
    assert await client.run("DELETE a") == ["t OK DELETE completed"]
    assert await client.run("FETCH 1 FLAGS") == ["t BAD Select a mailbox first: SELECT or EXAMINE"]


async def test_another_sessions_delete_ends_ours(world: World, client: Client) -> None:
    await client.run("CREATE a")
    other = await world.login("a")
    await client.run("DELETE a")
    lines = await other.run("NOOP")
    assert lines[0].startswith("* BYE The mailbox was deleted")
    assert other.peer.closed


async def test_rename_moves_inferiors_and_keeps_the_id(client: Client) -> None:
    created = (await client.run("CREATE a/b"))[0].split("(")[1].split(")")[0]
    assert await client.run("RENAME a x/y") == ["t OK RENAME completed"]
    assert set(listed(await client.run('LIST "" "x*"'))) == {"x", "x/y", "x/y/b"}
    assert (await client.run("STATUS x/y/b (MAILBOXID)"))[0] == f"* STATUS x/y/b (MAILBOXID ({created}))"
    assert (await client.run("RENAME nothing z"))[0].startswith("t NO [NONEXISTENT]")
    assert (await client.run("RENAME x Sent"))[0].startswith("t NO [ALREADYEXISTS]")
    assert (await client.run("RENAME x x/z"))[0].startswith("t NO [CANNOT]")


async def test_renaming_inbox_moves_its_messages(world: World, client: Client) -> None:
    await world.letters(2)
    assert await client.run("RENAME INBOX Old") == ["t OK RENAME completed"]
    assert (await client.run("STATUS INBOX (MESSAGES)"))[0] == "* STATUS INBOX (MESSAGES 0)"
    assert (await client.run("STATUS Old (MESSAGES)"))[0] == "* STATUS Old (MESSAGES 2)"


async def test_subscriptions_outlive_their_mailbox(client: Client) -> None:
    await client.run("CREATE a/b")
    assert await client.run("SUBSCRIBE a/b") == ["t OK SUBSCRIBE completed"]
    await client.run("DELETE a/b")
    assert listed(await client.run('LSUB "" "a/*"')) == {"a/b": ""}
    assert listed(await client.run('LSUB "" "%"'))["a"] == "\\Noselect"
    found = listed(await client.run('LIST (SUBSCRIBED) "" "a/*"'))
    assert found == {"a/b": "\\NonExistent \\HasNoChildren \\Subscribed"}
    await client.run("UNSUBSCRIBE a/b")
    assert listed(await client.run('LSUB "" "a/*"')) == {}


async def test_list_extended(client: Client) -> None:
    await client.run("CREATE a/b")
    await client.run("SUBSCRIBE a/b")
    lines = await client.run('LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"')
    assert '* LIST (\\HasChildren) "/" a ("CHILDINFO" ("SUBSCRIBED"))' in lines
    lines = await client.run('LIST "" ("INBOX" "Se%") RETURN (SUBSCRIBED CHILDREN STATUS (MESSAGES UNSEEN))')
    assert lines == [
        '* LIST (\\HasNoChildren \\Subscribed) "/" INBOX',
        "* STATUS INBOX (MESSAGES 0 UNSEEN 0)",
        '* LIST (\\HasNoChildren \\Sent \\Subscribed) "/" Sent',
        "* STATUS Sent (MESSAGES 0 UNSEEN 0)",
        "t OK LIST completed",
    ]


async def test_the_delimiter_is_told(client: Client) -> None:
    assert (await client.run('LIST "" ""'))[0] == '* LIST (\\Noselect) "/" ""'
    assert (await client.run("NAMESPACE"))[
        0
    ] == '* NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared/" "/"))'


async def test_names_in_utf7_until_utf8_is_enabled(client: Client) -> None:
    assert (await client.run("CREATE &ZeVnLIqe-"))[0].startswith("t OK")
    assert '* LIST (\\HasNoChildren) "/" &ZeVnLIqe-' in await client.run('LIST "" *')
    assert await client.run("ENABLE IMAP4rev2") == ["* ENABLED IMAP4rev2", "t OK ENABLE completed"]
    assert '* LIST (\\HasNoChildren) "/" "日本語"' in await client.run('LIST "" *')
    assert (await client.run('STATUS "日本語" (MESSAGES)'))[0] == '* STATUS "日本語" (MESSAGES 0)'


async def test_status(world: World, client: Client) -> None:
    await world.letters(3)
    (line, _) = await client.run("STATUS inbox (MESSAGES UIDNEXT UNSEEN DELETED SIZE RECENT APPENDLIMIT)")
    assert line == (
        "* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UNSEEN 3 DELETED 0 SIZE 531 RECENT 3 APPENDLIMIT 52428800)"
    )
    assert (await client.run("STATUS nothing (MESSAGES)"))[0].startswith("t NO [NONEXISTENT]")
