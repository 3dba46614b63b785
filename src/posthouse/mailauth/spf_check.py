"""check_host: may this address send for this domain (RFC 7208 §4)?"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

from msgspec import Struct, structs

from posthouse.core.address import Address
from posthouse.core.dns import NO_DATA, NO_NAME, Answer, Lookup, Question
from posthouse.mailauth.spf_macro import (
    EXPANDED_MAX,
    BadMacro,
    IpAddress,
    MacroValues,
    check_macros,
    expand,
    expand_domain,
    needs_validated_name,
)
from posthouse.mailauth.spf_record import BadRecord, Mechanism, Record, is_spf, parse_record
from posthouse.mailauth.verdict import FAIL, NEUTRAL, NONE, PASS, PERMERROR, TEMPERROR, SpfVerdict

LOOKUPS_MAX: Final = 10
"""Terms that ask DNS in one check (RFC 7208 §4.6.4)."""
VOIDS_MAX: Final = 2
"""Look-ups without an answer in one check."""
HOSTS_MAX: Final = 10
"""Hosts of one mx or ptr."""
RECORDS_READ_MAX: Final = 100
"""TXT records at one name that are looked through."""


class Client(Struct, frozen=True):
    """Who is sending."""

    ip: str
    helo: str
    sender: Address | None  # MAIL FROM
    receiver: str = "unknown"  # our name, for explanations
    now: float = 0.0


class _Stop(Exception):
    """The check ends here, whatever else the record says."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


def check_sender(client: Client) -> Lookup[SpfVerdict]:
    """The verdict on MAIL FROM, or on the greeting when the sender is null (RFC 7208 §2.4)."""
    sender = client.sender
    scope = "mailfrom" if sender is not None and sender.domain else "helo"
    domain = sender.domain if sender is not None and sender.domain else client.helo.lower().rstrip(".")
    local = (sender.local if sender is not None and scope == "mailfrom" else "") or "postmaster"
    verdict = SpfVerdict(NONE, identity=domain, domain=domain, scope=scope)
    try:
        ip = ipaddress.ip_address(client.ip.partition("%")[0])
    except ValueError:
        verdict.reason = "spf_domain"
        return verdict
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    # RFC 7208 §4.3: what is no fully qualified name (an address literal, say) has no record
    if not _is_name(domain) or "." not in domain:
        verdict.reason = "spf_domain"
        return verdict
    values = MacroValues(ip, local, domain, domain, client.helo, client.receiver, client.now)
    check = _Check(ip)
    try:
        verdict.result = yield from check.host(domain, values, verdict)
    except _Stop as stop:
        verdict.result, verdict.reason = stop.result, stop.reason
    verdict.lookups = check.lookups
    return verdict


def _is_name(name: str) -> bool:
    return (
        0 < len(name) <= 253
        and name.isascii()
        and not name.startswith("[")
        and all(0 < len(label) <= 63 for label in name.split("."))
    )


