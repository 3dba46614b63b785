"""What is remembered of emails: never more than was asked, never what somebody may not see, and bounded."""

from __future__ import annotations

from pathlib import Path

from posthouse.services.grant import of_password
from posthouse.sessions.jmap import email_known
from posthouse.sessions.jmap.email_known import KNOWN_MAX_BYTES, OF_RECORD, ONE_MAX_BYTES, KnownEmails
from tests.storage.fixtures import make_account, message
from tests.unit.jmap_world import jmap_world

LIST = ["threadId", "mailboxIds", "keywords", "from", "subject", "receivedAt", "preview", "hasAttachment"]


async def test_a_list_read_again_is_the_same_and_shows_what_changed(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        one = await world.put(message(1))
        first = await world.call("Email/get", ids=[one], properties=LIST)
        assert await world.call("Email/get", ids=[one], properties=LIST) == first
        [email] = first["list"]
        assert email["from"] == [{"name": "Zhang", "email": "zhang@qq.test"}]
        await world.call("Email/set", update={one: {"keywords/$seen": True}})
        [again] = (await world.call("Email/get", ids=[one], properties=LIST))["list"]
        assert again == email | {"keywords": {"$seen": True}}
        [fewer] = (await world.call("Email/get", ids=[one], properties=["subject"]))["list"]
        assert fewer == {"id": one, "subject": "a letter 1"}
        [whole] = (await world.call("Email/get", ids=[one]))["list"]
        assert whole.items() >= again.items()
        await world.call("Email/set", destroy=[one])
        assert (await world.call("Email/get", ids=[one], properties=LIST))["notFound"] == [one]


async def test_what_is_known_opens_nothing_to_another_account(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        one = await world.put(message(1))
        assert (await world.call("Email/get", ids=[one], properties=LIST))["list"]
        other = await make_account(world.store, "wang")
        world.grant, world.id = of_password(other), f"A{other.id}"
        assert await world.call("Email/get", ids=[one], properties=LIST) == {
            "accountId": world.id,
            "state": str(await world.store.emails.modseq(other.id)),
            "list": [],
            "notFound": [one],
        }


def test_it_is_bounded_and_forgets_what_was_not_asked_for() -> None:
    known = KnownEmails()
    for number in range(2 * KNOWN_MAX_BYTES // OF_RECORD):
        known.keep(("id",), number, {"id": f"M{number}"}, 0)
        assert known.find(("id",), [0]) == {0: {"id": "M0"}}  # asked for all the time
    assert known.find(("id",), [1, 2]) == {}
    assert known._size_bytes <= KNOWN_MAX_BYTES
    known.keep(("id",), 5, {"id": "M5"}, ONE_MAX_BYTES // email_known.OF_OCTET)
    assert known.find(("id",), [5]) == {}
    assert known.find(("id", "to"), [0]) == {}
