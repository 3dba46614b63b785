"""What the standard methods of all types have in common (RFC 8620 §5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeVar

from posthouse.core.errors import MailError
from posthouse.wire.jmap.error import MethodError, SetError, invalid

from . import arguments as a
from .context import Context
from .outcome import set_error

Record = dict[str, Any]
T = TypeVar("T")
MISSING: Final = object()
SLICE: Final = 100
"""Records of one /set that are looked at before other work of the event loop gets its turn."""


# --- /get ---


def wanted_properties(given: list[str] | None, known: Collection[str]) -> list[str]:
    """The properties to return, `id` always; raises MethodError (RFC 8620 §5.1)."""
    if given is None:
        return list(known)
    if unknown := [name for name in given if name not in known]:
        raise MethodError("invalidArguments", f"no such properties: {', '.join(unknown)[:200]}")
    return list(dict.fromkeys(("id", *given)))


def check_get(context: Context, ids: Sequence[str] | None) -> list[str] | None:
    """The ids asked for, each once, creation ids resolved; raises MethodError."""
    if ids is None:
        return None
    limit = context.services.limits.get_max
    if len(ids) > limit:
        raise MethodError("requestTooLarge", f"at most {limit} ids in one call (maxObjectsInGet)")
    return [context.deref(one) for one in dict.fromkeys(ids)]


def get_answer(args: a.Get, state: str, found: Mapping[str, Record], ids: Sequence[str] | None) -> Record:
    if ids is None:
        listed, missing = list(found.values()), []
    else:
        listed = [found[one] for one in ids if one in found]
        missing = [one for one in ids if one not in found]
    return {"accountId": args.account_id, "state": state, "list": listed, "notFound": missing}


# --- /changes ---


def changes_limit(context: Context, args: a.Changes) -> int:
    """RFC 8620 §5.2: as many as were asked for, as far as the server goes."""
    most = context.services.limits.changes_max
    return min(args.max_changes or most, most)


def changes_answer(
    args: a.Changes,
    new_state: str,
    *,
    created: Iterable[str] = (),
    updated: Iterable[str] = (),
    destroyed: Iterable[str] = (),
    more: bool = False,
) -> Record:
    return {
        "accountId": args.account_id,
        "oldState": args.since_state,
        "newState": new_state,
        "hasMoreChanges": more,
        "created": list(created),
        "updated": list(updated),
        "destroyed": list(destroyed),
    }


# --- /set ---


class SetResult:
    """Collects what became of each record."""

    def __init__(self) -> None:
        self.created: dict[str, Record] = {}
        self.updated: dict[str, Record | None] = {}
        self.destroyed: list[str] = []
        self.not_created: dict[str, SetError] = {}
        self.not_updated: dict[str, SetError] = {}
        self.not_destroyed: dict[str, SetError] = {}

    def answer(self, account_id: str, old_state: str | None, new_state: str) -> Record:
        def errors(table: dict[str, SetError]) -> dict[str, Record] | None:
            return {one: error.answer() for one, error in table.items()} or None

        return {
            "accountId": account_id,
            "oldState": old_state,
            "newState": new_state,
            "created": self.created or None,
            "updated": self.updated or None,
            "destroyed": self.destroyed or None,
            "notCreated": errors(self.not_created),
            "notUpdated": errors(self.not_updated),
            "notDestroyed": errors(self.not_destroyed),
        }

    async def each(
        self,
        items: Iterable[tuple[str, T]],
        action: Callable[[str, T], Awaitable[None]],
        failed: dict[str, SetError],
    ) -> None:
        """Run the action for each; what it raises becomes that record's error."""
        for done, (name, value) in enumerate(items, 1):
            if done % SLICE == 0:
                await asyncio.sleep(0)  # others run
            try:
                await action(name, value)
            except SetError as error:
                failed[name] = error
            except MailError as error:
                failed[name] = set_error(error)


def check_set(context: Context, args: a.Set) -> None:
    """Raises MethodError when there is too much to do."""
    count = len(args.create or ()) + len(args.update or ()) + len(args.destroy or ())
    limit = context.services.limits.set_max
    if count > limit:
        raise MethodError("requestTooLarge", f"at most {limit} records in one call (maxObjectsInSet)")


def updates_of(context: Context, args: a.Set) -> tuple[dict[str, Record], list[str], dict[str, SetError]]:
    """Updates and destructions by real id; an update of what is destroyed as well is an error (RFC 8620 §5.3)."""
    destroy = list(dict.fromkeys(context.deref(one) for one in args.destroy or ()))
    doomed = set(destroy)
    updates: dict[str, Record] = {}
    failed: dict[str, SetError] = {}
    for one, patch in (args.update or {}).items():
        name = context.deref(one)
        if name in doomed:
            failed[name] = SetError("willDestroy", "the same request destroys it")
        else:
            updates[name] = patch
    return updates, destroy, failed


def only_known(record: Record, known: Collection[str], server_set: Collection[str] = ()) -> None:
    """Raises SetError for names that no such record has, or that the server alone sets."""
    if wrong := [name for name in record if name not in known or name in server_set]:
        shown = ", ".join(wrong)[:200]
        raise SetError("invalidProperties", f"these properties cannot be set: {shown}", wrong)


def without_same(patch: Record, shown: Record, settable: Collection[str]) -> Record:
    """The patch without what cannot be changed and is given as it is.

    RFC 8620 §5.3: a whole record is a patch too; only another value than the present one is an error.
    """
    return {
        path: value
        for path, value in patch.items()
        if path.partition("/")[0] in settable or path not in shown or shown[path] != value
    }


def apply_patch(record: Record, patch: Record) -> Record:
    """RFC 8620 §5.3 PatchObject: the record with the patch applied; raises SetError (invalidPatch)."""
    result = dict(record)
    # By tokens, so that what overlaps stands side by side: `-` and `.` come before `/`.
    for before, after in pairwise(sorted(patch, key=lambda path: path.split("/"))):
        if after.startswith(before + "/"):
            raise SetError("invalidPatch", f"{before} and {after} overlap")
    for path, value in patch.items():
        *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")]
        at: Any = result
        for token in parents:
            inner = at.get(token) if isinstance(at, dict) else None
            if not isinstance(inner, dict):
                raise SetError("invalidPatch", f"{path}: there is no object {token!r}", [path])
            at[token] = at = dict(inner)
        if not isinstance(at, dict):
            raise SetError("invalidPatch", f"{path} leads into no object", [path])
        if value is None and parents:
            at.pop(last, None)
        else:
            at[last] = value
    return result


def text_of(record: Record, name: str, default: Any = MISSING, *, max_bytes: int = 1000) -> str:
    """A text property; raises SetError."""
    value = record.get(name, default)
    if value is default and default is not MISSING:
        return value  # type: ignore[no-any-return]
    if not isinstance(value, str):
        raise invalid(name, "a string is wanted")
    if len(value.encode("utf-8", "surrogatepass")) > max_bytes:
        raise invalid(name, f"longer than {max_bytes} octets")
    return value
