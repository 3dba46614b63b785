"""What happened to the list of mailboxes between two looks at it.  RFC 5465 §5.4 and §5.5.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from posthouse.core.ids import MailboxId
from posthouse.services.mailboxes import DELIMITER, superiors
from posthouse.wire.imap.notify_events import MAILBOX_NAME, SUBSCRIPTION_CHANGE

Names = Mapping[MailboxId, str]
Wants = Callable[[str, int], bool]
"""(name, event) -> whether it is to be told."""


def affected(
    old: Names, new: Names, unsubscribed: AbstractSet[str], wants: Wants, own: AbstractSet[str]
) -> dict[str, str | None]:
    """Names to be told by LIST, each with its old name if it was renamed.

    `unsubscribed`: names whose subscription changed.  `own`: names that this client itself has just changed.
    """
    told: dict[str, str | None] = {
        after: before
        for before, after in _renames(old, new)
        if after not in own and (wants(after, MAILBOX_NAME) or wants(before, MAILBOX_NAME))
    }
    # A name that is gone under one id and there under another was deleted and made again: told once.
    made_or_deleted = [new[i] for i in new.keys() - old.keys()] + [old[i] for i in old.keys() - new.keys()]
    for name in sorted(made_or_deleted):
        if name in own:
            continue
        # RFC 5465 §5.4: the mailbox and its direct parent are affected.
        for one in (name, name.rpartition(DELIMITER)[0]):
            if one and wants(one, MAILBOX_NAME):
                told.setdefault(one, None)
    for name in sorted(unsubscribed - own):
        if wants(name, SUBSCRIPTION_CHANGE):
            told.setdefault(name, None)
    return told


def _renames(old: Names, new: Names) -> Iterator[tuple[str, str]]:
    """RFC 5465 §5.4: without those that were renamed because a superior was."""
    pairs = {old[i]: new[i] for i in sorted(old.keys() & new.keys()) if old[i] != new[i]}
    for before, after in pairs.items():
        if not any(pairs.get(top, "\0") + before[len(top) :] == after for top in superiors(before)):
            yield before, after
