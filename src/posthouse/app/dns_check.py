"""What DNS says of a domain, compared with what it should say: `posthouse dns`.

`check_domain` asks and returns a `Checked` for each subject; the command line words them (`app.texts_dns`).  What
cannot be learned now is "unknown", never a fault.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from posthouse.app.dns_records import Record, dmarc_record, host_records, mx_record, spf_record, srv_records
from posthouse.app.dns_records import key_records as records_of_keys
from posthouse.client.resolver import Resolver
from posthouse.core.address import Address
from posthouse.core.dns import Answer, Question
from posthouse.mailauth import dmarc
from posthouse.mailauth import spf_record as spf_text
from posthouse.mailauth.spf_check import LOOKUPS_MAX, Client, check_sender
from posthouse.mailauth.tags import BadTags, parse_tags
from posthouse.mailauth.verdict import PASS, TEMPERROR
from posthouse.services.dkim import ACTIVE, KEEP_DAYS, NEXT, RETIRED, PublicKey, same_key

OK: Final = "ok"
WARNING: Final = "warning"
PROBLEM: Final = "problem"
UNKNOWN: Final = "unknown"
LEVELS: Final = (OK, UNKNOWN, WARNING, PROBLEM)
"""From the mildest on."""


class Finding(Struct):
    level: str
    key: str  # of the text
    fields: dict[str, Any] = {}


class Checked(Struct):
    """One subject: the records that should be there, what is there, and what is to be said about it."""

    subject: str  # "host", "ptr", "mx", "spf", "dkim", "dmarc", "srv"
    records: list[Record]
    found: list[str]
    findings: list[Finding]

    @property
    def level(self) -> str:
        return max((one.level for one in self.findings), key=LEVELS.index, default=OK)

    def add(self, level: str, key: str, **fields: Any) -> None:
        self.findings.append(Finding(level, key, fields))


class Wanted(Struct):
    """What the domain's records should lead to."""

    domain: str
    hostname: str
    addresses: Sequence[str]  # as the administrator gave them; may be empty
    keys: Sequence[PublicKey]
    services: dict[str, int]  # SRV service -> port, 0: not offered
    now: float
    dmarc: str = "none"  # the policy that is wanted


async def check_domain(wanted: Wanted, resolver: Resolver) -> list[Checked]:
    """One result per subject, in the order of the records."""
    looking = _Looking(wanted, resolver)
    host = await looking.host()
    return [
        host,
        await looking.ptr(),
        await looking.mx(),
        await looking.spf(),
        await looking.dkim(),
        await looking.dmarc(),
        await looking.srv(),
    ]


