"""SEARCH in the text of attached documents: the same by reading and by the index, and only where it is switched on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.app.config import ConfigError, parse_config
from posthouse.extract import Extractor
from posthouse.services.email_search import EmailSearch
from posthouse.storage.rows import TextSought
from tests.storage.fixtures import message
from tests.unit.imap_world import Client, World, imap_world
from tests.unit.office import docx, odt, pdf, with_file, xlsx

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


LETTERS = [
    with_file(pdf("Quarterly figures"), "application/pdf"),
    with_file(docx("驿站来信，季度报告", "Grüße"), DOCX),
    with_file(xlsx(["Umsatz"], [4711]), "application/octet-stream", "bilanz.XLSX"),
    with_file(odt("Protokoll der Sitzung"), "application/vnd.oasis.opendocument.text"),
    with_file(b"%PDF-1.4 broken Quarterly", "application/pdf", "broken.pdf"),
    with_file(pdf("inside a picture"), "image/png"),
]
KEYS = {
    "BODY quarterly": [1],
    'TEXT "quarterly figures"': [1],
    "BODY 季度报告": [2],
    "BODY 报": [2],
    "BODY GRÜSSE": [],  # RFC 5051: the sharp s is a letter of its own
    "BODY GRÜßE": [2],
    "BODY 4711": [3],
    "BODY bilanz.xlsx": [3],
    "BODY Sitzung": [4],
    "NOT BODY quarterly SUBJECT files": [2, 3, 4, 5, 6],
    'BODY "inside a picture"': [],
    "SUBJECT quarterly": [],
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path) as world:
        await world.put(*LETTERS)
        await world.put(*[message(number) for number in range(80)])
        yield world


async def answers(client: Client) -> dict[str, list[int]]:
    found = {}
    for key in KEYS:
        before, space, text = key.rpartition(" ") if '"' not in key else key.partition(" ")
        if not text.isascii():
            raw = text.encode()
            command = b"SEARCH CHARSET UTF-8 %b%b{%d+}\r\n%b" % (
                before.encode(),
                space.encode(),
                len(raw),
                raw,
            )
        else:
            command = b"SEARCH " + key.encode()
        lines = await client.run(command)
        assert lines[-1] == "t OK SEARCH completed", lines
        found[key] = [int(number) for number in lines[0].split()[2:]]
    return found


async def test_by_reading_and_by_the_index(world: World) -> None:
    search = world.store.search
    client = await world.login("INBOX")
    nothing = await answers(client)
    assert nothing["BODY quarterly"] == nothing["BODY 4711"] == nothing["BODY Sitzung"] == []
    extractor = Extractor()
    try:
        search.extract = extractor.text
        assert await answers(client) == KEYS
        assert await search.update(world.account.id) == len(LETTERS) + 80
        assert await answers(client) == KEYS
        # FUZZY looks into them as well.
        assert (await client.run("SEARCH FUZZY BODY qarterly"))[0] == "* SEARCH 1"
        # New documents are read until the index has them.
        await world.put(with_file(pdf("Quarterly again"), "application/pdf"))
        assert (await client.run("SEARCH BODY quarterly"))[-2] == "* SEARCH 1 87"
    finally:
        extractor.close()
    nothing["NOT BODY quarterly SUBJECT files"].append(len(LETTERS) + 81)
    # Switched off, the index that knows more is not asked, and made anew.
    search.extract = None
    assert world.account.id not in await search.pending()
    assert await answers(client) == nothing
    assert world.account.id in await search.pending()
    assert await search.update(world.account.id) == len(LETTERS) + 81
    assert await answers(client) == nothing


async def test_the_other_way_to_search_reads_the_same(world: World) -> None:
    """JMAP asks `EmailSearch`, before there is an index and after."""
    store, search = world.store, EmailSearch(world.store)
    mailbox = await store.mailboxes.get(world.account.id, "INBOX")
    sought = [[TextSought("BODY", "quarterly fig")], [TextSought("TEXT", "sitzung")]]
    assert await search.find(world.account.id, [mailbox], sought) == [set(), set()]
    extractor = Extractor()
    try:
        store.search.extract = extractor.text
        read = await search.find(world.account.id, [mailbox], sought)
        assert [len(messages) for messages in read] == [1, 1]
        await store.search.update(world.account.id)
        assert await search.find(world.account.id, [mailbox], sought) == read
    finally:
        extractor.close()


async def test_a_failing_extractor_leaves_the_rest_searchable(world: World) -> None:
    client = await world.login("INBOX")
    world.store.search.extract = lambda _kind, _document: ""
    assert (await client.run('SEARCH BODY "see the file"'))[0] == "* SEARCH 1 2 3 4 5 6"
    assert (await client.run("SEARCH BODY broken.pdf"))[0] == "* SEARCH 5"


def test_the_setting_needs_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'hostname = "mx.test"\nsearch.attachments = true\nlisteners.submissions.enabled = false\n'
    text += "listeners.pop3s.enabled = false\nlisteners.imaps.enabled = false\n"
    assert parse_config(text, Path("/")).search.attachments
    monkeypatch.setattr("posthouse.app.config.missing_library", lambda: "pypdf")
    with pytest.raises(ConfigError, match=r"pip install 'posthouse\[attachments\]'"):
        parse_config(text, Path("/"))