class _Check:
    """One run of check_host with everything it includes: the limits count over all of it."""

    def __init__(self, ip: IpAddress) -> None:
        self.ip = ip
        self.kind = "A" if ip.version == 4 else "AAAA"
        self.lookups = 0
        self.voids = 0
        self._names: list[str] | None = None  # of the address, validated

    # --- records ---

    def host(self, domain: str, values: MacroValues, told: SpfVerdict | None) -> Lookup[str]:
        """The result for a domain; `told`, when this is not an include, is told what decided."""
        record_text = yield from self._record(domain)
        if told is not None:
            told.domain, told.record = domain, record_text
        if not record_text:
            return NONE
        try:
            record = parse_record(record_text)
        except BadRecord as error:
            if told is not None:
                told.mechanism = error.term
            raise _Stop(PERMERROR, "spf_syntax") from None
        values = structs.replace(values, domain=domain)
        for mechanism in record.mechanisms:
            matches = yield from self._matches(mechanism, values)
            if matches:
                if told is not None:
                    told.mechanism = mechanism.text
                    if mechanism.result == FAIL and record.explanation:
                        told.explanation = yield from self._explain(record, values)
                return mechanism.result
        if record.redirect:
            return (yield from self._redirect(record, values, told))
        return NEUTRAL

    def _redirect(self, record: Record, values: MacroValues, told: SpfVerdict | None) -> Lookup[str]:
        self._count()
        target = yield from self._name(record.redirect, values)
        result = (yield from self.host(target, values, told)) if _is_name(target) else NONE
        if result == NONE:  # RFC 7208 §6.1
            raise _Stop(PERMERROR, "spf_include")
        return result

    def _record(self, domain: str) -> Lookup[str]:
        """The one SPF record, or ""."""
        (answer,) = yield [Question(domain, "TXT")]
        if answer.failed:
            raise _Stop(TEMPERROR, "spf_lookup")
        found = [text for text in answer.records[:RECORDS_READ_MAX] if is_spf(text)]
        if len(found) > 1:
            raise _Stop(PERMERROR, "spf_several")
        return found[0] if found else ""

    def _explain(self, record: Record, values: MacroValues) -> Lookup[str]:
        """RFC 7208 §6.2: whatever goes wrong here, there just is no explanation."""
        try:
            name = yield from self._name(record.explanation, values)
            if not _is_name(name):
                return ""
            (answer,) = yield [Question(name, "TXT")]
            if len(answer.records) != 1:
                return ""
            text = str(answer.records[0])
            if len(text) > EXPANDED_MAX:
                return ""
            check_macros(text, explanation=True)
            if needs_validated_name(text):
                values = structs.replace(values, validated=(yield from self._validated(values.domain)))
            told = expand(text, values)
        except (BadMacro, _Stop):
            return ""
        return told if told.isascii() and told.isprintable() and len(told) <= EXPANDED_MAX else ""

    # --- mechanisms ---

    def _matches(self, mechanism: Mechanism, values: MacroValues) -> Lookup[bool]:
        if mechanism.network is not None:
            return self.ip.version == mechanism.network.version and self.ip in mechanism.network
        if mechanism.name == "all":
            return True
        self._count()
        target = values.domain
        if mechanism.domain:
            target = yield from self._name(mechanism.domain, values)
        if not _is_name(target):
            return False
        return (yield from _EVALUATE[mechanism.name](self, target, mechanism, values))

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > LOOKUPS_MAX:
            raise _Stop(PERMERROR, "spf_lookups")

    def _void(self, answer: Answer) -> None:
        if answer.state in (NO_DATA, NO_NAME):
            self.voids += 1
            if self.voids > VOIDS_MAX:
                raise _Stop(PERMERROR, "spf_voids")

    def _name(self, spec: str, values: MacroValues) -> Lookup[str]:
        if needs_validated_name(spec):
            values = structs.replace(values, validated=(yield from self._validated(values.domain)))
        return expand_domain(spec, values)

    def _ask(self, name: str, kind: str) -> Lookup[Answer]:
        (answer,) = yield [Question(name, kind)]
        if answer.failed:
            raise _Stop(TEMPERROR, "spf_lookup")
        self._void(answer)
        return answer

    def _include(self, target: str, _: Mechanism, values: MacroValues) -> Lookup[bool]:
        result = yield from self.host(target, values, None)
        if result == NONE:  # RFC 7208 §5.2
            raise _Stop(PERMERROR, "spf_include")
        return result == PASS

    def _exists(self, target: str, *_: object) -> Lookup[bool]:
        return bool((yield from self._ask(target, "A")).records)

    def _a(self, target: str, mechanism: Mechanism, _: MacroValues) -> Lookup[bool]:
        answer = yield from self._ask(target, self.kind)
        return self._within(answer, mechanism)

    def _mx(self, target: str, mechanism: Mechanism, _: MacroValues) -> Lookup[bool]:
        answer = yield from self._ask(target, "MX")
        hosts = [host for _, host in answer.records if _is_name(host)]
        if len(hosts) > HOSTS_MAX:
            raise _Stop(PERMERROR, "spf_lookups")
        if not hosts:
            return False
        answers = yield [Question(host, self.kind) for host in hosts]
        matched = False
        for one in answers:
            matched = matched or self._within(one, mechanism)
        if not matched and any(one.failed for one in answers):
            raise _Stop(TEMPERROR, "spf_lookup")
        if not matched:
            for one in answers:
                self._void(one)
        return matched

    def _within(self, answer: Answer, mechanism: Mechanism) -> bool:
        prefix = mechanism.prefix4 if self.ip.version == 4 else mechanism.prefix6
        shift = self.ip.max_prefixlen - prefix
        mine = int(self.ip) >> shift
        return any(int(ipaddress.ip_address(address)) >> shift == mine for address in answer.records)

    def _ptr(self, target: str, *_: object) -> Lookup[bool]:
        names = yield from self._validated_names()
        return any(name == target or name.endswith(f".{target}") for name in names)

    def _validated_names(self) -> Lookup[list[str]]:
        """RFC 7208 §5.5: names of the address that lead back to it; failures are only misses."""
        if self._names is None:
            self._names = yield from self._find_names()
        return self._names

    def _find_names(self) -> Lookup[list[str]]:
        (answer,) = yield [Question(self.ip.reverse_pointer, "PTR")]
        names = [name.lower() for name in answer.records if _is_name(name)][:HOSTS_MAX]
        if not names:
            return []
        answers = yield [Question(name, self.kind) for name in names]
        return [
            name
            for name, one in zip(names, answers, strict=True)
            if any(ipaddress.ip_address(address) == self.ip for address in one.records)
        ]

    def _validated(self, domain: str) -> Lookup[str]:
        """%{p}: the domain itself, else a name below it, else any (RFC 7208 §7.3)."""
        names = yield from self._validated_names()
        below = [name for name in names if name.endswith(f".{domain}")]
        return domain if domain in names else (below or names or ["unknown"])[0]


_EVALUATE: Final[dict[str, Callable[..., Lookup[bool]]]] = {
    "include": _Check._include,
    "exists": _Check._exists,
    "a": _Check._a,
    "mx": _Check._mx,
    "ptr": _Check._ptr,
}
