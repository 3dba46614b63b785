"""Who may do what with which mailbox: the one place that every protocol asks.  RFC 4314 §4.

`Rights.need` finds a mailbox by the name that a viewer gives it, and checks.  A mailbox that is there but hidden and
one that is not there raise the same error.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from posthouse.core.errors import Exists, Forbidden, MailError, NotFound, ScopeExceeded
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.rights import ALL, CREATE, LOOKUP, NOTHING, POST, READ, combine
from posthouse.core.scope import READ as ACTION_READ
from posthouse.core.scope import SEND as ACTION_SEND
from posthouse.core.scope import WRITE as ACTION_WRITE
from posthouse.services.grant import Grant
from posthouse.services.mailboxes import DELIMITER, canonical_name, superiors
from posthouse.services.namespaces import Foreign, foreign_name, try_foreign
from posthouse.storage.ports import Store
from posthouse.storage.rows import Mailbox, RightsEntry

READS: Final = LOOKUP | READ
WRITES: Final = ALL & ~(LOOKUP | READ | POST)
WHOLE: Final = MailboxId(0)
"""In place of a mailbox: all of the account."""
EVERYWHERE: Final[tuple[str, ...]] = ()


class Viewer(Struct, frozen=True):
    """Who looks: an account, and what its way of signing in leaves of its rights.

    `folders`: names of mailboxes, with all that lies below them, as the account sees them; empty: all.
    """

    account: AccountId
    mask: int = ALL
    folders: tuple[str, ...] = EVERYWHERE

    def allows(self, name: str) -> int:
        """The rights that are left on a mailbox of this name."""
        if not self.folders or any(name == top or name.startswith(top + DELIMITER) for top in self.folders):
            return self.mask
        return NOTHING


def viewer_of(grant: Grant) -> Viewer:
    """What a sign-in leaves of the rights of its account."""
    scope = grant.scope
    mask = (READS if scope.actions & ACTION_READ else 0) | (WRITES if scope.actions & ACTION_WRITE else 0)
    return Viewer(grant.account.id, mask | (POST if scope.actions & ACTION_SEND else 0), scope.folders)


class Place(Struct, frozen=True):
    """A mailbox as a viewer sees it: `row.name` is the name in the viewer's eyes, `row.account` the owner."""

    row: Mailbox
    rights: int
    foreign: bool = False


