"""JMAPACCESS (RFC 9698): announced only to who can use it with what opened the session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.client_certificates import client_certificate
from tests.unit.sign_in_place import LI, PASSWORD, Client, Place, open_place

URL = "https://mail.post.test/jmap/session"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as place:
        yield place


def connect(place: Place, url: str = URL, **options: Any) -> Client:
    client = place.connect("imap", **options)
    client.session.services.jmap = url  # type: ignore[attr-defined]
    return client


async def offers(client: Client) -> bool:
    said = await client.run("GETJMAPACCESS")
    listed = "JMAPACCESS" in (await client.run("CAPABILITY")).splitlines()[0].split()
    if listed:
        assert said == f'* JMAPACCESS "{URL}"\r\nt OK GETJMAPACCESS completed\r\n'
    else:
        assert said.startswith("t NO [CANNOT]")
    return listed


async def test_who_is_told_of_jmap(place: Place) -> None:
    for secret, wanted in (
        (PASSWORD, True),
        (await place.app("mail"), False),
        (await place.app("both", protocols=("imap", "jmap")), True),
    ):
        client = connect(place)
        assert (await client.run("CAPABILITY")).count("JMAPACCESS") == 0
        assert (await client.run("GETJMAPACCESS")).startswith("t BAD")
        assert "t OK" in await client.run(f'LOGIN {LI} "{secret}"')
        assert await offers(client) is wanted
    nowhere = connect(place, "")
    await nowhere.run(f'LOGIN {LI} "{PASSWORD}"')
    assert not await offers(nowhere)


async def test_where_jmap_is_closed_to_it(place: Place) -> None:
    by_certificate = connect(place, certificate=client_certificate(LI, ends_at=place.world.clock.now() + 60))
    assert "a OK" in await by_certificate.authenticate("EXTERNAL", "", "")
    assert not await offers(by_certificate)
    for changes in ({"app_only": ("http",)}, {"app_only": (), "protocols": ("imap", "pop3")}):
        await place.world.accounts.update_account(LI, **changes)
        client = connect(place)
        assert "t OK" in await client.run(f'LOGIN {LI} "{PASSWORD}"')
        assert not await offers(client)
