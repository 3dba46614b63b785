"""The DNS records a domain's owner has to publish, as lines of a zone file with a word on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from posthouse.app.config import Config
from posthouse.services.dkim import PublicKey

SERVICES: Final = {
    "submissions": 465, "imaps": 993, "pop3s": 995, "imap": 0, "pop3": 0,
    "sieve": 4190, "jmap": 443, "carddavs": 443,
}  # fmt: skip
"""SRV service -> port; 0: it is said that the service is not offered."""
LISTENERS: Final = {"sieve": "managesieve", "jmap": "https", "carddavs": "https"}
"""Of services that are called otherwise than what serves them."""


class Record(Struct, frozen=True):
    name: str  # with a dot at the end
    type: str
    value: str
    purpose: str  # key of the command line's texts

    def __str__(self) -> str:
        return f"{self.name:<40} IN {self.type:<5} {self.value}"


def text_value(text: str) -> str:
    """A TXT record's data: strings of at most 255 octets (RFC 1035 §3.3.14)."""
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))


def host_records(hostname: str, addresses: Sequence[str]) -> list[Record]:
    return [
        Record(f"{hostname}.", "AAAA" if ":" in address else "A", address, "dns.address")
        for address in addresses
    ]


def mx_record(domain: str, hostname: str) -> Record:
    """RFC 5321 §5.1: senders find us by MX."""
    return Record(f"{domain}.", "MX", f"10 {hostname}.", "dns.mx")


def spf_record(domain: str) -> Record:
    """RFC 7208 §5.4: whoever receives our mail comes to know which hosts may send it."""
    return Record(f"{domain}.", "TXT", '"v=spf1 mx -all"', "dns.spf")


def key_records(keys: Sequence[PublicKey]) -> list[Record]:
    return [Record(f"{key.name}.", "TXT", text_value(key.record), f"dns.dkim.{key.state}") for key in keys]


def dmarc_record(domain: str, wanted: str = "none") -> Record:
    """`wanted`: what others are to do with mail that only says to be ours: "none", "quarantine", "reject"."""
    policy = f'"v=DMARC1; p={wanted}; rua=mailto:postmaster@{domain}"'
    return Record(f"_dmarc.{domain}.", "TXT", policy, "dns.dmarc")


def srv_records(domain: str, hostname: str, services: dict[str, int]) -> list[Record]:
    """RFC 6186 §3.1 and RFC 8314 §5.1: clients find the services; "." says that one is not offered.

    RFC 5804 §1.8 has ManageSieve, RFC 8620 §2.2 JMAP, RFC 6764 §3 CardDAV.
    """
    return [
        Record(f"_{service}._tcp.{domain}.", "SRV", f"0 1 {port} {hostname}.", "dns.srv")
        if port
        else Record(f"_{service}._tcp.{domain}.", "SRV", "0 0 0 .", "dns.srv_off")
        for service, port in services.items()
    ]


def offered(config: Config) -> dict[str, int]:
    """The services that clients should find, as this node is configured."""
    on = {name: listener.enabled for name, listener in config.listeners.items()}
    found = {name: port if on[LISTENERS.get(name, name)] else 0 for name, port in SERVICES.items() if port}
    return SERVICES | found | ({} if config.jmap.enabled else {"jmap": 0})


def records_for(
    domain: str,
    hostname: str,
    addresses: Sequence[str],
    keys: Sequence[PublicKey] = (),
    services: dict[str, int] = SERVICES,
    dmarc: str = "none",
) -> list[Record]:
    """What to publish for one domain whose mail `hostname` takes."""
    return [
        *host_records(hostname, addresses),
        mx_record(domain, hostname),
        spf_record(domain),
        *key_records(keys),
        dmarc_record(domain, dmarc),
        *srv_records(domain, hostname, services),
    ]
