"""Teams: accounts that several people own.  Membership is a grant on the whole account, made by administrators."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from posthouse.core.address import parse_address
from posthouse.core.errors import Invalid, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.rights import ALL, NOTHING, POST, combine
from posthouse.core.sentence import Sentence
from posthouse.services.mailboxes import canonical_name
from posthouse.services.rights import WHOLE
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account

MEMBERS_MAX: Final = 500


class Member(Struct, frozen=True):
    address: str
    rights: int


class Teams:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def members(self, team: str) -> list[Member]:
        found = []
        for entry in await self._store.acls.entries((await self.find(team)).id, WHOLE):
            account = await self._store.directory.account(entry.grantee)
            if account is not None:
                found.append(Member(account.address, entry.rights))
        return sorted(found, key=lambda one: one.address)

    async def add(self, team: str, member: str, rights: int = ALL) -> None:
        """Or give a member other rights.  Raises NotFound, Invalid, OverQuota (too many members)."""
        person = await self._account(member)
        if person.team:
            raise Invalid(Sentence("team.nested", address=person.address))
        if not rights:
            raise Invalid(Sentence("team.rights"))
        await self._set((await self.find(team)).id, person.id, rights)

    async def remove(self, team: str, member: str) -> None:
        owner, person = await self.find(team), await self._account(member)
        entries = await self._store.acls.entries(owner.id, WHOLE)
        if person.id not in {entry.grantee for entry in entries}:
            raise NotFound(Sentence("team.member", address=person.address, team=owner.address))
        await self._set(owner.id, person.id, NOTHING)

    async def seen(self, team: str) -> str:
        """ "each": every member has its own \\Seen; "all": nobody has; "mixed": that differs between mailboxes."""
        rows = await self._store.mailboxes.list((await self.find(team)).id)
        own = {row.own_seen for row in rows}
        return "mixed" if len(own) > 1 else "each" if True in own else "all"

    async def set_seen(self, team: str, *, each: bool, only: str | None = None) -> list[str]:
        """Whether each member has its own \\Seen, in one mailbox or all that there are; their names.

        New mailboxes follow the one above them, at the top INBOX.
        """
        owner = await self.find(team)
        rows = await self._store.mailboxes.list(owner.id)
        if only is not None:
            rows = [await self._store.mailboxes.get(owner.id, canonical_name(only))]
        for row in rows:
            await self._store.acls.set_own_seen(owner.id, row.id, on=each)
        return [row.name for row in rows]

    async def _set(self, team: AccountId, member: AccountId, rights: int) -> None:
        await self._store.acls.set(
            team, WHOLE, member, negative=False, change=("=", rights), entries_max=MEMBERS_MAX
        )

    async def find(self, address: str) -> Account:
        """Raises NotFound, Invalid (no team)."""
        account = await self._account(address)
        if not account.team:
            raise Invalid(Sentence("team.none", address=account.address))
        return account

    async def _account(self, address: str) -> Account:
        account = await self._store.directory.account_by_address(parse_address(address).key)
        if account is None:
            raise NotFound(Sentence("account.none", address=address))
        return account


async def may_send_as(store: Store, account: AccountId, owner: AccountId) -> bool:
    """RFC 4314 §2.1 (p): whether all of an account was granted with the right to send in its name."""
    grants = await store.acls.granted(account, owner, WHOLE)
    return bool(combine((grant.negative, grant.rights) for grant in grants if grant.grantee) & POST)
