"""Sign-in under load, in one process, with the hashes of production: `python -m bench.sign_in`.

What a known password costs; what 1,000 sign-ins a second do to everything else on the event loop; and how long a user
with the right password waits while strangers try wrong ones as fast as they can.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from posthouse.app.worker import GC_THRESHOLDS
from posthouse.core.errors import MailError, SignInFailed
from posthouse.core.ports import SystemClock
from posthouse.services.accounts import Accounts
from posthouse.services.grant import Origin
from posthouse.services.signin import SignIn, SignInSettings
from posthouse.storage.sqlite import open_store
from tests.unit.loop_steps import metered
from tests.unit.service_world import NO_BANS

PEOPLE = 50
RATE = 1000
SECONDS = 5
PASSWORD = "correct horse"


def row(name: str, *values: str) -> None:
    print(f"{name:52}", *(f"{value:>16}" for value in values))


def spread(times: list[float]) -> tuple[str, str, str]:
    times.sort()
    return tuple(f"{times[int((len(times) - 1) * part)] * 1000:.2f} ms" for part in (0.5, 0.99, 1.0))  # type: ignore[return-value]


class Lag:
    """How late the event loop wakes somebody who sleeps for two milliseconds, over and over.

    What else the machine does is in it.  `held`: seconds of the processor that single steps of the loop took, which is
    what we hold it for.
    """

    def __init__(self, held: list[float]) -> None:
        self.times: list[float] = []
        self.held = held

    def clear(self) -> None:
        self.times.clear()
        self.held.clear()

    def told(self) -> None:
        row("... and others on the loop are late by", *spread(self.times))
        row("... of which we held it, by the processor's time", *spread(self.held))

    async def watch(self) -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.002)
            self.times.append(time.perf_counter() - begun - 0.002)


@contextlib.contextmanager
def watching() -> Iterator[Lag]:
    with metered(time.thread_time) as held:
        lag = Lag(held)
        watcher = asyncio.ensure_future(lag.watch())
        yield lag
        watcher.cancel()


async def fast_path(sign: SignIn) -> None:
    origin = Origin("imap", "c", "192.0.2.1")
    await sign.check_password("p0@post.test", PASSWORD, origin)
    count = 20_000
    begun = time.perf_counter()
    for _ in range(count):
        await sign.check_password("p0@post.test", PASSWORD, origin)
    took = (time.perf_counter() - begun) / count
    row("a password that was verified a moment ago", f"{took * 1e6:.1f} us", f"{1 / took:,.0f}/s")


async def at_rate(one: Callable[[int], Awaitable[None]]) -> None:
    """RATE a second for SECONDS."""
    tasks = set()
    begun = time.perf_counter()
    for number in range(RATE * SECONDS):
        await asyncio.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
        task = asyncio.ensure_future(one(number))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


async def steady(sign: SignIn) -> None:
    """RATE sign-ins a second, by PEOPLE from an own device each."""
    times: list[float] = []

    async def one(number: int) -> None:
        begun = time.perf_counter()
        origin = Origin("imap", "c", f"192.0.{number % PEOPLE}.1")
        await sign.check_password(f"p{number % PEOPLE}@post.test", PASSWORD, origin)
        times.append(time.perf_counter() - begun)

    with watching() as lag:
        await at_rate(one)
    row(f"{RATE:,} sign-ins a second: each takes", *spread(times))
    lag.told()


async def bad_passwords(sign: SignIn) -> None:
    """RATE wrong passwords a second from 200 addresses, whatever becomes of them."""
    answers: collections.Counter[str] = collections.Counter()

    async def one(number: int) -> None:
        try:
            origin = Origin("imap", "c", f"198.51.{number % 200}.1")
            await sign.check_password(f"p{number % PEOPLE}@post.test", f"guess {number}", origin)
        except MailError as error:
            answers[type(error).__name__] += 1

    with watching() as lag:
        await at_rate(one)
    row(f"{RATE:,} wrong passwords a second", "", "", "")
    lag.told()
    row("... judged, told to come back", str(answers["SignInFailed"]), str(answers["Unavailable"]))


async def flood(sign: SignIn, strangers: int, *, known: bool) -> None:
    """Wrong passwords from so many addresses, 20 at a time from each; users come in between, from home or elsewhere."""
    chance = random.Random(1)
    stop = False
    tried = 0

    async def guess(number: int) -> None:
        nonlocal tried
        origin = Origin("imap", "c", f"198.51.{number // 250}.{number % 250 + 1}")
        await asyncio.sleep(chance.random())
        while not stop:
            with contextlib.suppress(SignInFailed):
                try:
                    await sign.check_password("p0@post.test", f"guess {tried}", origin)
                except MailError as error:
                    if isinstance(error, SignInFailed):
                        raise
                    await asyncio.sleep(0.25 + 0.5 * chance.random())  # it connects again
            tried += 1

    with watching() as lag:
        guessers = [asyncio.ensure_future(guess(number)) for number in range(strangers) for _ in range(20)]
        await asyncio.sleep(2.0)
        lag.clear()
        times: list[float] = []
        refused = 0
        for number in range(15):
            sign.shared.verified.clear()  # as after a restart: every right password costs a hash
            begun = time.perf_counter()
            try:
                ip = f"192.0.{number}.1" if known else f"203.0.113.{number % 3 + 1}"
                origin = Origin("imap", "c", ip)
                await sign.check_password(f"p{number}@post.test", PASSWORD, origin)
                times.append(time.perf_counter() - begun)
            except MailError:
                refused += 1
        stop = True
        await asyncio.gather(*guessers)
    where = "a known network" if known else "elsewhere"
    row(f"flood from {strangers}: a right password from {where}", *spread(times))
    row("... right passwords refused, guesses answered", str(refused), f"{tried:,}")
    lag.told()


async def main() -> None:
    gc.set_threshold(*GC_THRESHOLDS)  # as in a worker
    with tempfile.TemporaryDirectory() as directory:
        store = await open_store(Path(directory), role="local")
        clock = SystemClock()
        accounts = Accounts(store, clock)
        await accounts.create_domain("post.test")
        await asyncio.gather(
            *(accounts.create_account(f"p{number}@post.test", PASSWORD) for number in range(PEOPLE))
        )
        sign = SignIn(store, clock, SignInSettings(bans=NO_BANS))
        row("sign-in", "median", "99 %", "worst")
        await fast_path(sign)
        await asyncio.gather(
            *(
                sign.check_password(f"p{n}@post.test", PASSWORD, Origin("imap", "c", f"192.0.{n}.1"))
                for n in range(PEOPLE)
            )
        )
        await steady(sign)
        await bad_passwords(sign)
        for strangers in (1, 50):
            await flood(sign, strangers, known=True)
            await flood(sign, strangers, known=False)
        await sign.settled()
        sign.close()
        await store.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
