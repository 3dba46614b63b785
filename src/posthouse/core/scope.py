"""What a credential opens: protocols, kinds of action, and mailboxes."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

READ: Final = 1
"""See mailboxes and messages."""
WRITE: Final = 2
"""Change them: flags, new messages, expunging, mailboxes themselves."""
SEND: Final = 4
"""Submit mail to others."""
ALL: Final = READ | WRITE | SEND

ACTIONS: Final = {"read": READ, "write": WRITE, "send": SEND}
"""What people call them."""
DELIMITER: Final = "/"


class Scope(Struct, frozen=True):
    """`actions` are bits; each of `folders` covers what is below it, none at all means every mailbox.

    `exact`: the folders cover themselves only.
    """

    protocols: tuple[str, ...]
    actions: int = ALL
    folders: tuple[str, ...] = ()
    exact: bool = False

    @property
    def whole(self) -> bool:
        """Nothing about mailboxes has to be looked at."""
        return self.actions == ALL and not self.folders

    def allows(self, actions: int) -> bool:
        """All of these."""
        return not actions & ~self.actions

    def covers(self, name: str) -> bool:
        """A mailbox of this name (INBOX in capitals) may be seen and used."""
        return not self.folders or any(
            name == folder or (not self.exact and name.startswith(folder + DELIMITER))
            for folder in self.folders
        )


def action_names(actions: int) -> tuple[str, ...]:
    return tuple(name for name, bit in ACTIONS.items() if actions & bit)
