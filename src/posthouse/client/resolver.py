"""The one DNS resolver of a worker: the queue, the checks of senders and the command line share its cache.

`ask` never raises: what cannot be learned now is an answer in state FAILED, and the caller treats it as temporary.
Everything is bounded: questions at a time, time per question, CNAMEs followed (16, by dnspython), records of an answer,
entries and bytes of the cache.  Equal questions at the same time are asked once.

Concurrency: everything on one event loop.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import dns.asyncresolver
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
from dns.nameserver import Do53Nameserver, Nameserver
from msgspec import Struct

from posthouse.client.mx import MxError
from posthouse.client.networks import Networks
from posthouse.core.dns import FAILED, FROM_FILE, NO_DATA, NO_NAME, Answer, Lookup, Question
from posthouse.core.errors import Invalid
from posthouse.core.ports import Clock, SystemClock
from posthouse.core.sentence import Sentence, reason

EDNS_PAYLOAD: Final = 1232
RECORDS_MAX: Final = 256
"""Records kept of one answer."""
TTL_MAX_S: Final = 86400.0
NEGATIVE_TTL_MAX_S: Final = 900.0
"""RFC 2308 §5 lets negative answers be kept as long as the zone says; mistakes are mended sooner than that."""
FAILURE_TTL_S: Final = 5.0
"""For so long a failed look-up is not tried again (RFC 2308 §7 allows five minutes)."""
ENTRY_BYTES: Final = 400
"""What an entry of the cache takes besides its text, about."""

DEFAULT_TTL_S: Final = 3600

_ZONE_LINE: Final = re.compile(r"(\S+)\s+(?:([0-9]+)\s+)?(?:IN\s+)?([A-Z0-9]+)\s+(.+)", re.IGNORECASE)

_SERVER: Final = re.compile(r"(\[[^\]]+\]|[^:\[\]]+|[0-9A-Fa-f:.]+:[0-9A-Fa-f:.]*)(?::([0-9]{1,5}))?")

T = TypeVar("T")


LOOPBACK: Final = ("127.0.0.0/8", "::1/128")


class ResolverSettings(Struct, frozen=True):
    servers: tuple[str, ...] = ()
    """ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; empty: those of /etc/resolv.conf."""
    timeout_s: float = 10.0
    """For one question, with all its retries and CNAMEs."""
    questions_max: int = 500
    """Asked at the same time; the others wait within their time."""
    entries_max: int = 20_000
    cache_bytes: int = 16 * 1024 * 1024
    validating: tuple[str, ...] = LOOPBACK
    """Networks of resolvers that are believed when they say that DNSSEC holds."""


class StaticZone:
    """Names that are answered from a file: for split horizon, tests, and the demo, whose houses are in no DNS.

    Everything at or below a name with a SOA record is answered from the file, also that it does not exist.
    """

    def __init__(self, text: str, name: str = "zone") -> None:
        """Lines as `parse_zone` reads them; `name` is told with what is wrong.  Raises Invalid."""
        self._records: dict[tuple[str, str], tuple[Any, ...]] = {}
        self._names: set[str] = set()
        self._apexes: set[str] = set()
        for rrset in parse_zone(text, name):
            name, kind = _plain(rrset.name), dns.rdatatype.to_text(rrset.rdtype)
            if kind == "SOA":
                self._apexes.add(name)
            self._names.add(name)
            self._records[name, kind] = self._records.get((name, kind), ()) + _records(kind, rrset)

    def try_answer(self, question: Question) -> Answer | None:
        """None when the name is DNS's matter."""
        name = question.name
        if (records := self._records.get((name, question.kind))) is not None:
            return Answer(records, secure=True, reason=FROM_FILE)
        if name in self._names:
            if (alias := self._records.get((name, "CNAME"))) is not None and question.kind != "CNAME":
                return self.try_answer(Question(alias[0], question.kind)) if alias[0] != name else None
            return Answer((), NO_DATA, secure=True, reason=FROM_FILE)
        while name:
            if name in self._apexes:
                return Answer((), NO_NAME, secure=True, reason=FROM_FILE)
            name = name.partition(".")[2]
        return None


def parse_zone(text: str, name: str = "zone") -> list[dns.rrset.RRset]:
    """Lines of "NAME [TTL] [IN] KIND DATA", names complete, as `posthouse dns` prints them; Invalid names the line."""
    found: list[dns.rrset.RRset] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(";"):
            continue
        match = _ZONE_LINE.match(line)
        try:
            if match is None:
                raise ValueError("no name, kind and data")
            ttl = int(match[2] or DEFAULT_TTL_S)
            found.append(dns.rrset.from_text(match[1], ttl, "IN", match[3], match[4]))
        except (dns.exception.DNSException, ValueError) as error:
            raise Invalid(Sentence("static.line", path=name, line=number, said=error)) from error
    return found


