"""Where does mail for this address go: aliases, plus addressing, role addresses, catch-all; loop-safe.

At each address the first match of this list wins: alias, account, the sender of a forwarded letter (`srs`), the same
without its detail (plus addressing), postmaster and abuse to the administrator, the domain's catch-all.  An alias
that names itself means the account of the same address, so "keep a copy and forward" is one alias.
"""

from __future__ import annotations

import weakref
from typing import Final

from msgspec import Struct, field

from posthouse.core.address import Address, try_address
from posthouse.core.errors import Invalid, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.sentence import Sentence
from posthouse.services.srs import Srs
from posthouse.storage.ports import Directory, Hints
from posthouse.storage.rows import Account, Domain, Hint

ROLE_NAMES = ("postmaster", "abuse")
"""RFC 2142 §4 and §5: addresses that a domain must take mail for."""

KNOWN_MAX: Final = 10_000
"""Plain recipients held in memory."""


class ResolveSettings(Struct, frozen=True):
    plus_delimiter: str = "+"
    """Separates the detail from the user in a local part; empty switches plus addressing off."""
    administrator: str = ""
    """Gets mail for postmaster and abuse of domains that have no such address."""
    primary_domain: str = ""
    """The domain of the bare <Postmaster>."""
    targets_max: int = 1000
    """Addresses one recipient may expand to."""


class Resolution(Struct):
    """What one recipient address comes to; `steps` tells how, for the journal.  Not to be changed: it may be shared."""

    accounts: dict[AccountId, Account] = field(default_factory=dict)
    remote: list[Address] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    domain: Domain | None = None  # None: the address itself is not ours

    @property
    def aliased(self) -> bool:
        return bool(self.steps)

    @property
    def count(self) -> int:
        return len(self.accounts) + len(self.remote)


class Resolver:
    """With `hints`, plain recipients (an account of ours, no alias, no quota) are held until the directory changes.

    A quota is not: whether there is room changes with every message.
    """

    def __init__(
        self,
        directory: Directory,
        settings: ResolveSettings | None = None,
        hints: Hints | None = None,
        srs: Srs | None = None,
    ) -> None:
        self._directory = directory
        self._srs = srs
        self.settings = settings or ResolveSettings()
        self._known: dict[str, Resolution] | None = None
        if hints is not None:
            self._known = {}
            self._follow(hints)

    def _follow(self, hints: Hints) -> None:
        """For as long as somebody uses this resolver: a reload makes another one and never closes this."""
        forget = weakref.WeakMethod(self._forget)

        def on_hint(hint: Hint) -> None:
            if hint.kind == "directory" and (method := forget()) is not None:
                method()

        weakref.finalize(self, hints.subscribe(on_hint)).atexit = False

    def _forget(self) -> None:
        self._known = {}  # not cleared: a look-up under way may still write to the old one

    def try_known(self, address: Address) -> Resolution | None:
        """A plain recipient that was looked up before."""
        return None if self._known is None else self._known.get(address.key)

    async def is_local(self, domain: str) -> bool:
        return not domain or await self._directory.domain(domain) is not None

    async def resolve(self, address: Address) -> Resolution:
        """Raises NotFound if a local address leads nowhere, Invalid if it expands without bound."""
        directory, known = self._directory, self._known
        if known is not None and (found := known.get(address.key)) is not None:
            return found
        resolution = Resolution()
        if not address.domain:  # RFC 5321 §4.5.1: "Postmaster" without a domain
            address = Address("postmaster", self.settings.primary_domain)
        domain = await directory.domain(address.domain)
        if domain is None and address.domain != self.settings.primary_domain:
            resolution.remote.append(address)
            return resolution
        resolution.domain = domain
        if domain is not None and domain.enabled:
            key = address.key
            account = await directory.account_by_address(key)
            if account is not None and await directory.alias(key) is None:  # the common case
                if not account.enabled:
                    raise NotFound(f"{key} is disabled")
                resolution.accounts[account.id] = account
                if known is not None and not (account.quota_bytes or account.quota_messages):
                    if len(known) >= KNOWN_MAX:
                        known.clear()
                    known[key] = resolution
                return resolution
        await self._expand(address, resolution)
        if not resolution.count:
            raise NotFound(f"{address} leads nowhere")
        return resolution

    async def _expand(self, address: Address, resolution: Resolution) -> None:
        """Breadth first, each address once."""
        waiting = [address]
        opened: set[str] = set()  # aliases that were followed
        seen: set[str] = set()
        while waiting:
            current = waiting.pop(0)
            key = current.key
            domain = await self._directory.domain(current.domain)
            if domain is None and current.domain != self.settings.primary_domain:
                if key not in seen:
                    resolution.remote.append(current)
            elif (domain is None or domain.enabled) and (key not in seen or key in opened):
                if key not in opened and (targets := await self._targets(key)) is not None:
                    opened.add(key)
                    resolution.steps.append(f"{key} -> {', '.join(targets)}")
                    waiting += [parsed for target in targets if (parsed := try_address(target)) is not None]
                elif account := await self._directory.account_by_address(key):
                    if account.enabled:
                        resolution.accounts[account.id] = account
                elif key not in seen and (target := await self._fallback(current, domain)) is not None:
                    resolution.steps.append(f"{key} -> {target}")
                    waiting.append(target)
            seen.add(key)
            if len(seen) + len(waiting) > self.settings.targets_max:
                raise Invalid(Sentence("alias.wide", address=str(address), limit=self.settings.targets_max))

    async def _targets(self, key: str) -> tuple[str, ...] | None:
        alias = await self._directory.alias(key)
        return None if alias is None else alias.targets

    async def _fallback(self, address: Address, domain: Domain | None) -> Address | None:
        """Where mail for an address goes that is neither alias nor account."""
        if self._srs is not None and (origin := await self._srs.back(address)) is not None:
            return origin
        local, delimiter = address.local, self.settings.plus_delimiter
        if delimiter and (at := local.find(delimiter)) > 0:
            plain = Address(local[:at], address.domain)
            if await self.known(plain.key) or plain.local.lower() in ROLE_NAMES:
                return plain
        if local.lower() in ROLE_NAMES and self.settings.administrator:
            return try_address(self.settings.administrator)
        if domain is not None and domain.catch_all:
            return try_address(domain.catch_all)
        return None

    async def known(self, key: str) -> bool:
        directory = self._directory
        return await directory.account_by_address(key) is not None or await directory.alias(key) is not None
