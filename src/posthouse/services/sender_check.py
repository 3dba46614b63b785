"""Mail from outside: did its sender really send it?  SPF, DKIM and DMARC at reception, and what follows.

`SenderChecks.check` finds the verdicts and what they rest on; `decide` says by configuration what they lead to.
A temporary failure of DNS is never a rejection: the message is taken, or put off with 451.

Concurrency: everything on one event loop; what takes long is hashed in a thread.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import zlib
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct

from posthouse.client.resolver import Resolver
from posthouse.core.address import parse_network
from posthouse.core.dns import FROM_FILE, Answer, Question
from posthouse.core.errors import Unauthenticated, Unverifiable
from posthouse.core.ports import Clock
from posthouse.mailauth.canonical import BodyDigests, HeaderFields
from posthouse.mailauth.dkim_verify import MAX_SIGNATURES, find_signatures, verify, wanted_digests
from posthouse.mailauth.dmarc import AUTHORS_MAX, aligns, check_authors
from posthouse.mailauth.organization import organizational_domain
from posthouse.mailauth.results import format_results
from posthouse.mailauth.spf_check import Client, check_sender
from posthouse.mailauth.verdict import (
    FAIL,
    NONE,
    PASS,
    TEMPERROR,
    DkimVerdict,
    DmarcVerdict,
    SpfVerdict,
)
from posthouse.mime.authors import author_domains
from posthouse.mime.scan import Data
from posthouse.services.letter import Envelope, Origin
from posthouse.services.threads import in_thread

THREAD_BYTES: Final = 64 * 1024
"""A longer body is hashed in a thread."""
ADDRESSES_MAX: Final = 4096
"""Client addresses that are remembered as trusted or not."""
EVIDENCE_MAX: Final = 40
"""DNS answers noted of one message."""
EVIDENCE_CHARACTERS_MAX: Final = 500
"""Of one answer."""
EVIDENCE_ALL_MAX: Final = 4000
"""Characters of all of them: the journal keeps them for each letter."""

_LONG_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{48,}={0,2}")

T = TypeVar("T")


class CheckSettings(Struct, frozen=True):
    authserv_id: str = "localhost"
    """Whose name stands in Authentication-Results."""
    trusted_networks: tuple[str, ...] = ()
    """Clients whose mail is not checked."""
    on_reject: str = "reject"
    """What a DMARC policy "reject" leads to: "reject", "junk", "note"."""
    on_quarantine: str = "junk"
    on_spf_fail: str = "note"
    """Where the author's domain has no DMARC policy."""
    on_temporary: str = "accept"
    """Or "defer": 451 while DNS does not answer."""
    timeout_s: float = 20.0
    """For each of SPF and DKIM, and for DMARC; RFC 7208 §4.6.4 asks for at least 20."""


class Checked(Struct):
    """What was found of one message."""

    dkim: list[DkimVerdict]
    spf: SpfVerdict
    dmarc: DmarcVerdict
    decision: str = "accept"  # "accept", "note", "junk", "reject", "defer"
    dns: list[str] = []  # questions and answers, as text

    def facts(self) -> dict[str, Any]:
        """For the journal: only what says something."""
        return {
            "decision": self.decision,
            "spf": _said(self.spf),
            "dkim": [_said(one) for one in self.dkim],
            "dmarc": _said(self.dmarc),
            "dns": self.dns,
        }


def _said(verdict: Struct) -> dict[str, Any]:
    pairs = ((name, getattr(verdict, name)) for name in verdict.__struct_fields__)
    return {name: value for name, value in pairs if value and name not in ("key_record", "value", "record")}


class Evidence:
    """Notes what DNS said, each question once."""

    def __init__(self) -> None:
        self._noted: dict[Question, str] = {}
        self._room = EVIDENCE_ALL_MAX

    def __call__(self, question: Question, answer: Answer) -> None:
        if question in self._noted or len(self._noted) >= EVIDENCE_MAX or self._room <= 0:
            return
        line = self._noted[question] = f"{question.name} {question.kind}: {_shown(answer)}"
        self._room -= len(line)

    @property
    def lines(self) -> list[str]:
        return list(self._noted.values())


def _shown(answer: Answer) -> str:
    if not answer.records:
        return answer.state + (f" ({answer.reason})" if answer.reason else _mark(answer))
    text = " | ".join(
        record if isinstance(record, str) else " ".join(str(one) for one in record)
        for record in answer.records[:10]
    )
    text = _LONG_BASE64.sub(lambda match: f"{match[0][:12]}...{match[0][-12:]}", text)  # a key, by its ends
    text = " ".join(text.split())  # strangers wrote it: it must not look like lines of ours
    if len(text) > EVIDENCE_CHARACTERS_MAX:
        text = f"{text[:EVIDENCE_CHARACTERS_MAX]}..."
    return text + _mark(answer)


def _mark(answer: Answer) -> str:
    """Whether anybody vouches for it."""
    if answer.reason == FROM_FILE:
        return f" ({FROM_FILE})"
    return " (DNSSEC)" if answer.secure else " (no DNSSEC)"


