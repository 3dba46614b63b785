"""MESSAGELIMIT: commands that name more messages than one may touch.  RFC 9738."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.sessions.imap import ImapLimits
from tests.unit.imap_world import Client, World, imap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path, ImapLimits(command_messages_max=3)) as world:
        await world.letters(8)
        yield world


def numbers(said: list[str], word: str) -> list[int]:
    """The message numbers of untagged responses."""
    return [int(line.split()[1]) for line in said if line.startswith("* ") and line.split()[2:3] == [word]]


def answer(said: list[str]) -> str:
    """The tagged line without its tag."""
    return said[-1].split(" ", 1)[1]


async def open_inbox(world: World, *first: str) -> Client:
    client = await world.login()
    for line in first:
        await client.run(line)
    await client.run("SELECT INBOX")
    return client


async def test_the_limit_stands_in_the_capability(world: World, tmp_path: Path) -> None:
    said = await (await world.login()).run("CAPABILITY")
    assert "MESSAGELIMIT=3" in said[0].split()
    async with imap_world(tmp_path / "other") as other:
        assert "MESSAGELIMIT" not in " ".join(await (await other.login()).run("CAPABILITY"))


@pytest.mark.parametrize(
    ("line", "shown", "lowest"),
    [
        ("FETCH 1:* UID", [6, 7, 8], 6),
        ("FETCH 2:4 UID", [2, 3, 4], 0),
        ("FETCH 1,3,5,7 UID", [3, 5, 7], 3),
        ("UID FETCH 1:5 BODY.PEEK[TEXT]", [3, 4, 5], 3),
        ("UID FETCH 1:4 FLAGS (PARTIAL 1:2)", [1, 2], 0),
        ("FETCH 1:5 FULL", [3, 4, 5], 3),
        ("STORE 1:5 +FLAGS ($Important)", [3, 4, 5], 3),
        ("UID STORE 4:6 FLAGS ($Important)", [4, 5, 6], 0),
    ],
)
async def test_the_newest_are_touched(world: World, line: str, shown: list[int], lowest: int) -> None:
    client = await open_inbox(world)
    said = await client.run(line)
    assert numbers(said, "FETCH") == shown
    name = line.removeprefix("UID ").split()[0]
    code = f"[MESSAGELIMIT 3 {lowest}] " if lowest else ""
    assert answer(said) == f"OK {code}{name} completed"


async def test_a_client_goes_on_below(world: World) -> None:
    client = await open_inbox(world)
    touched, upper = [], "*"
    while True:
        said = await client.run(f"UID STORE 1:{upper} +FLAGS (done)")
        touched += numbers(said, "FETCH")
        if "MESSAGELIMIT" not in said[-1]:
            break
        upper = str(int(answer(said).split()[3].rstrip("]")) - 1)
    assert sorted(touched) == list(range(1, 9))
    assert (await client.run("SEARCH UNKEYWORD done"))[0] == "* SEARCH"


async def test_search(world: World) -> None:
    client = await open_inbox(world)
    said = await client.run("UID SEARCH ALL")
    assert (said[0], answer(said)) == ("* SEARCH 6 7 8", "OK [MESSAGELIMIT 3 6] SEARCH completed")
    said = await client.run("UID SEARCH UIDBEFORE 6")
    assert (said[0], answer(said)) == ("* SEARCH 3 4 5", "OK [MESSAGELIMIT 3 3] SEARCH completed")
    said = await client.run("UID SEARCH UIDBEFORE 3")
    assert (said[0], answer(said)) == ("* SEARCH 1 2", "OK SEARCH completed")
    # What `$` stands for is what was told.
    assert "MESSAGELIMIT 3 6" in (await client.run("SEARCH RETURN (SAVE) ALL"))[-1]
    assert numbers(await client.run("FETCH $ UID"), "FETCH") == [6, 7, 8]


@pytest.mark.parametrize(
    ("returns", "told", "code"),
    [
        ("MIN MAX COUNT", " MIN 1 MAX 8 COUNT 8", ""),  # names two messages
        ("COUNT", " COUNT 8", ""),
        ("ALL COUNT", " ALL 6:8 COUNT 3", "[MESSAGELIMIT 3 6] "),
        ("PARTIAL 1:3", " PARTIAL (1:3 1:3)", ""),
        ("PARTIAL -2:-4", " PARTIAL (-2:-4 5:7)", ""),
        ("PARTIAL 7:20", " PARTIAL (7:20 7:8)", ""),  # what there is of it
        ("SAVE COUNT", " COUNT 3", "[MESSAGELIMIT 3 6] "),
        ("SAVE MIN", " MIN 1", ""),
    ],
)
async def test_search_is_measured_by_what_it_names(world: World, returns: str, told: str, code: str) -> None:
    client = await open_inbox(world)
    said = await client.run(f"UID SEARCH RETURN ({returns}) ALL")
    assert said[0].partition(" UID")[2] == told
    assert answer(said) == f"OK {code}SEARCH completed"


async def test_partial_that_is_too_wide_is_refused(world: World) -> None:
    client = await open_inbox(world)
    await client.run("SEARCH RETURN (SAVE) 1:2")
    said = await client.run("UID SEARCH RETURN (SAVE PARTIAL 1:4) ALL")
    assert len(said) == 1
    assert answer(said).startswith("NO [MESSAGELIMIT 3] ")
    assert answer(await client.run("SEARCH RETURN (COUNT) $")).startswith("OK ")
    assert (await client.run("UID SEARCH $"))[0] == "* SEARCH"  # RFC 5182 §2.1


async def test_what_is_cut_is_not_kept_up_to_date(world: World) -> None:
    client = await open_inbox(world)
    said = await client.run("UID SEARCH RETURN (ALL UPDATE) ALL")
    assert said[1].startswith(f"* NO [NOUPDATE {said[1].split()[3]} ")
    assert "Too many results" in said[1]
    assert "NOUPDATE" not in " ".join(await client.run("UID SEARCH RETURN (ALL UPDATE) 1:3"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("UID SORT (REVERSE ARRIVAL) UTF-8 1:3", "* SORT 1 2 3"),
        ("UID SORT RETURN (COUNT) (DATE) UTF-8 UIDAFTER 5", "COUNT 3"),
        ("UID THREAD REFERENCES UTF-8 UIDBEFORE 4", "* THREAD "),
        ("UID SORT (ARRIVAL) UTF-8 ALL", ""),
        ("UID SORT RETURN (PARTIAL 1:2) (ARRIVAL) UTF-8 2:5", ""),
        ("UID THREAD REFERENCES UTF-8 ALL", ""),
        ("THREAD ORDEREDSUBJECT UTF-8 UIDAFTER 4", ""),
    ],
)
async def test_sort_and_thread_do_all_or_nothing(world: World, line: str, told: str) -> None:
    client = await open_inbox(world)
    said = await client.run(line)
    if told:
        assert told in said[0]
        assert answer(said).startswith("OK ")
    else:
        assert len(said) == 1
        assert answer(said).startswith("NO [MESSAGELIMIT 3] ")


async def test_several_mailboxes_share_the_limit(world: World) -> None:
    client = await open_inbox(world)
    await client.run("COPY 1:3 Trash")
    await client.run("COPY 1:2 Sent")
    said = await client.run("ESEARCH IN (MAILBOXES (Trash Sent)) RETURN (ALL) ALL")
    assert [line.split()[5] for line in said[:-1]] in (['"Sent"'], ['"Trash"'], ["Sent"], ["Trash"])
    assert answer(said).startswith("OK [LIMIT] Not all mailboxes were searched")
    said = await client.run("ESEARCH IN (PERSONAL) RETURN (COUNT) ALL")
    assert len(said) == 4
    assert answer(said) == "OK ESEARCH completed"
    said = await client.run("ESEARCH IN (MAILBOXES Trash) RETURN (ALL) ALL")
    assert said[0].endswith("UID ALL 1:3")
    assert answer(said) == "OK ESEARCH completed"
    # One mailbox is cut as by SEARCH.
    said = await client.run("ESEARCH IN (SELECTED) RETURN (ALL) ALL")
    assert said[0].endswith("UID ALL 6:8")
    assert answer(said) == "OK [MESSAGELIMIT 3 6] ESEARCH completed"
    await client.run("ESEARCH RETURN (SAVE) ALL")
    assert numbers(await client.run("FETCH $ UID"), "FETCH") == [6, 7, 8]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("UIDAFTER 6", "7 8"),
        ("UIDAFTER 8", ""),  # UID 9:* would find the last one
        ("UIDAFTER 4294967295", ""),
        ("UIDBEFORE 1", ""),
        ("UIDBEFORE 3", "1 2"),
        ("UIDAFTER 2 UIDBEFORE 5", "3 4"),
        ("NOT UIDAFTER 2", "1 2"),
    ],
)
async def test_search_keys(world: World, key: str, found: str) -> None:
    client = await open_inbox(world)
    assert (await client.run(f"UID SEARCH {key}"))[0] == f"* SEARCH {found}".rstrip()


@pytest.mark.parametrize(
    "key", ["UIDAFTER 0", "UIDBEFORE", "UIDAFTER 4294967296", "UIDBEFORE *", "UIDAFTER 1:2"]
)
async def test_search_keys_name_one_uid(world: World, key: str) -> None:
    client = await open_inbox(world)
    assert answer(await client.run(f"UID SEARCH {key}")).startswith("BAD ")


async def test_copy_does_all_or_nothing(world: World) -> None:
    client = await open_inbox(world)
    refused = "NO [MESSAGELIMIT 3] Too many messages for one command, nothing was done; name fewer"
    assert answer(await client.run("COPY 1:4 Trash")) == refused
    assert answer(await client.run("UID COPY 1:* Trash")) == refused
    assert "(MESSAGES 0)" in (await client.run("STATUS Trash (MESSAGES)"))[0]
    assert answer(await client.run("COPY 1:3 Trash")).startswith("OK [COPYUID ")


async def test_append_of_several_does_all_or_nothing(world: World) -> None:
    client = await open_inbox(world)
    letter = "{16+}\r\nSubject: x\r\n\r\nab"
    assert answer(await client.run(f"APPEND Trash {letter} {letter} {letter}")).startswith("OK [APPENDUID ")
    said = await client.run(f"APPEND Trash {letter} {letter} {letter} {letter}")
    assert answer(said).startswith("NO [MESSAGELIMIT 3] Too many messages")
    assert "(MESSAGES 3)" in (await client.run("STATUS Trash (MESSAGES)"))[0]


async def test_move_and_expunge(world: World) -> None:
    client = await open_inbox(world)
    said = await client.run("MOVE 1:5 Trash")
    assert numbers(said, "EXPUNGE") == [3, 3, 3]
    assert answer(said) == "OK [MESSAGELIMIT 3 3] MOVE completed"
    for uids in ("1:2", "6:8"):
        await client.run(f"UID STORE {uids} +FLAGS (\\Deleted)")
    said = await client.run("UID EXPUNGE 1:*")
    assert numbers(said, "EXPUNGE") == [3, 3, 3]
    assert answer(said) == "OK [MESSAGELIMIT 3 6] EXPUNGE completed"
    # EXPUNGE names no messages, and is not limited.
    await client.run("UNSELECT")
    assert len(numbers(await open_and_expunge(world), "EXPUNGE")) == 2


async def open_and_expunge(world: World) -> list[str]:
    client = await open_inbox(world)
    return await client.run("EXPUNGE")


async def test_an_answer_that_has_a_code_keeps_it(world: World) -> None:
    client = await open_inbox(world, "ENABLE QRESYNC")
    said = await client.run("UID STORE 1:* (UNCHANGEDSINCE 1) +FLAGS (a)")
    assert "* OK [MESSAGELIMIT 3 6] There are more messages; go on below that UID" in said
    assert answer(said).startswith("OK [MODIFIED 6:8] ")
    said = await client.run("UID MOVE 1:4 Trash")
    assert "* OK [MESSAGELIMIT 3 2] There are more messages; go on below that UID" in said
    assert answer(said).startswith("OK [HIGHESTMODSEQ ")


async def test_in_chinese(world: World) -> None:
    client = await open_inbox(world, "LANGUAGE zh")
    assert (
        answer(await client.run("COPY 1:4 Trash"))
        == "NO [MESSAGELIMIT 3] 单个命令涉及的邮件过多，未执行；请减少邮件数量"
    )
