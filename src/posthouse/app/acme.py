"""Certificates of a worker: those of the configuration, and the one that ACME keeps fresh."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from posthouse.app import settings
from posthouse.app.config import Config, read_secret
from posthouse.app.trust import trusting
from posthouse.client.acme import TIMEOUT_S, Acme, AcmeAccount
from posthouse.core.address import try_address
from posthouse.core.errors import MailError
from posthouse.core.lazy import lazy
from posthouse.core.messages import say
from posthouse.core.ports import SystemClock
from posthouse.http.hello import offers
from posthouse.mime.compose import Letter, build
from posthouse.openssl.self_signed import self_signed
from posthouse.openssl.tickets import KeyRing
from posthouse.servers.tls import (
    ACME_TLS,
    Certificate,
    Contexts,
    TlsError,
    TlsSettings,
    challenge_context,
    make_contexts,
)
from posthouse.services.acme import AcmeSettings, AcmeState, Renewal, read_state
from posthouse.services.alerts import Post
from posthouse.storage.ports import Store
from posthouse.storage.rows import Hint

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy("httpx")

HOOK_S: Final = 300.0
"""How long the program for DNS-01 may take."""


class Certificates:
    """`choose` is what connections get; contexts are made anew when a certificate was renewed or a challenge begins."""

    def __init__(
        self, store: Store, log: logging.Logger, tell: Callable[[Contexts | None], None], ring: KeyRing
    ) -> None:
        """`tell` takes each new set of contexts; `ring` has the keys of their tickets."""
        self._store = store
        self._log = log
        self._tell = tell
        self._ring = ring
        self._configured: Contexts | None = None
        self._settings = TlsSettings()
        self._hostname = ""
        self._enabled = False
        self._seen: tuple[str, str] = ("", "")  # chain and proofs of the last look
        self._challenge: ssl.SSLContext | None = None
        self._contexts: Contexts | None = None
        self._stand_in = ""
        self._chore: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()
        self._looking = asyncio.Lock()
        self._http: httpx.AsyncClient | None = None
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    async def configure(self, config: Config, configured: Contexts | None, post: Post) -> None:
        """`configured` is the context of the certificates in the file.  Raises ConfigError, TlsError."""
        await self._stop()
        self._configured, self._settings = configured, settings.tls_settings(config)
        self._hostname, self._enabled = config.hostname, config.acme.enabled
        self._seen = ("", "")
        if not self._enabled:
            self._contexts = configured
            self._tell(configured)
            return
        renewal = self._renewal(config, post)
        await self._look()
        self._chore = asyncio.get_running_loop().create_task(renewal.run())

    def _renewal(self, config: Config, post: Post) -> Renewal:
        acme = config.acme
        verify = trusting(config, "acme.ca_file", acme.ca_file)
        self._http = http = httpx.AsyncClient(verify=verify, timeout=TIMEOUT_S)

        def connect(account: AcmeAccount) -> Acme:
            return Acme(acme.directory, account, http)

        async def alarm(error: str) -> None:
            await _write_alarm(config, post, error)

        async def hook(action: str, name: str, value: str) -> None:
            await run_hook(str(config.path(acme.dns_hook)), action, name, value)

        chosen = AcmeSettings(
            acme.directory,
            tuple(acme.names) or (config.hostname,),
            acme.challenge,
            acme.email,
            eab_of(config),
        )
        return Renewal(
            self._store,
            SystemClock(),
            chosen,
            connect,
            self._log,
            hook=hook if acme.dns_hook else None,
            alarm=alarm if config.postmaster else None,
        )

    # --- what connections get ---

    async def choose(self, sock: socket.socket) -> ssl.SSLContext | None:
        """For the listener of https; while a challenge waits, for who validates it."""
        if self._challenge is not None and await offers(sock, ACME_TLS.encode()):
            return self._challenge
        return None if self._contexts is None else self._contexts.of("https")

    async def answer(self, token: str) -> str:
        """HTTP-01: read from the store, as any worker may be asked at any moment."""
        return (await read_state(self._store)).answers.get(token, "") if self._enabled else ""

    def _on_hint(self, hint: Hint) -> None:
        if self._enabled and hint.kind == "directory" and not hint.account:
            task = asyncio.get_running_loop().create_task(self._look())
            self._looks.add(task)
            task.add_done_callback(self._looks.discard)

    async def _look(self) -> None:
        """One at a time, so that nothing older is taken on after something newer."""
        async with self._looking:
            try:
                self._take_on(await read_state(self._store))
            except (MailError, TlsError) as error:
                self._log.error("certificates cannot be taken on", extra={"facts": {"error": str(error)}})

    def _take_on(self, state: AcmeState) -> None:
        chain = state.certificate.chain if state.certificate is not None else ""
        proofs = " ".join(f"{name} {key}" for name, key in sorted(state.proofs.items()))
        if self._contexts is None or chain != self._seen[0]:
            self._contexts = self._made(state)
            self._tell(self._contexts)
        if proofs != self._seen[1]:
            found = {name: self_signed(name, key) for name, key in state.proofs.items()}
            self._challenge = challenge_context(found) if found else None
        self._seen = (chain, proofs)

    def _made(self, state: AcmeState) -> Contexts | None:
        one = state.certificate
        if one is None and self._configured is not None:
            return self._configured
        if one is None:
            self._stand_in = self._stand_in or self_signed(self._hostname)
            mine = Certificate((self._hostname,), pem=self._stand_in)
        else:
            mine = Certificate(tuple(one.names), pem=one.chain + "\n" + one.key)
        certificates = (mine, *self._settings.certificates)
        return make_contexts(TlsSettings(certificates, self._settings.clients), self._ring)

    # --- the end ---

    async def _stop(self) -> None:
        tasks = [*self._looks, *([self._chore] if self._chore is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._chore = None
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def close(self) -> None:
        self._unsubscribe()
        await self._stop()


async def run_hook(program: str, action: str, name: str, value: str) -> None:
    """Raises OSError with what the program said."""
    process = await asyncio.create_subprocess_exec(
        program,
        action,
        name,
        value,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), HOOK_S)
    except TimeoutError as error:
        process.kill()
        raise OSError(f"{program} {action}: not done within {HOOK_S:.0f} seconds") from error
    if process.returncode:
        raise OSError(
            f"{program} {action} {name}: {said.decode(errors='replace')[:300] or process.returncode}"
        )


def eab_of(config: Config) -> tuple[str, str] | None:
    if not config.acme.eab_key_id:
        return None
    return config.acme.eab_key_id, read_secret(config, "acme.eab_key_file", config.acme.eab_key_file)


async def _write_alarm(config: Config, post: Post, error: str) -> None:
    """To the postmaster; what cannot be delivered stands in the log all the same."""
    address = try_address(config.postmaster)
    if address is None:
        return
    names = ", ".join(config.acme.names or [config.hostname])
    now = SystemClock().now()
    letter = Letter(
        (say("alert.sender", config.language), config.postmaster),
        [("", config.postmaster)],
        subject=say("certificate.alarm.subject", config.language, names=names),
        text=say("certificate.alarm", config.language, names=names, error=error) + "\n",
        extra=[("Auto-Submitted", "auto-generated")],
    )
    try:
        await post.post(build(letter, now=now, message_id=f"acme.{int(now)}@{config.hostname}"), address)
    except MailError:
        return
