"""ContactCard: get and changes (RFC 9610 §3)."""

from __future__ import annotations

from typing import Any, Final

from posthouse.cards.jscontact import Card
from posthouse.services.contacts import card_of
from posthouse.storage.contact_rows import EVERY_CARD, CardChanges, StoredCard
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError

from . import arguments as a
from .address_book import book_id
from .book_rights import check_known as known_books
from .book_rights import contacts, narrowed, seen, visible
from .context import Context
from .standard import changes_answer, check_get, get_answer
from .state import check_known, format_state, parse_state

Record = dict[str, Any]
PROPERTIES_MAX: Final = 100


def card_id(number: int) -> str:
    return ids.format_id(ids.CARD, number)


def shown(context: Context, stored: StoredCard) -> Card:
    """As JMAP has it: the stored card, its id and those of its books that may be seen."""
    books = {book_id(book): True for book in seen(context, stored.books)}
    return {"id": card_id(stored.id), "addressBookIds": books, **card_of(stored)}


async def get_cards(context: Context, args: a.Get) -> Record:
    service = contacts(context)
    account, limit = context.account.id, context.services.limits.get_max
    wanted = check_get(context, args.ids)
    # RFC 9553 §1.5: a card may have properties that nobody here knows, so any name may be asked for.
    if args.properties is not None and len(args.properties) > PROPERTIES_MAX:
        raise MethodError("requestTooLarge", f"at most {PROPERTIES_MAX} properties")
    if wanted is None:
        numbers = await service.contacts.ids(account, narrowed(context, EVERY_CARD), first=limit + 1)
        if len(numbers) > limit:
            raise MethodError(
                "requestTooLarge", f"there are more than {limit} cards; name ids (maxObjectsInGet)"
            )
    else:
        numbers = ids.numbers(ids.CARD, wanted)
    modseq, rows = await service.contacts.get(account, numbers)
    found = {}
    for stored in rows:
        if not seen(context, stored.books):
            continue
        context.spend(len(stored.value))
        record = shown(context, stored)
        if args.properties is not None:
            record = {
                name: value for name, value in record.items() if name == "id" or name in args.properties
            }
        found[card_id(stored.id)] = record
    return get_answer(args, format_state(modseq), found, wanted)


async def card_changes(context: Context, args: a.Changes) -> Record:
    service = contacts(context)
    since = parse_state(args.since_state)
    limit = context.services.limits.changes_max
    limit = limit if args.max_changes is None else min(limit, args.max_changes)
    found = await service.contacts.changes(context.account.id, since.modseq, limit)
    check_known(since, found.history, max(found.modseq, since.modseq) if found.more else found.modseq)
    await hide_others(context, since.modseq, found)
    return changes_answer(
        args,
        format_state(found.modseq),
        created=map(card_id, found.created),
        updated=map(card_id, found.changed),
        destroyed=map(card_id, found.gone),
        more=found.more,
    )


async def hide_others(context: Context, since: int, found: CardChanges) -> None:
    """In an account of somebody else a card that is in none of the books to be seen is gone.  Raises MethodError."""
    if visible(context) is None:
        return
    known_books(context, since)
    _, rows = await context.services.contacts.contacts.get(
        context.account.id, [*found.created, *found.changed]
    )
    there = {stored.id for stored in rows if seen(context, stored.books)}
    found.gone += [one for one in found.changed if one not in there]
    found.created = [one for one in found.created if one in there]
    found.changed = [one for one in found.changed if one in there]
