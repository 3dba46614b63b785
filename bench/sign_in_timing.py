"""Can the time of an answer tell whether an account exists?  `python -m bench.sign_in_timing`

Wrong passwords at an account, at names that are none, at one that only programs open, one after the other in random
order so that what else the machine does falls on all alike.  `longer` is how often a try of that kind took longer than
one at the account (0.5: as often as not), `z` how far that is from chance in standard errors (Mann and Whitney): beyond
4 the time tells, with so many tries.  The last column is how many slow hashes one cost.  What SCRAM differs by are
microseconds within this process; a client sees them through a network, and has three tries before it has to wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from unittest import mock

from posthouse.app.worker import GC_THRESHOLDS
from posthouse.core.errors import MailError, SignInFailed
from posthouse.core.ports import SystemClock
from posthouse.services.accounts import Accounts
from posthouse.services.grant import Origin
from posthouse.services.signin import SignIn, SignInSettings
from posthouse.storage.sqlite import open_store
from tests.unit.service_world import NO_BANS

from .sign_in import row

ROUNDS = 100
REAL = "an account"
NAMES = {
    REAL: "li@post.test",
    "no such account": "nobody@post.test",
    "no such domain": "li@elsewhere.test",
    "no address": "li",
    "only programs open it": "apps@post.test",
    "switched off": "off@post.test",
}


def longer(times: list[float], base: list[float]) -> tuple[float, float]:
    """(how often one of `times` is above one of `base`, in standard errors from a half)."""
    order = sorted([(one, 1) for one in times] + [(one, 0) for one in base])
    ranks = sum(rank for rank, (_, mine) in enumerate(order, 1) if mine)
    n, m = len(times), len(base)
    above = ranks - n * (n + 1) / 2
    return above / (n * m), (above - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


async def password(sign: SignIn, name: str, number: int) -> None:
    await sign.check_password(name, f"wrong {number}", Origin("imap", "c", "198.51.100.1"))


async def scram(sign: SignIn, name: str, _number: int) -> None:
    origin = Origin("imap", "c", "198.51.100.1")
    claim = await sign.scram_claim(name, "SCRAM-SHA-256", origin)
    await sign.scram_finish(claim, None, origin)


Attempt = Callable[[], Awaitable[object]]


async def alternated(
    kinds: list[str], tries: int, prepare: Callable[[str], Awaitable[Attempt]]
) -> dict[str, list[float]]:
    """Seconds of so many tries of each kind, by turns in an order of chance; what `prepare` takes is not in them."""
    chance = random.Random(1)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(tries):
        for kind in chance.sample(kinds, len(kinds)):
            attempt = await prepare(kind)
            begun = time.perf_counter()
            with contextlib.suppress(SignInFailed):
                await attempt()
            times[kind].append(time.perf_counter() - begun)
    return times


Way = Callable[[SignIn, str, int], Awaitable[None]]


async def measure(sign: SignIn, label: str, way: Way, rounds: int) -> None:
    hashes = dict.fromkeys(NAMES, 0)
    numbers = count()
    now = REAL
    matches = sign._passwords.matches

    def counted(stored: str, text: str) -> bool:
        hashes[now] += 1
        return matches(stored, text)

    async def prepare(kind: str) -> Attempt:
        nonlocal now
        now = kind
        return lambda: way(sign, NAMES[kind], next(numbers))

    with mock.patch.object(sign._passwords, "matches", counted):
        times = await alternated(list(NAMES), rounds, prepare)
    for kind, taken in times.items():
        often, z = longer(taken, times[REAL])
        figures = ("", "") if kind == REAL else (f"{often:.3f}", f"{z:+.1f}")
        row(
            f"{label}, {kind}",
            f"{statistics.median(taken) * 1000:.3f} ms",
            *figures,
            f"{hashes[kind] / rounds:g}",
        )


async def main() -> None:
    gc.set_threshold(*GC_THRESHOLDS)
    with tempfile.TemporaryDirectory() as directory:
        store = await open_store(Path(directory), role="local")
        clock = SystemClock()
        accounts = Accounts(store, clock)
        await accounts.create_domain("post.test")
        for name in ("li", "apps", "off"):
            await accounts.create_account(f"{name}@post.test", "correct horse")
        await accounts.update_account("apps@post.test", app_only=("imap",))
        await accounts.update_account("off@post.test", enabled=False)
        sign = SignIn(store, clock, SignInSettings(threads=1, bans=NO_BANS))
        for name in NAMES.values():  # what is read once is read
            with contextlib.suppress(MailError):
                await password(sign, name, -1)
        row("a wrong secret at", "median", "longer", "z", "hashes")
        await measure(sign, "PLAIN", password, ROUNDS)
        await measure(sign, "SCRAM", scram, 10 * ROUNDS)
        await sign.settled()
        sign.close()
        await store.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
