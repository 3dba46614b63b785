"""FLAGS and PERMANENTFLAGS of the selected mailbox.  RFC 9051 §6.3.2, RFC 4314 §5.1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.core.flags import FIRST_KEYWORD_BIT
from posthouse.core.rights import FLAGS, NOTHING, WRITE, changeable_flags
from posthouse.services.namespaces import try_foreign
from posthouse.storage.team_rows import CLAIMED
from posthouse.wire.imap import response
from posthouse.wire.imap.response_code import code_permanentflags

if TYPE_CHECKING:
    from .session import ImapSession


def _claimed(session: ImapSession) -> int:
    """Keywords of a team's claims: STORE leaves them as they are (`docs/keywords.md`)."""
    foreign = try_foreign(session.mailbox.name)
    if foreign is None or not foreign.team:
        return 0
    names = session.flag_lists.keywords
    return sum(
        [1 << (FIRST_KEYWORD_BIT + at) for at, name in enumerate(names) if name.lower().startswith(CLAIMED)]
    )


def format_flags(session: ImapSession) -> bytes:
    mailbox, lists = session.mailbox, session.flag_lists
    rights = NOTHING if mailbox.read_only else mailbox.rights
    if rights & WRITE:
        text = "These flags and new keywords can be changed"
    else:
        text = "These flags can be changed" if rights & FLAGS else "No flag can be changed here"
    # RFC 4314 §5.1.1: the answer is about what this user may change.
    changeable = changeable_flags(rights) & ~_claimed(session)
    permanent = lists.permanent(changeable, new_keywords=bool(rights & WRITE))
    return response.format_flags(lists.all()) + response.ok(b"*", text, code_permanentflags(permanent))
