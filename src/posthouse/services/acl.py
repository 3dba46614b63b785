"""Access control lists as people read them: identifiers in place of numbers.  RFC 4314 §2, §3.

An identifier is the address of an account here, `anyone` (every account of this server), or `owner`; with `-` before
it, what the entry names is taken away.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from posthouse.core.address import try_address
from posthouse.core.errors import Forbidden, Invalid, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.rights import ALL
from posthouse.core.saslprep import try_prepare
from posthouse.storage.ports import Store
from posthouse.storage.rows import Mailbox

ANYONE: Final = "anyone"
OWNER: Final = "owner"
EVERYONE: Final = AccountId(0)
ENTRIES_MAX: Final = 500
"""Entries of one access control list."""


class Identifier(Struct, frozen=True):
    grantee: AccountId  # EVERYONE for anyone
    negative: bool


class AclEntry(Struct, frozen=True):
    identifier: str
    rights: int


class AclService:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def identify(self, mailbox: Mailbox, text: str) -> Identifier:
        """Raises Invalid for a text that names nobody ever, NotFound when there is no such account."""
        # RFC 4314 §3: prepared by SASLprep; what cannot be prepared is refused.
        prepared = try_prepare(text)
        if prepared is None:
            raise Invalid(f"{text!r} cannot be an identifier")
        negative = prepared.startswith("-")
        name = prepared.removeprefix("-")
        if name.lower() == ANYONE:
            return Identifier(EVERYONE, negative)
        if name.lower() == OWNER:
            return Identifier(mailbox.account, negative)
        address = try_address(name)
        account = None if address is None else await self._store.directory.account_by_address(address.key)
        if account is None:
            raise NotFound(f"account {name!r}")
        return Identifier(account.id, negative)

    async def entries(self, mailbox: Mailbox) -> list[AclEntry]:
        """The owner first, then as they were stored."""
        names = {EVERYONE: ANYONE}
        found = [AclEntry(await self._name(names, mailbox.account), ALL)]
        for entry in await self._store.acls.entries(mailbox.account, mailbox.id):
            name = await self._name(names, entry.grantee)
            found.append(AclEntry(f"-{name}" if entry.negative else name, entry.rights))
        return found

    async def _name(self, names: dict[AccountId, str], account: AccountId) -> str:
        if account not in names:
            row = await self._store.directory.account(account)
            names[account] = "" if row is None else row.address
        return names[account]

    async def set(self, mailbox: Mailbox, identifier: Identifier, change: tuple[str, int]) -> None:
        """`change`: of `core.rights.parse_change`.  Raises Forbidden (of the owner), OverQuota, NotFound."""
        if identifier.grantee == mailbox.account:
            raise Forbidden("the owner of a mailbox keeps all rights")
        await self._store.acls.set(
            mailbox.account,
            mailbox.id,
            identifier.grantee,
            negative=identifier.negative,
            change=change,
            entries_max=ENTRIES_MAX,
        )

    def always(self, mailbox: Mailbox, identifier: Identifier) -> int:
        """The rights that the identifier has whatever the list says; an entry for it cannot be made."""
        return ALL if identifier.grantee == mailbox.account else 0