class SenderChecks:
    """One per worker."""

    def __init__(
        self,
        resolver: Resolver,
        clock: Clock,
        settings: CheckSettings | None = None,
        *,
        count: Callable[[str], None] | None = None,
    ) -> None:
        """`count` is told each decision."""
        self._count = count
        self._resolver = resolver
        self._clock = clock
        self.settings = settings or CheckSettings()
        self._outside: dict[str, bool] = {}  # perf: by address, asked for each letter
        self._trusted = [parse_network(text) for text in self.settings.trusted_networks]

    def concerns(self, origin: Origin) -> bool:
        """Only what comes from other servers: not submissions, LMTP, our own notices, or trusted clients."""
        if origin.listener != "smtp" or origin.account is not None or not origin.peer_ip:
            return False
        known = self._outside.get(origin.peer_ip)
        if known is None:
            if len(self._outside) >= ADDRESSES_MAX:
                self._outside.clear()
            known = self._outside[origin.peer_ip] = self._is_outside(origin.peer_ip)
        return known

    def _is_outside(self, ip: str) -> bool:
        address = ipaddress.ip_address(ip.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return not any(address in network for network in self._trusted)

    async def check(
        self, envelope: Envelope, origin: Origin, header: bytes, data: Data, start: int, *, trace: str
    ) -> Checked:
        """`header`: as it arrived; `data` from `start` on: the body."""
        evidence = Evidence()
        if len(header) <= THREAD_BYTES:
            fields, authors = _read(header)
        else:
            fields, authors = await in_thread(partial(_read, header))
        client = Client(
            origin.peer_ip, origin.helo, envelope.sender, self.settings.authserv_id, self._clock.now()
        )
        dkim, spf, _ = await asyncio.gather(
            self._dkim(fields, data, start, authors, evidence),
            self._spf(client, evidence),
            self._in_time(self._ask_ahead(authors), None),
        )
        lookup = check_authors(authors, dkim, spf, sample=zlib.crc32(trace.encode()) % 100)
        unknown = DmarcVerdict(TEMPERROR, "dmarc_lookup", domain=authors[0] if authors else "")
        dmarc = await self._in_time(self._resolver.run(lookup, evidence), unknown)
        checked = Checked(dkim, spf, dmarc)
        checked.decision = decide(checked, self.settings)
        checked.dns = evidence.lines
        if self._count is not None:
            self._count(checked.decision)
        return checked

    def field(self, checked: Checked, envelope: Envelope, origin: Origin) -> bytes:
        """Authentication-Results, to stand above our Received field."""
        return format_results(
            self.settings.authserv_id,
            dkim=checked.dkim,
            spf=checked.spf,
            dmarc=checked.dmarc,
            sender=envelope.sender,
            helo=origin.helo,
        )

    # --- the parts ---

    async def _ask_ahead(self, authors: Sequence[str]) -> None:
        """What DMARC will ask, while the others wait for their answers."""
        names = {name for author in authors[:AUTHORS_MAX] for name in (author, organizational_domain(author))}
        questions = [Question(f"_dmarc.{name}", "TXT") for name in names]
        await asyncio.gather(*(self._resolver.ask(one) for one in questions))

    async def _dkim(
        self, fields: HeaderFields, data: Data, start: int, authors: Sequence[str], evidence: Evidence
    ) -> list[DkimVerdict]:
        if not fields.indexes(b"dkim-signature"):
            return []
        found = find_signatures(fields, lambda domain: any(aligns(domain, author) for author in authors))
        digests = BodyDigests(wanted_digests(found))
        if len(data) - start <= THREAD_BYTES:
            digests.feed_view(data, start)
        else:
            await in_thread(partial(digests.feed_view, data, start))
        lookup = verify(found, fields, digests, self._clock.now())
        unknown = [
            DkimVerdict(TEMPERROR, "key_lookup", one.signature.domain, one.signature.selector)
            for one in found
            if one.signature is not None and not one.reason
        ]
        verdicts = await self._in_time(self._resolver.run(lookup, evidence), unknown)
        return verdicts[:MAX_SIGNATURES]

    async def _spf(self, client: Client, evidence: Evidence) -> SpfVerdict:
        sender = client.sender
        named = sender is not None and bool(sender.domain)
        domain = sender.domain if sender is not None and named else client.helo
        unknown = SpfVerdict(TEMPERROR, "spf_lookup", domain, domain, scope="mailfrom" if named else "helo")
        return await self._in_time(self._resolver.run(check_sender(client), evidence), unknown)

    async def _in_time(self, work: Coroutine[Any, Any, T], otherwise: T) -> T:
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                return await work
        except TimeoutError:
            return otherwise


def _read(header: bytes) -> tuple[HeaderFields, list[str]]:
    return HeaderFields(header), author_domains(header)


def decide(checked: Checked, settings: CheckSettings) -> str:
    """What the verdicts lead to: "accept" (nothing against it), "note", "junk", "reject", "defer"."""
    dmarc, spf = checked.dmarc, checked.spf
    if dmarc.result == PASS:
        return "accept"
    if TEMPERROR in (dmarc.result, spf.result) and settings.on_temporary == "defer":
        return "defer"
    if dmarc.result == FAIL and dmarc.action != "none":
        return settings.on_reject if dmarc.action == "reject" else settings.on_quarantine
    if dmarc.result == NONE and spf.result == FAIL:
        return settings.on_spf_fail
    return "accept"


def raise_for(checked: Checked, trace: str) -> None:
    """Unauthenticated or Unverifiable, when the message is not to be taken."""
    if checked.decision == "defer":
        trouble = checked.dmarc.domain or checked.spf.identity
        raise Unverifiable(f"DNS of {trouble} does not answer", domain=trouble)
    if checked.decision != "reject":
        return
    dkim = ", ".join(f"{one.result} ({one.domain or '?'})" for one in checked.dkim[:3]) or NONE
    spf = checked.spf
    if checked.dmarc.result == FAIL:
        domain = checked.dmarc.domain
        found = f"DMARC policy {checked.dmarc.policy} of {checked.dmarc.policy_domain}"
    else:
        domain, found = spf.identity, f"SPF record of {spf.domain}"
    detail = f"{found}; SPF {spf.result} ({spf.identity}), DKIM {dkim}"
    text = f"{detail}. {domain} says: {spf.explanation}" if spf.explanation else detail
    raise Unauthenticated(detail, domain=domain, text=text, trace=trace)
