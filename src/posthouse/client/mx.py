"""Which hosts take mail for a domain (RFC 5321 §5.1, RFC 7505), with any resolver behind it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from itertools import groupby
from typing import Final, Protocol

from msgspec import Struct

from posthouse.client.networks import REFUSED_NETWORKS, Networks
from posthouse.core.address import parse_domain
from posthouse.core.dns import Answer
from posthouse.core.errors import Invalid
from posthouse.core.ports import Rng

NAMES_MAX: Final = 10
"""MX hosts of a domain whose addresses are looked up; the others are further back than anybody waits."""
DEFAULT_REFUSED: Final = Networks(REFUSED_NETWORKS)


class MxError(Exception):
    """No host can be named; `status` is the enhanced code (4.x.x: try again), `text` says why."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Host(Struct, frozen=True):
    """One place to connect to; `name` is what its certificate must show."""

    name: str
    addresses: tuple[str, ...]
    port: int = 25
    authenticated: bool = False
    """The name comes from configuration or from DNS that was validated, not from forgeable DNS."""


class Dns(Protocol):
    """Two questions (`client.resolver`); raises MxError when there is no answer to be had now."""

    async def mx(self, domain: str) -> Answer:
        """Records are (preference, host) pairs; the null MX is (0, "")."""
        ...

    async def addresses(self, host: str) -> Answer:
        """Records are IPv6 and IPv4 addresses as text."""
        ...


async def find_hosts(
    domain: str,
    dns_: Dns,
    rng: Rng,
    *,
    own_names: frozenset[str] = frozenset(),
    port: int = 25,
    refused: Networks = DEFAULT_REFUSED,
) -> list[Host]:
    """The hosts to try, in order; raises MxError."""
    if domain.startswith("["):
        address = literal_address(domain)
        if address in refused:
            raise MxError("5.4.4", f"mail is not sent to the address {address}")
        return [Host(domain, (address,), port, authenticated=True)]
    answer = await dns_.mx(domain)
    if not answer.exists:
        raise MxError("5.1.2", f"the domain {domain} does not exist")
    if not answer.records:  # RFC 5321 §5.1: no MX, so the address record is an implicit one
        hosts = await _with_addresses([domain], dns_, port, refused, secure=answer.secure)
        if not hosts:
            raise MxError("5.1.2", f"the domain {domain} has neither MX nor address records")
        return hosts
    if all(not host for _, host in answer.records):  # RFC 7505 §3
        raise MxError("5.1.10", f"the domain {domain} takes no mail (null MX)")
    if all(not _is_host_name(host) for _, host in answer.records):
        raise MxError("5.4.4", f"the MX records of {domain} hold no name a host can have")
    names = [name for name in _in_order(answer.records, rng, own_names) if _is_host_name(name)]
    if not names:
        raise MxError("5.4.6", f"the best MX of {domain} is this host, which does not serve it")
    hosts = await _with_addresses(names[:NAMES_MAX], dns_, port, refused, secure=answer.secure)
    if not hosts:
        raise MxError("4.4.3", f"no MX host of {domain} has an address")
    return hosts


def _in_order(records: Sequence[tuple[int, str]], rng: Rng, own_names: frozenset[str]) -> list[str]:
    """RFC 5321 §5.1: by preference, equals in random order; if we are listed, only what is better than us."""
    ours = min((preference for preference, host in records if host in own_names), default=None)
    usable = sorted({(p, host) for p, host in records if host and (ours is None or p < ours)})
    names: list[str] = []
    for _, equals in groupby(usable, key=lambda record: record[0]):
        group = [host for _, host in equals]
        rng.shuffle(group)
        names += [host for host in group if host not in names]
    return names


def _is_host_name(name: str) -> bool:
    """DNS allows any octets in names; hosts have letters, digits and hyphens (RFC 1123 §2.1)."""
    try:
        return bool(parse_domain(name))
    except Invalid:
        return False


async def _with_addresses(
    names: Sequence[str], dns_: Dns, port: int, refused: Networks, *, secure: bool
) -> list[Host]:
    """A host whose address cannot be looked up now is passed over, unless it was the last hope."""
    hosts: list[Host] = []
    failure: MxError | None = None
    elsewhere = True
    for name in names:
        try:
            answer = await dns_.addresses(name)
        except MxError as error:
            failure = error
            continue
        if usable := tuple(address for address in answer.records if address not in refused):
            hosts.append(Host(name, usable, port, authenticated=secure))
        elsewhere = elsewhere and not (answer.records and not usable)
    if not hosts and failure is not None:
        raise failure
    if not hosts and not elsewhere:
        # A loop through ourselves, or somebody who wants us to talk to what only we can reach.
        raise MxError("5.4.4", f"DNS says that {names[0]} is at an address mail is not sent to")
    return hosts


def literal_address(literal: str) -> str:
    """The address in "[192.0.2.1]" or "[IPv6:2001:db8::1]"; raises MxError for other kinds."""
    text = literal.strip("[]")
    try:
        return str(ipaddress.ip_address(text[5:] if text[:5].lower() == "ipv6:" else text))
    except ValueError:
        raise MxError("5.1.2", f"{literal} is no address this system can reach") from None
