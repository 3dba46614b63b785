"""What a client wants to be told by NOTIFY.  RFC 5465 §5 and §6."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .fetch_item import FetchItem

MESSAGE_NEW: Final = 1
MESSAGE_EXPUNGE: Final = 2
FLAG_CHANGE: Final = 4
MAILBOX_NAME: Final = 8
SUBSCRIPTION_CHANGE: Final = 16
MAILBOX_METADATA_CHANGE: Final = 32
SERVER_METADATA_CHANGE: Final = 64

OF_MESSAGES: Final = MESSAGE_NEW | MESSAGE_EXPUNGE | FLAG_CHANGE
OF_NAMES: Final = MAILBOX_NAME | SUBSCRIPTION_CHANGE
OF_METADATA: Final = MAILBOX_METADATA_CHANGE | SERVER_METADATA_CHANGE

NAMES: Final = {
    "MessageNew": MESSAGE_NEW,
    "MessageExpunge": MESSAGE_EXPUNGE,
    "FlagChange": FLAG_CHANGE,
    "MailboxName": MAILBOX_NAME,
    "SubscriptionChange": SUBSCRIPTION_CHANGE,
    # RFC 5465 §5.6 and §5.7: required of a server that has METADATA
    "MailboxMetadataChange": MAILBOX_METADATA_CHANGE,
    "ServerMetadataChange": SERVER_METADATA_CHANGE,
}
EVENTS: Final = {name.upper(): event for name, event in NAMES.items()}


@dataclass(slots=True)
class WantedSelected:
    """Of the selected mailbox; `items`: to be fetched of new messages.  `delayed`: EXPUNGE waits for a command."""

    events: int
    items: tuple[FetchItem, ...] = ()
    delayed: bool = False


@dataclass(slots=True)
class Wanted:
    """`groups`: (set of mailboxes, names, events), sets in upper case.  `status`: STATUS is wanted at the start."""

    groups: list[tuple[str, tuple[str, ...], int]] = field(default_factory=list)
    selected: WantedSelected | None = None
    status: bool = False
