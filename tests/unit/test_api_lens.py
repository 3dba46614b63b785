"""The lens over the API: own dialogues only, all of them where that is wanted, each line with its meaning."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.ports import SystemClock
from posthouse.http.api.operation import LensAccess
from posthouse.services.lens import LensSettings, Recorder
from posthouse.services.lens_view import LensView
from posthouse.storage.sqlite.dialogues import SqliteDialogues
from tests.unit.api_world import ApiWorld, open_api
from tests.unit.oauth_world import LI


class Grant:
    def __init__(self, address: str) -> None:
        self.account = self
        self.address = address


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ApiWorld]:
    async with open_api(tmp_path / "world") as found:
        kept = SqliteDialogues(tmp_path / "run", create=True)
        recorder = Recorder(kept, SystemClock(), LensSettings("mail.example.org"))
        for address in (LI, "zhang@qq.test"):
            tap = recorder.begin("submissions", "192.0.2.1:4711")
            tap.grant = lambda address=address: Grant(address)
            tap.server(b"535 5.7.8 no such words\r\n")
            tap.end()
        await recorder.close()
        found.api.lens = LensAccess(
            LensView([kept]), enabled=True, users=True, everybody=False, practice=None
        )
        yield found
        kept.close()


async def test_people_see_their_own_dialogues_with_what_each_line_means(world: ApiWorld) -> None:
    li = await world.program()
    assert await li.get("/self/lens") == {"enabled": True, "sees": "own", "practice": []}
    (mine,) = (await li.get("/self/lens/dialogues"))["items"]
    assert (mine["account"], mine["service"], mine["errors"], mine["lines"]) == (LI, "submissions", 1, 3)
    page = await li.get(f"/self/lens/dialogues/{mine['id']}")
    assert [line["side"] for line in page["lines"]] == ["note", "server", "note"]
    wrong = page["lines"][1]
    assert wrong["error"]
    assert wrong["source"] == "RFC 4954 §6"
    assert "app password" in wrong["advice"]
    assert await li.get(f"/self/lens/dialogues/{mine['id']}", after=2) == {**page, "lines": page["lines"][2:]}
    text = (await li.get(f"/self/lens/dialogues/{mine['id']}/text"))["text"]
    assert "535 5.7.8 no such words" in text
    assert "RFC 4954 §6" in text


async def test_dialogues_of_others_are_not_there(world: ApiWorld) -> None:
    li = await world.program()
    world.api.lens.everybody = True
    others = [one for one in (await li.get("/self/lens/dialogues"))["items"] if one["account"] != LI]
    assert len(others) == 1
    assert (await li.get("/self/lens"))["sees"] == "all"
    world.api.lens.everybody = False
    for path in ("", "/text"):
        assert await li.refused("GET", f"/self/lens/dialogues/{others[0]['id']}{path}") == "not-found"
    world.api.lens.users = False
    assert (await li.get("/self/lens"))["sees"] == "none"
    assert await li.refused("GET", "/self/lens/dialogues") == "forbidden"


async def test_practice_letters_are_for_the_demo(world: ApiWorld) -> None:
    li = await world.program()
    letter = {"sender": LI, "to": LI, "subject": "x", "text": "y"}
    assert await li.refused("POST", "/self/lens/practice", **letter) == "not-found"
    assert await li.refused("GET", "/self/lens/practice/0123456789abcdef") == "not-found"


async def test_who_administrates_the_server_sees_all_dialogues(world: ApiWorld) -> None:
    li = await world.program()
    found = await li.get("/self")
    assert (found["administrates"], found["lens"]) == (False, True)
    await world.world.accounts.update_account(LI, admin=["post.test"])
    assert (await li.get("/self/lens"))["sees"] == "own"
    await world.world.accounts.update_account(LI, admin=["*"])
    assert (await li.get("/self/lens"))["sees"] == "all"
    assert (await li.get("/self"))["administrates"]
    assert len((await li.get("/self/lens/dialogues"))["items"]) == 2
    world.api.lens.users = False
    assert (await li.get("/self"))["lens"]
