"""Every command against every right: what it takes, and that what is hidden cannot be told from what is not there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from posthouse.core.flags import DELETED
from posthouse.core.ids import AccountId
from posthouse.core.rights import LETTERS
from posthouse.storage.rows import Account, Domain
from tests.storage.fixtures import deliver, make_account, message
from tests.unit.imap_world import Client, World, imap_world

LI = "Other Users/li@example.test"
RIGHTS = [letter for letter in LETTERS if letter not in "cd"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as made:
        await make_account(made.store, "wang")
        yield made


async def share(world: World, rights: str, mailbox: str = "Archive", to: str = "wang@example.test") -> None:
    owner = await world.login()
    assert (await owner.run(f"SETACL {mailbox} {to} {rights or chr(34) * 2}"))[-1].startswith("t OK")


async def wang(world: World, mailbox: str = "") -> Client:
    return await world.login(mailbox, address="wang@example.test")


def outcome(lines: list[str]) -> str:
    """OK, the code of NO, or the first word."""
    last = lines[-1].removeprefix("t ")
    found = re.match(r"NO \[([A-Z]+)", last)
    return found[1] if found else last.split()[0]


class Case(NamedTuple):
    command: str
    needs: str  # all of these rights
    there: str = "NONEXISTENT"  # the answer for a mailbox that is not there
    setup: str = ""  # rights on the mailbox that is selected before, if any


NAMED = [
    Case("SELECT {}", "r"),
    Case("EXAMINE {}", "r"),
    Case("STATUS {} (MESSAGES)", "r"),
    Case("GETACL {}", "a"),
    Case("SETACL {} wang@example.test +l", "a"),
    Case("SETACL {} nobody@example.test +l", "a"),
    Case("SETACL {} li@example.test l", "a"),
    Case("DELETEACL {} anyone", "a"),
    Case("LISTRIGHTS {} anyone", "a"),
    Case("DELETE {}", "x"),
    Case("RENAME {} Mine", "x"),
    Case('APPEND {} {{3+}}\r\na:b', "i", "TRYCREATE"),
    Case("GETQUOTAROOT {}", "r"),
    Case("GETMETADATA {} /private/comment", "lr"),
    Case("SETMETADATA {} (/private/comment \"x\")", "lr"),
    Case("SETMETADATA {} (/shared/comment \"x\")", "lw"),
]  # fmt: skip
ALLOWED = {"OK", "CANNOT"}  # CANNOT: allowed, but not possible


@pytest.mark.parametrize("case", NAMED, ids=lambda case: case.command.split("\r")[0])
async def test_commands_that_name_a_mailbox(case: Case, world: World) -> None:
    client = await wang(world)
    box = f'"{LI}/Archive"'
    missing = await client.run(case.command.format(f'"{LI}/Nowhere"'))
    nobody = await client.run(case.command.format('"Other Users/nobody@example.test/Archive"'))
    assert outcome(missing) == case.there
    assert nobody == missing
    # Nothing granted: as if it were not there.
    assert await client.run(case.command.format(box)) == missing
    for letter in RIGHTS:
        if letter not in case.needs:
            await share(world, letter)
            said = await client.run(case.command.format(box))
            # A mailbox that can be looked up may be told about, others may not.
            if letter == "l":
                assert outcome(said) == "NOPERM"
            elif (letter in "siwp" and "META" in case.command) or letter != "l":
                assert said == missing, letter
    everything = "".join(letter for letter in RIGHTS if letter not in case.needs) + "l"
    if "l" not in case.needs and "META" not in case.command:
        await share(world, everything)
        assert outcome(await client.run(case.command.format(box))) == "NOPERM"
    await share(world, case.needs)
    assert outcome(await client.run(case.command.format(box))) in ALLOWED


@pytest.mark.parametrize("letter", RIGHTS)
async def test_myrights_takes_one_of_several(letter: str, world: World) -> None:
    client = await wang(world)
    missing = await client.run(f'MYRIGHTS "{LI}/Nowhere"')
    await share(world, letter)
    said = await client.run(f'MYRIGHTS "{LI}/Archive"')
    if letter in "lrikxa":
        virtual = {"k": "c", "x": "c"}.get(letter, "")
        assert said[0] == f'* MYRIGHTS "{LI}/Archive" {letter}{virtual}'
    else:
        assert said == missing


@pytest.mark.parametrize("letter", RIGHTS)
async def test_only_lookup_lists(letter: str, world: World) -> None:
    client = await wang(world)
    await share(world, letter)
    seen = letter == "l"
    for command in (
        'LIST "" *', f'LIST "" "{LI}/%"', 'LIST "Other Users/" "%/%"', f'LIST "" "{LI}/Archive"',
        'LIST "" * RETURN (METADATA (/shared/comment))',
    ):  # fmt: skip
        said = await client.run(command)
        assert any(LI in line for line in said) == seen, command
        assert not any(line.startswith(f'* STATUS "{LI}') for line in said), command
    said = await client.run('LIST "" "Other Users/%"')
    assert len(said) == 1 + seen
    # One's own mailboxes are there whatever others grant.
    assert len(await client.run('LIST "" %')) == 7 + seen


async def test_create_takes_the_right_on_the_nearest_parent(world: World) -> None:
    client = await wang(world)
    refused = await client.run(f'CREATE "{LI}/Archive/new"')
    assert outcome(refused) == "NOPERM"
    for name in (
        f"{LI}/Nowhere/new",
        f"{LI}/new",
        f"{LI}/Archive",
        "Other Users/nobody@example.test/new",
        LI,
    ):
        assert await client.run(f'CREATE "{name}"') == refused, name
    for letter in RIGHTS:
        if letter != "k":
            await share(world, letter)
            assert await client.run(f'CREATE "{LI}/Archive/new"') == refused, letter
    await share(world, "k")
    assert outcome(await client.run(f'CREATE "{LI}/Archive/a/new"')) == "OK"
    # What was made has the list of its parent, and exists for the owner.
    assert (await client.run(f'MYRIGHTS "{LI}/Archive/a/new"'))[0].endswith(" kc")
    owner = await world.login()
    assert '* LIST (\\HasNoChildren) "/" Archive/a/new' in await owner.run('LIST "" *')
    # It is there, but may not be looked up: no word about that.
    assert await client.run(f'CREATE "{LI}/Archive/a"') == refused
    await share(world, "kl")
    assert outcome(await client.run(f'CREATE "{LI}/Archive/b"')) == "OK"
    assert outcome(await client.run(f'CREATE "{LI}/Archive/b"')) == "ALREADYEXISTS"
    assert outcome(await client.run(f'CREATE "{LI}/Archive/c" (USE (\\Sent))')) == "USEATTR"


async def test_rename_takes_rights_on_both_sides(world: World) -> None:
    owner, client = await world.login(), await wang(world)
    for name in ("A", "B"):
        await owner.run(f"CREATE {name}")
    await owner.run("CREATE A/x")
    await share(world, "lx", "A/x")
    await share(world, "l", "B")
    assert outcome(await client.run(f'RENAME "{LI}/A/x" "{LI}/B/x"')) == "NOPERM"
    await share(world, "k", "B")
    assert outcome(await client.run(f'RENAME "{LI}/A/x" "Mine"')) == "CANNOT"
    assert outcome(await client.run(f'RENAME Archive "{LI}/B/mine"')) == "CANNOT"
    assert outcome(await client.run(f'RENAME "{LI}/A/x" "{LI}/B/x"')) == "OK"
    # RFC 4314 §4: the list moved along, unchanged.
    assert (await owner.run("GETACL B/x"))[
        0
    ] == "* ACL B/x li@example.test lrswipkxtecda wang@example.test lxc"
    await share(world, "lrswipkxtea", "INBOX")
    assert outcome(await client.run(f'RENAME "{LI}/INBOX" "{LI}/INBOX/x"')) == "CANNOT"
    assert outcome(await client.run(f'DELETE "{LI}/INBOX"')) == "CANNOT"


async def test_subscriptions_tell_nothing(world: World) -> None:
    client = await wang(world)
    for name in ("Archive", "Nowhere"):
        assert outcome(await client.run(f'SUBSCRIBE "{LI}/{name}"')) == "OK"
    said = await client.run('LIST (SUBSCRIBED) "" "Other Users/*"')
    assert [line.replace("Archive", "X").replace("Nowhere", "X") for line in said[:2]] == [
        f'* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" "{LI}/X"'
    ] * 2
    await share(world, "l")
    said = await client.run('LIST (SUBSCRIBED) "" "Other Users/*"')
    assert f'* LIST (\\HasNoChildren \\Subscribed) "/" "{LI}/Archive"' in said
    assert f'* LSUB () "/" "{LI}/Archive"' in await client.run('LSUB "" *')
    for name in ("Archive", "Nowhere"):
        assert outcome(await client.run(f'UNSUBSCRIBE "{LI}/{name}"')) == "OK"


# --- the selected mailbox ---

SELECTED = [
    Case("STORE 1 +FLAGS (\\Seen)", "s"),
    Case("STORE 1 -FLAGS (\\Deleted)", "t"),
    Case("STORE 1 +FLAGS (\\Flagged)", "w"),
    Case("STORE 1 +FLAGS (made-up)", "w"),
    Case("UID STORE 1 +FLAGS.SILENT (\\Draft)", "w"),
    Case("EXPUNGE", "e"),
    Case("UID EXPUNGE 1", "e"),
    Case("MOVE 1 INBOX", "te"),
    Case("UID MOVE 1 INBOX", "te"),
    Case("UID REPLACE 1 INBOX {3+}\r\na:b", "te"),
    Case("COPY 1 INBOX", ""),
    Case("FETCH 1 (FLAGS BODY[])", ""),
    Case("SEARCH ALL", ""),
    Case("SORT (SUBJECT) UTF-8 ALL", ""),
    Case("THREAD REFS UTF-8 ALL", ""),
    Case("CHECK", ""),
    Case("CLOSE", ""),
    Case("UNSELECT", ""),
]  # fmt: skip


@pytest.mark.parametrize("case", SELECTED, ids=lambda case: case.command.split("\r")[0])
async def test_commands_in_the_selected_mailbox(case: Case, world: World) -> None:
    await world.letters(2, "Archive", flags=DELETED)
    client = await wang(world)
    for letter in case.needs:
        everything = "".join(one for one in RIGHTS if one != letter)
        await share(world, everything)
        await client.run(f'SELECT "{LI}/Archive"')
        before = await contents(world)
        assert outcome(await client.run(case.command)) == "NOPERM", everything
        assert await contents(world) == before
    await share(world, "r" + case.needs)
    assert outcome(await client.run(f'SELECT "{LI}/Archive"')) == "OK"
    assert outcome(await client.run(case.command)) == "OK"


async def contents(world: World) -> list[str]:
    owner = await world.login("Archive")
    return await owner.run("UID FETCH 1:* (FLAGS)")


async def test_copy_in_takes_insert_and_keeps_only_allowed_flags(world: World) -> None:
    """RFC 4314 §4: the example of COPY."""
    client = await wang(world)
    for flags in ("(\\Draft \\Deleted)", "(\\Answered)", "($Forwarded \\Seen)"):
        await client.append("INBOX", b"a: b\r\n\r\n", flags + " ")
    await client.run("SELECT INBOX")
    target = f'"{LI}/Archive"'
    missing = await client.run(f'COPY 1:3 "{LI}/Nowhere"')
    assert outcome(missing) == "TRYCREATE"
    assert await client.run(f"COPY 1:3 {target}") == missing
    owner = await world.login()
    for rights, expected in (
        ("rwis", ["(\\Draft)", "(\\Answered)", "(\\Seen $Forwarded)"]),
        ("rsti", ["(\\Deleted)", "()", "(\\Seen)"]),
    ):
        await share(world, rights)
        await owner.run("CREATE Copy")
        assert outcome(await client.run(f"COPY 1:3 {target}")) == "OK"
        await owner.run("SELECT Archive")
        said = await owner.run("FETCH 1:* (FLAGS)")
        found = [re.sub(r".*FLAGS (\(.*\))\)", r"\1", line).replace(" \\Recent", "") for line in said[:-1]]
        assert [flags.replace("\\Recent", "") for flags in found] == expected
        await owner.run("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        await owner.run("CLOSE")
    # The same for APPEND.
    await share(world, "ri")
    assert outcome(await client.append(target, b"a: b\r\n\r\n", "(\\Seen \\Deleted \\Flagged key) ")) == "OK"
    await owner.run("SELECT Archive")
    assert (await owner.run("FETCH 1 (FLAGS)"))[0] in {
        "* 1 FETCH (FLAGS ())", "* 1 FETCH (FLAGS (\\Recent))",
    }  # fmt: skip
    await share(world, "l")
    assert outcome(await client.run(f"COPY 1 {target}")) == "NOPERM"
    assert outcome(await client.run(f"MOVE 1 {target}")) == "NOPERM"


async def test_store_does_what_it_may(world: World) -> None:
    """RFC 4314 §4: it should not fail when one of the flags may be changed."""
    await world.letters(1, "Archive", flags=DELETED)
    await share(world, "rs")
    client = await wang(world, f'"{LI}/Archive"')
    said = await client.run("STORE 1 +FLAGS (\\Seen \\Flagged fresh)")
    assert said == ["* 1 FETCH (FLAGS (\\Deleted \\Seen \\Recent))", "t OK STORE completed"]
    assert await world.store.messages.keywords(world.account.id) == ()
    said = await client.run("STORE 1 FLAGS (\\Flagged)")
    assert said[0] == "* 1 FETCH (FLAGS (\\Deleted \\Recent))"
    said = await client.run("STORE 1 -FLAGS (\\Deleted)")
    assert outcome(said) == "NOPERM"


async def test_fetch_sets_seen_only_with_the_right(world: World) -> None:
    await world.letters(1, "Archive")
    await share(world, "rwt")
    client = await wang(world, f'"{LI}/Archive"')
    said = await client.run("FETCH 1 (BODY[HEADER.FIELDS (TO)])")
    assert not any("Seen" in line for line in said)
    await share(world, "rs")
    said = await client.run("FETCH 1 (BODY[HEADER.FIELDS (TO)])")
    assert any("\\Seen" in line for line in said)


@pytest.mark.parametrize(
    ("rights", "code", "permanent"),
    [
        # RFC 4314 §5.2: the three examples, and each right alone.
        ("lr", "READ-ONLY", "()"),
        ("lrs", "READ-WRITE", "(\\Seen)"),
        ("rit", "READ-WRITE", "(\\Deleted)"),
        ("rset", "READ-WRITE", "(\\Deleted \\Seen)"),
        ("ri", "READ-WRITE", "()"),
        ("re", "READ-WRITE", "()"),
        ("rw", "READ-WRITE", "(\\Answered \\Flagged \\Draft \\*)"),
        ("rka", "READ-ONLY", "()"),
        ("lrwis", "READ-WRITE", "(\\Answered \\Flagged \\Seen \\Draft \\*)"),
    ],
)
async def test_select_tells_what_may_be_changed(rights: str, code: str, permanent: str, world: World) -> None:
    await share(world, rights)
    client = await wang(world)
    said = await client.run(f'SELECT "{LI}/Archive"')
    assert said[-1] == f"t OK [{code}] SELECT completed"
    assert any(line.startswith(f"* OK [PERMANENTFLAGS {permanent}]") for line in said), said
    said = await client.run(f'EXAMINE "{LI}/Archive"')
    assert said[-1] == "t OK [READ-ONLY] EXAMINE completed"
    assert any(line.startswith("* OK [PERMANENTFLAGS ()]") for line in said)


async def test_close_leaves_what_may_not_be_expunged(world: World) -> None:
    await world.letters(1, "Archive", flags=DELETED)
    await share(world, "rt")
    client = await wang(world, f'"{LI}/Archive"')
    assert outcome(await client.run("CLOSE")) == "OK"
    assert len(await contents(world)) == 2
    await share(world, "re")
    await client.run(f'SELECT "{LI}/Archive"')
    assert outcome(await client.run("CLOSE")) == "OK"
    assert len(await contents(world)) == 1


async def test_catenate_reads_what_may_be_read(world: World) -> None:
    await world.letters(1, "Archive")
    client = await wang(world)
    url = "/Other%20Users/li%40example.test/Archive/;UID=1"
    missing = await client.run(f'APPEND INBOX CATENATE (URL "{url.replace("Archive", "Nowhere")}")')
    for rights in ("", "l", "lswipkxtea"):
        await share(world, rights)
        said = await client.run(f'APPEND INBOX CATENATE (URL "{url}")')
        assert outcome(said) == "BADURL"
        assert [line.replace("Archive", "Nowhere") for line in said] == missing
    await share(world, "r")
    assert outcome(await client.run(f'APPEND INBOX CATENATE (URL "{url}")')) == "OK"


@pytest.mark.parametrize("rights", ["", "l", "r", "lr", "lswipkxtea"])
async def test_search_over_several_mailboxes(rights: str, world: World) -> None:
    await world.letters(1, "Archive")
    await share(world, rights)
    client = await wang(world)
    await client.run(f'SUBSCRIBE "{LI}/Archive"')
    found = f'* ESEARCH (TAG "t" MAILBOX "{LI}/Archive" UIDVALIDITY'
    for where in (
        f'(MAILBOXES "{LI}/Archive")',
        f'(SUBTREE "{LI}")',
        '(SUBTREE "Other Users")',
        "(SUBSCRIBED)",
    ):
        said = await client.run(f"ESEARCH IN {where} SUBJECT letter")
        said = [re.sub(r'TAG "t\d+"', 'TAG "t"', line) for line in said]
        assert any(line.startswith(found) for line in said) == (rights == "lr"), where
        assert said[-1] == "t OK ESEARCH completed"
    assert await client.run("ESEARCH IN (PERSONAL) SUBJECT letter") == ["t OK ESEARCH completed"]
    assert await client.run("ESEARCH IN (INBOXES) SUBJECT letter") == ["t OK ESEARCH completed"]


async def test_quota_is_the_owners(world: World) -> None:
    await world.store.directory.update_account(world.account.id, {"quota_bytes": 10240})
    client = await wang(world)
    missing = await client.run('GETQUOTA "nobody@example.test"')
    assert await client.run('GETQUOTA "li@example.test"') == missing
    await share(world, "lri")
    said = await client.run(f'GETQUOTAROOT "{LI}/Archive"')
    assert said[:2] == [
        f'* QUOTAROOT "{LI}/Archive" "li@example.test"', '* QUOTA "li@example.test" (STORAGE 0 10)',
    ]  # fmt: skip
    assert (await client.run('GETQUOTA "li@example.test"'))[0] == said[1]
    target = f'"{LI}/Archive"'
    assert outcome(await client.append(target, b"a: b\r\n\r\n" + b"x" * 10240)) == "OVERQUOTA"
    assert outcome(await client.append("INBOX", b"a: b\r\n\r\n" + b"x" * 10240)) == "OK"
    await client.run("SELECT INBOX")
    assert outcome(await client.run(f"COPY 1 {target}")) == "OVERQUOTA"


@pytest.mark.parametrize(
    "name",
    [
        "Other Users", "Other Users/", LI, f"{LI}/", f"{LI}//Archive", f"{LI}/Archive//", f"{LI}/archive",
        "other users/li@example.test/Archive", "Other Users/LI@example.test/Archive",
        "Other Users/li@EXAMPLE.test/Archive", "Other Users/wang@example.test/INBOX",
        f"Other Users//{LI}/Archive", "Other Users/li@example.test%/Archive", "Other Users/li/Archive",
        "Other Users/*", "Other Users/../Archive", "Other Users/li@example.test\uff0fx/Archive",
        "Other Users/\uff0a/Archive", f"{LI}/Other Users/li@example.test/Archive", f" {LI}/Archive",
        "Other Users/li@example.test /Archive", "Other Users/li@example.test./Archive", f"{LI}/&AEE-rchive",
    ],
)  # fmt: skip
async def test_odd_names_lead_nowhere(name: str, world: World) -> None:
    await share(world, "lrswipkxtea")
    client = await wang(world)
    await client.run("ENABLE UTF8=ACCEPT")
    missing = await client.run(f'STATUS "{LI}/Nowhere" (MESSAGES)')
    assert await client.run(f'STATUS "{name}" (MESSAGES)') == missing
    assert outcome(await client.run(f'SELECT "{name}"')) == "NONEXISTENT"
    assert outcome(await client.run(f'DELETE "{name}"')) == "NONEXISTENT"
    assert outcome(await client.run(f'RENAME "{name}" x')) == "NONEXISTENT"


async def test_one_trailing_delimiter_and_inbox_in_any_case(world: World) -> None:
    await share(world, "lr", "INBOX")
    client = await wang(world)
    for name in (f"{LI}/inbox", f"{LI}/INBOX/", f"{LI}/Inbox"):
        said = await client.run(f'STATUS "{name}" (MESSAGES)')
        assert said[0] == f'* STATUS "{LI}/INBOX" (MESSAGES 0)'


async def test_negative_entries_groups_and_anyone(world: World) -> None:
    client = await wang(world)
    await share(world, "lrs", to="anyone")
    assert (await client.run(f'MYRIGHTS "{LI}/Archive"'))[0].endswith(" lrs")
    await share(world, "wi")
    assert (await client.run(f'MYRIGHTS "{LI}/Archive"'))[0].endswith(" lrswi")
    await share(world, "sw", to="-anyone")
    assert (await client.run(f'MYRIGHTS "{LI}/Archive"'))[0].endswith(" lri")
    await share(world, "l", to="-wang@example.test")
    assert (await client.run(f'MYRIGHTS "{LI}/Archive"'))[0].endswith(" ri")
    assert len(await client.run('LIST "" "Other Users/*"')) == 1
    await share(world, "", to="-wang@example.test")
    assert f'* LIST (\\HasNoChildren) "/" "{LI}/Archive"' in await client.run('LIST "" "Other Users/*"')


async def test_anyone_is_anyone_of_the_domain(world: World) -> None:
    await world.store.directory.put_domain(Domain("other.test"))
    stranger = Account(AccountId(0), "qian@other.test")
    await world.store.directory.create_account(stranger, [("INBOX", "inbox")])
    await share(world, "lr", to="anyone")
    client = await world.login(address="qian@other.test")
    missing = await client.run(f'SELECT "{LI}/Nowhere"')
    assert await client.run(f'SELECT "{LI}/Archive"') == missing
    assert await client.run('LIST "" "Other Users/*"') == ["t OK LIST completed"]
    # By name it can be shared with everybody here.
    await share(world, "lr", to="qian@other.test")
    assert outcome(await client.run(f'SELECT "{LI}/Archive"')) == "OK"
    await share(world, "r", to="-anyone")
    assert outcome(await client.run(f'SELECT "{LI}/Archive"')) == "OK"


async def test_what_is_hidden_and_what_is_not_there_sound_the_same(tmp_path: Path) -> None:
    """All that a stranger can send about somebody, byte for byte, whether that one exists or not."""
    said: list[list[str]] = []
    for number, exists in enumerate((False, True, True)):
        async with imap_world(tmp_path / str(number)) as world:
            await make_account(world.store, "wang")
            if exists:
                zhao = await make_account(world.store, "zhao", quota_bytes=1000)
                await make_account(world.store, "team", team=True)
                inbox = await world.store.mailboxes.get(zhao.id, "INBOX")
                await deliver(world.store, inbox, message(1), flags=DELETED)
            if number == 2:  # rights that show nothing
                owner = await world.login(address="zhao@example.test")
                for who, rights in (
                    ("anyone", "pwst"),
                    ("wang@example.test", "e"),
                    ("-wang@example.test", "l"),
                ):
                    await owner.run(f"SETACL INBOX {who} {rights}")
            client = await world.login("INBOX", address="wang@example.test")
            lines = [line for command in about_somebody() for line in await client.run(command)]
            # What the server numbers for itself: UIDVALIDITY, MAILBOXID.
            said.append([re.sub(r"\d{9,}|F\d+", "N", line) for line in lines])
    assert said[0] == said[1] == said[2]
    assert len(said[0]) > 200


def about_somebody() -> list[str]:
    names = [
        f"{top}/{who}@example.test{rest}"
        for top in ("Other Users", "Shared")
        for who in ("zhao", "team")
        for rest in ("", "/", "/INBOX", "/inbox", "/Archive", "/Nowhere", "/INBOX/x", "//INBOX")
    ]
    commands = []
    for name in names:
        quoted = f'"{name}"'
        commands += [
            f"SELECT {quoted}", f"EXAMINE {quoted}", "SELECT INBOX", f"STATUS {quoted} (MESSAGES UNSEEN)",
            f"MYRIGHTS {quoted}", f"GETACL {quoted}", f"LISTRIGHTS {quoted} anyone", f"SETACL {quoted} anyone l",
            f"DELETEACL {quoted} anyone", f"GETQUOTAROOT {quoted}", f"GETMETADATA {quoted} /shared/comment",
            f'SETMETADATA {quoted} (/private/comment "x")', f"CREATE {quoted}", f"CREATE {quoted[:-1]}/new\"",
            f"DELETE {quoted}", f"RENAME {quoted} Mine", f"RENAME Archive {quoted}", f'LIST "" {quoted}',
            f'LIST (SUBSCRIBED) "" {quoted} RETURN (STATUS (MESSAGES) MYRIGHTS)', f"LSUB \"\" {quoted}",
            f"APPEND {quoted} {{3+}}\r\na:b", f"COPY 1:* {quoted}", f"UID COPY 1 {quoted}", f"UID MOVE 1 {quoted}",
            f"UID REPLACE 1 {quoted} {{3+}}\r\na:b", f"ESEARCH IN (MAILBOXES {quoted}) ALL",
            f"ESEARCH IN (SUBTREE {quoted}) ALL", f"NOTIFY SET STATUS (SUBTREE {quoted} (MessageNew MessageExpunge))",
            "NOTIFY NONE", f'APPEND Archive CATENATE (URL "/{name.replace(" ", "%20")}/;UID=1")',
        ]  # fmt: skip
    return [
        *commands, 'GETQUOTA "zhao@example.test"', 'GETQUOTA "team@example.test"', 'LIST "" "Other Users/*"',
        'LIST "Shared/" "%"', 'LIST "" *', 'ESEARCH IN (SUBTREE "Other Users" SUBTREE "Shared" SUBSCRIBED) ALL',
    ]  # fmt: skip
