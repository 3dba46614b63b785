"""What an account is told when others share a mailbox with it: an object of the account, made with the change."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

KIND: Final = "ShareNotification"
KEPT: Final = 100
"""Of one account; the oldest give way."""


class ShareNotice(Struct, array_like=True):
    at: float
    by: int  # account; 0: an administrator
    by_address: str
    by_name: str
    account: int
    mailbox: int  # or address book
    name: str
    before: int  # bits of `core.rights`, or of an address book
    after: int
    kind: str = "Mailbox"  # or "AddressBook"
