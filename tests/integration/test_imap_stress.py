"""Many clients on one account, each doing at random what clients do, each believing only what it is told.

Twelve IMAP clients on both workers, four of them of another user to whom the mailboxes are shared, a POP3 client that
deletes and SMTP deliveries work on three mailboxes at once.  In every round they act, then all pause: what each was
told must be what the store holds, as a new connection reads it; those that idle have to hear it without asking.
`imap_model` and `imap_client` know what no server may say, and when.

POSTHOUSE_STRESS_S sets how long (default 25), POSTHOUSE_STRESS_SEED repeats the choices of a run.
"""

from __future__ import annotations

import asyncio
import os
import poplib
import random
import smtplib
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.imap_actor import GUEST, MAILBOXES, SHARED, USER, Actor, letter
from tests.integration.imap_client import ImapClient
from tests.integration.imap_model import Violation
from tests.integration.node import DOMAIN, HOST, PASSWORD, Node, running_node

STRESS_S = float(os.environ.get("POSTHOUSE_STRESS_S", "25"))
PROFILES = ("", "", "IMAP4rev2", "CONDSTORE", "QRESYNC", "QRESYNC IMAP4rev2")
NOTIFIED = "(SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))"
"""RFC 5465: told of new messages and flags at any time, of expunges when a command allows it."""
CLIENTS = 12
GUESTS = (2, 6, 10, 11)
"""Clients of another user, of several profiles and one that is notified."""
ACTIONS_A_ROUND = 25
HEARD_LIMIT_S = 10.0


# --- the others ---


def deliver(node: Node, round_: int, count: int) -> None:
    with smtplib.SMTP(HOST, node.ports["smtp"]) as client:
        for at in range(count):
            client.sendmail(f"a@{DOMAIN}", [USER], letter(f"smtp.{round_}.{at}"))


def collect(node: Node, chance: random.Random) -> int:
    """A POP3 client that deletes some; now and then it goes without QUIT, and nothing may be deleted."""
    client = poplib.POP3(HOST, node.ports["pop3"], timeout=30)
    client.user(USER)
    client.pass_(PASSWORD)
    count = client.stat()[0]
    numbers = chance.sample(range(1, count + 1), min(count, chance.randint(0, 3)))
    for number in numbers:
        client.dele(number)
    if chance.random() < 0.2:
        client.close()
        return 0
    client.quit()
    return len(numbers)


# --- the test ---


async def read_truth(address: tuple[str, int]) -> dict[str, list[tuple[int, frozenset[str]]]]:
    """Every mailbox as a new connection sees it."""
    client = ImapClient("truth", address)
    await client.connect(USER, PASSWORD)
    truth = {}
    for name in MAILBOXES:
        await client.select(name, read_only=True)
        await client.run("UID FETCH 1:* (UID FLAGS)")
        assert client.view is not None
        messages = client.view.messages
        assert all(message.uid and message.flags is not None for message in messages)
        truth[name] = [(message.uid or 0, message.flags or frozenset()) for message in messages]
        status = await client.run(f"STATUS {name} (MESSAGES UNSEEN DELETED UIDNEXT)")
        counters = status.named("STATUS")[0].pairs
        flags = [message.flags or frozenset() for message in messages]
        assert counters["MESSAGES"] == len(messages)
        assert counters["UNSEEN"] == sum("\\Seen" not in one for one in flags)
        assert counters["DELETED"] == sum("\\Deleted" in one for one in flags)
        assert counters["UIDNEXT"] > max((message.uid or 0 for message in messages), default=0)
    await client.drop()
    return truth


async def compare(actors: list[Actor], address: tuple[str, int]) -> int:
    """All pause: what each was told is what is there.  How many views were compared."""
    truth = await read_truth(address)
    deadline = time.monotonic() + HEARD_LIMIT_S
    compared = 0
    for actor in actors:
        client = actor.client
        if actor.asleep:
            continue
        if actor.idling is None:
            await client.run("NOOP")
        if client.view is None:
            continue
        while differences := client.view.differences(truth[client.view.name]):
            client.check()
            if actor.idling is None or time.monotonic() > deadline:
                how = "while it idles" if actor.idling else "after NOOP"
                lines = [f"{client.name} ({client.enables}) {how}:", *differences, *map(str, client.history)]
                raise Violation("\n".join(line[:400] for line in lines))
            await asyncio.sleep(0.002)  # hints are on their way
        compared += 1
    return compared


async def stress(node: Node, seed: int, limit_s: float) -> None:
    address = (HOST, node.ports["imap"])
    tokens: dict[object, bytes] = {}
    actors = []
    for number in range(CLIENTS):
        # The last two are told between commands as well.
        notify = NOTIFIED if number >= CLIENTS - 2 else ""
        below = SHARED if number in GUESTS else ""
        client = ImapClient(
            f"c{number}", address, PROFILES[number % len(PROFILES)], notify=notify, below=below
        )
        actor = Actor(number, client, random.Random(f"{seed}/{number}"), tokens)
        await client.connect(actor.user, PASSWORD)
        actors.append(actor)
    for name in MAILBOXES[1:]:
        await actors[0].client.run(f"CREATE {name}")
    for name in MAILBOXES:
        await actors[0].client.run(f"SETACL {name} {GUEST} lrswipkxtea")
    others = random.Random(f"{seed}/others")
    began = time.monotonic()
    rounds = compared = collected = 0
    while time.monotonic() - began < limit_s:
        rounds += 1
        async with asyncio.TaskGroup() as group:
            for actor in actors:
                group.create_task(actor.act(ACTIONS_A_ROUND))
            group.create_task(asyncio.to_thread(deliver, node, rounds, others.randint(0, 5)))
            popping = group.create_task(asyncio.to_thread(collect, node, random.Random(others.random())))
        collected += popping.result()
        compared += await compare(actors, address)
    took = time.monotonic() - began
    for actor in actors:
        await actor.wake()
        await actor.client.drop()
    done = sum((actor.done for actor in actors), Counter[str]())
    commands = sum(actor.client.commands for actor in actors)
    print(
        f"{took:.0f} s, {rounds} sync points, {compared} views compared, {done.total() / took:.0f} actions/s, "
        f"{commands / took:.0f} commands/s, {collected} collected by POP3, {dict(done)}"
    )
    assert rounds >= 3
    assert compared > rounds
    assert collected
    assert len(done) == 15, done


@pytest.mark.slow
def test_every_client_is_told_the_truth(tmp_path: Path) -> None:
    seed = int(os.environ.get("POSTHOUSE_STRESS_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"POSTHOUSE_STRESS_SEED={seed}")  # pytest shows it when the test fails
    with running_node(tmp_path, workers=2) as node:
        asyncio.run(stress(node, seed, STRESS_S))
        assert node.check() == []
