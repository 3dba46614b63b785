"""`posthouse dns`: a domain that is set up well, and one zone for every fault."""

from __future__ import annotations

import re
from typing import Any

import pytest

from posthouse.app.dns_check import PROBLEM, UNKNOWN, WARNING, Checked, Wanted, check_domain
from posthouse.app.dns_records import SERVICES, records_for
from posthouse.app.texts_dns import TEXTS
from posthouse.client.resolver import Resolver, ResolverSettings, StaticZone
from posthouse.mailauth.dkim_sign import key_record
from posthouse.services.dkim import PublicKey
from tests.unit.mailauth_world import signing_key

NOW = 1_790_000_000.0


def key(kind: str, state: str = "active", retired_at: float = 0.0) -> PublicKey:
    return PublicKey("x.example", f"s{kind[0]}", kind, state, 0, 0, retired_at, key_record(signing_key(kind)))


KEYS = [key("rsa"), key("ed25519")]
ADDRESSES = ["8.8.4.4", "2001:4860:4860::8844"]
SOA = "example. IN SOA a. b. 1 2 3 4 5\n8.in-addr.arpa. IN SOA a. b. 1 2 3 4 5\nip6.arpa. IN SOA a. b. 1 2 3 4 5\n"
PTR = (
    "4.4.8.8.in-addr.arpa. IN PTR mail.x.example.\n"
    "4.4.8.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.8.4.0.6.8.4.1.0.0.2.ip6.arpa. IN PTR mail.x.example.\n"
)
GOOD = (
    SOA
    + PTR
    + "\n".join(str(one) for one in records_for("x.example", "mail.x.example", ADDRESSES, KEYS))
    + "\n"
)


async def look(zone: str, *, addresses: Any = (), keys: Any = KEYS, **services: int) -> list[Checked]:
    resolver = Resolver(ResolverSettings(("127.0.0.1:9",), 0.1), static=StaticZone(zone))
    wanted = Wanted("x.example", "mail.x.example", addresses, keys, SERVICES | services, NOW)
    return await check_domain(wanted, resolver)


def faults(checked: list[Checked]) -> set[tuple[str, str]]:
    for one in checked:
        for finding in one.findings:  # every finding has a text that its fields fill
            for text in TEXTS[f"dns.fault.{finding.key}"]:
                text.format(**finding.fields)
    return {(finding.level, finding.key) for one in checked for finding in one.findings}


async def test_what_we_print_is_fine_once_published() -> None:
    # Reports only, to begin with: that is said, and is no problem.
    assert faults(await look(GOOD, addresses=ADDRESSES)) == {(WARNING, "dmarc.watching")}


async def test_nothing_published() -> None:
    assert faults(await look(SOA)) == {
        (PROBLEM, "host.none"),
        (PROBLEM, "mx.no_domain"),
        (PROBLEM, "spf.none"),
        (PROBLEM, "dkim.missing"),
        (PROBLEM, "dmarc.none"),
        (WARNING, "srv.none"),
    }


async def test_silent_dns_is_no_fault() -> None:
    assert {level for level, _ in faults(await look("", addresses=["8.8.4.4"]))} == {UNKNOWN}


MX = "x.example. IN MX 10 mail.x.example."
SPF = 'x.example. IN TXT "v=spf1 mx -all"'


def without(pattern: str) -> str:
    zone, count = re.subn(rf"(?m)^{pattern}.*\n", "", GOOD)
    assert count, pattern
    return zone


MANY_LOOKUPS = (
    GOOD.replace("v=spf1 mx -all", f"v=spf1 {'-a:other.example ' * 8}mx -all")
    + "other.example. IN A 9.9.9.9\nother.example. IN AAAA 2001:db8::1\n"
)
DMARC = r"_dmarc\.x\.example\."


