"""Which types of records a sign-in is told of when they change: those that it can get (RFC 8620 §7.1)."""

from __future__ import annotations

from typing import Final

from posthouse.services.grant import Grant
from posthouse.services.presence import KIND as PRESENCE

from .capability import shared_capabilities
from .services import JmapServices
from .table import METHODS, OWN, is_whole

TYPES: Final = (
    "Mailbox", "Thread", "Email", "EmailDelivery", "Identity", "EmailSubmission", "VacationResponse", "Quota",
    "Settings",
    "WebmailItem",
    "Snooze",
    "AddressBook",
    "ContactCard",
    "ShareNotification",
    "Claim",
    "TeamNote",
    "Mention",
    PRESENCE,
)  # fmt: skip
_READ_BY: Final = {"EmailDelivery": "Email/get"}
"""The method that reads a type whose name is another one (RFC 8621 §1.5)."""


def own_types(grant: Grant) -> frozenset[str]:
    """In the account of who asks: less, when the credential is for some mailboxes only."""
    if not grant.scope.folders:
        return frozenset(TYPES)
    return frozenset(one for one in TYPES if not is_whole(name := _method(one), METHODS[name]))


def shared_types(services: JmapServices, acting: Grant) -> frozenset[str]:
    """In an account of somebody else: what its mailboxes and books that are shared let read."""
    there = shared_capabilities(services, acting)
    return frozenset(
        one for one in TYPES if (name := _method(one)) not in OWN and METHODS[name].capability in there
    )


def _method(name: str) -> str:
    return _READ_BY.get(name, f"{name}/get")
