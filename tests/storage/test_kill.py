"""kill -9 of the writer process: what was acknowledged is there exactly once, the rest not at all or once."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

from posthouse.core.errors import InUse, Unavailable
from posthouse.storage.rows import LocalCopy
from posthouse.storage.sqlite import open_store
from tests.storage.fixtures import deliver_one, make_account, message, rows

SERVE = """
import asyncio, pathlib, sys
from posthouse.storage.sqlite import serve_writer
asyncio.run(serve_writer(pathlib.Path(sys.argv[1])))
"""
KILLS = 6
SENDERS = 8


def start_writer(root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SERVE, str(root)])


async def test_kill_of_the_writer(tmp_path: Path) -> None:
    chance = random.Random(7)
    process = start_writer(tmp_path)
    store = await open_store(tmp_path, role="client")
    account = await make_account(store)
    inbox = await store.mailboxes.get(account.id, "INBOX")
    acknowledged: set[int] = set()
    flagged: set[int] = set()
    expunged: set[int] = set()
    refused = 0
    stopping = False
    following = iter(range(1 << 30))

    async def send() -> None:
        nonlocal refused
        while not stopping:
            number = next(following)
            try:
                data = message(number, 2 << 20 if number % 50 == 0 else 500)
                [placed] = await deliver_one(store, data, LocalCopy(account.id, inbox.id), trace=f"{number}")
                acknowledged.add(number)
                one = [(placed.uid, placed.uid)]
                if number % 3 == 0:
                    await store.messages.store_flags(account.id, inbox.id, one, add=4)
                    flagged.add(number)
                if number % 5 == 1:
                    await store.messages.expunge(account.id, inbox.id, one, only_deleted=False)
                    expunged.add(number)
            except Unavailable:
                refused += 1
                await asyncio.sleep(0.01)

    senders = [asyncio.ensure_future(send()) for _ in range(SENDERS)]
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        lock = await store.locks.acquire("maildrop")
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = start_writer(tmp_path)
        before = len(acknowledged)
        async with asyncio.timeout(10):
            while len(acknowledged) < before + 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await lock.release()  # it went with the writer; this must not hurt the next holder
        again = await store.locks.acquire("maildrop")
        await lock.release()
        try:
            await store.locks.acquire("maildrop")
            raise AssertionError("a lock of the time before was released twice")
        except InUse:
            await again.release()
    stopping = True
    await asyncio.gather(*senders)
    found = await rows(store, inbox, "message_id", "flags", "size")
    numbers = [int(message_id.partition("@")[0]) for message_id, _, _ in found]
    flags = {number: flags for number, (_, flags, _) in zip(numbers, found, strict=True)}
    assert len(numbers) == len(set(numbers))
    assert acknowledged - expunged - set(numbers) <= {n for n in acknowledged if n % 5 == 1}
    assert not expunged & set(numbers)
    assert all(flags[number] == 4 for number in flagged if number in flags)
    assert refused > 0
    assert await store.check() == []
    await store.close()
    process.terminate()
    process.wait()
