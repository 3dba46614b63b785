"""FLAGS and PERMANENTFLAGS of the selected mailbox.  RFC 9051 §6.3.2, RFC 4314 §5.1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.core.rights import FLAGS, NOTHING, WRITE, changeable_flags
from posthouse.wire.imap import response
from posthouse.wire.imap.response_code import code_permanentflags

if TYPE_CHECKING:
    from .session import ImapSession


def format_flags(session: ImapSession) -> bytes:
    mailbox, lists = session.mailbox, session.flag_lists
    rights = NOTHING if mailbox.read_only else mailbox.rights
    if rights & WRITE:
        text = "These flags and new keywords can be changed"
    else:
        text = "These flags can be changed" if rights & FLAGS else "No flag can be changed here"
    # RFC 4314 §5.1.1: the answer is about what this user may change.
    permanent = lists.permanent(changeable_flags(rights), new_keywords=bool(rights & WRITE))
    return response.format_flags(lists.all()) + response.ok(b"*", text, code_permanentflags(permanent))
