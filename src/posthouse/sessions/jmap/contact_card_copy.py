"""ContactCard/copy: from one account to another (RFC 9610 §3.6, RFC 8620 §5.4)."""

from __future__ import annotations

from typing import Any

from posthouse.core.errors import ScopeExceeded
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid

from . import arguments as a
from .address_book import books_of
from .blob_read import read_blob
from .book_rights import contacts, require_write, seen, visible
from .contact_card import shown
from .contact_card_set import Asked, CardSetting, set_cards
from .context import Context
from .standard import SetResult, check_set
from .state import check_state, format_state

Record = dict[str, Any]


async def copy_cards(context: Context, args: a.Copy) -> Record:
    contacts(context)
    require_write(context)
    if args.from_account_id == args.account_id:
        raise MethodError(
            "invalidArguments", "fromAccountId must be another account; use ContactCard/set within one"
        )
    check_set(context, a.Set(account_id=args.account_id, create=args.create))
    try:
        source = await context.acting(args.from_account_id)
    except MethodError as error:
        raise MethodError("fromAccountNotFound", "there is no such account, or it is not yours") from error
    if (source.grant.books is None and source.scope.folders) or visible(source) == frozenset():
        raise MethodError(
            "fromAccountNotSupportedByMethod", "no contacts of that account are shared with you"
        )
    before, books = await books_of(context)
    check_state(args.if_in_state, before)
    check_state(args.if_from_in_state, await context.services.store.emails.modseq(source.account.id))
    work = CardSetting(context, {one.id for one in books})
    result, asked = work.result, []
    originals: dict[str, str] = {}

    async def take(key: str, record: Record) -> None:
        one = await _asked(work, source, key, record)
        originals[key] = record["id"]
        asked.append(one)

    await result.each(args.create.items(), take, result.not_created)
    await work.carry_out(asked)
    after = await context.services.store.emails.modseq(context.account.id)
    done = [source.deref(originals[key]) for key in originals if key in result.created]
    if args.on_success_destroy_original and done:
        await _destroy_originals(source, args, done)
    return _answer(args, result, before, after)


def _answer(args: a.Copy, result: SetResult, before: int, after: int) -> Record:
    answer = result.answer(args.account_id, format_state(before), format_state(after))
    kept = ("accountId", "oldState", "newState", "created", "notCreated")
    return {"fromAccountId": args.from_account_id, **{name: answer[name] for name in kept}}


async def _asked(work: CardSetting, source: Context, key: str, record: Record) -> Asked:
    """The card of the other account, with what the record sets; its pictures come along.  Raises SetError."""
    number = source.number(ids.CARD, record.get("id"))
    if not isinstance(record.get("id"), str):
        raise invalid("id", "the id of a card is wanted")
    old = None if number is None else await source.services.contacts.card(source.account.id, number)
    if old is None or not seen(source, old.books):
        raise SetError("notFound", "there is no such card in the account it is to come from")
    card = {**shown(source, old), **record}
    del card["id"]
    books = work.books_of({"addressBookIds": record.get("addressBookIds")})
    work.moved((), books)
    asked = Asked(key, card, books, None)
    media = card.get("media")
    for one in media.values() if isinstance(media, dict) else ():
        text = one.get("blobId") if isinstance(one, dict) else None
        name = ids.try_blob(source.deref(text)) if isinstance(text, str) else None
        if name is not None:
            asked.blobs[str(text)] = await read_blob(source, name)
    return asked


async def _destroy_originals(source: Context, args: a.Copy, originals: list[str]) -> None:
    """RFC 8620 §5.4: an implicit call, whose response follows."""
    implied = a.Set(
        account_id=args.from_account_id, if_in_state=args.destroy_from_if_in_state, destroy=originals
    )
    try:
        source.extra.append(("ContactCard/set", await set_cards(source, implied), source.call_id))
    except ScopeExceeded:
        refused = MethodError("accountReadOnly", "the originals are in an account that you may only read")
        source.extra.append(("error", refused.answer(), source.call_id))
    except MethodError as error:
        source.extra.append(("error", error.answer(), source.call_id))
