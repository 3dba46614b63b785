"""Email/copy: from one account to another (RFC 8621 §4.7)."""

from __future__ import annotations

from typing import Any

from msgspec import field

from posthouse.core.errors import ScopeExceeded
from posthouse.services.shared_accounts import NO_MAILBOX
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid

from . import arguments as a
from .blob_read import read_blob
from .context import Context
from .email_set import set_emails
from .email_store import keyword_names, mailbox_numbers, received_at, store_message
from .mailbox_rights import need_to_add, require_change
from .standard import SetResult, only_known
from .state import check_state, format_state

Record = dict[str, Any]


class EmailCopy(a.Copy):
    create: dict[a.Id, a.Record] = field(default_factory=dict)


async def copy_emails(context: Context, args: EmailCopy) -> Record:
    require_change(context)
    if args.from_account_id == args.account_id:
        raise MethodError(
            "invalidArguments", "fromAccountId must be another account; use Email/set to copy within one"
        )
    if len(args.create) > context.services.limits.set_max:
        limit = context.services.limits.set_max
        raise MethodError("requestTooLarge", f"at most {limit} emails in one call (maxObjectsInSet)")
    try:
        source = await context.acting(args.from_account_id)
    except MethodError as error:
        raise MethodError("fromAccountNotFound", "there is no such account, or it is not yours") from error
    if source.foreign and source.scope.folders == NO_MAILBOX:
        raise MethodError("fromAccountNotSupportedByMethod", "no mail of that account is shared with you")
    emails = context.services.store.emails
    before = await emails.modseq(context.account.id)
    check_state(args.if_in_state, before)
    check_state(args.if_from_in_state, await emails.modseq(source.account.id))
    copying = _Copying(context, source)
    await copying.run(args.create)
    after = await emails.modseq(context.account.id)
    if args.on_success_destroy_original and copying.originals:
        await _destroy_originals(source, args, copying.originals)
    answer = copying.result.answer(args.account_id, format_state(before), format_state(after))
    kept = ("accountId", "oldState", "newState", "created", "notCreated")
    return {"fromAccountId": args.from_account_id, **{name: answer[name] for name in kept}}


async def _destroy_originals(source: Context, args: EmailCopy, originals: list[str]) -> None:
    """RFC 8620 §5.4: an implicit call, whose response follows."""
    implied = a.Set(
        account_id=args.from_account_id, if_in_state=args.destroy_from_if_in_state, destroy=originals
    )
    try:
        require_change(source)
        source.extra.append(("Email/set", await set_emails(source, implied), source.call_id))
    except ScopeExceeded:
        refused = MethodError("accountReadOnly", "the originals are in an account that you may only read")
        source.extra.append(("error", refused.answer(), source.call_id))
    except MethodError as error:
        source.extra.append(("error", error.answer(), source.call_id))


class _Copying:
    def __init__(self, context: Context, source: Context) -> None:
        self.context = context
        self.source = source
        self.result = SetResult()
        self.originals: list[str] = []

    async def run(self, create: dict[str, Record]) -> None:
        boxes = await self.context.mailboxes()

        async def copy(key: str, record: Record) -> None:
            only_known(record, ("id", "mailboxIds", "keywords", "receivedAt"))
            number = self.source.number(ids.EMAIL, record.get("id"))
            wanted = mailbox_numbers(self.context, record.get("mailboxIds"), boxes)
            names = keyword_names(record.get("keywords"))
            need_to_add(self.context, wanted, names)
            row = None if number is None else await self._row(number)
            name = None if row is None else ids.try_blob(ids.format_id(ids.EMAIL, row[0]))
            content = None if name is None else await read_blob(self.source, name)
            if row is None or content is None:
                raise SetError("notFound", "there is no such email in the account it is to come from")
            if not isinstance(record.get("id"), str):
                raise invalid("id", "the id of an email is wanted")
            date = received_at(record, row[1])
            _, told = await store_message(self.context, content, wanted, names, date)
            self.context.created[key] = told["id"]
            self.result.created[key] = told
            self.originals.append(ids.format_id(ids.EMAIL, row[0]))

        await self.result.each(create.items(), copy, self.result.not_created)

    async def _row(self, number: int) -> tuple[int, float] | None:
        """The number of an email that may be seen, and when it was received."""
        read = await self.context.services.store.emails.get(self.source.account.id, [number], ("date",))
        return (number, read.rows[0][1]) if read.rows else None
