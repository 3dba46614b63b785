"""Can the time of an answer tell whether an account exists?  `python bench/sign_in_timing.py`

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
from pathlib import Path

from posthouse.app.worker import GC_THRESHOLDS
from posthouse.core.errors import MailError, SignInFailed
from posthouse.core.ports import SystemClock
from posthouse.services.accounts import Accounts
from posthouse.services.grant import Origin
from posthouse.services.signin import SignIn, SignInSettings
from posthouse.storage.sqlite import open_store

from .sign_in import NEVER, row

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


async def measure(sign: SignIn, label: str, attempt: object, rounds: int) -> None:
    chance = random.Random(1)
    hashes = dict.fromkeys(NAMES, 0)
    times: dict[str, list[float]] = {kind: [] for kind in NAMES}
    now = REAL
    matches = sign._passwords.matches

    def counted(stored: str, text: str) -> bool:
        hashes[now] += 1
        return matches(stored, text)

    sign._passwords.matches = counted  # type: ignore[method-assign]
    for number in range(rounds):
        for kind in chance.sample(list(NAMES), len(NAMES)):
            now = kind
            begun = time.perf_counter()
            with contextlib.suppress(SignInFailed):
                await attempt(sign, NAMES[kind], number)  # type: ignore[operator]
            times[kind].append(time.perf_counter() - begun)
    sign._passwords.matches = matches  # type: ignore[method-assign]
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
        sign = SignIn(store, clock, SignInSettings(threads=1, bans=NEVER))
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
