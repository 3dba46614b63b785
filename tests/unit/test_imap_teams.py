"""Team mailboxes: several people own one account that nobody can sign in to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.rights import ALL, parse_rights
from posthouse.services.team_work import keyword_of
from posthouse.services.teams import Teams
from posthouse.storage.mailbox_ports import NOBODY
from tests.storage.fixtures import make_account, message
from tests.unit.imap_world import Client, World, imap_world
from tests.unit.test_imap_rights import outcome
from tests.unit.test_imap_sharing import heard, idle

HELP = "Shared/help@example.test"
INBOX = f"{HELP}/INBOX"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as made:
        await make_account(made.store, "wang")
        await make_account(made.store, "zhao")
        await make_account(made.store, "help", team=True)
        await Teams(made.store).add("help@example.test", "li@example.test")
        await Teams(made.store).add("help@example.test", "wang@example.test", parse_rights("lrsw"))
        yield made


async def member(world: World, name: str, mailbox: str = "") -> Client:
    return await world.login(mailbox, address=f"{name}@example.test")


async def test_members_see_it_others_do_not(world: World) -> None:
    for name, seen in (("li", 7), ("wang", 7), ("zhao", 0)):
        client = await member(world, name)
        said = await client.run('LIST "" "Shared/*" RETURN (MYRIGHTS)')
        assert sum(line.startswith("* MYRIGHTS") for line in said) == max(seen - 1, 0)
        assert sum(line.startswith("* LIST") for line in said) == seen
    client = await member(world, "wang")
    assert (await client.run(f"MYRIGHTS {INBOX}"))[0] == f"* MYRIGHTS {INBOX} lrsw"
    zhao = await member(world, "zhao")
    missing = await zhao.run('SELECT "Shared/nobody@example.test/INBOX"')
    assert await zhao.run(f"SELECT {INBOX}") == missing
    # It stands in one place only.
    for name in ("Other Users/help@example.test/INBOX", "Shared/wang@example.test/INBOX"):
        assert await client.run(f'SELECT "{name}"') == missing


async def test_members_work_together(world: World) -> None:
    li, wang = await member(world, "li", INBOX), await member(world, "wang", INBOX)
    await idle(wang)
    await li.append(INBOX, message(1))
    await heard(wang, b"* 1 EXISTS")
    await wang.send(b"DONE\r\n")
    await idle(li)
    await wang.run("STORE 1 +FLAGS (\\Seen mine)")
    await heard(li, b"mine")
    assert outcome(await wang.run("STORE 1 +FLAGS (\\Deleted)")) == "NOPERM"
    said = await wang.run('ESEARCH IN (SUBTREE "Shared") KEYWORD mine')
    assert said[0].startswith(f'* ESEARCH (TAG "t{wang.tag}" MAILBOX "{INBOX}" ')


async def test_lists_of_a_team(world: World) -> None:
    li, zhao = await member(world, "li"), await member(world, "zhao")
    members = "li@example.test lrswipkxtecda wang@example.test lrsw"
    assert (await li.run(f"GETACL {INBOX}"))[0] == f"* ACL {INBOX} {members}"
    # What comes from being a member cannot be taken by the list of one mailbox...
    assert outcome(await li.run(f"SETACL {INBOX} wang@example.test lr")) == "CANNOT"
    assert outcome(await li.run(f"DELETEACL {INBOX} wang@example.test")) == "CANNOT"
    assert outcome(await li.run(f"SETACL {INBOX} owner lr")) == "CANNOT"
    assert (await li.run(f"LISTRIGHTS {INBOX} wang@example.test"))[0] == (
        f"* LISTRIGHTS {INBOX} wang@example.test lrsw i p k x t e c d a"
    )
    # ...but more can be given, and a negative entry takes away.
    assert outcome(await li.run(f"SETACL {INBOX} wang@example.test +t")) == "OK"
    assert outcome(await li.run(f"SETACL {INBOX} -wang@example.test s")) == "OK"
    wang = await member(world, "wang")
    assert (await wang.run(f"MYRIGHTS {INBOX}"))[0] == f"* MYRIGHTS {INBOX} lrwtd"
    # Others can be let in to one mailbox.
    assert outcome(await li.run(f"SETACL {INBOX} zhao@example.test lr")) == "OK"
    said = await zhao.run('LIST "" "Shared/*"')
    assert said[1:-1] == [f'* LIST (\\HasNoChildren) "/" {INBOX}']


async def test_members_make_mailboxes_at_the_top(world: World) -> None:
    li, wang = await member(world, "li"), await member(world, "wang")
    assert outcome(await wang.run(f'CREATE "{HELP}/Project"')) == "NOPERM"
    assert outcome(await li.run(f'CREATE "{HELP}/Project/x"')) == "OK"
    assert outcome(await li.run(f'RENAME "{HELP}/Project" "{HELP}/Projects"')) == "OK"
    assert outcome(await li.run(f'DELETE "{HELP}/Projects/x"')) == "OK"
    for name in (HELP, "Shared", "Shared/x", "Shared/"):
        assert outcome(await li.run(f'CREATE "{name}"')) in {"NOPERM", "CANNOT"}, name


async def test_a_team_is_a_group(world: World) -> None:
    zhao, wang = await member(world, "zhao"), await member(world, "wang")
    await zhao.run("SETACL Archive help@example.test lr")
    box = '"Other Users/zhao@example.test/Archive"'
    assert (await wang.run(f"MYRIGHTS {box}"))[0] == f"* MYRIGHTS {box} lr"
    await Teams(world.store).remove("help@example.test", "wang@example.test")
    assert outcome(await wang.run(f"MYRIGHTS {box}")) == "NONEXISTENT"
    assert outcome(await wang.run(f"SELECT {INBOX}")) == "NONEXISTENT"


async def test_who_is_no_member_any_more_is_told_while_idle(world: World) -> None:
    wang = await member(world, "wang", INBOX)
    await idle(wang)
    await Teams(world.store).remove("help@example.test", "wang@example.test")
    assert b"* BYE You may no longer read this mailbox" in await heard(wang, b"* BYE ")


async def test_new_members_hear_of_the_team(world: World) -> None:
    zhao = await member(world, "zhao")
    await zhao.run('NOTIFY SET (SUBTREE "Shared" (MailboxName))')
    await Teams(world.store).add("help@example.test", "zhao@example.test")
    (line,) = [one for one in (await heard(zhao, INBOX.encode())).split(b"\r\n") if INBOX.encode() in one]
    assert line.startswith(b"* LIST (")
    assert line.endswith(f'"/" {INBOX}'.encode())


async def test_the_quota_of_the_team_counts(world: World) -> None:
    team = await world.store.directory.account_by_address("help@example.test")
    assert team is not None
    await world.store.directory.update_account(team.id, {"quota_messages": 1})
    li = await member(world, "li")
    assert outcome(await li.append(INBOX, message(1))) == "OK"
    assert outcome(await li.append(INBOX, message(2))) == "OVERQUOTA"
    assert (await li.run(f"GETQUOTAROOT {INBOX}"))[1] == '* QUOTA "help@example.test" (MESSAGE 1 1)'


async def test_all_of_a_personal_account_can_be_granted(world: World) -> None:
    """As to an assistant, by an administrator."""
    found = [
        await world.store.directory.account_by_address(f"{name}@example.test") for name in ("zhao", "wang")
    ]
    zhao, wang = [account for account in found if account is not None]
    await world.store.acls.set(
        zhao.id, 0, wang.id, negative=False, change=("=", ALL), entries_max=9  # type: ignore[arg-type]
    )  # fmt: skip
    client = await member(world, "wang")
    said = await client.run('LIST "" "Other Users/zhao@example.test/*"')
    assert len(said) == 7
    # That does not make a group of it.
    li = await member(world, "li")
    await li.run("SETACL Archive zhao@example.test lr")
    assert outcome(await client.run('SELECT "Other Users/li@example.test/Archive"')) == "NONEXISTENT"


# --- each member with its own \Seen ---


@pytest.fixture
async def told_apart(world: World) -> World:
    await Teams(world.store).set_seen("help@example.test", each=True)
    await Teams(world.store).add("help@example.test", "wang@example.test")
    return world


async def test_what_one_reads_is_unread_for_others(told_apart: World) -> None:
    world = told_apart
    li, wang = await member(world, "li"), await member(world, "wang")
    for number in range(3):
        await li.append(INBOX, message(number))
    await li.run(f"SELECT {INBOX}")
    await wang.run(f"SELECT {INBOX} (CONDSTORE)")
    said = await li.run("FETCH 1 BODY[TEXT]")
    assert any("\\Seen" in line for line in said)
    await li.run("STORE 2 +FLAGS.SILENT (\\Seen \\Flagged)")
    assert (await li.run("SEARCH UNSEEN"))[-2] == "* SEARCH 3"
    said = await wang.run("NOOP")
    assert len([line for line in said if "FETCH" in line]) == 1
    assert any(line.startswith("* 2 FETCH (UID 2 FLAGS (\\Flagged") for line in said)
    assert (await wang.run("SEARCH UNSEEN"))[-2] == "* SEARCH 1 2 3"
    assert (await wang.run("SEARCH SEEN"))[-2] == "* SEARCH"
    assert (await li.run(f"STATUS {INBOX} (MESSAGES UNSEEN)"))[0] == f"* STATUS {INBOX} (MESSAGES 3 UNSEEN 1)"
    assert (await wang.run(f"STATUS {INBOX} (UNSEEN)"))[0] == f"* STATUS {INBOX} (UNSEEN 3)"
    said = await li.run(f'LIST "" "{INBOX}" RETURN (STATUS (UNSEEN))')
    assert f"* STATUS {INBOX} (UNSEEN 1)" in said
    assert any("[UNSEEN 3]" in line for line in await li.run(f"SELECT {INBOX}"))
    assert any("[UNSEEN 1]" in line for line in await wang.run(f"SELECT {INBOX}"))
    for client, expected in ((li, "1 2"), (wang, "")):
        said = await client.run(f'ESEARCH IN (MAILBOXES "{INBOX}") RETURN (ALL) SEEN')
        assert len(said) == 1 + bool(expected)


async def test_ones_own_other_session_hears_of_it(told_apart: World) -> None:
    world = told_apart
    await (await member(world, "li")).append(INBOX, message(1))
    one, two, wang = [await member(world, name, INBOX) for name in ("li", "li", "wang")]
    for client in (two, wang):
        await idle(client)
    await one.run("STORE 1 +FLAGS (\\Seen)")
    assert b"* 1 FETCH (FLAGS (\\Seen" in await heard(two, b"FETCH")
    assert b"FETCH" not in await wang.settle()
    await one.run("STORE 1 +FLAGS (\\Flagged)")
    assert b"\\Seen" not in await heard(wang, b"\\Flagged")


async def test_resynchronisation_tells_ones_own(told_apart: World) -> None:
    world = told_apart
    li, wang = await member(world, "li"), await member(world, "wang")
    await li.append(INBOX, message(1))
    for client in (li, wang):
        await client.run("ENABLE QRESYNC")
        await client.run(f"SELECT {INBOX}")
    validity = li.session.mailbox.shared.uidvalidity
    modseq = li.session.mailbox.view.modseq
    await li.run("STORE 1 +FLAGS.SILENT (\\Seen)")
    for client, changed in ((li, 1), (wang, 0)):
        said = await client.run(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq})")
        assert len([line for line in said if line.startswith("* 1 FETCH")]) == changed
        said = await client.run(f"SELECT {INBOX} (QRESYNC ({validity} {modseq}))")
        found = [line for line in said if line.startswith("* 1 FETCH")]
        assert len(found) == changed
        assert all("\\Seen" in line for line in found)
        said = await client.run(f"SEARCH MODSEQ {modseq + 1}")
        assert (said[-2] != "* SEARCH") == bool(changed)
    said = await li.run(f"STORE 1 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Flagged)")
    assert "MODIFIED 1" in said[-1]
    said = await wang.run(f"STORE 1 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Flagged)")
    assert said[-1] == "t OK STORE completed"


async def test_notify_counts_ones_own(told_apart: World) -> None:
    world = told_apart
    li, two = await member(world, "li", INBOX), await member(world, "li")
    await li.append(INBOX, message(1))
    said = await two.run(f'NOTIFY SET STATUS (MAILBOXES "{INBOX}" (MessageNew MessageExpunge FlagChange))')
    assert "UNSEEN 1 " in said[0]
    await li.run("STORE 1 +FLAGS (\\Seen)")
    await heard(two, b"UNSEEN 0")


async def test_claims_are_keywords_that_clients_see_and_do_not_change(world: World) -> None:
    li = await member(world, "li", INBOX)
    await li.append(INBOX, message(1))
    team = await world.store.directory.account_by_address("help@example.test")
    mine = await world.store.directory.account_by_address("li@example.test")
    assert team is not None
    assert mine is not None
    [(thread, *_)] = (await world.store.emails.places(team.id))[1]
    await world.store.team.claim(
        team.id, thread, user=mine.id, holder=mine.id, expected=NOBODY, keyword=keyword_of(mine.address)
    )
    said = await li.run(f"SELECT {INBOX}")
    flags = next(line for line in said if line.startswith("* FLAGS"))
    permanent = next(line for line in said if "PERMANENTFLAGS" in line)
    for name in ("$Claimed", "$Claimed:li@example.test"):
        assert name in flags
        assert name not in permanent
    for command in (
        "STORE 1 -FLAGS ($Claimed)",
        "STORE 1 FLAGS (\\Seen)",
        "STORE 1 -FLAGS ($Claimed:li@example.test)",
    ):
        await li.run(command)
        assert "$Claimed:li@example.test" in " ".join(await li.run("FETCH 1 FLAGS"))
    assert "* SEARCH 1" in await li.run("SEARCH KEYWORD $Claimed:li@example.test")
    assert "* SEARCH" in await li.run("SEARCH UNKEYWORD $Claimed")
