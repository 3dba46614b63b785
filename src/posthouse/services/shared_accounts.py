"""Accounts of others as whole accounts: what JMAP needs, where IMAP has a namespace of mailboxes.

Somebody who may read a mailbox or an address book of another account has that account, with those and no others.  What
may be done with each of them stands in the `rights` and the `books` of the grant.  What concerns the whole account
(scripts, vacation) may be changed where its scope says so: where every mailbox may be changed in every way.
"""

from __future__ import annotations

from typing import Final

from posthouse.core.ids import AccountId
from posthouse.core.rights import (
    CREATE,
    DELETE,
    EXPUNGE,
    INSERT,
    LOOKUP,
    NOTHING,
    POST,
    READ,
    SEEN,
    TRASH,
    WRITE,
    combine,
)
from posthouse.core.scope import READ as ACTION_READ
from posthouse.core.scope import SEND as ACTION_SEND
from posthouse.core.scope import WRITE as ACTION_WRITE
from posthouse.core.scope import Scope
from posthouse.services.grant import Books, Grant
from posthouse.services.namespaces import foreign_name
from posthouse.services.rights import WHOLE, Viewer, viewer_of
from posthouse.storage.contact_rows import BOOK_ALL, BOOK_READ, BookRight
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Mailbox, RightsEntry

SHOWN: Final = LOOKUP | READ
NO_MAILBOX: Final = ("",)
"""Folders of a scope that covers none."""
CHANGED: Final = SHOWN | SEEN | WRITE | INSERT | CREATE | DELETE | TRASH | EXPUNGE


class SharedAccounts:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self, grant: Grant) -> list[Grant]:
        """What a sign-in may do in accounts of others, in the order of their addresses."""
        viewer = viewer_of(grant)
        by_account: dict[AccountId, tuple[list[RightsEntry], list[BookRight]]] = {}
        for entry in await self._store.acls.granted(viewer.account):
            by_account.setdefault(entry.account, ([], []))[0].append(entry)
        for given in await self._store.contacts.granted(viewer.account):
            by_account.setdefault(given.account, ([], []))[1].append(given)
        found = [await self._acting(grant, viewer, number, *rows) for number, rows in by_account.items()]
        return sorted((one for one in found if one is not None), key=lambda one: one.account.address)

    async def acting(self, grant: Grant, account: AccountId) -> Grant | None:
        """The same for one account; None: nothing of it is shared, or there is none."""
        viewer = viewer_of(grant)
        rows = await self._store.acls.granted(viewer.account, account)
        books = await self._store.contacts.granted(viewer.account, account)
        return await self._acting(grant, viewer, account, rows, books) if rows or books else None

    async def _acting(
        self,
        grant: Grant,
        viewer: Viewer,
        number: AccountId,
        entries: list[RightsEntry],
        given: list[BookRight],
    ) -> Grant | None:
        owner = await self._store.directory.account(number)
        if owner is None or not owner.enabled:
            return None
        rows = await self._store.mailboxes.list(number)
        rights = {row.name: _rights(viewer, owner, row, entries) for row in rows}
        shown = {name: bits for name, bits in rights.items() if bits & SHOWN == SHOWN}
        books = _books(viewer, given)
        if not shown and not books.any(BOOK_READ):
            return None
        actions = ACTION_READ
        by_mailbox = {int(row.id): shown[row.name] for row in rows if row.name in shown}
        if shown and all(bits & CHANGED == CHANGED for bits in by_mailbox.values()):
            actions |= ACTION_WRITE
        whole = combine((one.negative, one.rights) for one in entries if one.mailbox == WHOLE and one.grantee)
        by_mailbox[WHOLE] = whole & viewer.allows(foreign_name(owner.address, "", team=owner.team))
        if whole & POST and viewer.mask & POST:
            actions |= ACTION_SEND
        everything = bool(shown) and len(shown) == len(rows) and whole & SHOWN == SHOWN and not viewer.folders
        folders = () if everything else tuple(shown) or NO_MAILBOX
        scope = Scope(grant.scope.protocols, actions, folders, exact=True)
        member = everything and scope.allows(ACTION_WRITE)
        kind, name, number_, until = grant.kind, grant.name, grant.id, grant.expires_at
        return Grant(owner, kind, scope, name, number_, until, by_mailbox, None if member else books)


def _books(viewer: Viewer, given: list[BookRight]) -> Books:
    mask = NOTHING
    if not viewer.folders and viewer.mask & READ:
        mask = BOOK_ALL if viewer.mask & WRITE else BOOK_READ
    rights: dict[int, int] = {}
    for one in given:
        rights[one.book] = rights.get(one.book, NOTHING) | one.rights & mask
    return Books(rights, max([one.modseq for one in given], default=0))


def _rights(viewer: Viewer, owner: Account, row: Mailbox, entries: list[RightsEntry]) -> int:
    mine = [(one.negative, one.rights) for one in entries if one.mailbox in (WHOLE, row.id)]
    return combine(mine) & viewer.allows(foreign_name(owner.address, row.name, team=owner.team))
