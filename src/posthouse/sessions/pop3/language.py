"""LANG and UTF8.  RFC 6856."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.sessions.pop3.text import DEFAULT_LANGUAGE, LANGUAGES, Text, match_language, text_of
from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.command import Command

if TYPE_CHECKING:
    from posthouse.sessions.pop3.session import Pop3Session


def lang(session: Pop3Session, command: Command) -> None:
    if not command.text:
        listing = [f"{tag} {name}" for tag, name in LANGUAGES.items()]
        session.peer.write(reply.format_lines(session.format_ok(Text.LANGUAGE_LIST), listing))
        return
    wanted = command.text.decode("ascii", "replace")
    if wanted == "*":
        # RFC 6856 §3.2: the preferred language; it follows the user only once signed in, so it betrays nobody
        # (§7).
        preferred = session.drop.account.language if session.drop is not None else session.settings.language
        tag = match_language(preferred) or DEFAULT_LANGUAGE
    else:
        found = match_language(wanted)
        if found is None:
            session.err(Text.UNKNOWN_LANGUAGE)
            return
        tag = found
    session.language = tag
    # RFC 6856 §3.2: "+OK", the tag, a space, and text in the new language.
    session.peer.write(reply.format_ok(f"{tag} {text_of(Text.LANGUAGE_SET, tag)}"))


def utf8(session: Pop3Session, _command: Command) -> None:
    session.utf8 = True
    session.ok(Text.UTF8_ON)