@pytest.mark.parametrize(
    ("zone", "fault"),
    [
        (without(r"mail\.x\.example\. +IN A "), "mx.nothing"),
        (GOOD + "mail.x.example. IN A 10.0.0.1\n", "host.private"),
        (GOOD + "mail.x.example. IN A 8.8.8.8\n", "host.other"),
        (without(r"mail\.x\.example\. +IN AAAA"), "host.missing"),
        (without(r"4\.4\.8\.8\.in-addr"), "ptr.none"),
        (GOOD.replace("in-addr.arpa. IN PTR mail.x", "in-addr.arpa. IN PTR static.isp"), "ptr.other"),
        (without(r"x\.example\. +IN MX") + "x.example. IN MX 0 .\n", "mx.null"),
        (without(r"x\.example\. +IN MX") + "x.example. IN MX 1 mx.y.example.\n", "mx.other"),
        (without(r"x\.example\. +IN MX"), "mx.none"),
        (GOOD + "x.example. IN MX 1 mx.y.example.\nmx.y.example. IN A 8.8.8.8\n", "mx.later"),
        (GOOD + "x.example. IN MX 20 mx.y.example.\n", "mx.nowhere"),
        (GOOD + "x.example. IN MX 20 mx.y.example.\nmx.y.example. IN CNAME mail.x.example.\n", "mx.cname"),
        (GOOD + "x.example. IN MX 20 192.0.2.1.\n", "mx.address"),
        (SOA + "x.example. IN CNAME y.example.\n", "mx.domain_cname"),
        (SOA + "mail.x.example. IN CNAME y.example.\ny.example. IN A 8.8.8.8\n", "host.cname"),
        (GOOD + SPF + '\nx.example. IN TXT "v=spf1 ~all"\n', "spf.several"),
        (GOOD.replace("v=spf1 mx -all", "v=spf1 mx ipv4:1.2.3.4 -all"), "spf.syntax"),
        (GOOD.replace("v=spf1 mx -all", "v=spf1 ip4:192.0.2.1 -all"), "spf.fails"),
        (GOOD.replace("v=spf1 mx -all", "v=spf1 include:gone.example mx -all"), "spf.error"),
        (GOOD.replace("v=spf1 mx -all", "v=spf1 include:away.invalid mx -all"), "spf.temporary"),
        (GOOD.replace("v=spf1 mx -all", "v=spf1 mx ~all"), "spf.soft"),
        (GOOD.replace("v=spf1 mx -all", "v=spf1 mx ?all"), "spf.neutral"),
        (GOOD.replace("v=spf1 mx -all", "v=spf1 mx +all"), "spf.everybody"),
        (GOOD.replace("v=spf1 mx -all", "v=spf1 mx"), "spf.open"),
        (GOOD.replace("v=spf1 mx -all", "v=spf1 mx ptr -all"), "spf.ptr"),
        (MANY_LOOKUPS, "spf.lookups"),
        (without(r"sr\._domainkey"), "dkim.missing"),
        (GOOD.replace("k=rsa; p=MII", "k=rsa; p=MIJ"), "dkim.other"),
        (GOOD.replace("v=DKIM1; k=ed25519;", "v=DKIM1; t=y; k=ed25519;"), "dkim.testing"),
        (GOOD + 'sr._domainkey.x.example. IN TXT "v=DKIM1; p="\n', "dkim.several"),
        (without(DMARC), "dmarc.none"),
        (GOOD + '_dmarc.x.example. IN TXT "v=DMARC1; p=reject"\n', "dmarc.several"),
        (GOOD.replace("v=DMARC1; p=none; rua=mailto:postmaster@x.example", "v=DMARC1; p=block"), "dmarc.syntax"),
        (GOOD.replace("rua=mailto:postmaster@x.example", "rua=mailto:r@y.example"), "dmarc.foreign"),
        (GOOD.replace("SRV   0 1 993 mail", "SRV   0 1 143 imap"), "srv.other"),
        (without(r"_imaps\._tcp"), "srv.none"),
    ],
)  # fmt: skip
async def test_each_fault_is_named(zone: str, fault: str) -> None:
    found = faults(await look(zone, addresses=ADDRESSES))
    if fault == "mx.nothing":
        fault = "host.missing"
    assert fault in {key for _, key in found}, found


async def test_keys_that_wait_or_are_retired() -> None:
    waiting = [key("rsa", "next"), key("ed25519")]
    assert (WARNING, "dkim.waits") in faults(await look(without(r"sr\._domainkey"), keys=waiting))
    old = [
        *KEYS,
        PublicKey("x.example", "old", "rsa", "retired", 0, 0, NOW - 15 * 86400, "v=DKIM1; k=rsa; p=AAAA"),
    ]
    published = GOOD + 'old._domainkey.x.example. IN TXT "v=DKIM1; k=rsa; p=AAAA"\n'
    assert (WARNING, "dkim.old") in faults(await look(published, keys=old))
    assert (PROBLEM, "dkim.none") in faults(await look(GOOD, keys=[]))


async def test_a_service_that_is_off_should_not_be_announced() -> None:
    assert (WARNING, "srv.off") in faults(await look(GOOD, pop3s=0))


def test_every_fault_has_a_test_and_a_text() -> None:
    import inspect  # noqa: PLC0415

    from posthouse.app import dns_check  # noqa: PLC0415

    keys = set(re.findall(r'"((?:host|ptr|mx|spf|dkim|dmarc|srv)\.[a-z_]+)"', inspect.getsource(dns_check)))
    assert {name.removeprefix("dns.fault.") for name in TEXTS if name.startswith("dns.fault.")} == keys | {
        "unknown"
    }
