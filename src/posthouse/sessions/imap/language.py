"""LANGUAGE.  RFC 5255 §3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.wire.imap import command as c
from posthouse.wire.imap import response

from .mailbox import format_namespaces
from .state import NOT_AUTHENTICATED
from .text import DEFAULT_LANGUAGE, LANGUAGES, match_language

if TYPE_CHECKING:
    from .session import ImapSession


async def language(session: ImapSession, command: c.Language) -> bytes:
    if not command.ranges:
        session.write(response.format_language(LANGUAGES))
        return b"OK LANGUAGE completed"
    for wanted in command.ranges:
        # RFC 5255 §3.2: "default" is the administrator's choice, which may follow the user.
        tag = _default(session) if wanted.lower() == "default" else match_language(wanted)
        if tag is None:
            continue
        session.language = tag
        session.write(response.format_language((tag,)))
        if session.state != NOT_AUTHENTICATED:
            session.write(format_namespaces(session))
        return b"OK LANGUAGE completed"
    # RFC 5255 §3.2: in the language used so far.
    return b"NO This language is not spoken here; send LANGUAGE alone for the list"


def _default(session: ImapSession) -> str:
    spoken = None if session.account is None else match_language(session.account.language)
    return spoken or DEFAULT_LANGUAGE