class _Looking:
    def __init__(self, wanted: Wanted, resolver: Resolver) -> None:
        self._wanted = wanted
        self._resolver = resolver
        self._addresses: list[str] = list(wanted.addresses)

    async def _ask(self, name: str, kind: str, checked: Checked) -> Answer:
        answer = await self._resolver.ask(Question(name, kind))
        if answer.failed:
            checked.add(UNKNOWN, "unknown", name=name, kind=kind, reason=answer.reason)
        for record in answer.records:
            text = record if isinstance(record, str) else " ".join(str(one) for one in record)
            checked.found.append(f"{name} {kind} {' '.join(text.split())}")
        return answer

    # --- the host ---

    async def host(self) -> Checked:
        wanted = self._wanted
        checked = Checked("host", host_records(wanted.hostname, wanted.addresses), [], [])
        four = await self._ask(wanted.hostname, "A", checked)
        six = await self._ask(wanted.hostname, "AAAA", checked)
        published = [*four.records, *six.records]
        if not published and not (four.failed or six.failed):
            checked.add(PROBLEM, "host.none", host=wanted.hostname)
        for address in wanted.addresses:
            if published and address not in published:
                checked.add(PROBLEM, "host.missing", host=wanted.hostname, address=address)
        for address in published:
            if not ipaddress.ip_address(address).is_global:
                checked.add(WARNING, "host.private", host=wanted.hostname, address=address)
            elif wanted.addresses and address not in wanted.addresses:
                checked.add(WARNING, "host.other", host=wanted.hostname, address=address)
        alias = await self._resolver.ask(Question(wanted.hostname, "CNAME"))
        if alias.records:
            checked.add(PROBLEM, "host.cname", host=wanted.hostname, target=alias.records[0])
        self._addresses = published or self._addresses
        return checked

    async def ptr(self) -> Checked:
        """RFC 1912 §2.1: addresses of mail servers have names that lead back; many receivers insist."""
        checked = Checked("ptr", [], [], [])
        for address in self._addresses:
            if not ipaddress.ip_address(address).is_global:  # said already
                continue
            answer = await self._ask(ipaddress.ip_address(address).reverse_pointer, "PTR", checked)
            if answer.failed:
                continue
            if not answer.records:
                checked.add(PROBLEM, "ptr.none", address=address, host=self._wanted.hostname)
            elif self._wanted.hostname not in answer.records:
                checked.add(
                    WARNING,
                    "ptr.other",
                    address=address,
                    names=", ".join(answer.records),
                    host=self._wanted.hostname,
                )
        return checked

    # --- the domain ---

    async def mx(self) -> Checked:
        wanted = self._wanted
        checked = Checked("mx", [mx_record(wanted.domain, wanted.hostname)], [], [])
        alias = await self._resolver.ask(Question(wanted.domain, "CNAME"))
        if alias.records:
            checked.add(PROBLEM, "mx.domain_cname", domain=wanted.domain, target=alias.records[0])
        answer = await self._ask(wanted.domain, "MX", checked)
        hosts = [host for _, host in sorted(answer.records)]
        if not answer.exists:
            checked.add(PROBLEM, "mx.no_domain", domain=wanted.domain)
        elif not hosts and not answer.failed:
            checked.add(PROBLEM, "mx.none", domain=wanted.domain)
        elif hosts and not any(hosts):
            checked.add(PROBLEM, "mx.null", domain=wanted.domain)
        elif hosts and wanted.hostname not in hosts:
            checked.add(
                PROBLEM, "mx.other", domain=wanted.domain, hosts=", ".join(hosts), host=wanted.hostname
            )
        elif hosts and hosts[0] != wanted.hostname:
            checked.add(WARNING, "mx.later", first=hosts[0], host=wanted.hostname)
        for host in hosts:
            if host and host != wanted.hostname:
                await self._mx_host(host, checked)
        return checked

    async def _mx_host(self, host: str, checked: Checked) -> None:
        if host.replace(".", "").isdigit():
            checked.add(PROBLEM, "mx.address", host=host)
            return
        # RFC 2181 §10.3: what an MX names is no alias
        alias = await self._resolver.ask(Question(host, "CNAME"))
        if alias.records:
            checked.add(PROBLEM, "mx.cname", host=host, target=alias.records[0])
        answer = await self._resolver.ask(Question(host, "A"))
        if not answer.records and not answer.failed:
            six = await self._resolver.ask(Question(host, "AAAA"))
            if not six.records and not six.failed:
                checked.add(PROBLEM, "mx.nowhere", host=host)

    async def spf(self) -> Checked:
        wanted = self._wanted
        checked = Checked("spf", [spf_record(wanted.domain)], [], [])
        answer = await self._resolver.ask(Question(wanted.domain, "TXT"))
        if answer.failed:
            checked.add(UNKNOWN, "unknown", name=wanted.domain, kind="TXT", reason=answer.reason)
            return checked
        found = [text for text in answer.records if spf_text.is_spf(text)]
        checked.found += [f"{wanted.domain} TXT {' '.join(text.split())}" for text in found]
        if not found:
            checked.add(PROBLEM, "spf.none", domain=wanted.domain)
        elif len(found) > 1:
            checked.add(PROBLEM, "spf.several", domain=wanted.domain, count=len(found))
        else:
            try:
                record = spf_text.parse_record(found[0])
            except spf_text.BadRecord as error:
                checked.add(PROBLEM, "spf.syntax", term=error.term)
            else:
                self._spf_end(record, checked)
                await self._spf_addresses(checked)
        return checked

    def _spf_end(self, record: spf_text.Record, checked: Checked) -> None:
        """What is said of everybody else."""
        ends = [one for one in record.mechanisms if one.name == "all"]
        if not ends:
            if not record.redirect:
                checked.add(WARNING, "spf.open", domain=self._wanted.domain)
        elif ends[0].result == PASS:
            checked.add(PROBLEM, "spf.everybody")
        elif ends[0].result == "neutral":
            checked.add(WARNING, "spf.neutral")
        elif ends[0].result == "softfail":
            checked.add(OK, "spf.soft")
        if any(one.name == "ptr" for one in record.mechanisms):
            checked.add(WARNING, "spf.ptr")

    async def _spf_addresses(self, checked: Checked) -> None:
        """Whether our own mail would pass."""
        wanted = self._wanted
        for address in self._addresses:
            client = Client(address, wanted.hostname, Address("postmaster", wanted.domain), now=wanted.now)
            verdict = await self._resolver.run(check_sender(client))
            if verdict.result == TEMPERROR:
                checked.add(UNKNOWN, "spf.temporary", address=address)
            elif verdict.reason:
                checked.add(PROBLEM, "spf.error", reason=verdict.reason, term=verdict.mechanism)
                return
            elif verdict.result != PASS:
                checked.add(PROBLEM, "spf.fails", address=address, result=verdict.result)
            elif verdict.lookups > LOOKUPS_MAX - 2:
                checked.add(WARNING, "spf.lookups", count=verdict.lookups, limit=LOOKUPS_MAX)

    # --- keys ---

    async def dkim(self) -> Checked:
        wanted = self._wanted
        shown = [key for key in wanted.keys if key.state != RETIRED]
        checked = Checked("dkim", records_of_keys(shown), [], [])
        if not shown:
            checked.add(PROBLEM, "dkim.none", domain=wanted.domain)
        for key in wanted.keys:
            await self._key(key, checked)
        return checked

    async def _key(self, key: PublicKey, checked: Checked) -> None:
        answer = await self._resolver.ask(Question(key.name, "TXT"))
        fields = {"name": key.name, "selector": key.selector}
        if answer.failed:
            checked.add(UNKNOWN, "unknown", name=key.name, kind="TXT", reason=answer.reason)
        elif key.state == RETIRED:
            if answer.records and key.retired_at + KEEP_DAYS * 86400 < self._wanted.now:
                checked.add(WARNING, "dkim.old", **fields)
            return
        elif not answer.records:
            level, text = (WARNING, "dkim.waits") if key.state == NEXT else (PROBLEM, "dkim.missing")
            checked.add(level, text, **fields)
        elif not any(same_key(text, key.record) for text in answer.records):
            checked.add(PROBLEM if key.state == ACTIVE else WARNING, "dkim.other", **fields)
        elif len(answer.records) > 1:
            checked.add(WARNING, "dkim.several", **fields)
        elif "y" in parse_tags(answer.records[0]).get("t", "").split(":"):
            checked.add(WARNING, "dkim.testing", **fields)
        checked.found += [f"{key.name} TXT {' '.join(text.split())}" for text in answer.records]

    async def dmarc(self) -> Checked:
        wanted = self._wanted
        checked = Checked("dmarc", [dmarc_record(wanted.domain, wanted.dmarc)], [], [])
        answer = await self._ask(f"_dmarc.{wanted.domain}", "TXT", checked)
        if answer.failed:
            return checked
        found = [text for text in answer.records if dmarc.is_dmarc(text)]
        if not found:
            checked.add(PROBLEM, "dmarc.none", domain=wanted.domain)
        elif len(found) > 1:
            checked.add(PROBLEM, "dmarc.several", domain=wanted.domain)
        else:
            try:
                record = dmarc.parse_record(found[0])
            except dmarc.BadRecord as error:
                checked.add(PROBLEM, "dmarc.syntax", term=str(error))
            else:
                if record.policy == "none":
                    checked.add(WARNING, "dmarc.watching")
                elif wanted.dmarc not in ("none", record.policy):
                    checked.add(WARNING, "dmarc.other", policy=record.policy, wanted=wanted.dmarc)
                await self._reports(found[0], checked)
        return checked

    async def _reports(self, text: str, checked: Checked) -> None:
        """RFC 7489 §7.1: another domain has to agree to get reports about this one."""
        try:
            tags = parse_tags(text)
        except BadTags:
            return
        for uri in tags.get("rua", "").split(","):
            address = uri.strip().removeprefix("mailto:").partition("!")[0]
            domain = address.rpartition("@")[2].lower()
            if not domain or dmarc.aligns(domain, self._wanted.domain):
                continue
            name = f"{self._wanted.domain}._report._dmarc.{domain}"
            answer = await self._resolver.ask(Question(name, "TXT"))
            if not answer.failed and not any(dmarc.is_dmarc(one) for one in answer.records):
                checked.add(WARNING, "dmarc.foreign", address=address, name=name)

    # --- services ---

    async def srv(self) -> Checked:
        wanted = self._wanted
        checked = Checked("srv", srv_records(wanted.domain, wanted.hostname, wanted.services), [], [])
        for service, port in wanted.services.items():
            name = f"_{service}._tcp.{wanted.domain}"
            answer = await self._ask(name, "SRV", checked)
            if answer.failed:
                continue
            targets = [(host, at) for _, _, at, host in answer.records]
            if not targets and port:
                checked.add(WARNING, "srv.none", name=name)
            elif targets and port and (wanted.hostname, port) not in targets:
                told = ", ".join(f"{host}:{at}" for host, at in targets)
                checked.add(PROBLEM, "srv.other", name=name, found=told, wanted=f"{wanted.hostname}:{port}")
            elif targets and not port and any(host for host, _ in targets):
                checked.add(WARNING, "srv.off", name=name)
        return checked
