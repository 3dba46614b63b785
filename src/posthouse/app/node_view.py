"""What the API shows of the node: DNS as it should be and as it is, certificates, health."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import NameOID

from posthouse import __version__
from posthouse.app import settings
from posthouse.app.admin import with_store
from posthouse.app.config import Config
from posthouse.app.dns_check import Wanted, check_domain
from posthouse.app.dns_records import Record, offered, records_for
from posthouse.app.texts_dns import say, words
from posthouse.app.texts_health import HEALTH
from posthouse.core.ports import Clock, SystemClock
from posthouse.servers.board import LISTENERS, Board, field
from posthouse.services.acme import read_state
from posthouse.services.dkim import ACTIVE, DkimKeys
from posthouse.storage.ports import Store
from posthouse.storage.rows import Domain

T = TypeVar("T")
DISK_LOW: Final = 0.1
DISK_FULL: Final = 0.03
QUEUE_OLD_S: Final = 4 * 3600.0
CERTIFICATE_SOON_DAYS: Final = 14
NAMED_MAX: Final = 10
"""Accounts and domains that one list of warnings names."""
_UNITS: Final = (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10))


class View:
    """`http.api.operation.NodeView`."""

    def __init__(self, store: Store, clock: Clock, config: Config, board: Board | None) -> None:
        """Without `board`, which only processes of the node have, nothing that they count is told."""
        self._store = store
        self._clock = clock
        self._config = config
        self._board = board
        self._started_at = time.time()

    # --- DNS ---

    async def _keys(self, domain: Domain) -> Any:
        return await DkimKeys(self._store, self._clock).listed(domain.name)

    async def records(self, domain: Domain, language: str) -> list[dict[str, str]]:
        config = self._config
        found = records_for(
            domain.name, config.hostname, [], await self._keys(domain), offered(config), domain.dmarc
        )
        return _records(found, language)

    async def check(self, domain: Domain, language: str) -> list[dict[str, Any]]:
        resolver = settings.dns_resolver(self._config, self._clock)
        wanted = Wanted(
            domain.name,
            self._config.hostname,
            [],
            await self._keys(domain),
            offered(self._config),
            self._clock.now(),
            domain.dmarc,
        )
        try:
            found = await check_domain(wanted, resolver)
        finally:
            await resolver.close()
        return [
            {
                "subject": one.subject,
                "title": say(f"dns.subject.{one.subject}", language),
                "level": one.level,
                "records": _records(one.records, language),
                "found": one.found,
                "findings": [
                    {"level": each.level, "text": words(each.key, each.fields, language)}
                    for each in one.findings
                ],
            }
            for one in found
        ]

    # --- certificates ---

    async def certificates(self) -> list[dict[str, Any]]:
        config = self._config
        paths = [config.path(one.certificate) for one in config.tls.certificates]
        found = [
            await asyncio.to_thread(_read, path.read_bytes, "file", "") for path in paths if path.exists()
        ]
        state = await read_state(self._store)
        if state.certificate is not None:
            renewal = state.last_error if state.failures else "ok"
            chain = state.certificate.chain.encode()
            found.append(_read(lambda: chain, "acme", renewal))
        return [one for one in found if one]

    # --- health ---

    async def health(self, language: str) -> dict[str, Any]:
        usage = await asyncio.to_thread(shutil.disk_usage, self._config.data_path)
        board = self._board
        found = [
            *_disk(usage.free, usage.total, language),
            *await self._queue(language),
            *await self._certificates(language),
            *(_counts(board, language) if board else []),
            *await self._accounts(language),
            *await self._signing(language),
        ]
        told = {
            "version": __version__,
            "hostname": self._config.hostname,
            "disk_free_bytes": usage.free,
            "disk_total_bytes": usage.total,
            "checks": found,
        }
        return told | (_running(board, self._started_at) if board else {})

    async def _queue(self, language: str) -> list[dict[str, str]]:
        counts = await self._store.queue.counts()
        oldest = await self._store.queue.entries(limit=1)
        if not oldest:
            return []
        waited = self._clock.now() - max(oldest[0].arrived_at, oldest[0].not_before)
        count = counts.get("due", 0) + counts.get("held", 0)
        if waited < QUEUE_OLD_S:
            return []
        return [_told("queue", "warning", language, count=count, hours=int(waited // 3600))]

    async def _certificates(self, language: str) -> list[dict[str, str]]:
        found = []
        for one in await self.certificates():
            names, days = ", ".join(one["names"][:3]), int((one["not_after"] - self._clock.now()) // 86400)
            if days < 0:
                found.append(_told("certificate.over", "problem", language, names=names))
            elif days < CERTIFICATE_SOON_DAYS:
                found.append(_told("certificate", "warning", language, names=names, days=days))
        state = await read_state(self._store)
        if state.failures:
            error = state.last_error[:200]
            found.append(_told("acme", "problem", language, count=state.failures, error=error))
        return found

    async def _accounts(self, language: str) -> list[dict[str, str]]:
        directory, found = self._store.directory, []
        for one in await directory.find_accounts(None, kind="full", limit=NAMED_MAX):
            used = max(
                one.used_bytes / (one.quota_bytes or float("inf")),
                one.used_messages / (one.quota_messages or float("inf")),
            )
            found.append(_told("full", "warning", language, address=one.address, percent=int(100 * used)))
        found += [
            _told("administrator", "warning", language, address=one.address)
            for one in await directory.find_accounts(None, kind="administrators", limit=100)
            if not one.two_step
        ]
        return found[: 2 * NAMED_MAX]

    async def _signing(self, language: str) -> list[dict[str, str]]:
        if not self._config.mailauth.sign:
            return []
        found = [
            _told("dkim", "warning", language, domain=one.name)
            for one in await self._store.directory.domains()
            if one.enabled and not any(key.state == ACTIVE for key in await self._keys(one))
        ]
        return found[:NAMED_MAX]


def _records(found: Sequence[Record], language: str) -> list[dict[str, str]]:
    return [
        {"name": one.name, "type": one.type, "value": one.value, "purpose": say(one.purpose, language)}
        for one in found
    ]


def _read(data: Any, source: str, renewal: str) -> dict[str, Any]:
    """The first certificate of a chain; nothing when it cannot be read."""
    try:
        one = x509.load_pem_x509_certificates(data())[0]
    except (OSError, ValueError):
        return {}
    try:
        extension = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [str(name.value) for name in extension]
    except x509.ExtensionNotFound:
        names = []
    issuer = one.issuer.get_attributes_for_oid(
        NameOID.ORGANIZATION_NAME
    ) or one.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {
        "names": names,
        "issuer": str(issuer[0].value) if issuer else "",
        "source": source,
        "not_before": one.not_valid_before_utc.timestamp(),
        "not_after": one.not_valid_after_utc.timestamp(),
        "renewal": renewal,
    }


def looked_at(given: str | None, look: Callable[[View], Awaitable[T]]) -> T:
    """What can be seen of a configuration's node from outside its processes."""

    async def work(store: Store, config: Config) -> T:
        return await look(View(store, SystemClock(), config, None))

    return with_store(given, work)


