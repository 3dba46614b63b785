"""Access control lists as people read them: identifiers in place of numbers.  RFC 4314 §2, §3.

An identifier is the address of an account here (that of a team means its members), `anyone` (every account
of the owner's domain), or `owner`; with `-` before it, what the entry names is taken away.

Members of a team, and others who were granted all of an account by an administrator, have entries that these lists show
and cannot make smaller; a negative entry for them can.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from posthouse.core.address import try_address
from posthouse.core.errors import Forbidden, Invalid, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.rights import ALL, NOTHING, changed, combine
from posthouse.core.saslprep import try_prepare
from posthouse.core.sentence import Sentence
from posthouse.services.mailboxes import INBOX, canonical_name
from posthouse.services.rights import WHOLE
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.ports import Store
from posthouse.storage.rows import Mailbox

ANYONE: Final = "anyone"
OWNER: Final = "owner"
EVERYONE: Final = AccountId(0)
EVERYTHING: Final = "*"
"""In place of the name of a mailbox: all of the account."""
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

    async def place(self, account: AccountId, name: str) -> Mailbox:
        """What a list belongs to: a mailbox, or with `*`, which is no name of one, the whole account.

        Whoever has rights on all of it works in it as its owner does, and with p writes in its name.
        """
        if name != EVERYTHING:
            return await self._store.mailboxes.get(account, canonical_name(name))
        return replace(await self._store.mailboxes.get(account, INBOX), id=WHOLE, name=EVERYTHING)

    async def identify(self, mailbox: Mailbox, text: str) -> Identifier:
        """Raises Invalid for a text that names nobody ever, NotFound when there is no such account."""
        # RFC 4314 §3: prepared by SASLprep; what cannot be prepared is refused.
        prepared = try_prepare(text)
        if prepared is None:
            raise Invalid(Sentence("acl.identifier", given=repr(text)))
        negative = prepared.startswith("-")
        name = prepared.removeprefix("-")
        if name.lower() == ANYONE:
            return Identifier(EVERYONE, negative)
        if name.lower() == OWNER:
            return Identifier(mailbox.account, negative)
        address = try_address(name)
        account = None if address is None else await self._store.directory.account_by_address(address.key)
        if account is None:
            raise NotFound(Sentence("account.none", address=name))
        return Identifier(account.id, negative)

    async def entries(self, mailbox: Mailbox) -> list[AclEntry]:
        """The owner first (a team has none), then as they were stored."""
        acls, names = self._store.acls, {EVERYONE: ANYONE}
        owner = await self._store.directory.account(mailbox.account)
        rights: dict[Identifier, int] = {}
        if owner is not None and not owner.team:
            rights[Identifier(mailbox.account, negative=False)] = ALL
        for where in (WHOLE, mailbox.id):
            for entry in await acls.entries(mailbox.account, where):
                key = Identifier(entry.grantee, entry.negative)
                rights[key] = rights.get(key, 0) | entry.rights
        found = []
        for key, bits in rights.items():
            name = await self._name(names, key.grantee)
            found.append(AclEntry(f"-{name}" if key.negative else name, bits))
        return found

    async def _name(self, names: dict[AccountId, str], account: AccountId) -> str:
        if account not in names:
            row = await self._store.directory.account(account)
            names[account] = "" if row is None else row.address
        return names[account]

    async def set(
        self, mailbox: Mailbox, identifier: Identifier, change: tuple[str, int], *, user: AccountId = NOBODY
    ) -> None:
        """`change`: of `core.rights.parse_change`; `user` makes it (by default an administrator).

        Raises Forbidden (of what stays), OverQuota, NotFound, Invalid (anyone, of a whole account).
        """
        if mailbox.id == WHOLE and identifier.grantee == EVERYONE:
            raise Invalid(Sentence("acl.whole"))
        always = await self.always(mailbox, identifier)
        if changed(always, change) & always != always:
            raise Forbidden(Sentence("acl.fixed"))
        if identifier.grantee == mailbox.account:
            if identifier.negative:
                raise Forbidden(Sentence("acl.owner"))
            return  # it has them
        await self._store.acls.set(
            mailbox.account,
            mailbox.id,
            identifier.grantee,
            negative=identifier.negative,
            change=change,
            entries_max=ENTRIES_MAX,
            user=user,
        )

    async def always(self, mailbox: Mailbox, identifier: Identifier) -> int:
        """The rights that the identifier has whatever the list says."""
        if identifier.grantee == mailbox.account:
            return ALL
        if mailbox.id == WHOLE:
            return NOTHING
        return combine(
            (False, entry.rights)
            for entry in await self._store.acls.entries(mailbox.account, WHOLE)
            if (entry.grantee, entry.negative) == (identifier.grantee, identifier.negative)
        )
