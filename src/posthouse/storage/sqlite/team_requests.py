"""Write requests about the work of teams: claims and notes."""

from __future__ import annotations

from posthouse.core.ids import AccountId
from posthouse.storage.sqlite.request_class import Request
from posthouse.storage.team_rows import Claimed, Note, NoteDraft, NoteLimits


class PutClaim(Request):
    result = Claimed
    account: AccountId
    thread: int
    user: AccountId
    holder: AccountId
    expected: AccountId
    keyword: str


class PutNote(Request):
    result = Note
    account: AccountId
    user: AccountId
    draft: NoteDraft
    limits: NoteLimits


class PruneTeams(Request):
    """Forget claims and notes of conversations that are gone, a limited number at a time; how many."""

    result = int
    synced = False
    limit: int


TeamWrite = PutClaim | PutNote | PruneTeams
