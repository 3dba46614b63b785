"""Values of what members of a team say to each other about conversations: who has one, and notes."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from posthouse.core.ids import AccountId

CLAIM: Final = "Claim"
NOTE: Final = "TeamNote"
MENTION: Final = "Mention"
"""Kinds of the hints; objects of this last kind stand in the accounts of who is mentioned."""

MARK: Final = "$Claimed"
"""On every message of a conversation that somebody has (`docs/keywords.md`)."""
CLAIMED: Final = MARK.lower()
"""Keywords that begin so, in whatever case, are put and taken by claims alone."""
MENTIONS_KEPT: Final = 200
"""Of one account; the oldest give way."""
REMOVED_KEPT: Final = 1000
"""Claims given back, and notes removed, that a team remembers for clients that come back."""


class Claim(Struct, array_like=True, frozen=True):
    """Who has a conversation."""

    thread: int
    holder: AccountId  # 0: nobody, any more
    address: str
    name: str
    by: AccountId  # who said so: the holder, or who handed it over
    by_address: str
    at: float
    modseq: int
    created: int  # modseq


class Claimed(Struct, array_like=True):
    """What became of an attempt; the claim is that which holds now."""

    done: bool
    claim: Claim | None


class Note(Struct, array_like=True, frozen=True):
    id: int
    thread: int
    author: AccountId
    address: str  # of the author, also after the account is gone
    name: str
    at: float
    edited_at: float  # 0: never
    text: str | None  # None: removed
    mentions: list[AccountId]
    modseq: int
    created: int  # modseq


class NoteDraft(Struct, array_like=True, frozen=True):
    """A note to be written; `id` 0: a new one; `text` None: to be removed."""

    thread: int
    text: str | None
    mentions: list[AccountId] = []
    id: int = 0


class NoteLimits(Struct, array_like=True, frozen=True):
    thread_max: int = 200
    """Notes of one conversation."""
    account_max: int = 100_000
    """Notes of one team."""


class Mention(Struct):
    """The value of an object in the account of who is mentioned."""

    account: int  # the team
    thread: int
    note: int
    by: int
    by_address: str
    by_name: str
    at: float
