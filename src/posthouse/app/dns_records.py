"""The DNS records a domain's owner has to publish, as lines of a zone file with a word on each."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from posthouse.services.dkim import PublicKey


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


def key_records(keys: Sequence[PublicKey]) -> list[Record]:
    return [Record(f"{key.name}.", "TXT", text_value(key.record), f"dns.dkim.{key.state}") for key in keys]


def records_for(
    domain: str, hostname: str, addresses: Sequence[str], keys: Sequence[PublicKey] = ()
) -> list[Record]:
    """What to publish for one domain whose mail `hostname` takes."""
    host = f"{hostname}."
    records = [
        Record(host, "AAAA" if ":" in address else "A", address, "dns.address") for address in addresses
    ]
    # RFC 5321 §5.1: senders find us by MX.
    records.append(Record(f"{domain}.", "MX", f"10 {host}", "dns.mx"))
    # RFC 7208 §5.4: whoever receives our mail comes to know which hosts may send it.
    records.append(Record(f"{domain}.", "TXT", '"v=spf1 mx -all"', "dns.spf"))
    records += key_records(keys)
    policy = f'"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"'
    records.append(Record(f"_dmarc.{domain}.", "TXT", policy, "dns.dmarc"))
    # RFC 6186 §3.1 and RFC 8314 §5.1: clients find the services; "." says that one is not offered.
    records += [
        Record(f"_{service}._tcp.{domain}.", "SRV", f"0 1 {port} {host}", "dns.srv")
        for service, port in (("submissions", 465), ("imaps", 993), ("pop3s", 995))
    ]
    records += [
        Record(f"_{service}._tcp.{domain}.", "SRV", "0 0 0 .", "dns.srv_off") for service in ("imap", "pop3")
    ]
    records.append(Record(f"autoconfig.{domain}.", "CNAME", host, "dns.autoconfig"))
    return records
