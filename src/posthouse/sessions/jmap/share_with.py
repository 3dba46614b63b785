"""With whom a mailbox is shared: `shareWith` of Mailbox (RFC 9670 §4), on the same lists that IMAP's ACL shows.

The rights of JMAP are fewer than those of RFC 4314: what an entry has beyond them stays when it is changed here.
"""

from __future__ import annotations

from typing import Any, Final

from posthouse.core.errors import Forbidden, OverQuota
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
)
from posthouse.services.acl import AclService, Identifier
from posthouse.storage.rows import Mailbox
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import SetError, invalid

from .context import Context
from .mailbox_rights import BITS, named
from .principal import PRINCIPAL, principal_id, principals

Record = dict[str, Any]
COVERED: Final = LOOKUP | READ | INSERT | TRASH | EXPUNGE | SEEN | WRITE | CREATE | DELETE | POST


def may_share(context: Context) -> bool:
    """Only the owner, with a credential for everything, sees and changes who else has a mailbox."""
    return not context.foreign and context.scope.whole


async def shared_with(context: Context) -> dict[int, dict[str, dict[str, bool]]]:
    """By mailbox; those that nobody else has are not in it."""
    found: dict[int, dict[str, dict[str, bool]]] = {}
    for entry in await context.services.store.acls.entries_of(context.account.id):
        if entry.grantee and not entry.negative:
            found.setdefault(entry.mailbox, {})[principal_id(entry.grantee)] = named(entry.rights)
    return found


async def share(context: Context, row: Mailbox, wanted: dict[str, Any]) -> None:
    """Paths of `shareWith` below the mailbox, "" for the whole; raises SetError."""
    if not may_share(context):
        raise SetError(
            "forbidden", "only the owner shares a mailbox, with a password or token for everything"
        )
    entries = {
        entry.grantee: entry.rights
        for entry in await context.services.store.acls.entries(context.account.id, row.id)
        if entry.grantee and not entry.negative
    }
    changes = await changes_of(context, entries, wanted, BITS)
    await _apply(context, row, entries, changes)


async def changes_of(
    context: Context, entries: dict[AccountId, int], wanted: dict[str, Any], table: dict[str, int]
) -> dict[AccountId, int]:
    """What paths of `shareWith` make of the entries: the new bits by grantee.  `table`: the rights there are."""
    known = await principals(context)
    changes: dict[AccountId, int] = {}
    for path, value in wanted.items():
        if not path:
            given = {} if value is None else value
            if not isinstance(given, dict):
                raise invalid("shareWith", "an object of principals, or null, is wanted")
            changes = dict.fromkeys(entries, NOTHING)
            changes |= {_number(context, key, known): _bits(rights, table) for key, rights in given.items()}
            continue
        key, _, right = path.partition("/")
        number = _number(context, key, known)
        if right:
            before = changes.get(number, entries.get(number, NOTHING))
            bits = table.get(right)
            if bits is None or not isinstance(value, bool | None):
                raise invalid("shareWith", f"{right[:40]} is no right, or not true or false")
            changes[number] = before | bits if value else before & ~bits
        else:
            changes[number] = NOTHING if value is None else _bits(value, table)
    return changes


async def _apply(
    context: Context, row: Mailbox, entries: dict[AccountId, int], changes: dict[AccountId, int]
) -> None:
    service = AclService(context.services.store)
    for number, bits in changes.items():
        now = entries.get(number, NOTHING)
        wanted = bits | now & ~COVERED if bits else NOTHING
        if wanted == now:
            continue
        try:
            identifier = Identifier(number, negative=False)
            await service.set(row, identifier, ("=", wanted), user=context.account.id)
        except Forbidden as error:
            raise SetError("forbidden", "a member of the whole account keeps its rights") from error
        except OverQuota as error:
            raise SetError("overQuota", error.detail) from error


def _number(context: Context, key: str, known: dict[int, Any]) -> AccountId:
    number = ids.try_number(PRINCIPAL, key)
    if number is None or number not in known:
        raise invalid("shareWith", f"there is no principal {key[:40]}")
    if number == context.account.id:
        raise invalid("shareWith", "the owner's rights are implicit")
    return AccountId(number)


def _bits(rights: Any, table: dict[str, int]) -> int:
    if not isinstance(rights, dict) or not all(
        name in table and isinstance(value, bool) for name, value in rights.items()
    ):
        raise invalid("shareWith", f"rights are {', '.join(table)}, each true or false")
    bits = NOTHING
    for name, value in rights.items():
        if value:
            bits |= table[name]
    return bits
