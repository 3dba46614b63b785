"""Who is it: passwords checked against Argon2id hashes, without letting the slow hash become the login rate.

Unknown addresses, wrong passwords and disabled accounts cost the same and raise the same.  A verified password
is remembered by all workers as a keyed digest (`services.shared`) bound to the hash it was verified against, so a
changed password is never served from memory, even if a hint was lost.

App passwords are found by a fast keyed hash at every sign-in, so that a revoked one is refused at once.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from posthouse.core.address import customer_of, try_address
from posthouse.core.errors import BadToken, SignInFailed, Unavailable
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.core.saslprep import try_prepare
from posthouse.core.scram import ITERATIONS
from posthouse.services import certificates
from posthouse.services.background import Background
from posthouse.services.bans import Bans, BanSettings
from posthouse.services.certificates import ClientCertificate
from posthouse.services.credentials import Claim, Credentials
from posthouse.services.devices import Devices
from posthouse.services.fair_pool import FairPool
from posthouse.services.grant import (
    Grant,
    Origin,
    TokenVerifier,
    of_certificate,
    of_credential,
    of_password,
    permitted,
)
from posthouse.services.outside import Outside, OutsideDirectory
from posthouse.services.passwords import HashSettings, Passwords
from posthouse.services.shared import SharedSignIn
from posthouse.services.steady import Steady
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Credential, Domain, Hint

PASSWORD_MAX_BYTES: Final = 1024
"""Longer ones are wrong by definition; keeps hashing cost bounded."""
TokenJudge = Callable[[str, str, Origin], Awaitable[Grant]]
"""As `TokenVerifier.verify`."""
ADDRESS_MAX: Final = 320
"""Of a name that is no address, as far as it is remembered."""


SCRAM_STEP_S: Final = 0.002
"""Challenges and refusals of SCRAM leave at multiples of it: they cost no hash that would hide what took longer."""


class SignInSettings(Struct, frozen=True):
    hashing: HashSettings = HashSettings()
    threads: int = 2
    """Hashes computed at the same time."""
    waiting_max: int = 200
    """Sign-ins that may wait for a thread; more are told to come back, those of the busiest address first."""
    scram_iterations: int = ITERATIONS
    cram_md5: bool = False
    """Keep keys for CRAM-MD5, which are as good as passwords, and offer it."""
    cache_s: float = 300.0
    bans: BanSettings = BanSettings()


_NOBODY_S: Final = "$argon2id$v=19$m=19456,t=2,p=1$" + 65 * "a"
"""As long as the hash of a password, and none."""


class Found(Struct):
    """Whom a login name means."""

    name: str  # normalised, or as it was given
    account: Account | None = None
    password_opens: bool = False  # the account's password, that is, and not only what it gave to programs
    apps_open: bool = True  # what it gave to programs, app passwords that is


def hash_password(password: str, settings: SignInSettings | None = None) -> str:
    """Takes tens of milliseconds, so call it off the event loop."""
    return Passwords((settings or SignInSettings()).hashing).hash(password)


class SignIn:
    """One per process; `close` when it ends."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: SignInSettings | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        tokens: TokenVerifier | None = None,
        shared: SharedSignIn | None = None,
    ) -> None:
        """Without `tokens`, OAUTHBEARER and XOAUTH2 are not offered.  `shared`: what all workers of the node know."""
        self._store = store
        self._clock = clock
        self.settings = settings or SignInSettings()
        self.tokens = tokens
        self.cram_md5 = self.settings.cram_md5
        self._passwords = Passwords(self.settings.hashing)
        self._lost_told = False
        self.outside: Outside | None = None
        self._pool = FairPool(self.settings.threads, self.settings.waiting_max, "signin")
        self._steady = Steady(SCRAM_STEP_S)
        self.shared = shared or SharedSignIn()
        self.bans = Bans(store, clock, self.settings.bans, sleep, self.shared.counts)
        self.devices = Devices(store, clock)
        self.credentials = Credentials(
            store,
            clock,
            self.settings.scram_iterations,
            self.settings.hashing.pepper,
            cram_md5=self.settings.cram_md5,
        )
        self._key = secrets.token_bytes(32)
        self._running: dict[tuple[str, str, bytes], asyncio.Future[bool]] = {}
        self._background = Background("upgrading a password")
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def close(self) -> None:
        self._unsubscribe()
        self._background.close()
        self._pool.close()
        self._steady.close()
        self.credentials.close()
        self.devices.close()
        self.bans.close()

    async def settled(self) -> None:
        """What sign-ins left to be written is written."""
        await self._background.settled()
        await self.credentials.settled()
        await self.devices.settled()

    async def check_password(self, address: str, password: str, origin: Origin) -> Grant:
        """Raises SignInFailed, Forbidden (protocol off), ScopeExceeded (credential for something else), NotApproved
        (new device), Unavailable."""
        return await self.devices.admit(await self.verify_password(address, password, origin), origin)

    async def verify_password(self, address: str, password: str, origin: Origin) -> Grant:
        """As `check_password`, but for the device: for who asks for more before it counts as signed in."""
        # RFC 4616 §2, RFC 5802 §5.1, RFC 6856 §2.2: equal forms of a name or a password are equal.
        prepared = try_prepare(password)
        found = await self._find(address, origin)
        await self._refuse_banned(found, origin)
        account = found.account
        main = account.password if account is not None and found.password_opens else None
        text = password if prepared is None else prepared
        if self._remembered(account, text) and account is not None and main is not None:
            return permitted(of_password(account), origin.protocol)
        if prepared is not None:
            one = await self.credentials.match(account, prepared, origin) if found.apps_open else None
            if one is not None and account is not None:
                return self._opened(account, one, origin)
        directory = None if self.outside is None else self.outside.of(found.name)
        if directory is not None and prepared is not None and (account is None or not account.password):
            return await self._ask_outside(directory, found, prepared, origin)
        # RFC 4013 §2.3: what cannot be prepared is wrong, and costs what a wrong one costs.
        if await self._verify(found, main if prepared else None, text, origin.peer_ip):
            assert account is not None
            return permitted(of_password(account), origin.protocol)
        await self._failed(found, self._digest(text), origin)
        raise SignInFailed(f"{origin.connection}: {address!r}")

    async def _ask_outside(
        self, directory: OutsideDirectory, found: Found, password: str, origin: Origin
    ) -> Grant:
        """A password that a directory knows; raises as `verify_password`, Unavailable when it cannot be asked."""
        assert self.outside is not None
        account, source = found.account, customer_of(origin.peer_ip)
        if account is not None and found.password_opens and self._remembered(account, password):
            return permitted(of_password(account), origin.protocol)
        person = await self.outside.check(directory, found.name, password[:PASSWORD_MAX_BYTES], source)
        right = person is not None and (not person.hash or await self._hash(source, person.hash, password))
        if right and account is None and person is not None:
            await self.outside.provision(directory, found.name, person)
            found = await self._find(found.name, origin)
            account = found.account
        if not right or account is None or not found.password_opens:
            await self._failed(found, self._digest(password), origin)
            raise SignInFailed(f"{origin.connection}: {found.name!r}: not by directory {directory.name}")
        self._remember(account, password)
        return permitted(of_password(account), origin.protocol)

    async def check_token(
        self, username: str, token: str, origin: Origin, judge: TokenJudge | None = None
    ) -> Grant:
        """OAUTHBEARER and XOAUTH2, and what else `judge` knows; raises as `check_password`."""
        found = await self._find(username, origin)
        await self._refuse_banned(found, origin)
        if judge is None and self.tokens is not None:
            judge = self.tokens.verify
        if judge is None:
            raise SignInFailed(f"{origin.connection}: no tokens are taken")
        try:
            grant = permitted(await judge(username, token, origin), origin.protocol)
        except SignInFailed as error:
            await self._failed(found, self._digest(token), origin)
            raise BadToken(error.detail) from error
        return await self.devices.admit(grant, origin)

    async def check_certificate(self, certificate: bytes, username: str, origin: Origin) -> Grant:
        """EXTERNAL, by a certificate (DER) that TLS has verified; raises as `check_password`.

        `username` may be empty when the certificate is of one account.
        """
        known = certificates.try_read(certificate)
        name = username or (known.addresses[0] if known is not None and known.addresses else "")
        found = await self._find(name, origin)
        await self._refuse_banned(found, origin)
        grants = (
            {} if known is None else await self._of_certificate(known, found.name if username else "", origin)
        )
        # Whose a certificate of several accounts is, the client has to say.
        if len(grants) != 1:
            await self._failed(found, certificate, origin)
            raise SignInFailed(f"{origin.connection}: the certificate is of {len(grants)} accounts")
        ((grant, registered),) = grants.values()
        permitted(grant, origin.protocol)
        if registered is not None:
            self.credentials.note_use(registered, origin)
        return await self.devices.admit(grant, origin)

    async def _of_certificate(
        self, known: ClientCertificate, wanted: str, origin: Origin
    ) -> dict[AccountId, tuple[Grant, Credential | None]]:
        """What it opens of `wanted` (empty: of anybody), and as what it was registered."""
        if not known.is_valid(
            self._clock.now()
        ):  # it ended since the handshake, or since one that is resumed
            return {}
        grants: dict[AccountId, tuple[Grant, Credential | None]] = {}
        registered = await self.credentials.registered(known, origin)
        for number, one in registered.items():
            account = await self._store.directory.account(number)
            if account is None or one is None or wanted not in ("", account.address):
                continue
            if (await self._find(account.address, origin)).account is not None:
                grants[number] = of_credential(account, one), one
        for address in certificates.of_whom(known, wanted):
            account = (await self._find(address, origin)).account
            # Where it is registered, that says what it opens; nobody signs in as a team.
            if account is not None and account.id not in registered and not account.team:
                grants[account.id] = of_certificate(account, known.name, known.ends_at), None
        return grants

    def _opened(self, account: Account, by: Credential, origin: Origin) -> Grant:
        grant = permitted(of_credential(account, by), origin.protocol)
        self.credentials.note_use(by, origin)
        return grant

    async def stands(self, grant: Grant) -> bool:
        """Whether what opened a session is there still: account, and what it signed in with.  Raises Unavailable."""
        account = await self._store.directory.account(grant.account.id)
        if account is None or not account.enabled:
            return False
        if grant.kind == "token":
            return await self._store.tokens.grant(int(grant.id)) is not None
        if grant.id and grant.kind in ("app", "certificate"):
            found = await self._store.credentials.of_account(account.id)
            return any(str(one.id) == grant.id for one in found)
        if grant.kind == "password":
            before = grant.account.password
            # A hash that was not of today's making is replaced at sign-in, and the password is the same.
            return before is None or before == account.password or not self._passwords.is_current(before)
        return True

    # --- SCRAM: the challenge, then what became of it ---

    async def scram_claim(self, address: str, mechanism: str, origin: Origin) -> Claim:
        """Keys to challenge with; an unknown address has some too.  Raises Unavailable."""
        begun = time.monotonic()
        found = await self._find(address, origin)
        await self._refuse_banned(found, origin)
        claim = await self.credentials.claim(
            found.name,
            found.account if found.apps_open else None,
            mechanism,
            origin,
            password=found.password_opens,
        )
        await self._steady.step(begun)
        return claim

    async def scram_finish(self, claim: Claim, key: int | None, origin: Origin) -> Grant:
        """`key` is the index of the key that was proven.  Raises as `check_password`."""
        if key is None or claim.account is None or key >= len(claim.credentials):
            begun = time.monotonic()
            # Two proofs of one wrong password look different, so each counts.
            await self._failed(Found(claim.name, claim.account), secrets.token_bytes(8), origin)
            await self._steady.step(begun)
            raise SignInFailed(f"{origin.connection}: SCRAM")
        return await self.devices.admit(self._opened(claim.account, claim.credentials[key], origin), origin)

    # --- who it is, and whether they are heard ---

    async def _find(self, address: str, origin: Origin) -> Found:
        """The enabled account of an enabled domain with this login name."""
        prepared = try_prepare(address)
        parsed = None if prepared is None else try_address(prepared)
        if parsed is None:
            return Found(address[:ADDRESS_MAX])
        directory = self._store.directory
        account = await directory.account_signing_in(parsed.key)
        domain = await directory.domain(parsed.domain)  # asked also for nobody: it should take as long
        if account is None or not account.enabled or domain is None or not domain.enabled:
            return Found(parsed.key)
        opens = _password_opens(account, domain, origin)
        return Found(parsed.key, account, opens, not domain.oauth_only)

    async def _refuse_banned(self, found: Found, origin: Origin) -> None:
        ban = await self.bans.ban_of(origin.peer_ip, found.name)
        if ban is None:
            return
        if found.account is not None and await self.devices.is_familiar(found.account.id, origin.peer_ip):
            return
        raise Unavailable(f"{origin.connection}: {ban.kind} {ban.subject} is banned: {ban.reason}")

    async def _failed(self, found: Found, secret: bytes, origin: Origin) -> None:
        if found.account is not None:
            self.devices.wrong(found.account, origin)
        await self.bans.failed(origin.peer_ip, found.name, secret)

    # --- verified passwords ---

    def _digest(self, password: str) -> bytes:
        return blake2b(password.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()

    def _remembered(self, account: Account | None, password: str) -> bool:
        """Looked up also for nobody: it should take as long."""
        now = self._clock.monotonic()
        if account is None:
            self.shared.verified.has(AccountId(0), _NOBODY_S, password, now)
            return False
        return self.shared.verified.has(account.id, account.password or "", password, now)

    def _remember(self, account: Account, password: str) -> None:
        until = self._clock.monotonic() + self.settings.cache_s
        self.shared.verified.add(account.id, account.password or "", password, until)

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == "directory":
            if hint.account:
                self.shared.verified.forget(hint.account)
            else:
                self.shared.verified.clear()

    # --- the slow hash ---

    async def _verify(self, found: Found, phc: str | None, password: str, peer_ip: str) -> bool:
        account, source = found.account, customer_of(peer_ip)
        if account is None or phc is None or len(password) > PASSWORD_MAX_BYTES:
            account, phc, password = None, "", password[:PASSWORD_MAX_BYTES]
        # Many connections of one account signing in at once cost one hash.  So do those of a name that is none: how
        # long twenty of them take would tell which it is.
        key = (found.name, phc, self._digest(password))
        running = self._running.get(key)
        if running is None:
            running = asyncio.ensure_future(self._hash_once(account, source, phc, password, peer_ip))
            self._running[key] = running
            running.add_done_callback(lambda done: self._ran(key, done))
        try:
            matches = await asyncio.shield(running)
        finally:
            del running  # as in `FairPool.run`: no circle with the exception
        if matches and account is not None:
            self._remember(account, password)
            self._background.run(self._upgrade(account, password))
        return matches

    async def _hash_once(
        self, account: Account | None, source: str, phc: str, password: str, peer_ip: str
    ) -> bool:
        # Asked also for nobody: it should take as long.
        known = await self.devices.is_familiar(AccountId(0) if account is None else account.id, peer_ip)
        return await self._hash(source, phc, password, known=known)

    def _ran(self, key: tuple[str, str, bytes], done: asyncio.Future[bool]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # seen, even if every caller has gone

    async def _hash(self, source: str, phc: str, password: str, *, known: bool = False) -> bool:
        try:
            matches: bool = await self._pool.run(source, lambda: self._matches(phc, password), known=known)
        except Unavailable:
            if self._passwords.lost and not self._lost_told:
                self._lost_told = (
                    True  # once: the administrator has to know, and the log is not to be flooded
                )
                asyncio.get_running_loop().call_exception_handler({"message": self._passwords.lost})
            raise
        return matches

    def _matches(self, phc: str, password: str) -> bool:
        """In a thread of the pool."""
        return self._passwords.matches(phc, password)

    async def _upgrade(self, account: Account, password: str) -> None:
        """A hash of today's making in the place of one that was imported, or is weaker; and its SCRAM keys."""
        stored = account.password or ""
        if not self._passwords.is_current(stored):
            better = await asyncio.to_thread(self._passwords.hash, password)
            if not await self._store.credentials.rehash(account.id, stored, better):
                return  # changed meanwhile
            account = replace(account, password=better)
        await self.credentials.upgrade(account, password)


def _password_opens(account: Account, domain: Domain, origin: Origin) -> bool:
    """With two steps, one secret alone opens nothing, JMAP no more than IMAP; programs have app passwords, tokens."""
    if origin.protocol in account.app_only or (domain.oauth_only and not origin.first_step):
        return False
    return origin.first_step or not (account.two_step or domain.two_step == "required")
