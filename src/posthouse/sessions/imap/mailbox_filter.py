"""Sets of mailboxes as NOTIFY and ESEARCH name them.  RFC 5465 §6, RFC 7377 §2.2."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from posthouse.services.mailboxes import DELIMITER, canonical_name
from posthouse.services.namespaces import is_foreign


def is_in(
    name: str, role: str | None, source: str, wanted: tuple[str, ...], subscribed: AbstractSet[str]
) -> bool:
    """Whether a mailbox belongs to the set `source` (upper case), which may be about the names in `wanted`."""
    if source == "PERSONAL":
        return not is_foreign(name)
    if source == "SUBSCRIBED":
        return name in subscribed
    if source == "INBOXES":  # RFC 5465 §6.3: where mail is delivered
        return role == "inbox" and not is_foreign(name)
    return any(_is_below(name, canonical_name(top), source) for top in wanted)


def _is_below(name: str, top: str, source: str) -> bool:
    if name == top:
        return True
    if source == "MAILBOXES" or not name.startswith(top + DELIMITER):
        return False
    return source == "SUBTREE" or DELIMITER not in name[len(top) + 1 :]
