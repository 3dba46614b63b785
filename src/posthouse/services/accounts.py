"""Domains, accounts and aliases: what is valid, and what a new account starts with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from posthouse.core.address import Address, parse_address, parse_domain
from posthouse.core.errors import Conflict, Exists, Invalid, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.messages import LANGUAGES
from posthouse.core.ports import Clock
from posthouse.core.protocols import PROTOCOLS, SWITCHED_BY_DOMAIN
from posthouse.core.saslprep import prepare
from posthouse.core.sentence import Sentence
from posthouse.services.credentials import Credentials
from posthouse.services.devices import POLICIES as DEVICE_POLICIES
from posthouse.services.dkim import DkimKeys
from posthouse.services.foreign_hashes import normal_hash
from posthouse.services.redirects import POLICIES
from posthouse.services.signin import PASSWORD_MAX_BYTES, SignInSettings, hash_password
from posthouse.storage.ports import Store
from posthouse.storage.rows import EVERYTHING, Account, Alias, Domain

PASSWORD_MIN: Final = 8
TEAM_PROTOCOLS: Final = ("smtp",)
"""A team gets mail; nobody signs in as one."""
_SIGN_IN: Final = frozenset(("password", "password_hash", "protocols", "app_only", "pop3_delete", "admin"))
ALIAS_TARGETS_MAX: Final = 500
TWO_STEP: Final = ("off", "optional", "required")
DMARC: Final = ("none", "quarantine", "reject")
ADMIN_DOMAINS_MAX: Final = 500

DEFAULT_MAILBOXES: Final[dict[str, tuple[tuple[str, str | None], ...]]] = {
    "zh": (
        ("INBOX", "inbox"),
        ("已发送", "sent"),
        ("草稿箱", "drafts"),
        ("垃圾邮件", "junk"),
        ("已删除", "trash"),
        ("归档", "archive"),
    ),
    "en": (
        ("INBOX", "inbox"),
        ("Sent", "sent"),
        ("Drafts", "drafts"),
        ("Junk", "junk"),
        ("Trash", "trash"),
        ("Archive", "archive"),
    ),
}
"""RFC 6154 roles by language; made, and subscribed to, with the account."""


class Accounts:
    """Changes take effect at once in every worker: the store sends "directory" hints."""

    def __init__(self, store: Store, clock: Clock, hashing: SignInSettings | None = None) -> None:
        self._store = store
        self._directory = store.directory
        self._clock = clock
        self._hashing = hashing or SignInSettings()
        self.credentials = Credentials(
            store,
            clock,
            self._hashing.scram_iterations,
            self._hashing.hashing.pepper,
            cram_md5=self._hashing.cram_md5,
        )

    # --- domains ---

    async def create_domain(self, name: str, *, catch_all: str | None = None, enabled: bool = True) -> Domain:
        domain = Domain(_domain(name), _optional(catch_all), enabled, self._clock.now())
        if await self._directory.domain(domain.name) is not None:
            raise Exists(Sentence("domain.exists", domain=domain.name))
        await self._directory.put_domain(domain)
        return domain

    async def update_domain(self, name: str, **changes: Any) -> Domain:
        """`catch_all` (None: none), `enabled`, `two_step`, `protocols_off`, `oauth_only`, `dmarc`, `redirects`."""
        old = await self._domain(name)
        domain = Domain(
            old.name,
            _optional(changes.get("catch_all", old.catch_all)),
            bool(changes.get("enabled", old.enabled)),
            old.created_at,
            _one_of(changes.get("two_step", old.two_step), TWO_STEP),
            _switchable(changes.get("protocols_off", old.protocols_off)),
            bool(changes.get("oauth_only", old.oauth_only)),
            _one_of(changes.get("dmarc", old.dmarc), DMARC),
            _one_of(changes.get("redirects", old.redirects), POLICIES),
        )
        await self._directory.put_domain(domain)
        return domain

    async def delete_domain(self, name: str) -> None:
        """Conflict while accounts or aliases remain."""
        domain = (await self._domain(name)).name
        await self._directory.delete_domain(domain)
        await DkimKeys(self._store, self._clock).forget(domain)

    async def _domain(self, name: str) -> Domain:
        domain = await self._directory.domain(_domain(name))
        if domain is None:
            raise NotFound(Sentence("domain.none", domain=name))
        return domain

    # --- accounts ---

    async def create_account(
        self,
        address: str,
        password: str | None,
        *,
        name: str = "",
        language: str = "zh",
        quota_bytes: int = 0,
        quota_messages: int = 0,
        protocols: Sequence[str] = PROTOCOLS,
        team: bool = False,
    ) -> Account:
        """With the default mailboxes of its language; without a password nobody can sign in.

        `team`: nobody ever can; its members (`services.teams`) work in it.
        """
        if team and password is not None:
            raise Invalid(Sentence("team.password"))
        parsed = await self._own_address(address)
        if await self._directory.account_by_address(parsed.key) is not None:
            raise Exists(Sentence("account.exists", address=parsed.key))
        account = Account(
            id=AccountId(0),
            address=parsed.key,
            name=name,
            language=_language(language),
            password=await self._hash(password),
            protocols=TEAM_PROTOCOLS if team else _protocols(protocols),
            quota_bytes=_limit(quota_bytes),
            quota_messages=_limit(quota_messages),
            created_at=self._clock.now(),
            team=team,
        )
        created = await self._directory.create_account(account, DEFAULT_MAILBOXES[language])
        if password is not None:
            await self.credentials.keep_keys(created, prepare(password))
        return created

    async def update_account(self, address: str, **changes: Any) -> Account:
        """The keys of `_CHECKS`, `password`, and `password_hash` (made by another system)."""
        account = await self.account(address)
        if account.team and (refused := changes.keys() & _SIGN_IN):
            raise Invalid(Sentence("team.sign_in", what=", ".join(sorted(refused))))
        checked: dict[str, Any] = {}
        for key, value in changes.items():
            if key == "password":
                checked[key] = await self._hash(value)
            elif key == "password_hash":
                checked["password"] = normal_hash(value)
            elif key in _CHECKS:
                checked[key] = _CHECKS[key](value)
            else:
                raise Invalid(Sentence("account.key", given=repr(key), known=", ".join(_CHECKS)))
        for name in checked.get("admin", ()):
            if name != EVERYTHING:
                await self._domain(name)
        changed = await self._directory.update_account(account.id, checked)
        if "password" in checked:
            await self._store.access.end_web_sessions(account.id)
        if changes.get("password") is not None:
            await self.credentials.keep_keys(changed, prepare(changes["password"]))
        return changed

    async def delete_account(self, address: str) -> None:
        """With all its mail."""
        await self._directory.delete_account((await self.account(address)).id)

    async def account(self, address: str) -> Account:
        account = await self._directory.account_by_address(parse_address(address).key)
        if account is None:
            raise NotFound(Sentence("account.none", address=address))
        return account

    async def _hash(self, password: str | None) -> str | None:
        if password is None:
            return None
        if len(password.encode()) > PASSWORD_MAX_BYTES:
            raise Invalid(Sentence("password.long", limit=PASSWORD_MAX_BYTES))
        # RFC 4013: the prepared form is hashed, so that equal forms match.
        prepared = prepare(password, stored=True)
        if len(prepared) < PASSWORD_MIN:
            raise Invalid(Sentence("password.short", limit=PASSWORD_MIN))
        return await asyncio.to_thread(hash_password, prepared, self._hashing)

    async def _own_address(self, address: str) -> Address:
        """An address in a domain of ours."""
        parsed = parse_address(address)
        await self._domain(parsed.domain)
        return parsed

    # --- aliases ---

    async def put_alias(self, address: str, targets: Sequence[str]) -> Alias:
        """Create or replace; an alias that names its own address keeps a copy in the account of that address."""
        parsed = await self._own_address(address)
        if not 0 < len(targets) <= ALIAS_TARGETS_MAX:
            raise Invalid(Sentence("alias.targets", limit=ALIAS_TARGETS_MAX))
        checked = tuple(dict.fromkeys(str(parse_address(target)) for target in targets))
        if checked == (parsed.key,) and await self._directory.account_by_address(parsed.key) is None:
            raise Conflict(Sentence("alias.itself", alias=parsed.key))
        alias = Alias(parsed.key, checked)
        await self._directory.put_alias(alias)
        return alias

    async def delete_alias(self, address: str) -> None:
        key = parse_address(address).key
        if await self._directory.alias(key) is None:
            raise NotFound(Sentence("alias.none", alias=key))
        await self._directory.delete_alias(key)


def _domain(name: str) -> str:
    domain = parse_domain(name)
    if "." not in domain:
        raise Invalid(Sentence("domain.short", given=repr(name)))
    return domain


def _optional(address: str | None) -> str | None:
    return str(parse_address(address)) if address else None


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise Invalid(Sentence("choice.language", given=repr(language), known=", ".join(LANGUAGES)))
    return language


def _protocols(protocols: Sequence[str]) -> tuple[str, ...]:
    unknown = set(protocols) - set(PROTOCOLS)
    if unknown:
        raise Invalid(
            Sentence("choice.protocol", given=", ".join(sorted(unknown)), known=", ".join(PROTOCOLS))
        )
    return tuple(protocol for protocol in PROTOCOLS if protocol in protocols)


def _switchable(protocols: Sequence[str]) -> tuple[str, ...]:
    if unknown := set(protocols) - set(SWITCHED_BY_DOMAIN):
        known = ", ".join(SWITCHED_BY_DOMAIN)
        raise Invalid(Sentence("choice.domain_protocol", given=", ".join(sorted(unknown)), known=known))
    return tuple(one for one in SWITCHED_BY_DOMAIN if one in protocols)


def _administrated(domains: Sequence[str]) -> tuple[str, ...]:
    """Of domains, or of everything."""
    if EVERYTHING in domains:
        return (EVERYTHING,)
    if len(domains) > ADMIN_DOMAINS_MAX:
        raise Invalid(Sentence("account.domains", limit=ADMIN_DOMAINS_MAX))
    return tuple(sorted({_domain(one) for one in domains}))


def _limit(value: int) -> int:
    if value < 0:
        raise Invalid(Sentence("account.quota"))
    return int(value)


def _pop3_delete(policy: str) -> str:
    days = policy.removeprefix("keep:")
    if policy not in {"delete", "trash"} and not (policy != days and days.isdecimal() and len(days) <= 5):
        raise Invalid(Sentence("account.pop3_delete"))
    return policy


def _one_of(value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise Invalid(Sentence("choice", given=repr(value), known=", ".join(known)))
    return value


_CHECKS: Final[dict[str, Any]] = {
    "name": str,
    "language": _language,
    "enabled": bool,
    "protocols": _protocols,
    "app_only": _protocols,
    "quota_bytes": _limit,
    "quota_messages": _limit,
    "pop3_delete": _pop3_delete,
    "new_device": partial(_one_of, known=DEVICE_POLICIES),
    "admin": _administrated,
    "second_address": lambda address: _optional(address) or "",
}
