"""The signing keys of our domains: made, published, put to use, replaced.

A domain has a pair, RSA and Ed25519, each with its own selector.  A new key is "next" until DNS shows it (or the
administrator says so), then "active"; the one it replaces is "retired": its private half is destroyed, but what it
signed is still on its way, so its record stays in DNS for KEEP_DAYS.

Private keys live in the database (setting `dkim:DOMAIN`), which only the node's user can read; they are in no log, no
answer and no document, except that `export` writes one into a file on demand.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from posthouse.core.address import parse_domain
from posthouse.core.dns import Question
from posthouse.core.errors import Invalid, NotFound
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.mailauth.dkim_sign import SigningKey, generate, key_record, load_signing_key
from posthouse.mailauth.tags import BadTags, parse_tags, without_blanks
from posthouse.storage.ports import Store

if TYPE_CHECKING:
    from posthouse.client.resolver import Resolver

NEXT: Final = "next"
ACTIVE: Final = "active"
RETIRED: Final = "retired"
KINDS: Final = ("rsa", "ed25519")
KEEP_DAYS: Final = 14
"""For so long the record of a retired key should stay in DNS: longer than mail is on its way."""

_SELECTOR: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NO_KEYS: Final[tuple[SigningKey, ...]] = ()


class DkimKey(Struct):
    """As it is kept."""

    selector: str
    kind: str
    private: bytes  # PKCS #8 DER; empty once retired
    record: str  # the TXT record
    state: str
    created_at: float
    activated_at: float = 0.0
    retired_at: float = 0.0


class PublicKey(Struct):
    """What may be shown of one."""

    domain: str
    selector: str
    kind: str
    state: str
    created_at: float
    activated_at: float
    retired_at: float
    record: str  # the TXT record

    @property
    def name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"


class DkimKeys:
    """Stateless but for keys that were loaded; changes of other processes are seen at once."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._loaded: dict[str, tuple[bytes, tuple[SigningKey, ...]]] = {}

    # --- for signing ---

    async def signing(self, domain: str) -> tuple[SigningKey, ...]:
        """The active keys of exactly this domain."""
        value = await self._store.directory.setting(_setting(domain))
        if value is None:
            return _NO_KEYS
        known = self._loaded.get(domain)
        if known is None or known[0] != value:
            keys = tuple(
                load_signing_key(key.selector, key.private) for key in _decode(value) if key.state == ACTIVE
            )
            known = self._loaded[domain] = (value, keys)
        return known[1]

    async def signer_of(self, domain: str) -> str:
        """The domain itself or the nearest one above it that has active keys; "" when none has."""
        while "." in domain:
            if await self.signing(domain):
                return domain
            domain = domain.partition(".")[2]
        return ""

    # --- for the administrator ---

    async def listed(self, domain: str) -> list[PublicKey]:
        """Oldest first; empty for a domain without keys."""
        return [_public(domain, key) for key in await self._read(parse_domain(domain))]

    async def rotate(self, domain: str, *, now: bool = False) -> list[PublicKey]:
        """A new pair, waiting for its records; `now`: signing begins with it at once.

        A pair that waits already is kept.  Raises NotFound (no such domain).
        """
        domain = await self._own(domain)
        keys = await self._read(domain)
        if not any(key.state == NEXT for key in keys):
            at = self._clock.now()
            taken = {key.selector for key in keys}
            for kind in KINDS:
                selector = _selector(kind, at, taken)
                private = await asyncio.to_thread(generate, kind)
                record = key_record(load_signing_key(selector, private))
                keys.append(DkimKey(selector, kind, private, record, NEXT, at))
        if now:
            self._activate(keys, {key.selector for key in keys if key.state == NEXT})
        keys = self._without_old(keys)
        await self._write(domain, keys)
        return [_public(domain, key) for key in keys]

    async def activate_published(self, domain: str, resolver: Resolver) -> list[str]:
        """Put the waiting keys to use that DNS shows; their selectors."""
        keys = await self._read(domain)
        waiting = [key for key in keys if key.state == NEXT]
        seen: set[str] = set()
        for key in waiting:
            if await is_published(_public(domain, key), resolver):
                seen.add(key.selector)
        if seen:
            self._activate(keys, seen)
            await self._write(domain, keys)
        return sorted(seen)

    async def private_pem(self, domain: str, selector: str) -> bytes:
        """PKCS #8 PEM, to be written where only its owner can read it.  Raises NotFound."""
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        for key in await self._read(parse_domain(domain)):
            if key.selector == selector and key.private:
                loaded = load_signing_key(selector, key.private).key
                return loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        raise NotFound(Sentence("dkim.none", domain=domain, selector=selector))

    async def forget(self, domain: str) -> None:
        """The domain is no longer ours."""
        if await self._read(domain):
            await self._write(domain, [])

    # --- inside ---

    def _activate(self, keys: list[DkimKey], selectors: set[str]) -> None:
        at = self._clock.now()
        for key in keys:
            if key.selector not in selectors:
                continue
            for other in keys:
                if other.kind == key.kind and other.state == ACTIVE:
                    other.state, other.retired_at, other.private = RETIRED, at, b""
            key.state, key.activated_at = ACTIVE, at

    def _without_old(self, keys: list[DkimKey]) -> list[DkimKey]:
        """Keys whose records may go are forgotten."""
        limit = self._clock.now() - KEEP_DAYS * 86400
        return [key for key in keys if key.state != RETIRED or key.retired_at > limit]

    async def _own(self, domain: str) -> str:
        name = parse_domain(domain)
        if await self._store.directory.domain(name) is None:
            raise NotFound(Sentence("domain.none", domain=name))
        return name

    async def _read(self, domain: str) -> list[DkimKey]:
        value = await self._store.directory.setting(_setting(domain))
        return [] if value is None else _decode(value)

    async def _write(self, domain: str, keys: list[DkimKey]) -> None:
        await self._store.directory.put_setting(_setting(domain), msgspec.msgpack.encode(keys))


async def is_published(key: PublicKey, resolver: Resolver) -> bool:
    """Whether DNS shows exactly this public key."""
    answer = await resolver.ask(Question(key.name, "TXT"))
    return any(same_key(record, key.record) for record in answer.records)


def same_key(published: str, own: str) -> bool:
    """Whether two key records hold the same key, whatever else they say."""
    try:
        theirs, ours = parse_tags(published), parse_tags(own)
    except BadTags:
        return False
    return without_blanks(theirs.get("p", "")) == ours["p"] and theirs.get("k", "rsa") == ours["k"]


def _setting(domain: str) -> str:
    return f"dkim:{domain}"


def _decode(value: bytes) -> list[DkimKey]:
    try:
        return msgspec.msgpack.decode(value, type=list[DkimKey])
    except msgspec.MsgspecError:
        raise Invalid(Sentence("dkim.stored")) from None


def _public(domain: str, key: DkimKey) -> PublicKey:
    return PublicKey(
        domain=domain,
        selector=key.selector,
        kind=key.kind,
        state=key.state,
        created_at=key.created_at,
        activated_at=key.activated_at,
        retired_at=key.retired_at,
        record=key.record,
    )


def _selector(kind: str, at: float, taken: set[str]) -> str:
    """By the day and the kind, so that an old record in DNS tells its age: "ph20260921r"."""
    stem = f"ph{datetime.fromtimestamp(at, UTC):%Y%m%d}{kind[0]}"
    number, selector = 1, stem
    while selector in taken:
        number += 1
        selector = f"{stem}{number}"
    return selector
