"""App passwords, registered certificates, and the SCRAM keys of passwords.

An app password is 100 bits of chance, so a fast keyed hash keeps it as well as a slow one would.  All keys of an
account share one salt and count, so that SCRAM can offer one challenge and find out afterwards which of them it was.
The salt comes from the address and the secret of the installation: an unknown address has one just the same, and
the same at every attempt.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from posthouse.core import cram, scram
from posthouse.core.address import parse_address, try_address
from posthouse.core.errors import Conflict, Exists, Expired, Invalid, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.core.scope import ACTIONS
from posthouse.core.scram import HASHES, ITERATIONS, ScramKey, ScramKeys
from posthouse.core.sentence import Sentence
from posthouse.services.background import Background
from posthouse.services.certificates import ClientCertificate
from posthouse.services.grant import JMAP, Origin
from posthouse.services.mailboxes import canonical_name
from posthouse.services.threads import patiently
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Credential

APP_PASSWORD_LENGTH: Final = 20
APP_PROTOCOLS: Final = ("imap", "pop3", "submission", "carddav")
"""Unless it is said otherwise; an app password may be for JMAP too."""
CERTIFICATE_PROTOCOLS: Final = ("imap", "pop3", "submission")
APP_PASSWORDS_MAX: Final = 100
"""Of one account, certificates among them."""
NAME_MAX: Final = 100
NETWORKS_MAX: Final = 50
FOLDERS_MAX: Final = 50
USE_NOTED_S: Final = 60.0
"""The last use is written once in so many seconds."""

_SEALED: Final = "!"
_NO_SALT: Final = (b"", 0)
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 characters that are not taken for each other
_FORM: Final = re.compile(rf"[{_ALPHABET}]{{{APP_PASSWORD_LENGTH}}}")


class Claim(Struct):
    """Who somebody says to be, and the keys that would prove it; `account` is None when there is nobody."""

    account: Account | None
    keys: ScramKeys
    credentials: list[Credential]  # one per key; empty when the keys are nobody's
    name: str = ""  # as it was looked up


class Credentials:
    """One per process; stateless but for the secret and when uses were noted."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        iterations: int = ITERATIONS,
        pepper: bytes = b"",
        *,
        cram_md5: bool = False,
    ) -> None:
        """`pepper`: the SCRAM keys of passwords are sealed with it, as they can be searched like a fast hash.

        `cram_md5`: keep keys for that mechanism too; without it, those of a password go at its next use.
        """
        self._cipher = None
        if pepper:
            self._cipher = AESGCM(blake2b(pepper, digest_size=32, person=b"SCRAM keys").digest())
        self._store = store
        self._clock = clock
        self._iterations = iterations
        self._cram_md5 = cram_md5
        self._secret = b""
        self._noted: dict[int, float] = {}
        self._background = Background("noting a sign-in")

    # --- app passwords ---

    async def add(
        self,
        address: str,
        name: str,
        *,
        protocols: Sequence[str] = APP_PROTOCOLS,
        networks: Sequence[str] = (),
        expires_at: float = 0.0,
        actions: Sequence[str] = tuple(ACTIONS),
        folders: Sequence[str] = (),
    ) -> tuple[Credential, str]:
        """The new app password and its text, which is told once.  Raises NotFound, Exists, Invalid."""
        account = await self._holder(address)
        name = _name(name)
        if expires_at and expires_at <= self._clock.now():
            raise Invalid(Sentence("app_password.expired"))
        text = "".join(secrets.choice(_ALPHABET) for _ in range(APP_PASSWORD_LENGTH))
        credential = Credential(
            account.id,
            "app",
            name,
            await self._keyed(account.id, text),
            await self._records(account, text),
            _protocols(protocols, (*APP_PROTOCOLS, JMAP)),
            normal_networks(networks),
            self._clock.now(),
            expires_at,
            actions=_actions(actions),
            folders=_folders(folders),
        )
        await self._store.credentials.put(credential)
        return credential, text

    async def app_passwords(self, address: str) -> list[Credential]:
        return await self._of_kind(address, "app")

    async def certificates(self, address: str) -> list[Credential]:
        return await self._of_kind(address, "certificate")

    async def _of_kind(self, address: str, kind: str) -> list[Credential]:
        account = await self._account(address)
        found = await self._store.credentials.of_account(account.id)
        return [one for one in found if one.kind == kind]

    async def revoke(self, address: str, name: str, kind: str = "app") -> None:
        """At once: the next sign-in with it fails.  Raises NotFound."""
        account = await self._account(address)
        await self._store.credentials.revoke(account.id, kind, name.strip())

    # --- client certificates ---

    async def register(
        self,
        address: str,
        name: str,
        certificate: ClientCertificate,
        *,
        protocols: Sequence[str] = CERTIFICATE_PROTOCOLS,
        networks: Sequence[str] = (),
        actions: Sequence[str] = tuple(ACTIONS),
        folders: Sequence[str] = (),
    ) -> Credential:
        """Until the certificate ends.  Raises NotFound, Exists, Invalid."""
        account = await self._holder(address)
        now = self._clock.now()
        if not certificate.is_valid(now):
            raise Invalid(Sentence("certificate.ended"))
        if any(
            one.account == account.id
            for one in await self._store.credentials.of_certificate(certificate.fingerprint)
        ):
            raise Exists(Sentence("certificate.exists"))
        credential = Credential(
            account.id,
            "certificate",
            _name(name),
            certificate.fingerprint,
            (),
            _protocols(protocols, CERTIFICATE_PROTOCOLS),
            normal_networks(networks),
            now,
            certificate.ends_at,
            actions=_actions(actions),
            folders=_folders(folders),
        )
        await self._store.credentials.put(credential)
        return credential

    async def registered(
        self, certificate: ClientCertificate, origin: Origin
    ) -> dict[AccountId, Credential | None]:
        """The accounts that the certificate was registered to; None where it may not be used so."""
        found = await self._store.credentials.of_certificate(certificate.fingerprint)
        return {one.account: one if self._usable(one, origin) else None for one in found}

    async def match(self, account: Account | None, password: str, origin: Origin) -> Credential | None:
        """The app password this is, if it may be used so; raises Expired."""
        text = password.replace(" ", "").replace("-", "")  # people copy it in groups
        if not _FORM.fullmatch(text):
            return None
        number = account.id if account is not None else AccountId(0)
        known = await self._keyed(number, text)
        for one in await self._store.credentials.of_account(number):
            if one.kind == "app" and hmac.compare_digest(one.secret, known):
                if self._fits(one, origin) and self._is_over(one):
                    raise Expired(f"{origin.connection}: the app password {one.name!r}")
                return one if self._usable(one, origin) else None
        return None

    def _usable(self, one: Credential, origin: Origin) -> bool:
        return self._fits(one, origin) and not self._is_over(one)

    def _fits(self, one: Credential, origin: Origin) -> bool:
        return (origin.program or origin.protocol) in one.protocols and (
            not one.networks or is_within(origin.peer_ip, one.networks)
        )

    def _is_over(self, one: Credential) -> bool:
        return bool(one.expires_at) and one.expires_at <= self._clock.now()

    def note_use(self, one: Credential, origin: Origin) -> None:
        """In the background; a use that cannot be noted is no reason to refuse it."""
        now, ip = self._clock.now(), origin.peer_ip
        if one.kind == "password" or (one.used_ip == ip and now - self._noted.get(one.id, 0.0) < USE_NOTED_S):
            return
        if len(self._noted) > 10_000:
            self._noted.clear()
        self._noted[one.id] = now
        self._background.run(self._store.credentials.used(one.id, now, ip, origin.protocol))

    # --- SCRAM ---

    async def claim(
        self, address: str, account: Account | None, mechanism: str, origin: Origin, *, password: bool
    ) -> Claim:
        """`password`: that of the account opens the protocol."""
        found = await self._store.credentials.of_account(account.id if account is not None else AccountId(0))
        salt, iterations = await self._salt(address, found, mechanism) if mechanism in HASHES else _NO_SALT
        keys: list[ScramKey] = []
        owners: list[Credential] = []
        for one in found:
            key = self._key_of(one, mechanism, salt, iterations)
            if (
                key is not None
                and account is not None
                and self._opens(one, account, origin, password=password)
            ):
                keys.append(key)
                owners.append(one)
        if not keys:
            # Keys that nothing opens, so that nobody learns from the answers or their time that there are none.
            size = len(scram.digest(mechanism, b"")) if mechanism in HASHES else 16
            keys.append(ScramKey(secrets.token_bytes(size), secrets.token_bytes(size)))
        return Claim(account, ScramKeys(salt, iterations, keys), owners, address)

    def _opens(self, one: Credential, account: Account, origin: Origin, *, password: bool) -> bool:
        if one.kind == "password":
            # Keys of an older password are no keys.
            return password and one.secret == account.password
        return one.kind == "app" and self._usable(one, origin)

    async def keep_keys(self, account: Account, password: str, *, patient: bool = False) -> None:
        """SCRAM keys for the (prepared) password that `account.password` is the hash of."""
        if account.password is not None:
            records = tuple(map(self._sealed, await self._records(account, password, patient=patient)))
            keys = Credential(
                account.id, "password", "", account.password, records, created_at=self._clock.now()
            )
            with contextlib.suppress(Conflict):  # changed meanwhile: who did it makes the keys
                await self._store.credentials.put(keys)

    async def upgrade(self, account: Account, password: str) -> None:
        """Keys for an account whose password was set without; nobody waits for them."""
        found = await self._store.credentials.of_account(account.id)
        if not any(one.secret == account.password and self._is_current(one) for one in found):
            # perf: a hundred accounts at their first sign-in are three seconds of a processor.
            await self.keep_keys(account, password, patient=True)

    async def _records(self, account: Account, password: str, *, patient: bool = False) -> tuple[str, ...]:
        found = [one for one in await self._store.credentials.of_account(account.id) if one.kind == "app"]
        salts = {name: await self._salt(account.address, found, name) for name in HASHES}

        def derive() -> tuple[str, ...]:
            records = [
                scram.format_record(name, *salts[name], scram.derive(name, password, *salts[name]))
                for name in HASHES
            ]
            if self._cram_md5:
                records.append(scram.format_record(cram.NAME, *_NO_SALT, ScramKey(*cram.derive(password))))
            return tuple(records)

        return await (patiently(derive) if patient else asyncio.to_thread(derive))

    async def _salt(self, address: str, found: Sequence[Credential], mechanism: str) -> tuple[bytes, int]:
        for one in found:
            for record in one.scram:
                if record.startswith(mechanism + "$"):
                    return scram.salt_of(record)
        parsed = try_address(address)
        text = f"{mechanism} {parsed.key if parsed is not None else address}"
        key = await self._key()
        salt = blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=16, person=b"salt")
        return salt.digest(), self._iterations

    # --- what both need ---

    async def _holder(self, address: str) -> Account:
        """Who may have one more.  Raises NotFound, Invalid."""
        account = await self._account(address)
        if account.team:
            raise Invalid(Sentence("team.app_password"))
        if len(await self._store.credentials.of_account(account.id)) > APP_PASSWORDS_MAX:
            raise Invalid(Sentence("app_password.many", limit=APP_PASSWORDS_MAX))
        return account

    async def _account(self, address: str) -> Account:
        account = await self._store.directory.account_by_address(parse_address(address).key)
        if account is None:
            raise NotFound(Sentence("account.none", address=address))
        return account

    async def _key(self) -> bytes:
        if not self._secret:
            secret = await self._store.directory.setting("signin.secret")
            if secret is None:
                raise NotFound(Sentence("store.no_secret"))
            self._secret = secret
        return self._secret

    async def _keyed(self, account: AccountId, text: str) -> str:
        key = await self._key()
        return blake2b(
            b"%d %b" % (account, text.encode()), key=key, digest_size=32, person=b"app"
        ).hexdigest()

    # --- sealed keys ---

    def _sealed(self, record: str) -> str:
        if self._cipher is None:
            return record
        head, _, keys = record.rpartition("$")
        nonce = secrets.token_bytes(12)
        data = nonce + self._cipher.encrypt(nonce, keys.encode(), head.encode())
        return f"{head}${_SEALED}{b64encode(data).decode()}"

    def _is_current(self, one: Credential) -> bool:
        """Sealed if keys are to be; with a key for CRAM-MD5 if there is to be one."""
        sealed = all(f"${_SEALED}" in record for record in one.scram)
        with_cram = any(record.startswith(cram.NAME + "$") for record in one.scram)
        return one.kind == "password" and sealed is (self._cipher is not None) and with_cram is self._cram_md5

    def _key_of(self, one: Credential, mechanism: str, salt: bytes, iterations: int) -> ScramKey | None:
        for record in one.scram:
            if not record.startswith(mechanism + "$") or scram.salt_of(record) != (salt, iterations):
                continue
            head, _, keys = record.rpartition("$")
            if not keys.startswith(_SEALED):
                return scram.parse_record(record)[3]
            if self._cipher is None:
                return None  # the pepper is lost; PLAIN says so (`services.passwords`)
            data = b64decode(keys[len(_SEALED) :])
            try:
                opened = self._cipher.decrypt(data[:12], data[12:], head.encode())
            except InvalidTag:
                return None
            return scram.parse_record(f"{head}${opened.decode()}")[3]
        return None

    async def settled(self) -> None:
        """What runs in the background is done."""
        await self._background.settled()

    def close(self) -> None:
        self._background.close()


