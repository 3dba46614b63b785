"""AddressBook: get, changes, set (RFC 9610 §2)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from posthouse.core.errors import InUse, NotFound, OverQuota
from posthouse.core.scope import READ, WRITE
from posthouse.services.contacts import ContactService
from posthouse.storage.contact_rows import AddressBook
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid
from posthouse.wire.jmap.value import is_unsigned

from . import arguments as a
from .context import Context
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


def contacts(context: Context, actions: int = READ) -> ContactService:
    """The contacts of who asks; raises MethodError when the credential is for some mailboxes only."""
    context.grant.require(actions)
    if context.scope.folders:
        raise MethodError(
            "forbidden", "what you signed in with is for mailboxes; use a credential that may do all"
        )
    return context.services.contacts


def book_id(number: int) -> str:
    return ids.format_id(ids.ADDRESS_BOOK, number)


def shown(context: Context, one: AddressBook) -> Record:
    writes = context.scope.allows(WRITE)
    return {
        "id": book_id(one.id),
        "name": one.name,
        "description": one.description,
        "sortOrder": one.sort_order,
        "isDefault": one.is_default,
        "isSubscribed": one.subscribed,
        "shareWith": None,
        "myRights": {"mayRead": True, "mayWrite": writes, "mayShare": False, "mayDelete": writes},
    }


async def get_books(context: Context, args: a.Get) -> Record:
    service = contacts(context)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    modseq, books = await service.books(context.account)
    found = {}
    for one in books:
        record = shown(context, one)
        found[record["id"]] = {name: record[name] for name in properties}
    return get_answer(args, format_state(modseq), found, wanted)


async def book_changes(context: Context, args: a.Changes) -> Record:
    service = contacts(context)
    since = parse_state(args.since_state)
    modseq, history, books, gone = await service.contacts.book_changes(context.account.id, since.modseq)
    check_known(since, history, modseq)
    if args.max_changes is not None and len(books) + len(gone) > args.max_changes:
        raise MethodError("cannotCalculateChanges", "more changes than maxChanges; fetch all anew")
    return changes_answer(
        args,
        format_state(modseq),
        created=[book_id(one.id) for one in books if one.created > since.modseq],
        updated=[book_id(one.id) for one in books if one.created <= since.modseq],
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
        if record.get("shareWith"):
            raise SetError("forbidden", "address books are not shared by this server", ["shareWith"])
        limit = self.service.limits.books_max
        try:
            put = await self.service.contacts.put_book(one, count_max=limit)
        except OverQuota as error:
            raise SetError("overQuota", f"an account has at most {limit} address books") from error
        self.books[put.id] = put
        return put

    async def create(self, key: str, record: Record) -> None:
        only_known(record, SETTABLE)
        if "name" not in record:
            raise invalid("name", "a name is wanted")
        made = shown(self.context, await self.put(AddressBook(self.context.account.id, 0, ""), record))
        self.context.created[key] = made["id"]
        self.result.created[key] = {
            name: value for name, value in made.items() if record.get(name, ...) != value
        }

    async def update(self, key: str, patch: Record) -> None:
        one = self.book(key)
        same = shown(self.context, one)
        patch = {name: value for name, value in patch.items() if name in SETTABLE or same.get(name) != value}
        only_known(patch, SETTABLE)
        await self.put(msgspec.structs.replace(one), patch)
        self.result.updated[key] = None

    async def destroy(self, key: str, *, with_cards: bool) -> None:
        one = self.book(key)
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
        if chosen is None or chosen.is_default:
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
    service = contacts(context, WRITE)
    check_set(context, args)
    before, books = await service.books(context.account)
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
