"""Certificates that renew themselves: kept in the store, renewed by one worker, taken on by all.

The setting `acme` holds account, certificate and what the authority wants to see; a change of it is a hint that every
worker gets.  Whoever holds the lock `acme` is the one who renews; it falls to another when its process dies.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from cryptography import x509
from msgspec import Struct, field

from posthouse.client.acme import Acme, AcmeAccount, AcmeError, Challenge, Window, new_account, renewal_id
from posthouse.core.errors import InUse, MailError
from posthouse.core.ports import Clock
from posthouse.services.seal import Seals
from posthouse.storage.ports import Store

SETTING: Final = "acme"
LOOK_S: Final = 3600.0
"""How often a worker looks whether there is something to do."""
RETRY_S: Final = 60.0
RETRY_GROWTH: Final = 4.0
"""A mishap of a moment is soon over; four tries in the first hour and a half spare its limit of failures."""
RETRY_MAX_S: Final = 86400.0
ALARM_S: Final = 14 * 86400.0
"""With less life than that left, a failure is told to the postmaster, once a day."""


class Certificate(Struct):
    names: list[str]
    chain: str  # PEM
    key: str  # PEM
    not_before: float
    not_after: float
    window_start: float = 0.0  # of the authority's wish; 0: it has none
    window_until: float = 0.0  # when to ask for the wish again


class AcmeState(Struct):
    directory: str = ""
    account: AcmeAccount | None = None
    certificate: Certificate | None = None
    answers: dict[str, str] = field(default_factory=dict)  # HTTP-01: token -> key authorization
    proofs: dict[str, str] = field(default_factory=dict)  # TLS-ALPN-01: name -> key authorization
    failures: int = 0
    next_try: float = 0.0
    last_error: str = ""
    alarmed_at: float = 0.0


class AcmeSettings(Struct, frozen=True):
    directory: str
    names: tuple[str, ...]
    challenge: str  # "http-01", "tls-alpn-01", "dns-01"
    email: str = ""
    eab: tuple[str, str] | None = None


Hook = Callable[[str, str, str], Awaitable[None]]
"""("add" or "remove", name of the TXT record, its value): for DNS-01."""
Alarm = Callable[[str], Awaitable[None]]


async def read_state(store: Store) -> AcmeState:
    """Raises Unavailable when it was sealed with another secret."""
    data = await store.directory.setting(SETTING)
    if data is None:
        return AcmeState()
    return msgspec.json.decode(await Seals(store).unseal(data.decode(), SETTING), type=AcmeState)


async def write_state(store: Store, state: AcmeState) -> None:
    """Every worker is told."""
    sealed = await Seals(store).seal(msgspec.json.encode(state), SETTING)
    await store.directory.put_setting(SETTING, sealed.encode())


def due_at(certificate: Certificate) -> float:
    """A third of the life before its end, or when the authority wishes it, if that is sooner."""
    usual = certificate.not_after - (certificate.not_after - certificate.not_before) / 3
    return min(usual, certificate.window_start) if certificate.window_start else usual


class Renewal:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: AcmeSettings,
        connect: Callable[[AcmeAccount], Acme],
        log: logging.Logger,
        *,
        hook: Hook | None = None,
        alarm: Alarm | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._connect = connect
        self._log = log
        self._hook = hook
        self._alarm = alarm

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.look()
            except MailError as error:
                self._log.error("certificates cannot be looked after", extra={"facts": {"error": str(error)}})
                await asyncio.sleep(RETRY_S)
                continue
            await asyncio.sleep(await self._pause())

    async def _pause(self) -> float:
        try:
            state = await read_state(self._store)
        except MailError:
            return RETRY_S
        wait = state.next_try - self._clock.now() if state.failures else LOOK_S
        return min(max(wait, 1.0), LOOK_S) * random.uniform(1.0, 1.1)

    async def look(self) -> bool:
        """True when a certificate was renewed."""
        try:
            lock = await self._store.locks.acquire("acme")
        except InUse:  # another worker does it
            return False
        try:
            state = await read_state(self._store)
            self._begin(state)
            if not await self._is_due(state):
                return False
            return await self._renew(state)
        finally:
            await lock.release()

    def _begin(self, state: AcmeState) -> None:
        """Another authority does not know our account."""
        if state.directory != self._settings.directory:
            state.directory, state.account = self._settings.directory, None

    async def _is_due(self, state: AcmeState) -> bool:
        now, certificate = self._clock.now(), state.certificate
        if state.failures and now < state.next_try:
            return False
        if certificate is None or sorted(certificate.names) != sorted(self._settings.names):
            return True
        if now >= certificate.window_until and state.account is not None:
            await self._ask_window(state, certificate)
        return now >= due_at(certificate)

    async def _ask_window(self, state: AcmeState, certificate: Certificate) -> None:
        """RFC 9773 §4.2: a moment of the window by chance; without an answer the usual time holds."""
        assert state.account is not None
        try:
            window = await self._connect(state.account).renewal_window(renewal_id(certificate.chain))
        except AcmeError as error:
            self._log.warning("the authority's wish is not known", extra={"facts": {"error": str(error)}})
            window = Window("", "", LOOK_S)
        if window is None:
            certificate.window_until = certificate.not_after
        else:
            start, end = _moment(window.start), _moment(window.end)
            same = start <= certificate.window_start <= end
            if start and not same:
                certificate.window_start = random.uniform(start, max(start, end))
            certificate.window_until = self._clock.now() + max(60.0, min(window.retry_after_s, 86400.0))
        await self._write(state)

    async def _renew(self, state: AcmeState) -> bool:
        state.account = state.account or new_account()
        acme = self._connect(state.account)
        try:
            if not state.account.url:
                await acme.register(self._settings.email, eab=self._settings.eab)
                await self._write(state)
            old = state.certificate
            chain, key = await acme.issue(
                self._settings.names,
                self._settings.challenge,
                lambda challenges: self._solve(state, challenges),
                replaces=renewal_id(old.chain) if old is not None else "",
            )
            found = certificate_of(chain, key)
        except (AcmeError, OSError, ValueError) as error:
            await self._failed(state, str(error))
            return False
        finally:
            await self._clean(state)
        state.certificate, state.failures, state.next_try, state.last_error = found, 0, 0.0, ""
        await self._write(state)
        self._log.info("a certificate was renewed", extra={"facts": {"names": " ".join(found.names)}})
        return True

    async def _failed(self, state: AcmeState, error: str) -> None:
        now = self._clock.now()
        if "accountDoesNotExist" in error:
            state.account = None
        state.failures += 1
        state.next_try = now + min(RETRY_S * RETRY_GROWTH ** min(state.failures - 1, 16), RETRY_MAX_S)
        state.last_error = error
        left = state.certificate.not_after - now if state.certificate is not None else 0.0
        facts = {"names": " ".join(self._settings.names), "error": error, "days_left": int(left / 86400)}
        self._log.error("a certificate could not be renewed", extra={"facts": facts})
        if left < ALARM_S and now - state.alarmed_at > 86400.0 and self._alarm is not None:
            state.alarmed_at = now
            await self._alarm(error)
        await self._write(state)

    # --- challenges ---

    async def _solve(self, state: AcmeState, challenges: list[Challenge]) -> None:
        for one in challenges:
            if one.kind == "http-01":
                state.answers[one.token] = one.key_authorization
            elif one.kind == "tls-alpn-01":
                state.proofs[one.name] = one.key_authorization
            elif self._hook is not None:
                name, value = dns_record(one)
                state.answers[name] = value
                await self._hook("add", name, value)
        await self._write(state)  # from here on every worker can answer

    async def _clean(self, state: AcmeState) -> None:
        if self._hook is not None and self._settings.challenge == "dns-01":
            for name, value in state.answers.items():
                try:
                    await self._hook("remove", name, value)
                except OSError as error:
                    self._log.warning("a DNS record may have stayed", extra={"facts": {"error": str(error)}})
        if state.answers or state.proofs:
            state.answers, state.proofs = {}, {}
            await self._write(state)

    async def _write(self, state: AcmeState) -> None:
        await write_state(self._store, state)


def dns_record(challenge: Challenge) -> tuple[str, str]:
    """RFC 8555 §8.4."""
    digest = sha256(challenge.key_authorization.encode()).digest()
    name = challenge.name.removeprefix("*.")
    return f"_acme-challenge.{name}.", base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def certificate_of(chain: str, key: str) -> Certificate:
    """Raises ValueError for what is none."""
    leaf = x509.load_pem_x509_certificate(chain.encode())
    names: Any = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return Certificate(
        names.value.get_values_for_type(x509.DNSName),
        chain,
        key,
        leaf.not_valid_before_utc.timestamp(),
        leaf.not_valid_after_utc.timestamp(),
    )


def _moment(text: str) -> float:
    """RFC 3339; 0 for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
