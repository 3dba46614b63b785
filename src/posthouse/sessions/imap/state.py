"""The states of RFC 9051 §3, what ENABLE switches, and the selected mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from posthouse.core.ids import MailboxId
from posthouse.core.rights import ALL, CHANGES
from posthouse.services.mailboxes import SharedMailbox

from .view import View

if TYPE_CHECKING:
    from .context import Contexts

NOT_AUTHENTICATED: Final = 1
AUTHENTICATED: Final = 2
SELECTED: Final = 4
ANY_STATE: Final = NOT_AUTHENTICATED | AUTHENTICATED | SELECTED
LOGGED_IN: Final = AUTHENTICATED | SELECTED

SERVER: Final = MailboxId(0)
"""Under this the annotations are kept that belong to no mailbox (RFC 5464)."""

CONDSTORE: Final = 1
QRESYNC: Final = 2
UTF8: Final = 4
REV2: Final = 8
UIDONLY: Final = 16


@final
class Selected:
    """A mailbox a session looks at."""

    __slots__ = (
        "claims_recent",
        "contexts",
        "examined",
        "foreign",
        "id",
        "name",
        "rights",
        "shared",
        "up_to_date",
        "view",
    )

    def __init__(
        self,
        name: str,
        shared: SharedMailbox,
        view: View,
        *,
        rights: int = ALL,
        examined: bool = False,
        foreign: bool = False,
    ) -> None:
        self.id: MailboxId = shared.mailbox
        self.name = name
        self.shared = shared
        self.view = view
        self.rights = rights
        self.examined = examined
        self.foreign = foreign  # somebody else's: the rights may change at any time
        # RFC 3501 §2.3.2: only a session that may write takes \Recent from the ones after it.
        self.claims_recent = not self.read_only
        self.up_to_date = False  # the writer has said just now that the view is where the mailbox is
        self.contexts: Contexts | None = None  # set by the first search with UPDATE

    @property
    def read_only(self) -> bool:
        # RFC 4314 §5.2: without a right to change anything it is read-only.
        return self.examined or not self.rights & CHANGES
