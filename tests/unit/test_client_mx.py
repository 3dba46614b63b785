"""MX look-up: what DNS may say, and where mail goes then."""

from __future__ import annotations

import random

import pytest

from posthouse.client.mx import MxError, find_hosts
from posthouse.client.networks import Networks
from posthouse.core.dns import NO_NAME, OK, Answer


class TableDns:
    """Answers from tables; a missing name does not exist, an exception is raised."""

    def __init__(
        self,
        mx: dict[str, list[tuple[int, str]] | MxError] | None = None,
        hosts: dict[str, list[str] | MxError] | None = None,
        *,
        secure: bool = False,
    ) -> None:
        self._mx = mx or {}
        self._hosts = hosts or {}
        self._secure = secure

    async def mx(self, domain: str) -> Answer:
        found = self._mx.get(domain)
        if isinstance(found, MxError):
            raise found
        exists = found is not None or domain in self._hosts
        return Answer(tuple(found or ()), OK if exists else NO_NAME, self._secure)

    async def addresses(self, host: str) -> Answer:
        found = self._hosts.get(host)
        if isinstance(found, MxError):
            raise found
        return Answer(tuple(found or ()), NO_NAME if found is None else OK, self._secure)


AWAY = MxError("4.4.3", "no answer")


async def names(domain: str, dns: TableDns, *, own: str = "us.test", seed: int = 1) -> list[str]:
    hosts = await find_hosts(domain, dns, random.Random(seed), own_names=frozenset({own}))
    return [host.name for host in hosts]


async def test_hosts_come_by_preference() -> None:
    dns = TableDns(
        {"a.test": [(20, "m2.test"), (10, "m1.test")]}, {"m1.test": ["192.0.2.1"], "m2.test": ["2001:db8::1"]}
    )
    hosts = await find_hosts("a.test", dns, random.Random(1))
    assert [(host.name, host.addresses, host.port) for host in hosts] == [
        ("m1.test", ("192.0.2.1",), 25),
        ("m2.test", ("2001:db8::1",), 25),
    ]


async def test_equals_are_shuffled() -> None:
    hosts: dict[str, list[str] | MxError] = {f"m{n}.test": ["192.0.2.1"] for n in range(4)}
    dns = TableDns({"a.test": [(10, name) for name in hosts]}, hosts)
    orders = {tuple(await names("a.test", dns, seed=seed)) for seed in range(20)}
    assert len(orders) > 3
    assert all(set(order) == set(hosts) for order in orders)


async def test_without_mx_the_address_record_counts() -> None:
    assert await names("a.test", TableDns({}, {"a.test": ["192.0.2.1"]})) == ["a.test"]


async def test_an_mx_without_address_is_passed_over() -> None:
    dns = TableDns(
        {"a.test": [(1, "gone.test"), (2, "away.test"), (3, "m.test")]},
        {"away.test": AWAY, "m.test": ["2001:db8::1"]},
    )
    assert await names("a.test", dns) == ["m.test"]


async def test_of_a_list_with_us_only_better_hosts_count() -> None:
    hosts: dict[str, list[str] | MxError] = {
        "m1.test": ["2001:db8::1"],
        "us.test": ["2001:db8::1"],
        "m3.test": ["2001:db8::1"],
    }
    dns = TableDns({"a.test": [(10, "m1.test"), (20, "us.test"), (20, "m3.test")]}, hosts)
    assert await names("a.test", dns) == ["m1.test"]


@pytest.mark.parametrize(
    ("domain", "dns", "status"),
    [
        ("a.test", TableDns(), "5.1.2"),
        ("a.test", TableDns({"a.test": []}), "5.1.2"),
        ("a.test", TableDns({"a.test": [(0, "")]}), "5.1.10"),
        ("a.test", TableDns({"a.test": AWAY}), "4.4.3"),
        ("a.test", TableDns({"a.test": [(1, "m.test")]}, {"m.test": AWAY}), "4.4.3"),
        ("a.test", TableDns({"a.test": [(1, "m.test")]}), "4.4.3"),
        ("a.test", TableDns({"a.test": [(1, "us.test")]}, {"us.test": ["2001:db8::1"]}), "5.4.6"),
        ("[x400:abc]", TableDns(), "5.1.2"),
    ],
)
async def test_no_host(domain: str, dns: TableDns, status: str) -> None:
    with pytest.raises(MxError) as caught:
        await names(domain, dns)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("literal", "address"), [("[192.0.2.1]", "192.0.2.1"), ("[IPv6:2001:db8::1]", "2001:db8::1")]
)
async def test_literals_need_no_dns(literal: str, address: str) -> None:
    (host,) = await find_hosts(literal, TableDns(), random.Random(1))
    assert (host.addresses, host.authenticated) == ((address,), True)


async def test_validated_dns_authenticates_the_host() -> None:
    tables = {"a.test": [(1, "m.test")]}, {"m.test": ["192.0.2.1"]}
    for secure in (True, False):
        (host,) = await find_hosts("a.test", TableDns(*tables, secure=secure), random.Random(1))  # type: ignore[arg-type]
        assert host.authenticated is secure


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["::1", "0.0.0.0"], ["::ffff:127.0.0.5"], ["169.254.1.1", "fe80::1"]]
)
async def test_dns_cannot_make_us_talk_to_ourselves(addresses: list[str]) -> None:
    for mx in ({"a.test": [(1, "m.test")]}, {}):
        dns = TableDns(mx, {"m.test": list(addresses), "a.test": list(addresses)})  # type: ignore[arg-type]
        with pytest.raises(MxError) as caught:
            await names("a.test", dns)
        assert caught.value.status == "5.4.4"
    dns = TableDns({"a.test": [(1, "m.test")]}, {"m.test": [*addresses, "192.0.2.1"]})
    (host,) = await find_hosts("a.test", dns, random.Random(1))
    assert host.addresses == ("192.0.2.1",)


@pytest.mark.parametrize(
    "literal",
    [
        "[127.0.0.1]",
        "[IPv6:::1]",
        "[IPv6:::ffff:127.0.0.1]",
        "[IPv6:64:ff9b::7f00:1]",
        "[IPv6:2002:7f00:1::]",
    ],
)
async def test_literals_cannot_either(literal: str) -> None:
    with pytest.raises(MxError) as caught:
        await names(literal, TableDns())
    assert caught.value.status == "5.4.4"
    assert await find_hosts(literal, TableDns(), random.Random(1), refused=Networks(()))


async def test_names_no_host_can_have() -> None:
    long = "\\255" * 63 + ".test"
    with pytest.raises(MxError) as caught:
        await names("a.test", TableDns({"a.test": [(1, long), (2, "a b.test")]}))
    assert caught.value.status == "5.4.4"
    dns = TableDns({"a.test": [(1, long), (2, "m.test")]}, {"m.test": ["192.0.2.1"], long: ["192.0.2.1"]})
    assert await names("a.test", dns) == ["m.test"]


async def test_of_very_many_hosts_the_first_are_looked_up() -> None:
    hosts: dict[str, list[str] | MxError] = {f"m{n}.test": ["192.0.2.1"] for n in range(500)}
    dns = TableDns({"a.test": [(n, name) for n, name in enumerate(hosts)]}, hosts)
    assert await names("a.test", dns) == [f"m{n}.test" for n in range(10)]