def _told(key: str, level: str, language: str, **fields: object) -> dict[str, str]:
    text, advice = HEALTH[key]
    at = 0 if language == "zh" else 1
    return {"level": level, "subject": key, "text": text[at].format(**fields), "advice": advice[at]}


def _running(board: Board, started_at: float) -> dict[str, Any]:
    return {
        "started_at": started_at,
        "workers": board.slots - 3,  # writer, indexer, supervisor
        "connections": {
            name: int(board.total(field("connections", f'listener="{name}"'))) for name in LISTENERS
        },
    }


def _counts(board: Board, language: str) -> list[dict[str, str]]:
    faults, restarts = (int(board.total(field(name))) for name in ("faults_total", "restarts_total"))
    return [*_counted("faults", faults, language), *_counted("restarts", restarts, language)]


def _counted(key: str, count: int, language: str) -> list[dict[str, str]]:
    return [_told(key, "warning", language, count=count)] if count else []


def _disk(free: int, total: int, language: str) -> list[dict[str, str]]:
    share = free / total if total else 1.0
    if share >= DISK_LOW:
        return []
    name, size = next(((name, size) for name, size in _UNITS if free >= size), ("B", 1))
    level = "problem" if share < DISK_FULL else "warning"
    return [_told("disk", level, language, free=f"{free / size:.1f} {name}", percent=int(100 * share))]
