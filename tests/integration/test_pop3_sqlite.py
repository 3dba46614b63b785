"""POP3 on the embedded store with the real sign-in: what a letter's reader sees, and what is left on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.core.ids import AccountId
from posthouse.core.ports import SystemClock
from posthouse.mime.facts import facts_of
from posthouse.services.maildrop import Maildrops
from posthouse.services.passwords import HashSettings
from posthouse.services.signin import SignIn, SignInSettings, hash_password
from posthouse.sessions.pop3 import LoginDelay, Pop3Session, Pop3Settings
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Delivery, Domain, LocalCopy
from posthouse.storage.sqlite import open_store
from tests.unit.pop3_world import PASSWORD, Client, MemoryPeer, message
from tests.unit.test_pop3_retrieve import answers, retrievals

CHEAP = SignInSettings(hashing=HashSettings(memory_kib=8, time_cost=1))


class House:
    """A store in a folder, opened; may be closed and opened again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.faults: list[BaseException] = []
        self._delivered = 0

    async def open(self) -> None:
        self.store: Store = await open_store(self._folder, role="local")
        self.sign_in = SignIn(self.store, SystemClock(), CHEAP)
        self.maildrops = Maildrops(self.store, SystemClock())

    async def close(self) -> None:
        assert await self.store.check() == []
        self.sign_in.close()
        await self.store.close()

    async def create(self) -> None:
        await self.store.directory.put_domain(Domain("qq.test"))
        account = Account(AccountId(0), "zhang@qq.test", password=hash_password(PASSWORD, CHEAP))
        boxes = [("INBOX", "inbox"), ("Trash", "trash")]
        self.account = await self.store.directory.create_account(account, boxes)

    async def deliver(self, *letters: bytes) -> None:
        deliveries = []
        for letter in letters:
            self._delivered += 1
            writer = self.store.contents.writer()
            writer.write(letter)
            await writer.drain()
            draft = await writer.finish()
            copy = LocalCopy(self.account.id, role="inbox", date=1.0)
            deliveries.append(Delivery(f"t{self._delivered:05}", draft, facts_of(letter), [copy]))
        for stored in await self.store.messages.deliver(deliveries):
            assert stored.placed[0].error is None

    async def sign_in_client(self) -> Client:
        client = Client(
            Pop3Session(
                peer := MemoryPeer(),
                self.faults.append,
                sign_in=self.sign_in,
                maildrops=self.maildrops,
                delay=LoginDelay(SystemClock(), 0),
                settings=Pop3Settings(),
            ),
            peer,
        )
        return await client.sign_in()

    async def counts(self) -> dict[str, int]:
        return {box.name: box.messages for box in await self.store.mailboxes.list(self.account.id)}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    await house.open()
    await house.create()
    yield house
    await house.close()
    assert house.faults == []


LONG = message(2, 3_000_000)


async def test_letters_come_back_byte_for_byte(house: House) -> None:
    letters = [message(1), LONG, "Subject: 驿站\r\n\r\n.\r\n..\r\n末行".encode(), b"", message(5)]
    await house.deliver(*letters)
    client = await house.sign_in_client()
    sizes = [int(line.split()[1]) for line in (await client.say(b"LIST\r\n")).splitlines()[1:-1]]
    assert sizes == [len(letter) for letter in letters]
    said = answers(await client.say(retrievals(1, 2, 3, 4, 5)))
    expected = [letter + b"\r\n" if letter and not letter.endswith(b"\n") else letter for letter in letters]
    assert [answer.body for answer in said] == expected
    top = answers(await client.say(b"TOP 2 4\r\n"))[0].body
    assert top is not None
    assert LONG.startswith(top)
    assert top.endswith(b"three.\r\n0123456789\r\n")


async def test_deletions_survive_and_unique_ids_stay(house: House) -> None:
    await house.deliver(*[message(n) for n in range(1, 6)])
    client = await house.sign_in_client()
    before = (await client.say(b"UIDL\r\n")).split(b"\r\n")[1:-2]
    assert await client.say(b"RETR 1\r\nDELE 2\r\nDELE 5\r\nQUIT\r\n")
    await house.close()
    await house.open()
    await house.deliver(message(6))
    client = await house.sign_in_client()
    after = (await client.say(b"UIDL\r\n")).split(b"\r\n")[1:-2]
    ids = [line.split()[1] for line in before]
    assert [line.split()[1] for line in after][:3] == [ids[0], ids[2], ids[3]]
    assert len({*ids, after[3].split()[1]}) == 6


async def test_a_lost_connection_deletes_nothing(house: House) -> None:
    await house.deliver(message(1), message(2))
    client = await house.sign_in_client()
    await client.say(b"DELE 1\r\nDELE 2\r\n")
    await client.drop()
    assert await (await house.sign_in_client()).say(b"STAT\r\n") == b"+OK 2 %d\r\n" % (2 * len(message(1)))


@pytest.mark.parametrize(("policy", "left"), [("delete", 0), ("trash", 1), ("keep:30", 1), ("keep:0", 0)])
async def test_policies(house: House, policy: str, left: int) -> None:
    await house.deliver(message(1), message(2))
    await house.store.directory.update_account(house.account.id, {"pop3_delete": policy})
    answer = await (await house.sign_in_client()).say(b"DELE 1\r\nQUIT\r\n")
    assert answer.endswith(b"+OK 1 message(s) deleted, goodbye\r\n")
    assert await house.counts() == {"INBOX": 1, "Trash": left}


async def test_one_session_at_a_time(house: House) -> None:
    first = await house.sign_in_client()
    with pytest.raises(AssertionError, match="IN-USE"):
        await house.sign_in_client()
    await first.say(b"QUIT\r\n")
    await house.sign_in_client()
