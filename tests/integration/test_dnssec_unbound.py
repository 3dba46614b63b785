"""Letters whose DNS is signed, not signed, and forged, by a real validating resolver over zones that are signed here.

What is forged is known to nobody: it leads to no rejection and to no pass.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.rdataclass
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from posthouse.client.resolver import Resolver, ResolverSettings
from posthouse.core.dns import FAILED, NO_DATA, NO_NAME, OK, Question
from posthouse.core.errors import Unauthenticated
from posthouse.mailauth.dkim_sign import key_record
from posthouse.mailauth.results import parse_results
from posthouse.services.sender_check import CheckSettings, SenderChecks
from tests.integration.ports import free_ports
from tests.integration.requirements import require
from tests.unit.mailauth_world import signed, signing_key
from tests.unit.service_world import LETTER, START, World, open_world, parse, smtp_origin

pytestmark = pytest.mark.peers

DKIM = signing_key("ed25519", "s1")
RIGHT = f"""
@ 300 IN SOA ns x 1 3600 600 86400 120
@ 300 IN NS ns
ns 300 IN A 192.0.2.53
@ 300 IN TXT "v=spf1 ip4:192.0.2.7 -all"
s1._domainkey 300 IN TXT "{key_record(DKIM)}"
_dmarc 300 IN TXT "v=DMARC1; p=reject"
*.wild 300 IN TXT "any"
kept 300 IN TXT "a name"
"""
ZONES = ("signed", "forged", "late", "stripped", "plain", "parent", "island.parent")
SIGNED = ("signed", "forged", "late", "parent")
ANCHORED = ("signed", "forged", "late", "stripped", "parent")
"""Zones that a trust anchor says to be signed; `stripped` is not, and `island.parent` has no DS in its parent."""
FORGERIES = (
    ('"v=spf1 ip4:192.0.2.7 -all"', '"v=spf1 ip4:198.51.100.9 -all"'),
    (key_record(DKIM), key_record(signing_key("ed25519", "s1")).replace("p=", "p=AAAA")),
    ('"v=DMARC1; p=reject"', '"v=DMARC1; p=quarantine"'),
    ('"any"', '"forged"'),
)


def zone_text(name: str, key: Ed25519PrivateKey, lifetime: timedelta) -> str:
    text = RIGHT + ("island 300 IN NS ns.island\nns.island 300 IN A 192.0.2.53\n" if name == "parent" else "")
    zone = dns.zone.from_text(text, origin=f"{name}.test.", relativize=False)
    if name in SIGNED:
        dnskey = dns.dnssec.make_dnskey(key.public_key(), "ED25519", flags=257)
        now = datetime.now(UTC)
        begin = now - timedelta(days=9)
        dns.dnssec.sign_zone(zone, keys=[(key, dnskey)], inception=begin, expiration=now + lifetime)
    return zone.to_text(relativize=False)


def anchor(name: str, key: Ed25519PrivateKey) -> str:
    dnskey = dns.dnssec.make_dnskey(key.public_key(), "ED25519", flags=257)
    return f"{name}.test. DS {dns.dnssec.make_ds(f'{name}.test.', dnskey, 'SHA256').to_text()}"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    require("unbound")
    path = tmp_path_factory.mktemp("unbound")
    [port] = free_ports(1)
    lines = [
        "server:", f" interface: 127.0.0.1@{port}", ' chroot: ""', ' username: ""', ' pidfile: ""', " use-syslog: no",
        f" directory: {path}", " do-ip6: no", " do-daemonize: no", ' module-config: "validator iterator"', " ede: yes",
        " val-log-level: 2", ' local-zone: "test." nodefault', " num-threads: 1",
    ]  # fmt: skip
    for name in ZONES:
        key = Ed25519PrivateKey.generate()
        text = zone_text(name, key, timedelta(days=-1 if name == "late" else 9))
        for right, wrong in FORGERIES if name == "forged" else ():
            assert right in text
            text = text.replace(right, wrong)
        (path / name).write_text(text)
        if name in ANCHORED:
            lines.append(f' trust-anchor: "{anchor(name, key)}"')
    for name in ZONES:
        lines += [
            "auth-zone:", f" name: {name}.test.", f" zonefile: {path / name}", " for-upstream: yes",
            " for-downstream: no", " fallback-enabled: no",
        ]  # fmt: skip
    (path / "unbound.conf").write_text("\n".join(lines) + "\n")
    with (path / "log").open("wb") as log:
        server = subprocess.Popen(["unbound", "-d", "-c", str(path / "unbound.conf")], stderr=log)
    try:
        asyncio.run(_ready(port, path / "log"))
        yield port
    finally:
        server.terminate()
        server.wait(20)


async def _ready(port: int, log: Path) -> None:
    for _ in range(400):
        answer = await resolver(port, timeout_s=1.0).ask(Question("plain.test", "TXT"))
        if answer.state == OK:
            return
        await asyncio.sleep(0.05)  # it has not opened its port yet
    pytest.fail(log.read_text())


def resolver(port: int, **settings: Any) -> Resolver:
    return Resolver(ResolverSettings((f"127.0.0.1:{port}",), **settings))


@pytest.mark.parametrize(
    ("name", "state", "secure"),
    [
        ("signed.test", OK, True),
        ("x.wild.signed.test", OK, True),
        ("none.signed.test", NO_NAME, True),
        ("ns.signed.test", NO_DATA, True),
        ("plain.test", OK, False),
        ("none.plain.test", NO_NAME, False),
        ("parent.test", OK, True),
        ("island.parent.test", OK, False),
        ("forged.test", FAILED, False),
        ("x.wild.forged.test", FAILED, False),
        ("_dmarc.forged.test", FAILED, False),
        ("kept.forged.test", OK, True),
        ("late.test", FAILED, False),
        ("none.late.test", FAILED, False),
        ("stripped.test", FAILED, False),
        ("none.stripped.test", FAILED, False),
    ],
)
async def test_what_is_forged_is_not_known(port: int, name: str, state: str, *, secure: bool) -> None:
    answer = await resolver(port).ask(Question(name, "TXT"))
    assert (answer.state, answer.secure) == (state, secure), answer
    if state == FAILED:
        assert answer.reason.startswith("SERVFAIL"), answer
    trusted_by_nobody = await resolver(port, validating=()).ask(Question(name, "TXT"))
    assert (trusted_by_nobody.state, trusted_by_nobody.secure) == (state, False)


@pytest.fixture
async def world(tmp_path: Path, port: int) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        world.delivery.checks = SenderChecks(
            resolver(port), world.clock, CheckSettings(authserv_id="mx.post.test")
        )
        yield world


FORGER = smtp_origin(peer_ip="198.51.100.9")


async def judged(world: World, domain: str, origin: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """What stands in the letter, and what the journal says."""
    account = await world.account("li")
    author = f"a@{domain}"
    content = LETTER.replace(b"a@remote.test", author.encode())
    receipt = await world.send(
        signed(content, domain, DKIM, now=START), "li@post.test", sender=author, origin=origin
    )
    boxes = await world.store.mailboxes.list(account.id)
    [box] = [one for one in boxes if one.messages]
    assert box.role == "inbox"
    [stored] = await world.inbox(account)
    read = parse_results(str(parse(stored)["Authentication-Results"]))
    assert read is not None
    facts = {line.step: line.facts for line in await world.store.journal.by_trace(receipt.trace)}
    return {one.method: one.result for one in read.results}, facts["authenticated"]


async def test_a_signed_zone_is_told_as_such(world: World) -> None:
    results, facts = await judged(world, "signed.test", smtp_origin())
    assert results == {"dkim": "pass", "spf": "pass", "dmarc": "pass"}
    assert facts["dns"]
    assert all(line.endswith("(DNSSEC)") and "(no DNSSEC)" not in line for line in facts["dns"]), facts["dns"]


async def test_a_zone_without_signatures_is_told_as_such(world: World) -> None:
    results, facts = await judged(world, "plain.test", smtp_origin())
    assert results == {"dkim": "pass", "spf": "pass", "dmarc": "pass"}
    assert all(line.endswith("(no DNSSEC)") for line in facts["dns"]), facts["dns"]


@pytest.mark.parametrize("domain", ["signed.test", "plain.test"])
async def test_what_is_not_forged_is_obeyed(world: World, domain: str) -> None:
    await world.account("li")
    content = LETTER.replace(b"a@remote.test", f"a@{domain}".encode())
    with pytest.raises(Unauthenticated):
        await world.send(content, "li@post.test", sender=f"a@{domain}", origin=FORGER)


@pytest.mark.parametrize("domain", ["forged.test", "late.test", "stripped.test"])
@pytest.mark.parametrize("origin", [FORGER, smtp_origin()], ids=["forger", "owner"])
async def test_what_is_forged_passes_nobody_and_refuses_nobody(
    world: World, domain: str, origin: Any
) -> None:
    """Neither who is in the forged record, nor who would be refused by it."""
    results, facts = await judged(world, domain, origin)
    assert set(results.values()) == {"temperror"}, results
    assert all("failed (SERVFAIL" in line for line in facts["dns"]), facts["dns"]
    if domain != "stripped.test":  # where nothing came, the resolver has no word for it
        assert any("dnssec bogus" in line or "signature expired" in line for line in facts["dns"]), facts[
            "dns"
        ]
