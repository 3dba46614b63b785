"""Narrowed credentials at what is no IMAP and no JMAP: every method of CardDAV, every command of POP3, every operation
of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from posthouse.http.api.table import OPERATIONS
from posthouse.http.dav.routes import METHODS
from posthouse.services.credentials import Credentials
from posthouse.sessions.pop3.table import COMMANDS
from tests.unit.api_world import LI, open_api
from tests.unit.asgi import basic
from tests.unit.sign_in_place import open_place
from tests.unit.test_api_admin import BODIES, PARAMETERS
from tests.unit.test_carddav import BOOK, HOME, PROP, Client, client, vcard

CLIENT = client  # the fixture
MAIL_ONLY = "jmap:read"
MAILDROP = ("STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET")
READS = ("GET", "HEAD", "PROPFIND", "REPORT")
QUERY = (
    '<C:addressbook-query xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:D="DAV:">'
    "<D:prop><D:getetag/></D:prop><C:filter/></C:addressbook-query>"
)
BODY: dict[str, bytes] = {
    "PUT": vcard("n"),
    "PROPFIND": PROP.format("<D:getetag/>").encode(),
    "REPORT": QUERY.encode(),
}


async def dav_answers(one: Client, secret: str) -> dict[str, int]:
    """Status of each method but OPTIONS, at a card or its book."""
    one.auth = basic(one.world.account.address, secret)
    found = {}
    for method in METHODS:
        path = {"REPORT": BOOK, "MKCOL": HOME + "new/", "PROPPATCH": BOOK}.get(method, BOOK + "c.vcf")
        more: dict[str, Any] = {"destination": BOOK + "d.vcf"} if method in ("COPY", "MOVE") else {}
        if method != "OPTIONS":
            found[method] = (await one.ask(method, path, BODY.get(method, b""), depth="0", **more)).status
    return found


async def test_carddav(client: Client) -> None:
    assert await client.put("c.vcf", vcard("c")) == 201
    before = await client.etags()
    kept = Credentials(client.world.store, client.world.clock, 4096)
    secrets = {
        name: (await kept.add(client.world.account.address, name, **scope))[1]
        for name, scope in {
            "folder": {"folders": ("INBOX",)},
            "read": {"actions": ("read",)},
            "send": {"actions": ("send",)},
            "imap": {"protocols": ("imap",)},
        }.items()
    }  # fmt: skip
    own = client.auth
    assert set((await dav_answers(client, secrets["folder"])).values()) == {403}
    assert set((await dav_answers(client, secrets["send"])).values()) == {403}
    assert set((await dav_answers(client, secrets["imap"])).values()) == {401}
    reading = await dav_answers(client, secrets["read"])
    assert {method for method, status in reading.items() if status < 300} == set(READS)
    assert {status for method, status in reading.items() if method not in READS} == {403}
    client.auth = own
    assert await client.etags() == before
    kept.close()


async def test_the_api_knows_nothing_of_tokens_for_mail(tmp_path: Path) -> None:
    async with open_api(tmp_path) as world:
        program = await world.program(LI, scope=MAIL_ONLY)
        for one in OPERATIONS:
            path = one.path
            for name, value in PARAMETERS.items():
                path = path.replace(f"{{{name}}}", value)
            options: dict[str, Any] = {"json": BODIES.get(one.name, {})} if one.body is not None else {}
            world.clock.move(1)
            await program.ask(one.method, path, **options)
            assert program.status == 403, one.name


@pytest.mark.parametrize("actions", [("read",), ("send",), ("write",)])
async def test_pop3(tmp_path: Path, actions: tuple[str, ...]) -> None:
    """For reading a maildrop stays as it is; other credentials do not open it."""
    async with open_place(tmp_path) as place:
        await place.letters("INBOX", 2)
        one = place.connect("pop3")
        said = await one.authenticate("PLAIN", "li@post.test", await place.app(actions=actions))
        assert said.startswith("+OK") is ("read" in actions), said
        for name in (*(name for name in COMMANDS if name != "QUIT"), "QUIT"):
            told = (await one.say(f"{name} {'1 0' if name == 'TOP' else '1'}\r\n".encode())).decode()
            if "read" not in actions:
                assert name not in MAILDROP or told.startswith("-ERR"), (name, told)
        await one.leave()
        inbox = await place.world.store.mailboxes.get((await place.account()).id, "INBOX")
        assert (inbox.messages, inbox.unseen) == (2, 2)
