"""AddressBook: get, changes, set (RFC 9610 §2)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from posthouse.core.errors import InUse, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.core.scope import WRITE
from posthouse.services.acl import ENTRIES_MAX
from posthouse.services.contacts import ContactService
from posthouse.storage.contact_rows import BOOK_SHARE, AddressBook, BookRight
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid
from posthouse.wire.jmap.value import is_unsigned

from . import arguments as a
from .book_rights import BITS, contacts, need, rights_on, visible
from .context import Context
from .principal import principal_id
from .share_with import changes_of
from .standard import (
    SetResult,
    changes_answer,
    check_get,
    check_set,
    get_answer,
    only_known,
    text_of,
    updates_of,
    wanted_properties,
    without_same,
)
from .state import check_known, check_state, format_state, parse_state

Record = dict[str, Any]
PROPERTIES: Final = (
    "id", "name", "description", "sortOrder", "isDefault", "isSubscribed", "shareWith", "myRights",
)  # fmt: skip
SETTABLE: Final = ("name", "description", "sortOrder", "isSubscribed", "shareWith")
NAME_MAX_BYTES: Final = 255
DESCRIPTION_MAX_BYTES: Final = 10_000


class AddressBookSet(a.Set):
    on_destroy_remove_contents: bool = False
    on_success_set_is_default: a.Id | None = None


def book_id(number: int) -> str:
    return ids.format_id(ids.ADDRESS_BOOK, number)


def shown(context: Context, one: AddressBook, given: list[BookRight]) -> Record:
    """`given`: who else has it, if that is to be told."""
    rights = rights_on(context, one.id)
    return {
        "id": book_id(one.id),
        "name": one.name,
        "description": one.description,
        "sortOrder": one.sort_order,
        "isDefault": one.is_default,
        "isSubscribed": one.subscribed,
        "shareWith": {principal_id(right.grantee): named(right.rights) for right in given} or None,
        "myRights": named(rights),
    }


def named(bits: int) -> dict[str, bool]:
    return {name: bool(bits & bit) for name, bit in BITS.items()}


async def books_of(context: Context) -> tuple[int, list[AddressBook]]:
    """The modseq of the account, and the books that may be read."""
    service = contacts(context)
    modseq, books = await service.books(context.account)
    seen = visible(context)
    books = [one for one in books if seen is None or one.id in seen]
    if context.foreign:
        # RFC 9610 §2: whether one wants to see it is everybody's own; not by itself.
        wanted = await service.contacts.readers_books(context.home.account.id, context.account.id)
        books = [msgspec.structs.replace(one, subscribed=one.id in wanted) for one in books]
    return modseq, books


async def rights_given(context: Context, book: int) -> list[BookRight]:
    """RFC 9610 §2 shareWith: to be seen by who may change it."""
    if not rights_on(context, book) & BOOK_SHARE:
        return []
    return await context.services.contacts.contacts.rights(context.account.id, book)


async def get_books(context: Context, args: a.Get) -> Record:
    contacts(context)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    modseq, books = await books_of(context)
    found = {}
    for one in books:
        given = await rights_given(context, one.id) if "shareWith" in properties else []
        record = shown(context, one, given)
        found[record["id"]] = {name: record[name] for name in properties}
    return get_answer(args, format_state(modseq), found, wanted)


async def book_changes(context: Context, args: a.Changes) -> Record:
    service = contacts(context)
    since = parse_state(args.since_state)
    modseq, history, books, gone = await service.contacts.book_changes(context.account.id, since.modseq)
    check_known(since, history, modseq)
    seen = visible(context)
    known = {one.id for one in books if one.created <= since.modseq}
    if seen is not None:
        # What was given since is new to who asks, and what was taken back is gone.
        rows = await service.contacts.granted(context.home.account.id, context.account.id)
        changed = {one.book for one in rows if one.modseq > since.modseq}
        known -= changed
        gone = [*gone, *sorted(changed - seen)]
        books = [one for one in books if one.id in seen]
    if args.max_changes is not None and len(books) + len(gone) > args.max_changes:
        raise MethodError("cannotCalculateChanges", "more changes than maxChanges; fetch all anew")
    return changes_answer(
        args,
        format_state(modseq),
        created=[book_id(one.id) for one in books if one.id not in known],
        updated=[book_id(one.id) for one in books if one.id in known],
        destroyed=[book_id(one) for one in gone],
    )


class _Setting:
    def __init__(self, context: Context, service: ContactService, books: list[AddressBook]) -> None:
        self.context = context
        self.service = service
        self.books = {one.id: one for one in books}
        self.result = SetResult()

    def book(self, text: str) -> AddressBook:
        found = self.books.get(self.context.number(ids.ADDRESS_BOOK, text) or 0)
        if found is None:
            raise SetError("notFound", f"there is no address book {text}")
        return found

    async def put(self, one: AddressBook, record: Record) -> AddressBook:
        """With the settable properties of the record."""
        if "name" in record:
            one.name = text_of(record, "name", max_bytes=NAME_MAX_BYTES)
            if not one.name:
                raise invalid("name", "a name is wanted")
        if "description" in record:
            text = record["description"]
            one.description = text and text_of(record, "description", max_bytes=DESCRIPTION_MAX_BYTES)
        if "sortOrder" in record:
            if not (is_unsigned(record["sortOrder"]) and record["sortOrder"] < 1 << 31):
                raise invalid("sortOrder", "a number from 0 to 2147483647 is wanted")
            one.sort_order = record["sortOrder"]
        if "isSubscribed" in record:
            if not isinstance(record["isSubscribed"], bool):
                raise invalid("isSubscribed", "true or false is wanted")
            one.subscribed = record["isSubscribed"]
        limit = self.service.limits.books_max
        try:
            put = await self.service.contacts.put_book(one, count_max=limit)
        except OverQuota as error:
            raise SetError("overQuota", f"an account has at most {limit} address books") from error
        self.books[put.id] = put
        return put

    async def create(self, key: str, record: Record) -> None:
        only_known(record, SETTABLE)
        if self.context.grant.books is not None:
            raise SetError("forbidden", "address books are made by the owner of the account")
        if "name" not in record:
            raise invalid("name", "a name is wanted")
        sharing = record.get("shareWith")
        changes = await self.shares(0, {"": sharing}) if sharing else {}
        one = await self.put(AddressBook(self.context.account.id, 0, ""), record)
        await self.give(one.id, changes)
        if self.context.foreign:
            await self.subscribe(one, {"isSubscribed": record.get("isSubscribed", True)})
        made = shown(self.context, one, await rights_given(self.context, one.id))
        self.context.created[key] = made["id"]
        self.result.created[key] = {
            name: value for name, value in made.items() if record.get(name, ...) != value
        }

    async def update(self, key: str, patch: Record) -> None:
        one = self.book(key)
        sharing = {
            path.partition("/")[2]: value
            for path, value in patch.items()
            if path.partition("/")[0] == "shareWith"
        }
        patch = {name: value for name, value in patch.items() if name.partition("/")[0] != "shareWith"}
        patch = without_same(patch, shown(self.context, one, []), SETTABLE)
        only_known(patch, SETTABLE)
        changes = await self.shares(one.id, sharing) if sharing else {}
        if self.context.foreign and "isSubscribed" in patch:
            await self.subscribe(one, patch)
            del patch["isSubscribed"]
        if patch:
            need(self.context, "mayDelete", [one.id])
            await self.put(msgspec.structs.replace(one), patch)
        await self.give(one.id, changes)
        self.result.updated[key] = None

    async def subscribe(self, one: AddressBook, record: Record) -> None:
        """To a book of somebody else, which the owner's own wish leaves alone."""
        on = record["isSubscribed"]
        if not isinstance(on, bool):
            raise invalid("isSubscribed", "true or false is wanted")
        self.context.home.require(WRITE)
        one.subscribed = on
        contacts_ = self.service.contacts
        await contacts_.subscribe(self.context.home.account.id, one.account, one.id, on=on)

    async def shares(self, book: int, wanted: Record) -> dict[AccountId, int]:
        """Paths of `shareWith`, "" for the whole: what they make of the list.  Raises SetError."""
        mine = rights_on(self.context, book)
        if not mine & BOOK_SHARE:
            raise SetError("forbidden", "you have no right mayShare on the address book")
        rows = await self.service.contacts.rights(self.context.account.id, book) if book else []
        entries = {row.grantee: row.rights for row in rows}
        changes = await changes_of(self.context, entries, wanted, BITS)
        for number, bits in changes.items():
            if bits & ~entries.get(number, 0) & ~mine:
                raise SetError("forbidden", "nobody gives others more rights than one has")
        return {number: bits for number, bits in changes.items() if bits != entries.get(number, 0)}

    async def give(self, book: int, changes: dict[AccountId, int]) -> None:
        for number, bits in changes.items():
            right = BookRight(self.context.account.id, book, number, bits)
            try:
                await self.service.contacts.give(
                    right, user=self.context.home.account.id, count_max=ENTRIES_MAX
                )
            except OverQuota as error:
                raise SetError("overQuota", error.detail) from error

    async def destroy(self, key: str, *, with_cards: bool) -> None:
        one = self.book(key)
        need(self.context, "mayDelete", [one.id])
        if with_cards:
            need(self.context, "mayWrite", [one.id])
        try:
            await self.service.contacts.delete_book(self.context.account.id, one.id, with_cards=with_cards)
        except InUse as error:
            raise SetError(
                "addressBookHasContents", "remove its cards first, or set onDestroyRemoveContents"
            ) from error
        except NotFound as error:
            raise SetError("notFound", f"there is no address book {key}") from error
        del self.books[one.id]
        self.result.destroyed.append(key)

    async def make_default(self, text: str) -> None:
        """RFC 9610 §2.3: when all else succeeded; what changed by it is told."""
        chosen = self.books.get(self.context.number(ids.ADDRESS_BOOK, text) or 0)
        if chosen is None or chosen.is_default or self.context.grant.books is not None:
            return
        before = [one for one in self.books.values() if one.is_default]
        chosen.is_default = True
        await self.put(chosen, {})
        created = {record["id"]: record for record in self.result.created.values()}
        for one in (chosen, *before):
            told = {"isDefault": one is chosen}
            if book_id(one.id) in created:
                created[book_id(one.id)] |= told
            else:
                self.result.updated[book_id(one.id)] = (self.result.updated.get(book_id(one.id)) or {}) | told


async def set_books(context: Context, args: AddressBookSet) -> Record:
    service = contacts(context)
    if context.grant.books is None:
        context.grant.require(WRITE)
    check_set(context, args)
    before, books = await books_of(context)
    check_state(args.if_in_state, before)
    work = _Setting(context, service, books)
    result = work.result
    await result.each((args.create or {}).items(), work.create, result.not_created)
    updates, destroy, failed = updates_of(context, args)
    result.not_updated.update(failed)
    await result.each(updates.items(), work.update, result.not_updated)

    async def remove(key: str, _: None) -> None:
        await work.destroy(key, with_cards=args.on_destroy_remove_contents)

    await result.each([(one, None) for one in destroy], remove, result.not_destroyed)
    if args.on_success_set_is_default is not None and not (
        result.not_created or result.not_updated or result.not_destroyed
    ):
        await work.make_default(args.on_success_set_is_default)
    after = await context.services.store.emails.modseq(context.account.id)
    return result.answer(args.account_id, format_state(before), format_state(after))
