"""What members of a team do with conversations: claims and notes, and who may.

A member is who was granted rights on the whole account of a team; who was given single mailboxes is none.  Members who
may read (l, r) see claims, notes and who is there; those who may change messages (w) claim and write.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from posthouse.core.errors import Forbidden, Invalid, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.rights import LOOKUP, NOTHING, READ, WRITE, combine
from posthouse.core.sentence import Sentence
from posthouse.services.grant import Grant
from posthouse.services.rights import WHOLE, viewer_of
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account
from posthouse.storage.team_rows import MARK, Claimed, Note, NoteDraft, NoteLimits

SEES: Final = LOOKUP | READ
NOTE_MAX_BYTES: Final = 16 * 1024
MENTIONS_MAX: Final = 50
_NOT_IN_ATOMS: Final = frozenset(b'(){%*"\\]=')


class Member(Struct, frozen=True):
    account: AccountId
    address: str
    name: str
    may_write: bool


def keyword_of(address: str) -> str:
    """The keyword that names the holder of a claim to every program (`docs/keywords.md`)."""
    # An octet that no atom may hold (RFC 9051 §9), or JMAP no keyword (RFC 8621 §4.1.1), stands as =XX.
    octets = address.encode("utf-8", "surrogatepass")
    safe = [chr(one) if 0x20 < one < 0x7F and one not in _NOT_IN_ATOMS else f"={one:02X}" for one in octets]
    return f"{MARK}:{''.join(safe)}"


def check_member(home: Grant, team: Account, rights: int) -> None:
    """Raises NotFound: nothing of a team is a stranger's to know."""
    if rights & SEES != SEES:
        raise NotFound(f"{home.account.address} is no member of {team.address}")


class TeamWorkService:
    def __init__(self, store: Store, limits: NoteLimits | None = None) -> None:
        self._store = store
        self._limits = limits or NoteLimits()

    async def rights(self, home: Grant, team: Account) -> int:
        """What a sign-in may do in all of a team's account; none: it is no member."""
        viewer = viewer_of(home)
        if not team.team or viewer.folders or home.account.id == team.id:
            return NOTHING
        entries = await self._store.acls.granted(viewer.account, team.id, WHOLE)
        return combine((one.negative, one.rights) for one in entries) & viewer.mask

    async def need(self, home: Grant, team: Account, wanted: int = SEES) -> None:
        """Raises NotFound (nothing of it is a stranger's to know), Forbidden."""
        rights = await self.rights(home, team)
        check_member(home, team, rights)
        if rights & wanted != wanted:
            raise Forbidden(f"{home.account.address} may read in {team.address}, not change")

    async def members(self, team: AccountId) -> list[Member]:
        found = []
        by_account: dict[AccountId, list[tuple[bool, int]]] = {}
        for entry in await self._store.acls.entries(team, WHOLE):
            by_account.setdefault(entry.grantee, []).append((entry.negative, entry.rights))
        for number, entries in by_account.items():
            rights = combine(entries)
            account = await self._store.directory.account(number) if rights & SEES == SEES else None
            if account is not None and account.enabled:
                found.append(Member(number, account.address, account.name, bool(rights & WRITE)))
        return sorted(found, key=lambda one: one.address)

    async def subjects(self, team: AccountId, threads: list[int]) -> dict[int, str]:
        """Those of the first letters of conversations."""
        first: dict[int, int] = {}
        for thread, message in await self._store.emails.threads(team, threads):
            first.setdefault(thread, message)
        read = await self._store.emails.get(team, list(first.values()), ("subject",))
        found = {row[0]: row[1] for row in read.rows}
        return {thread: found[message] for thread, message in first.items() if message in found}

    async def claim(
        self, home: Grant, team: Account, thread: int, *, holder: AccountId, expected: AccountId
    ) -> Claimed:
        """Raises NotFound, Forbidden."""
        await self.need(home, team, SEES | WRITE)
        keyword = ""
        if holder:
            person = await self._store.directory.account(holder)
            if person is None:
                raise NotFound(f"account {holder}")
            keyword = keyword_of(person.address)
        return await self._store.team.claim(
            team.id, thread, user=home.account.id, holder=holder, expected=expected, keyword=keyword
        )

    async def note(self, home: Grant, team: Account, draft: NoteDraft) -> Note:
        """Raises NotFound, Forbidden, Invalid, OverQuota."""
        await self.need(home, team, SEES | WRITE)
        if draft.text is not None:
            if not draft.text.strip():
                raise Invalid(Sentence("note.empty"))
            if len(draft.text.encode("utf-8", "surrogatepass")) > NOTE_MAX_BYTES:
                raise Invalid(Sentence("note.long", limit=NOTE_MAX_BYTES))
            if len(draft.mentions) > MENTIONS_MAX:
                raise Invalid(Sentence("note.mentions", limit=MENTIONS_MAX))
        return await self._store.team.note(team.id, home.account.id, draft, self._limits)
