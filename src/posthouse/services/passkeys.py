"""Passkeys (WebAuthn Level 2) by the `webauthn` library: as a second step, and as the only one.

A challenge is ours by its signature, says what and whom it is for, and dies after some minutes.  The moment it was made
is kept with the passkey that answered it, so that no answer counts twice, on whichever worker.
"""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from posthouse.core.errors import Conflict, Exists, Invalid, NotFound, SignInFailed
from posthouse.core.ids import AccountId
from posthouse.core.lazy import lazy
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.services.seal import Seals
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Credential

if TYPE_CHECKING:
    import webauthn
    from webauthn.helpers import exceptions, structs
else:
    webauthn = lazy("webauthn")
    exceptions, structs = lazy("webauthn.helpers.exceptions"), lazy("webauthn.helpers.structs")

CHALLENGE_S: Final = 300.0
PASSKEYS_MAX: Final = 20
"""Of one account."""
NAME_MAX: Final = 60
ANSWER_MAX: Final = 16 * 1024
"""Octets of what a browser sends."""
_MAC_BYTES: Final = 16
REGISTER: Final = "register"
SECOND: Final = "second"
ALONE: Final = "alone"


class Passkey(Struct):
    """What is kept of one; nothing in it is secret."""

    id: bytes
    public_key: bytes
    sign_count: int
    made_by: str  # AAGUID: the kind of authenticator
    backed_up: bool
    last: int = 0  # microseconds: when the last challenge that it answered was made