def load_static_zone(path: Path) -> StaticZone:
    """Raises Invalid with the file's name."""
    try:
        return StaticZone(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise Invalid(Sentence("static.read", path=path, reason=reason(error))) from error
    except UnicodeDecodeError as error:
        raise Invalid(Sentence("static.text", path=path)) from error


class Resolver:
    """`client.mx.Dns`, and any other question."""

    def __init__(
        self,
        settings: ResolverSettings | None = None,
        *,
        clock: Clock | None = None,
        static: StaticZone | None = None,
    ) -> None:
        self.settings = settings or ResolverSettings()
        self._clock = clock or SystemClock()
        self._static = static
        self._resolver = _system_resolver(self.settings)
        self._believes = _are_within(self._resolver.nameservers, self.settings.validating)
        self._cache: dict[
            Question, tuple[float, int, Answer]
        ] = {}  # until, bytes, what; the oldest use first
        self._bytes = 0
        self._running: dict[Question, asyncio.Task[Answer]] = {}
        self._room = asyncio.Semaphore(self.settings.questions_max)
        self.asked = 0
        """Questions that went to a name server."""

    # --- asking ---

    def try_known(self, question: Question) -> Answer | None:
        """The answer if it is known without asking."""
        if self._static is not None and (answer := self._static.try_answer(question)) is not None:
            return answer
        entry = self._cache.pop(question, None)
        if entry is None:
            return None
        if entry[0] <= self._clock.monotonic():
            self._bytes -= entry[1]
            return None
        self._cache[question] = entry  # now the youngest
        return entry[2]

    async def ask(self, question: Question) -> Answer:
        known = self.try_known(question)
        if known is not None:
            return known
        task = self._running.get(question)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(question))
            self._running[question] = task
            task.add_done_callback(lambda _: self._running.pop(question, None))
        return await asyncio.shield(task)

    async def run(self, lookup: Lookup[T], evidence: Callable[[Question, Answer], None] | None = None) -> T:
        """Give a computation its answers until it returns; `evidence` is told each of them."""
        try:
            questions = next(lookup)
            while True:
                answers = [self.try_known(question) for question in questions]
                missing = [at for at, answer in enumerate(answers) if answer is None]
                if missing:
                    found = await asyncio.gather(*(self.ask(questions[at]) for at in missing))
                    for at, answer in zip(missing, found, strict=True):
                        answers[at] = answer
                complete = [answer for answer in answers if answer is not None]
                if evidence is not None:
                    for question, answer in zip(questions, complete, strict=True):
                        evidence(question, answer)
                questions = lookup.send(complete)
        except StopIteration as end:
            result: T = end.value
            return result

    def forget(self) -> None:
        """Empty the cache."""
        self._cache.clear()
        self._bytes = 0

    async def close(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- for the queue: client.mx.Dns ---

    async def mx(self, domain: str) -> Answer:
        return _or_raise(domain, await self.ask(Question(domain, "MX")))

    async def addresses(self, host: str) -> Answer:
        six, four = await asyncio.gather(self.ask(Question(host, "AAAA")), self.ask(Question(host, "A")))
        if six.failed and not four.records:
            return _or_raise(host, six)
        if not six.records:
            _or_raise(host, four)
        state = NO_NAME if NO_NAME in (six.state, four.state) else "ok"
        return Answer((*six.records, *four.records), state, six.secure and four.secure)

    # --- the cache ---

    def _keep(self, question: Question, answer: Answer, ttl_s: float) -> None:
        size = ENTRY_BYTES + len(question.name) + sum(_size(record) for record in answer.records)
        old = self._cache.pop(question, None)
        if old is not None:
            self._bytes -= old[1]
        if size > self.settings.cache_bytes // 8:  # one answer is not to push out all others
            return
        self._cache[question] = (self._clock.monotonic() + ttl_s, size, answer)
        self._bytes += size
        while len(self._cache) > self.settings.entries_max or self._bytes > self.settings.cache_bytes:
            oldest = next(iter(self._cache))
            self._bytes -= self._cache.pop(oldest)[1]

    # --- the network ---

    async def _fetch(self, question: Question) -> Answer:
        try:
            name = dns.name.from_text(question.name) if question.name.isascii() else None
        except dns.exception.DNSException:
            name = None
        if name is None:  # what cannot be asked for does not exist
            return Answer((), NO_NAME)
        try:
            async with asyncio.timeout(self.settings.timeout_s), self._room:
                self.asked += 1
                answer, ttl_s = await self._resolve(name, question.kind)
        except TimeoutError:
            answer, ttl_s = Answer((), FAILED, reason="timeout"), FAILURE_TTL_S
        except (dns.exception.DNSException, OSError, ValueError) as error:
            answer, ttl_s = Answer((), FAILED, reason=_reason(error)), FAILURE_TTL_S
        self._keep(question, answer, ttl_s)
        return answer

    def _is_secure(self, response: dns.message.Message) -> bool:
        """RFC 6840 §5.7, §5.8: the AD bit says something where the server and the way to it are trusted."""
        return self._believes and bool(response.flags & dns.flags.AD)

    async def _resolve(self, name: dns.name.Name, kind: str) -> tuple[Answer, float]:
        try:
            found = await self._resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            response = error.response(name)  # type: ignore[no-untyped-call]
            return Answer((), NO_NAME, self._is_secure(response)), _negative_ttl(response)
        secure = self._is_secure(found.response)
        if found.rrset is None:
            return Answer((), NO_DATA, secure), _negative_ttl(found.response)
        ttl_s = float(found.chaining_result.minimum_ttl)
        records = _records(kind, found.rrset)
        return Answer(records, "ok" if records else NO_DATA, secure), min(ttl_s, TTL_MAX_S)


def _system_resolver(settings: ResolverSettings) -> dns.asyncresolver.Resolver:
    servers: list[Do53Nameserver] = [parse_server(text) for text in settings.servers]
    try:
        resolver = dns.asyncresolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration:  # no resolv.conf: perhaps one listens here
        servers = [parse_server("127.0.0.1")]
        resolver = dns.asyncresolver.Resolver(configure=False)
    if servers:
        resolver.nameservers = servers
    resolver.lifetime = settings.timeout_s
    # RFC 6840 §5.7: the AD bit in the question asks for the AD bit in the answer
    resolver.flags = dns.flags.RD | dns.flags.AD
    resolver.use_edns(0, 0, EDNS_PAYLOAD)
    return resolver


def parse_server(text: str) -> Do53Nameserver:
    """Raises Invalid."""
    match = _SERVER.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        port = int(match[2] or 53)
        if not 0 < port < 65536:
            raise ValueError
        return Do53Nameserver(str(ipaddress.ip_address(match[1].strip("[]"))), port)
    except ValueError:
        raise Invalid(Sentence("dns.server", given=text)) from None


def _or_raise(name: str, answer: Answer) -> Answer:
    if answer.failed:
        raise MxError("4.4.3", f"DNS look-up of {name} failed: {answer.reason}")
    return answer


def _are_within(servers: Sequence[str | Nameserver], networks: Iterable[str]) -> bool:
    """All of them: which one answered does not stand in what it said."""
    found = [one if isinstance(one, str) else getattr(one, "address", "") for one in servers]
    within = Networks(tuple(networks))
    return bool(found) and all(one and one.partition("%")[0] in within for one in found)


def _reason(error: Exception) -> str:
    """What the servers said: the response code, and words for it where there are (RFC 8914 §2)."""
    said = error.kwargs.get("errors", ()) if isinstance(error, dns.resolver.NoNameservers) else ()
    responses = [one[4] for one in said if one[4] is not None]
    if not responses:
        return type(error).__name__
    extra = [one for one in responses[-1].options if isinstance(one, dns.edns.EDEOption)]
    words = [dns.edns.EDECode.to_text(one.code).replace("_", " ").lower() for one in extra[:3]]
    code = dns.rcode.to_text(responses[-1].rcode())
    return f"{code}: {', '.join(words)}" if words else code


def _negative_ttl(response: dns.message.Message) -> float:
    """RFC 2308 §5: the SOA record says for how long."""
    if not isinstance(response, dns.message.QueryMessage):
        return FAILURE_TTL_S
    if not any(rrset.rdtype == dns.rdatatype.SOA for rrset in response.authority):
        return FAILURE_TTL_S
    return min(float(response.resolve_chaining().minimum_ttl), NEGATIVE_TTL_MAX_S)


def _plain(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).strip(".").lower()


def _text(record: Any) -> str:
    """RFC 7208 §3.3: the strings of one record belong together, without blanks between."""
    return b"".join(record.strings).decode("utf-8", "replace")


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "A": lambda record: record.address,
    "AAAA": lambda record: record.address,
    "MX": lambda record: (int(record.preference), _plain(record.exchange)),
    "TXT": _text,
    "PTR": lambda record: _plain(record.target),
    "CNAME": lambda record: _plain(record.target),
    "NS": lambda record: _plain(record.target),
    "SRV": lambda record: (int(record.priority), int(record.weight), int(record.port), _plain(record.target)),
}
"""Kinds that can be asked for."""


def _records(kind: str, rrset: Iterable[Any]) -> tuple[Any, ...]:
    reader = _READERS.get(kind)
    return () if reader is None else tuple(reader(record) for record in list(rrset)[:RECORDS_MAX])


def _size(record: Any) -> int:
    return (
        len(record)
        if isinstance(record, str)
        else 64 + sum(len(one) for one in record if isinstance(one, str))
    )
