"""Records that are kept as objects of the account: get, changes, set, the same for every such type."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from posthouse.core.scope import WRITE
from posthouse.storage.email_rows import StoredObject
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError

from . import arguments as a
from .context import Context
from .standard import SetResult, changes_answer, check_set, updates_of
from .state import check_known, check_state, format_state, parse_state

Record = dict[str, Any]
V = TypeVar("V", bound=Struct)


class Kind(Generic[V]):
    """A type of record: its name in the store, the letter of its ids, the struct of its values."""

    def __init__(
        self, name: str, letter: str, struct: type[V], *, email_of: Callable[[V], int] | None = None
    ) -> None:
        """`email_of`: the email that a record is about; who may not see that does not see the record."""
        self.name = name
        self._email_of = email_of
        self.letter = letter
        self.decode = msgspec.json.Decoder(struct).decode

    def id_of(self, number: int) -> str:
        return ids.format_id(self.letter, number)

    def stored(self, value: V, number: int = 0) -> StoredObject:
        return StoredObject(self.name, number, msgspec.json.encode(value))

    async def read(self, context: Context) -> tuple[int, dict[int, tuple[V, StoredObject]]]:
        """The modseq of the account, and all there are by number."""
        modseq, rows = await context.services.store.objects.get(context.account.id, self.name)
        return modseq, {
            row.id: (self.decode(row.value or b""), row) for row in await self.seen(context, rows)
        }

    async def seen(self, context: Context, rows: list[StoredObject]) -> list[StoredObject]:
        """Those that are about an email which may be seen; of what was removed nobody knows that any more."""
        visible = None if self._email_of is None else await context.visible()
        if visible is None or self._email_of is None:
            return rows
        about = {row.id: self._email_of(self.decode(row.value)) for row in rows if row.value is not None}
        read = await context.services.store.emails.get(context.account.id, list(set(about.values())), ())
        there = {one for one, places in read.places.items() if any(box in visible for box, _ in places)}
        return [row for row in rows if about.get(row.id) in there]

    async def changes(self, context: Context, args: a.Changes) -> Record:
        since = parse_state(args.since_state)
        objects = context.services.store.objects
        modseq, history, rows = await objects.changes(context.account.id, self.name, since.modseq)
        check_known(since, history, modseq)
        rows = await self.seen(context, rows)
        if args.max_changes is not None and len(rows) > args.max_changes:
            # One write may change many at one modseq; up to the last that is whole.
            kept = [row for row in rows if row.modseq < rows[args.max_changes].modseq]
            if not kept:
                raise MethodError(
                    "cannotCalculateChanges", "more changes at once than maxChanges; fetch all anew"
                )
            rows, modseq, more = kept, kept[-1].modseq, True
        else:
            more = False
        created: list[str] = []
        updated: list[str] = []
        destroyed: list[str] = []
        for row in rows:
            new = row.created > since.modseq
            if row.value is None:
                if not new:
                    destroyed.append(self.id_of(row.id))
            else:
                (created if new else updated).append(self.id_of(row.id))
        return changes_answer(
            args, format_state(modseq), created=created, updated=updated, destroyed=destroyed, more=more
        )

    async def set(
        self,
        context: Context,
        args: a.Set,
        *,
        create: Callable[[str, Record], Awaitable[Record]],
        update: Callable[[str, V, StoredObject, Record], Awaitable[V | None]],
        may_destroy: Callable[[V], SetError | None],
    ) -> tuple[Record, SetResult]:
        """`create` stores and tells; `update` gives the new value (None: nothing to store)."""
        check_set(context, args)
        store, account = context.services.store, context.account.id
        before = await store.emails.modseq(account)
        check_state(args.if_in_state, before)
        result = SetResult()

        async def make(key: str, record: Record) -> None:
            told = await create(key, record)
            context.created[key] = told["id"]
            result.created[key] = told

        await result.each((args.create or {}).items(), make, result.not_created)
        _, rows = await self.read(context)
        updates, destroy, failed = updates_of(context, args)
        result.not_updated.update(failed)

        async def change(key: str, patch: Record) -> None:
            found = rows.get(ids.try_number(self.letter, key) or 0)
            if found is None:
                raise SetError("notFound", "there is no such record")
            value = await update(key, *found, patch)
            if value is not None:
                await store.objects.put(account, [self.stored(value, found[1].id)])
            result.updated[key] = None

        async def remove(key: str, _: None) -> None:
            found = rows.get(ids.try_number(self.letter, key) or 0)
            if found is None:
                raise SetError("notFound", "there is no such record")
            if (refused := may_destroy(found[0])) is not None:
                raise refused
            await store.objects.put(account, [StoredObject(self.name, found[1].id, None)])
            result.destroyed.append(key)

        await result.each(updates.items(), change, result.not_updated)
        await result.each([(key, None) for key in destroy], remove, result.not_destroyed)
        after = await store.emails.modseq(account)
        return result.answer(args.account_id, format_state(before), format_state(after)), result

    async def dismiss(self, context: Context, args: a.Set, why: str) -> Record:
        """/set of records that the server makes and changes: they are destroyed, and nothing else."""
        context.grant.require(WRITE)

        async def create(_: str, __: Record) -> Record:
            raise SetError("forbidden", why)

        async def update(_: str, __: V, ___: StoredObject, ____: Record) -> V | None:
            raise SetError("forbidden", why)

        answer, _ = await self.set(context, args, create=create, update=update, may_destroy=lambda _: None)
        return answer
