"""What a client may do with a mailbox, and what its name is."""

from __future__ import annotations

from typing import Final

from posthouse.core.scope import READ, WRITE, Scope
from posthouse.services.mailboxes import DELIMITER
from posthouse.storage.rows import Mailbox

RIGHTS: Final = (
    "mayReadItems", "mayAddItems", "mayRemoveItems", "maySetSeen", "maySetKeywords", "mayCreateChild", "mayRename",
    "mayDelete", "maySubmit",
)  # fmt: skip


def rights(scope: Scope, row: Mailbox) -> dict[str, bool]:
    """RFC 8621 §2 MailboxRights, as far as the credential goes."""
    writes, stays = scope.allows(WRITE), row.role == "inbox"
    found = dict.fromkeys(RIGHTS, writes)
    found["mayReadItems"] = scope.allows(READ)
    found["mayRename"] = found["mayDelete"] = writes and not stays
    return found


def level_name(name: str) -> str:
    return name.rpartition(DELIMITER)[2]


DEFAULT_ORDER: Final = {"inbox": 1, "drafts": 2, "sent": 3, "archive": 4, "junk": 5, "trash": 6}
"""sortOrder of mailboxes with a role to which nobody gave another one."""
PLAIN_ORDER: Final = 10


def sort_order(row: Mailbox) -> int:
    return row.sort_order or DEFAULT_ORDER.get(row.role or "", PLAIN_ORDER)
