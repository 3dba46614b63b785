"""JMAPACCESS: where the same mail is by JMAP.  RFC 9698."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.wire.imap import command as c
from posthouse.wire.imap import response

if TYPE_CHECKING:
    from .session import ImapSession

KINDS: Final = ("password", "app")
"""What opens JMAP as it opens IMAP: a token is for one of them, a certificate is not taken there."""


def offers_jmap(session: ImapSession) -> bool:
    """RFC 9698 §3: only to who can use it, with what opened this session; the ids are those of OBJECTID."""
    grant = session.grant
    if not session.services.jmap or grant is None or grant.kind not in KINDS:
        return False
    account = grant.account
    closed = "http" in account.app_only and grant.kind == "password"
    return "http" in account.protocols and "http" in grant.scope.protocols and not closed


async def get_jmap_access(session: ImapSession, _command: c.GetJmapAccess) -> bytes:
    if not offers_jmap(session):
        return b"NO [CANNOT] There is no JMAP here for what you signed in with"
    session.write(response.format_jmap_access(session.services.jmap))
    return b"OK GETJMAPACCESS completed"
