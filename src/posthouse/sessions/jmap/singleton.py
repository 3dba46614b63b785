"""Types of which an account has one record, and always: get, changes and set of what is kept as an object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from posthouse.core.scope import WRITE
from posthouse.wire.jmap.error import SetError

from . import arguments as a
from .context import Context
from .objects import Kind
from .standard import (
    SetResult,
    changes_answer,
    check_get,
    check_set,
    get_answer,
    only_known,
    wanted_properties,
    without_same,
)
from .state import check_known, check_state, format_state, parse_state

Record = dict[str, Any]
V = TypeVar("V", bound=Struct)
ID: Final = "singleton"


class Singleton(Generic[V]):
    """`make`: the record while none is kept; `shown`: its properties but for the id; `settable`: their names."""

    def __init__(
        self, kind: Kind[V], make: Callable[[], V], shown: Callable[[V], Record], settable: Sequence[str]
    ) -> None:
        self.kind = kind
        self._make = make
        self._shown = shown
        self._settable = settable

    async def read(self, context: Context) -> tuple[int, V, int]:
        """The modseq, the record, and its number in the store (0: none is kept yet)."""
        modseq, rows = await self.kind.read(context)
        for number, (one, _) in rows.items():
            return modseq, one, number
        return modseq, self._make(), 0

    async def get(self, context: Context, args: a.Get) -> Record:
        wanted = check_get(context, args.ids)
        properties = wanted_properties(args.properties, ("id", *self._settable))
        modseq, one, _ = await self.read(context)
        shown = {"id": ID, **self._shown(one)}
        record = {name: value for name, value in shown.items() if name in properties}
        return get_answer(args, format_state(modseq), {ID: record}, wanted)

    async def changes(self, context: Context, args: a.Changes) -> Record:
        since = parse_state(args.since_state)
        objects = context.services.store.objects
        modseq, history, rows = await objects.changes(context.account.id, self.kind.name, since.modseq)
        check_known(since, history, modseq)
        return changes_answer(args, format_state(modseq), updated=[ID] if rows else [])

    async def set(self, context: Context, args: a.Set, change: Callable[[Record], Awaitable[None]]) -> Record:
        """`change` is given a patch of settable properties, and keeps what becomes of the record."""
        context.grant.require(WRITE)
        check_set(context, args)
        emails, account = context.services.store.emails, context.account.id
        before = await emails.modseq(account)
        check_state(args.if_in_state, before)
        result = SetResult()
        stays = SetError("singleton", "there is one, and it stays")
        result.not_created = dict.fromkeys(args.create or {}, stays)
        result.not_destroyed = dict.fromkeys(args.destroy or [], stays)

        async def update(key: str, patch: Record) -> None:
            if key != ID:
                raise SetError("notFound", "the only one is `singleton`")
            _, now, _ = await self.read(context)
            patch = without_same(patch, {"id": ID, **self._shown(now)}, self._settable)
            only_known({path.partition("/")[0]: None for path in patch}, self._settable)
            await change(patch)
            result.updated[key] = None

        await result.each((args.update or {}).items(), update, result.not_updated)
        after = await emails.modseq(account)
        return result.answer(args.account_id, format_state(before), format_state(after))
