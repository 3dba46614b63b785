"""Can the time of an answer tell whether an account exists?  Every protocol, every mechanism.

`python -m bench.sign_in_protocols [TRIES]`.  As `sign_in_timing`, but through the sessions and pages themselves, from
the command to its answer, and with a hash that is cheap, so that it hides nothing of what else may differ.  Tries at an
account and at names that are none alternate by chance; `longer` is how often one took longer than at the account (0.5:
as often as not), `z` how far that is from chance in standard errors (Mann and Whitney).
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from unittest import mock

import msgspec

from posthouse.app.worker import GC_THRESHOLDS
from posthouse.services.signin import SignIn
from tests.unit.asgi import basic
from tests.unit.http_site import Site, open_site
from tests.unit.oauth_world import Browser
from tests.unit.service_world import CHEAP_HASH, NO_BANS
from tests.unit.sign_in_place import PROTOCOLS, Place, open_place

from .sign_in import row
from .sign_in_timing import Attempt, alternated, longer

TRIES = 1500
REAL = "an account"
NAMES = {REAL: "li@post.test", "no account": "nobody@post.test", "no domain": "li@elsewhere.test"}
MECHANISMS = ("PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
COMMANDS = {
    "imap": (b"a LOGIN %b wrong\r\n",),
    "pop3": (b"USER %b\r\n", b"PASS wrong\r\n"),
}
CLEAR = msgspec.structs.replace(CHEAP_HASH, bans=NO_BANS)

Prepare = Callable[[], Awaitable[Callable[[str], Awaitable[object]]]]
"""Makes a connection; what it gives tries a name on it and is what is timed."""


async def measure(label: str, prepare: Prepare, tries: int) -> None:
    async def named(kind: str) -> Attempt:
        return partial(await prepare(), NAMES[kind])

    times = await alternated(list(NAMES), tries, named)
    figures = []
    for kind, taken in times.items():
        if kind != REAL:
            often, z = longer(taken, times[REAL])
            apart = statistics.median(taken) - statistics.median(times[REAL])
            figures += [f"{apart * 1e6:+.0f} us, {often:.3f}, {z:+.1f}"]
    row(label, f"{statistics.median(times[REAL]) * 1e6:.0f} us", *figures)


async def sessions(place: Place, tries: int) -> None:
    async def authenticate(protocol: str, mechanism: str) -> Callable[[str], Awaitable[object]]:
        client = place.connect(protocol)
        place._clients.clear()
        return lambda name: client.authenticate(mechanism, name, "wrong")

    async def command(protocol: str) -> Callable[[str], Awaitable[object]]:
        client = place.connect(protocol)
        place._clients.clear()

        async def run(name: str) -> None:
            for line in COMMANDS[protocol]:
                await client.say(line % name.encode() if b"%" in line else line)

        return run

    for protocol in PROTOCOLS:
        if protocol in COMMANDS:
            await measure(f"{protocol} command", partial(command, protocol), tries)
        for mechanism in MECHANISMS:
            few = tries // 5 if mechanism.startswith("SCRAM") else tries  # the client's part takes long
            await measure(f"{protocol} {mechanism}", partial(authenticate, protocol, mechanism), few)


async def pages(site: Site, tries: int) -> None:
    count = 0

    def browser() -> Browser:
        """From an address of its own, so that none has asked too often."""
        nonlocal count
        count += 1
        made = site.browser()
        made.http = site.client(f"2001:db8:{count >> 16:x}:{count & 0xFFFF:x}::1")
        return made

    async def by_basic() -> Callable[[str], Awaitable[object]]:
        client = browser().http
        return lambda name: client.get("/jmap/session", headers=basic(name, "wrong"))

    async def by_json() -> Callable[[str], Awaitable[object]]:
        client = browser().http
        return lambda name: client.post("/auth/sign-in", json={"address": name, "password": "wrong"})

    async def by_form() -> Callable[[str], Awaitable[object]]:
        shown = browser()
        await shown.open("/oauth/device")
        return lambda name: shown.sign_in(name, "wrong")

    await measure("http Basic", by_basic, tries)
    await measure("http /auth/sign-in", by_json, tries)
    await measure("http form", by_form, tries)


async def main() -> None:
    gc.set_threshold(*GC_THRESHOLDS)
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else TRIES
    row(
        "a wrong secret by", "at an account", *(f"{kind}: apart, longer, z" for kind in NAMES if kind != REAL)
    )
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        async with open_place(Path(one)) as place:
            place.signin.close()
            place.signin = SignIn(place.world.store, place.world.clock, CLEAR, sleep=place._sleep)
            await sessions(place, tries)
        with mock.patch("posthouse.app.factories.signin_settings", return_value=CLEAR):
            async with open_site(Path(other)) as site:
                await pages(site, tries)


if __name__ == "__main__":
    asyncio.run(main())
