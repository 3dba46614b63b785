"""What a client may do with a mailbox, and what its name is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from posthouse.core.rights import (
    ALL,
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
from posthouse.core.scope import READ as SCOPE_READ
from posthouse.core.scope import WRITE as SCOPE_WRITE
from posthouse.services.grant import Grant
from posthouse.services.mailboxes import DELIMITER
from posthouse.storage.rows import Mailbox
from posthouse.wire.jmap.error import SetError

from .context import Context

BITS: Final = {
    "mayReadItems": LOOKUP | READ,
    "mayAddItems": INSERT,
    "mayRemoveItems": TRASH | EXPUNGE,
    "maySetSeen": SEEN,
    "maySetKeywords": WRITE,
    "mayCreateChild": CREATE,
    "mayRename": DELETE,
    "mayDelete": DELETE,
    "maySubmit": POST,
}
"""Rights of RFC 8621 §2, and what they are of RFC 4314."""
_CHANGES: Final = INSERT | TRASH | EXPUNGE | SEEN | WRITE | CREATE | DELETE
TOP: Final = 0
"""In place of a mailbox: the level of those that are in no other."""


def named(bits: int) -> dict[str, bool]:
    return {name: bits & wanted == wanted for name, wanted in BITS.items()}


def rights(context: Context, row: Mailbox) -> dict[str, bool]:
    """RFC 8621 §2 MailboxRights, as far as the credential goes."""
    found = named(_bits(context, row.id))
    if row.role == "inbox":
        found["mayRename"] = found["mayDelete"] = False
    return found


def may_change(grant: Grant) -> bool:
    """In an account of somebody else: there is a mailbox that may be changed in some way."""
    return any(bits & _CHANGES for bits in (grant.rights or {}).values())


def require_change(context: Context) -> None:
    """Something in this account may be changed.  Raises ScopeExceeded."""
    if not may_change(context.grant):
        context.grant.require(SCOPE_WRITE)


def keeper_of(acting: Grant, home: Grant) -> Grant:
    """With whose uploads is kept what comes for an account.

    Who may change no more than some mailboxes of it keeps it with the own, for nobody else to see until it is in one.
    """
    partly = not acting.scope.allows(SCOPE_WRITE) or (acting.scope.exact and acting.scope.folders)
    return home if partly else acting


def need(context: Context, right: str, boxes: Iterable[int]) -> None:
    """Raises SetError unless there is this right on all of them."""
    wanted = BITS[right]
    if any(_bits(context, box) & wanted != wanted for box in boxes):
        raise SetError("forbidden", f"you have no right {right} on the mailbox; its owner can give it")


def need_to_add(context: Context, boxes: Collection[int], keywords: Iterable[str]) -> None:
    """The rights to put an email with these keywords into these mailboxes.  Raises SetError."""
    if context.grant.rights is None:
        return
    need(context, "mayAddItems", boxes)
    seen = [name == "$seen" for name in keywords]
    if any(seen):
        need(context, "maySetSeen", boxes)
    if not all(seen):
        need(context, "maySetKeywords", boxes)


def _bits(context: Context, box: int) -> int:
    by_mailbox = context.grant.rights
    if by_mailbox is not None:
        return by_mailbox.get(box, NOTHING)
    scope = context.scope
    return (LOOKUP | READ if scope.allows(SCOPE_READ) else NOTHING) | (
        ALL & ~(LOOKUP | READ) if scope.allows(SCOPE_WRITE) else NOTHING
    )


def level_name(name: str) -> str:
    return name.rpartition(DELIMITER)[2]


DEFAULT_ORDER: Final = {"inbox": 1, "drafts": 2, "sent": 3, "archive": 4, "junk": 5, "trash": 6}
"""sortOrder of mailboxes with a role to which nobody gave another one."""
PLAIN_ORDER: Final = 10


def sort_order(row: Mailbox) -> int:
    return row.sort_order or DEFAULT_ORDER.get(row.role or "", PLAIN_ORDER)