class Rights:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, viewer: Viewer, name: str, *, counted: bool = True) -> Place:
        """The mailbox and the rights on it, be they none; raises NotFound when there is none of this name.

        Without `counted` its counters may be old figures, and nothing may need to be read.
        """
        name = canonical_name(name)
        if (foreign := try_foreign(name)) is None:
            mailboxes = self._store.mailboxes
            row = await (mailboxes.get if counted else mailboxes.find)(viewer.account, name)
            return Place(row, viewer.allows(name))
        owner = await self._owner(viewer, foreign)
        row = await self._store.mailboxes.get(owner, foreign.name)
        name = foreign_name(foreign.address, row.name, team=foreign.team)
        rights = await self.on(viewer, row.account, row.id, name)
        return Place(await self.as_seen(viewer, replace(row, name=name)), rights, foreign=True)

    async def as_seen(self, viewer: Viewer, row: Mailbox) -> Mailbox:
        """A mailbox of somebody else with the unseen messages of the viewer."""
        if not row.own_seen:
            return row
        more = (await self._store.acls.unseen(viewer.account, row.id)).get(row.id, 0)
        return replace(row, unseen=row.unseen + more)

    async def _owner(self, viewer: Viewer, foreign: Foreign) -> AccountId:
        owner = await self._store.directory.account_by_address(foreign.address)
        if owner is None or owner.id == viewer.account or owner.team != foreign.team:
            raise NotFound(f"mailboxes of {foreign.address!r}")
        return owner.id

    async def on(self, viewer: Viewer, account: AccountId, mailbox: MailboxId, name: str) -> int:
        """The rights on a mailbox that the viewer calls `name`."""
        allowed = viewer.allows(name)
        if account == viewer.account or not allowed:
            return allowed
        grants = await self._store.acls.granted(viewer.account, account, mailbox)
        return combine((grant.negative, grant.rights) for grant in grants) & allowed

    async def need(self, viewer: Viewer, name: str, needed: int, *, counted: bool = True) -> Place:
        """The mailbox, if all of the rights are there; raises NotFound (none, or hidden), Forbidden."""
        place = await self.find(viewer, name, counted=counted)
        if place.rights & needed != needed:
            raise refusal(viewer, place, needed)
        return place

    async def need_any(self, viewer: Viewer, name: str, needed: int) -> Place:
        """The same, if one of the rights is there."""
        place = await self.find(viewer, name)
        if not place.rights & needed:
            raise refusal(viewer, place, needed)
        return place

    async def all(self, viewer: Viewer, *, foreign: bool = True) -> list[Place]:
        """What the viewer has any right on: its own by name, then that of others."""
        own = await self._store.mailboxes.list(viewer.account)
        places = [Place(row, allowed) for row in own if (allowed := viewer.allows(row.name))]
        return places + await self._granted(viewer) if foreign else places

    async def subscriptions(self, viewer: Viewer) -> list[str]:
        """Names that the viewer subscribed to and may look up, there or not."""
        names = await self._store.mailboxes.subscriptions(viewer.account)
        return [name for name in names if viewer.allows(name) & LOOKUP]

    async def _granted(self, viewer: Viewer) -> list[Place]:
        by_account: dict[AccountId, dict[MailboxId, list[RightsEntry]]] = {}
        for grant in await self._store.acls.granted(viewer.account):
            by_account.setdefault(grant.account, {}).setdefault(grant.mailbox, []).append(grant)
        places: list[Place] = []
        unseen = await self._store.acls.unseen(viewer.account) if by_account else {}
        for account, by_mailbox in by_account.items():
            owner = await self._store.directory.account(account)
            if owner is None:
                continue  # deleted just now
            whole = by_mailbox.get(WHOLE, [])
            for row in await self._store.mailboxes.list(account):
                rights = _combined([*whole, *by_mailbox.get(row.id, ())])
                if rights:
                    name = foreign_name(owner.address, row.name, team=owner.team)
                    if allowed := rights & viewer.allows(name):
                        more = unseen.get(row.id, 0)
                        seen = replace(row, name=name, unseen=row.unseen + more)
                        places.append(Place(seen, allowed, foreign=True))
        return places

    # --- names that are not there yet ---

    async def room(self, viewer: Viewer, name: str) -> tuple[AccountId, str]:
        """The account, and the name there, of a mailbox that the viewer may make.

        RFC 4314 §4: it takes the right to create below the nearest mailbox above that is there.  Raises Forbidden for
        whatever is hidden, be it there or not; Exists for what the viewer can see.
        """
        name = canonical_name(name)
        if (foreign := try_foreign(name)) is None:
            if not viewer.allows(name) & CREATE:
                raise ScopeExceeded(name)
            return viewer.account, name
        try:
            owner = await self._owner(viewer, foreign)
        except NotFound:
            raise Forbidden(name) from None
        if not foreign.name or not await self._above(viewer, owner, foreign) & CREATE:
            raise Forbidden(name)
        try:
            there = await self.find(viewer, name)
        except NotFound:
            return owner, foreign.name
        raise (Exists if there.rights & LOOKUP else Forbidden)(name)

    async def _above(self, viewer: Viewer, owner: AccountId, foreign: Foreign) -> int:
        """The rights on the nearest mailbox above that is there; without one those on the whole account."""
        for superior in reversed(superiors(foreign.name)):
            try:
                place = await self.find(viewer, foreign_name(foreign.address, superior, team=foreign.team))
            except NotFound:
                continue
            return place.rights
        top = foreign_name(foreign.address, foreign.name, team=foreign.team)
        return await self.on(viewer, owner, WHOLE, top)


def owner_name(place: Place) -> str:
    """What the owner calls the mailbox."""
    found = try_foreign(place.row.name)
    return place.row.name if found is None else found.name


def refusal(viewer: Viewer, place: Place, needed: int) -> MailError:
    # RFC 4314 §6: what may not even be listed is answered like what does not exist.
    if not place.rights & LOOKUP:
        return NotFound(place.row.name)
    return (ScopeExceeded if needed & ~viewer.mask else Forbidden)(place.row.name)


def _combined(grants: Iterable[RightsEntry]) -> int:
    return combine((grant.negative, grant.rights) for grant in grants)
