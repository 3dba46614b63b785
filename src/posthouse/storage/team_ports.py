"""What may be asked of a store about the work of teams on conversations; see `ports` for what holds for all of them.

Conversations are the threads of the account.  Who may ask is `services.team_work`'s to say; the store checks what must
hold in the same transaction: that the holder of a claim may have it, that a note is its author's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from posthouse.core.ids import AccountId
from posthouse.storage.team_rows import Claim, Claimed, Note, NoteDraft, NoteLimits

ALL: Final = -1
"""As a limit: none."""


class TeamWork(Protocol):
    async def claims(
        self, account: AccountId, threads: Sequence[int] | None = None, *, limit: int = ALL
    ) -> tuple[int, list[Claim]]:
        """The account's modseq, and the claims that somebody holds: of some conversations, or all, by thread."""
        ...

    async def claim_changes(
        self, account: AccountId, since: int, limit: int = ALL
    ) -> tuple[int, int, list[Claim]]:
        """The account's modseq, its history, and claims made, handed over or given back (no holder) since.

        By modseq, which each has for itself.
        """
        ...

    async def claim(
        self,
        account: AccountId,
        thread: int,
        *,
        user: AccountId,
        holder: AccountId,
        expected: AccountId,
        keyword: str,
    ) -> Claimed:
        """Give a conversation to `holder` (0: to nobody) if `expected` has it; of two at a time one comes first.

        `keyword`: the one that names the holder on each message.  Raises NotFound (no such conversation), Forbidden
        (the holder may not change messages of the whole account).
        """
        ...

    async def notes(
        self, account: AccountId, *, threads: Sequence[int] | None = None, ids: Sequence[int] | None = None
    ) -> tuple[int, list[Note]]:
        """The account's modseq, and notes by age: of conversations, by id, or all."""
        ...

    async def note_changes(
        self, account: AccountId, since: int, limit: int = ALL
    ) -> tuple[int, int, list[Note]]:
        """The same of notes; the texts are "", or None where a note was removed."""
        ...

    async def note(self, account: AccountId, user: AccountId, draft: NoteDraft, limits: NoteLimits) -> Note:
        """Write, change or remove one; who is mentioned for the first time is told.

        Raises NotFound (the conversation, or the note), Forbidden (it is somebody else's), OverQuota.
        """
        ...

    async def changed(self, account: AccountId, since: int) -> set[str]:
        """The kinds of which something changed after a modseq."""
        ...