def _name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise Invalid(Sentence("app_password.name", limit=NAME_MAX))
    return name


def _protocols(protocols: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    if set(protocols) - set(known) or not protocols:
        raise Invalid(Sentence("choice.protocols", known=", ".join(known)))
    return tuple(protocol for protocol in known if protocol in protocols)


def _actions(actions: Sequence[str]) -> int:
    unknown = set(actions) - set(ACTIONS)
    if unknown or not actions:
        raise Invalid(Sentence("app_password.actions", known=", ".join(ACTIONS)))
    return sum(ACTIONS[action] for action in set(actions))


def _folders(folders: Sequence[str]) -> tuple[str, ...]:
    if len(folders) > FOLDERS_MAX:
        raise Invalid(Sentence("app_password.folders", limit=FOLDERS_MAX))
    return tuple(canonical_name(folder) for folder in folders)


def normal_networks(networks: Sequence[str]) -> tuple[str, ...]:
    if len(networks) > NETWORKS_MAX:
        raise Invalid(Sentence("app_password.networks", limit=NETWORKS_MAX))
    return tuple(str(_network(network.strip())) for network in networks)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise Invalid(Sentence("app_password.network", given=repr(text))) from error


def is_within(ip: str, networks: Sequence[str]) -> bool:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False  # a Unix socket
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ipaddress.ip_network(network) for network in networks)
