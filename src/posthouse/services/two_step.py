"""The second step of a sign-in: codes of an authenticator app, recovery codes, codes sent to people.

Passkeys are `services.passkeys`.  While an account has an app or a passkey, its password alone opens nothing: mail
programs have app passwords (`services.signin`).
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import blake2b
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from posthouse.core import totp
from posthouse.core.errors import Conflict, Forbidden, Invalid, NotFound, SignInFailed, Unavailable
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.services.seal import Seals
from posthouse.services.shared import Counts
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Credential

RECOVERY_CODES: Final = 10
SENT_DIGITS: Final = 8
SENT_S: Final = 600.0
WRONG_MAX: Final = 10
"""Wrong codes of one account within `WRONG_S`; then none is looked at, wherever it comes from."""
WRONG_S: Final = 600.0
_WRONG: Final = "two-step"
FACTORS: Final = ("totp", "passkey")
"""Kinds of credential that make an account one of two steps."""
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_RECOVERY: Final = re.compile(f"[{_ALPHABET}]{{12}}")


class Sender(Protocol):
    """Takes a code to a person: the one built in writes to the second address; others may send SMS."""

    def reaches(self, account: Account) -> str:
        """Where the code would go, hidden but for its ends; "" when it cannot."""
        ...

    async def send(self, account: Account, code: str) -> None: ...


class _App(Struct):
    """What is sealed of an authenticator app."""

    key: bytes
    last: int = -1  # step of the last code that was used
    confirmed: bool = False


class Enrolment(Struct):
    """Told once."""

    secret: str
    uri: str


class TwoStep:
    """One per process."""

    def __init__(
        self, store: Store, clock: Clock, issuer: str = "Posthouse", counts: Counts | None = None
    ) -> None:
        """`counts`: the wrong codes, of all workers."""
        self._store = store
        self._clock = clock
        self._issuer = issuer
        self._seals = Seals(store)
        self.senders: dict[str, Sender] = {}
        self._counts = counts or Counts()

    async def _of(self, account: AccountId, kind: str) -> list[Credential]:
        return [one for one in await self._store.credentials.of_account(account) if one.kind == kind]

    # --- setting it up ---

    async def enrol(self, account: Account) -> Enrolment:
        """A new key for an app; it counts once `confirm` has seen a code.  Raises Conflict, Invalid (policy)."""
        domain = await self._store.directory.domain(account.address.rpartition("@")[2])
        if domain is not None and domain.two_step == "off":
            raise Invalid(Sentence("two_step.domain", domain=domain.name))
        for one in await self._of(account.id, "totp"):
            if (await self._app(one)).confirmed:
                raise Conflict(Sentence("two_step.on"))
            await self._store.credentials.replace(account.id, one.id, one.secret, None)
        key = secrets.token_bytes(totp.KEY_BYTES)
        await self._store.credentials.put(
            Credential(
                account.id, "totp", "", await self._seal(account.id, _App(key)), created_at=self._clock.now()
            )
        )
        return Enrolment(totp.secret_text(key), totp.uri(key, account.address, self._issuer))

    async def confirm(self, account: Account, code: str) -> list[str]:
        """The recovery codes, told once; from here on it is on.  Raises NotFound, SignInFailed."""
        found = await self._of(account.id, "totp")
        if not found:
            raise NotFound(Sentence("two_step.nothing"))
        if not await self._try_app(found[0], code):
            raise SignInFailed(Sentence("two_step.code"))
        await self._store.directory.update_account(account.id, {"two_step": True})
        await self._end_sessions(account.id)
        return await self.new_recovery_codes(account)

    async def new_recovery_codes(self, account: Account) -> list[str]:
        """The old ones are void."""
        await self._drop(account.id, "recovery")
        codes = ["".join(secrets.choice(_ALPHABET) for _ in range(12)) for _ in range(RECOVERY_CODES)]
        for number, code in enumerate(codes, 1):
            secret = await self._hash(account.id, "recovery", code)
            one = Credential(account.id, "recovery", str(number), secret, created_at=self._clock.now())
            await self._store.credentials.put(one)
        return ["-".join((code[:4], code[4:8], code[8:])) for code in codes]

    async def disable(self, account: Account) -> None:
        """Takes away the app, the passkeys and the recovery codes; ends all sessions.  Raises NotFound."""
        removed = sum([await self._drop(account.id, kind) for kind in (*FACTORS, "recovery", "email")])
        if not removed and not account.two_step:
            raise NotFound(Sentence("two_step.off", address=account.address))
        await self._store.directory.update_account(account.id, {"two_step": False})
        await self._end_sessions(account.id)

    async def _end_sessions(self, account: AccountId) -> None:
        """Who came in by less than is asked for now comes in again."""
        await self._store.access.end_web_sessions(account)

    async def _drop(self, account: AccountId, kind: str) -> int:
        found = await self._of(account, kind)
        for one in found:
            await self._store.credentials.replace(account, one.id, one.secret, None)
        return len(found)

    async def methods(self, account: Account) -> dict[str, str]:
        """What can be asked for: method -> where (a hint for people, or "")."""
        found: dict[str, str] = {}
        for one in await self._store.credentials.of_account(account.id):
            if one.kind == "totp" and not (await self._app(one)).confirmed:
                continue
            if one.kind in {*FACTORS, "recovery"}:
                found[one.kind] = ""
        if set(found) & set(FACTORS):
            found |= {name: where for name, one in self.senders.items() if (where := one.reaches(account))}
        return found

    async def wanted(self, account: Account) -> dict[str, str]:
        """The methods one of which has to follow the password; none: it is enough.

        Raises Forbidden: a second step is required, and there is none.
        """
        domain = await self._store.directory.domain(account.address.rpartition("@")[2])
        if not account.two_step and (domain is None or domain.two_step != "required"):
            return {}  # a passkey may be there, for signing in without the password
        methods = await self.methods(account)
        if not methods:
            # An account whose factors are gone is not one without: the administrator has to say so.
            raise Forbidden(Sentence("two_step.none", address=account.address))
        return methods

    # --- using it ---

    async def send(self, account: Account, method: str) -> None:
        """A code on its way to a person; the one before is void.  Raises NotFound, Unavailable."""
        sender = self.senders.get(method)
        if sender is None or method not in await self.methods(account):
            raise NotFound(Sentence("two_step.way", method=method))
        self._refuse_exhausted(account.id)
        code = f"{secrets.randbelow(10**SENT_DIGITS):0{SENT_DIGITS}}"
        await self._drop(account.id, "email")
        now = self._clock.now()
        secret = await self._hash(account.id, "email", code)
        await self._store.credentials.put(
            Credential(account.id, "email", method, secret, created_at=now, expires_at=now + SENT_S)
        )
        await sender.send(account, code)

    async def check(self, account: Account, code: str) -> str:
        """The method whose code this is; it is used up.  Raises SignInFailed, Unavailable (too many wrong ones)."""
        self._refuse_exhausted(account.id)
        # Counted before it is looked at, so that many guesses at once are no way round the limit.
        now = self._clock.monotonic()
        _, until = self._counts.get(_WRONG, str(account.id), now)
        tried = self._counts.add(_WRONG, str(account.id), now=now, until=until or now + WRONG_S)
        if tried.count > WRONG_MAX:  # another worker counted meanwhile
            raise Unavailable(Sentence("two_step.many"))
        text = "".join(char for char in code.lower() if char not in " -")
        for one in await self._store.credentials.of_account(account.id):
            if await self._fits(one, text):
                self._counts.forget(_WRONG, str(account.id), self._clock.monotonic())
                return one.kind
        raise SignInFailed(f"second step of {account.address}")

    def _refuse_exhausted(self, account: AccountId) -> None:
        if self._counts.get(_WRONG, str(account), self._clock.monotonic())[0] >= WRONG_MAX:
            raise Unavailable(Sentence("two_step.many"))

    async def _fits(self, one: Credential, text: str) -> bool:
        if one.kind == "totp":
            return len(text) == totp.DIGITS and await self._try_app(one, text, confirmed=True)
        if one.kind == "recovery":
            return bool(_RECOVERY.fullmatch(text)) and await self._use_up(one, text)
        if one.kind == "email":
            return one.expires_at > self._clock.now() and await self._use_up(one, text)
        return False

    async def _use_up(self, one: Credential, text: str) -> bool:
        if not hmac.compare_digest(one.secret, await self._hash(one.account, one.kind, text)):
            return False
        return await self._store.credentials.replace(one.account, one.id, one.secret, None)

    async def _try_app(self, one: Credential, code: str, *, confirmed: bool = False) -> bool:
        """RFC 6238 §5.2: a code is taken once, by whichever worker is first."""
        app = await self._app(one)
        if confirmed and not app.confirmed:
            return False
        step = totp.match(app.key, "".join(code.split()), self._clock.now(), app.last)
        if step is None:
            return False
        used = await self._seal(one.account, _App(app.key, step, confirmed=True))
        return await self._store.credentials.replace(one.account, one.id, one.secret, used)

    async def _seal(self, account: AccountId, app: _App) -> str:
        return await self._seals.seal(msgspec.msgpack.encode(app), f"totp of account {account}")

    async def _app(self, one: Credential) -> _App:
        data = await self._seals.unseal(one.secret, f"totp of account {one.account}")
        return msgspec.msgpack.decode(data, type=_App)

    async def _hash(self, account: AccountId, kind: str, text: str) -> str:
        key = await self._seals.key(b"two-step")
        data = f"{account} {kind} {text}".encode("utf-8", "surrogatepass")
        return blake2b(data, key=key, digest_size=32).hexdigest()
