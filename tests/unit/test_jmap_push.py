"""Push subscriptions: what is refused, the code, what is sent, encryption and signature."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from posthouse.client import webpush
from posthouse.client.post import Poster, PostError, check_url, is_public
from posthouse.core.ids import AccountId
from posthouse.services.push_feed import PushFeed
from posthouse.services.push_sender import PushSender
from tests.storage.fixtures import message
from tests.unit.jmap_world import JmapWorld, jmap_world

# RFC 8291 §5 and appendix A.
UA_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SENT = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_rfc_8291() -> None:
    private = ec.derive_private_key(int.from_bytes(webpush.decode(AS_PRIVATE), "big"), ec.SECP256R1())
    plain = b"When I grow up, I want to be a watermelon"
    salt = webpush.decode("DGv6ra1nlYgDCS1FRnbzlw")
    assert webpush.encode(webpush.encrypt(plain, UA_PUBLIC, AUTH, salt=salt, private=private)) == SENT


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1",
     "0.0.0.0", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_addresses_that_are_never_called(ip: str) -> None:
    assert not is_public(ip)
    assert is_public("1.1.1.1")


@pytest.mark.parametrize("url", ["http://a.test/", "https://u:p@a.test/", "ftp://a.test", "https://", "https://a.test:x/",
                                 "https://a.test/\r\nX: y", "nonsense"])  # fmt: skip
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(PostError):
        check_url(url)


async def test_a_name_of_this_machine_is_not_called() -> None:
    with pytest.raises(PostError, match="no public host"):
        await Poster().post("https://localhost/x", b"", {})


@pytest.mark.parametrize("host", ["a..test", "a" * 64 + ".test"])
async def test_a_name_that_cannot_be_looked_up_is_not_called(host: str) -> None:
    with pytest.raises(PostError, match="UnicodeError"):
        await Poster().post(f"https://{host}/x", b"", {})


class Recorder:
    """A push service."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []
        self.status = 201
        self.came = asyncio.Event()

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.sent.append((url, body, headers))
        self.came.set()
        return self.status

    async def next(self) -> Any:
        async with asyncio.timeout(5):
            await self.came.wait()
        self.came.clear()
        return msgspec.json.decode(self.sent[-1][1])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as opened:
        yield opened


async def call(world: JmapWorld, name: str, **arguments: Any) -> Any:
    response = await world.request([name, arguments, "0"])
    return response["methodResponses"][0][1]


@pytest.fixture
async def service(world: JmapWorld) -> AsyncIterator[Recorder]:
    recorder, feed = Recorder(), PushFeed(world.store)
    sender = PushSender(world.store, feed, world.clock, recorder, subject="mailto:postmaster@example.test")
    running = asyncio.create_task(sender.run())
    yield recorder
    running.cancel()
    await asyncio.wait([running])
    feed.close()


async def test_a_device_is_verified_and_told(world: JmapWorld, service: Recorder) -> None:
    url = "https://push.test/x"
    made = await call(
        world, "PushSubscription/set", create={"a": {"deviceClientId": "d", "url": url, "types": ["Email"]}}
    )
    number = made["created"]["a"]["id"]
    greeting = await service.next()
    assert (greeting["@type"], greeting["pushSubscriptionId"]) == ("PushVerification", number)
    assert service.sent[-1][2]["Authorization"].startswith("vapid t=")
    wrong = await call(world, "PushSubscription/set", update={number: {"verificationCode": "x"}})
    assert wrong["notUpdated"][number]["properties"] == ["verificationCode"]
    code = greeting["verificationCode"]
    await call(world, "PushSubscription/set", update={number: {"verificationCode": code}})
    [got] = (await call(world, "PushSubscription/get"))["list"]
    assert (got["verificationCode"], got["types"], "url" in got) == (code, ["Email"], False)
    async with asyncio.timeout(5):
        while not service.came.is_set():  # until the sender has seen that it is verified
            await world.put(message(1))
            await asyncio.sleep(0.02)
    told = await service.next()
    assert told["@type"] == "StateChange"
    assert set(told["changed"][world.id]) == {"Email"}
    service.status = 410
    service.came.clear()
    async with asyncio.timeout(10):
        while (await call(world, "PushSubscription/get"))["list"]:
            await world.put(message(2))
            await asyncio.sleep(0.05)


async def test_a_subscription_is_no_news(world: JmapWorld) -> None:
    feed = PushFeed(world.store)
    told: list[frozenset[str]] = []
    _, stop = await feed.listen(world.account.id, lambda _, types: told.append(types))
    await call(
        world, "PushSubscription/set", create={"a": {"deviceClientId": "d", "url": "https://push.test/x"}}
    )
    await world.call("Identity/get")
    async with asyncio.timeout(5):
        while not told:  # noqa: ASYNC110 - what is told comes with a later turn of the loop
            await asyncio.sleep(0.01)
    assert told == [frozenset({"Identity"})]
    stop()
    feed.close()


async def test_a_change_between_the_look_and_the_feed_is_told(
    world: JmapWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hint came before anybody listened."""
    feed = PushFeed(world.store)
    told: list[tuple[int, frozenset[str]]] = []
    emails = world.store.emails
    looks: list[int] = []
    look = emails.modseq

    async def modseq(account: AccountId) -> int:
        looks.append(await look(account))
        if len(looks) == 1:
            await world.put(message(1))
        return looks[-1]

    monkeypatch.setattr(emails, "modseq", modseq)
    before, stop = await feed.listen(world.account.id, lambda now, types: told.append((now, types)))
    assert (before, len(looks)) == (looks[0], 2)
    async with asyncio.timeout(5):
        while not told:  # noqa: ASYNC110 - what is told comes with a later turn of the loop
            await asyncio.sleep(0.01)
    assert [(now, "Email" in types) for now, types in told] == [(looks[1], True)]
    stop()
    feed.close()


async def test_what_subscriptions_refuse(world: JmapWorld) -> None:
    good = {"deviceClientId": "d", "url": "https://push.test/x"}
    made = await call(
        world,
        "PushSubscription/set",
        create={
            "a": {**good, "url": "http://push.test"},
            "b": {**good, "keys": {"p256dh": "x", "auth": "y"}},
            "c": {**good, "expires": "2001-01-01T00:00:00Z"},
            "d": {**good, "types": "Email"},
            "e": {"url": "https://push.test"},
            "f": {**good, "verificationCode": "x"},
            "ok": {**good, "keys": {"p256dh": UA_PUBLIC, "auth": AUTH}, "expires": "2099-01-01T00:00:00Z"},
        },
    )
    assert list(made["created"]) == ["ok"]
    assert {key: one["properties"] for key, one in made["notCreated"].items()} == {
        "a": ["url"], "b": ["keys"], "c": ["expires"], "d": ["types"], "e": ["deviceClientId"],
        "f": ["verificationCode"],
    }  # fmt: skip
    assert made["created"]["ok"]["expires"] < "2027"
    refused = await call(world, "PushSubscription/get", properties=["url"])
    assert refused["type"] == "forbidden"