class Passkeys:
    """One per process.  `origin` is how browsers see us (`https://mail.example.org`); passkeys belong to its host."""

    def __init__(self, store: Store, clock: Clock, origin: str, name: str) -> None:
        self._store = store
        self._clock = clock
        self._origin = origin
        self._host = urlsplit(origin).hostname or ""
        self._name = name
        self._seals = Seals(store)

    # --- making one ---

    async def registration(self, account: Account) -> dict[str, Any]:
        """What the browser's `navigator.credentials.create` wants, as JSON.  Raises Invalid."""
        known = await self.of_account(account.id)
        if len(known) >= PASSKEYS_MAX:
            raise Invalid(Sentence("passkey.many", limit=PASSKEYS_MAX))
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name=self._name,
            user_id=_handle(account.id),
            user_name=account.address,
            user_display_name=account.name or account.address,
            challenge=await self._challenge(REGISTER, account.id),
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=key.id) for _, key in known],
        )
        return _plain(options)

    async def register(self, account: Account, name: str, answer: dict[str, Any]) -> None:
        """Raises Invalid (not a sound answer), Conflict (the challenge is not ours, or too old), Exists (the name)."""
        name = _checked_name(name)
        challenge = _challenge_in(answer)
        await self._made_at(challenge, REGISTER, account.id)
        try:
            made = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (exceptions.WebAuthnException, ValueError) as error:
            raise Invalid(Sentence("passkey.not_made", said=str(error))) from error
        if any(key.id == made.credential_id for _, key in await self.of_account(account.id)):
            raise Conflict(Sentence("passkey.registered"))
        key = Passkey(
            made.credential_id,
            made.credential_public_key,
            made.sign_count,
            made.aaguid,
            made.credential_backed_up,
        )
        now = self._clock.now()
        await self._store.credentials.put(
            Credential(account.id, "passkey", name, _encode(key), created_at=now)
        )

    async def rename(self, account: AccountId, name: str, new_name: str) -> None:
        """Raises NotFound, Exists, Invalid."""
        new_name = _checked_name(new_name)
        names = {one.name: one for one, _ in await self.of_account(account)}
        if name not in names:
            raise NotFound(Sentence("passkey.none"))
        if new_name == name:
            return
        if new_name in names:
            raise Exists(Sentence("passkey.exists", name=repr(new_name)))
        old = names[name]
        # The new row first: the key opens the account at every moment.
        await self._store.credentials.put(
            Credential(account, "passkey", new_name, old.secret, created_at=old.created_at)
        )
        await self._store.credentials.revoke(account, "passkey", name)

    async def of_account(self, account: AccountId) -> list[tuple[Credential, Passkey]]:
        return await passkeys_of(self._store, account)

    # --- using one ---

    async def options(self, account: Account | None = None) -> dict[str, Any]:
        """What `navigator.credentials.get` wants; without an account the person chooses a passkey of this host."""
        known = await self.of_account(account.id) if account is not None else []
        purpose, number = (SECOND, account.id) if account is not None else (ALONE, AccountId(0))
        challenge = await self._challenge(purpose, number)
        # WebAuthn Level 2 §5.5, in JSON; without the library, as every sign-in page has one of these.
        return {
            "challenge": _text(challenge),
            "timeout": int(CHALLENGE_S * 1000),
            "rpId": self._host,
            "allowCredentials": [{"id": _text(key.id), "type": "public-key"} for _, key in known],
            "userVerification": "preferred" if account is not None else "required",
        }

    async def check(self, answer: dict[str, Any], account: Account | None = None) -> Account:
        """Whose passkey answered; with `account`, as a second step of theirs.

        Raises SignInFailed: for all that is wrong, as it is a stranger who asks.
        """
        challenge = _challenge_in(answer)
        purpose, number = (SECOND, account.id) if account is not None else (ALONE, AccountId(0))
        try:
            made_at = await self._made_at(challenge, purpose, number)
        except Conflict as error:
            raise SignInFailed(error.detail) from error
        owner = account if account is not None else await self._owner(answer)
        raw = answer.get("id")
        for one, key in await self.of_account(owner.id):
            if isinstance(raw, str) and _same(key.id, raw):
                await self._verify(answer, challenge, one, key, made_at, alone=account is None)
                return owner
        raise SignInFailed("no such passkey")

    async def _owner(self, answer: dict[str, Any]) -> Account:
        response = answer.get("response")
        handle = response.get("userHandle") if isinstance(response, dict) else None
        data = _bytes(handle) if isinstance(handle, str) else b""
        account = None
        if len(data) == 8 and data[0] < 128:  # numbers of accounts have 63 bits
            account = await self._store.directory.account(AccountId(int.from_bytes(data, "big")))
        domain = None
        if account is not None:
            domain = await self._store.directory.domain(account.address.rpartition("@")[2])
        if account is None or not account.enabled or domain is None or not domain.enabled:
            raise SignInFailed("a passkey of nobody")
        return account

    async def _verify(
        self,
        answer: dict[str, Any],
        challenge: bytes,
        one: Credential,
        key: Passkey,
        made_at: int,
        *,
        alone: bool,
    ) -> None:
        try:
            seen = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=key.sign_count,
                require_user_verification=alone,
            )
        except (exceptions.WebAuthnException, ValueError) as error:
            raise SignInFailed(f"passkey {one.name!r}: {error}") from error
        used = msgspec.structs.replace(key, sign_count=seen.new_sign_count, last=made_at)
        fresh = made_at > key.last
        if not fresh or not await self._store.credentials.replace(
            one.account, one.id, one.secret, _encode(used)
        ):
            raise SignInFailed(f"passkey {one.name!r}: the answer was used already")

    # --- challenges ---

    async def _challenge(self, purpose: str, account: AccountId) -> bytes:
        body = int(self._clock.now() * 1_000_000).to_bytes(8, "big") + secrets.token_bytes(16)
        return body + await self._mac(body, purpose, account)

    async def _made_at(self, challenge: bytes, purpose: str, account: AccountId) -> int:
        """Raises Conflict: not ours, for something else, or too old."""
        body, mac = challenge[:-_MAC_BYTES], challenge[-_MAC_BYTES:]
        if hmac.compare_digest(mac, await self._mac(body, purpose, account)):
            made_at = int.from_bytes(body[:8], "big")
            if 0 <= self._clock.now() - made_at / 1_000_000 < CHALLENGE_S:
                return made_at
        raise Conflict(Sentence("passkey.slow"))

    async def _mac(self, body: bytes, purpose: str, account: AccountId) -> bytes:
        key = await self._seals.key(b"passkey")
        return hmac.digest(key, b"%b %d %b" % (purpose.encode(), account, body), "sha256")[:_MAC_BYTES]


async def passkeys_of(store: Store, account: AccountId) -> list[tuple[Credential, Passkey]]:
    return [
        (one, _decode(one.secret))
        for one in await store.credentials.of_account(account)
        if one.kind == "passkey"
    ]


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise Invalid(Sentence("passkey.name", limit=NAME_MAX))
    return name


def _handle(account: AccountId) -> bytes:
    """The user handle: opaque to all but us, without anything about the person."""
    return account.to_bytes(8, "big")


def _plain(options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def _challenge_in(answer: dict[str, Any]) -> bytes:
    """The challenge that the browser says it answers; whether it is ours, and signed, is looked at then."""
    response = answer.get("response")
    text = response.get("clientDataJSON") if isinstance(response, dict) else None
    try:
        client = json.loads(_bytes(text)) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        client = None
    challenge = client.get("challenge") if isinstance(client, dict) else None
    return _bytes(challenge) if isinstance(challenge, str) else b""


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def _same(known: bytes, text: str) -> bool:
    return hmac.compare_digest(known, _bytes(text))


def _encode(key: Passkey) -> str:
    return msgspec.json.encode(key).decode()


def _decode(text: str) -> Passkey:
    return msgspec.json.decode(text, type=Passkey)
