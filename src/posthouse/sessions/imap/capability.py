"""CAPABILITY, ENABLE, ID, NOOP, CHECK and LOGOUT; what is advertised when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import posthouse
from posthouse.sessions.authentication import mechanisms
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.response_code import code_highestmodseq

from .clients import COMPRESS, client_name, hangs_on_compress, switched_off
from .jmap_access import offers_jmap
from .metadata import begin_announcing
from .state import CONDSTORE, NOT_AUTHENTICATED, QRESYNC, REV2, UIDONLY, UTF8
from .text import translate

if TYPE_CHECKING:
    from .session import ImapSession

ALWAYS: Final = (
    "IMAP4rev1",
    "IMAP4rev2",
    "ID",  # RFC 2971
    "ENABLE",  # RFC 5161
    "LANGUAGE",  # RFC 5255
)
AFTER_LOGIN: Final = (
    "IDLE",  # RFC 2177
    "NAMESPACE",  # RFC 2342
    "UIDPLUS",  # RFC 4315
    "UNSELECT",  # RFC 3691
    "CHILDREN",  # RFC 3348
    "LIST-EXTENDED",  # RFC 5258
    "LIST-STATUS",  # RFC 5819
    "SPECIAL-USE",  # RFC 6154
    "CREATE-SPECIAL-USE",
    "MOVE",  # RFC 6851
    "ESEARCH",  # RFC 4731
    "SEARCHRES",  # RFC 5182
    "WITHIN",  # RFC 5032
    "BINARY",  # RFC 3516
    "CONDSTORE",  # RFC 7162
    "QRESYNC",
    "UTF8=ACCEPT",  # RFC 6855
    "STATUS=SIZE",  # RFC 8438
    "OBJECTID",  # RFC 8474
    "SAVEDATE",  # RFC 8514
    "PREVIEW",  # RFC 8970
    "MULTIAPPEND",  # RFC 3502
    "UNAUTHENTICATE",  # RFC 8437
    "I18NLEVEL=1",  # RFC 5255
    "SORT",  # RFC 5256
    "SORT=DISPLAY",  # RFC 5957
    "ESORT",  # RFC 5267
    "CONTEXT=SEARCH",
    "CONTEXT=SORT",
    "THREAD=ORDEREDSUBJECT",  # RFC 5256
    "THREAD=REFERENCES",
    "THREAD=REFS",
    "FILTERS",  # RFC 5466
    "SEARCH=FUZZY",  # RFC 6203
    "PARTIAL",  # RFC 9394
    "MULTISEARCH",  # RFC 7377
    "REPLACE",  # RFC 8508
    "CATENATE",  # RFC 4469
    "UIDONLY",  # RFC 9586
    "INPROGRESS",  # RFC 9585
    "METADATA",  # RFC 5464
    "METADATA-SERVER",
    "LIST-METADATA",  # RFC 9590
    "NOTIFY",  # RFC 5465
    "ACL",  # RFC 4314
    "RIGHTS=texk",
    "LIST-MYRIGHTS",  # RFC 8440
    "QUOTA",  # RFC 9208
    "QUOTASET",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
)
ENABLES: Final = {
    "IMAP4REV2": REV2,
    "UTF8=ACCEPT": UTF8,
    "CONDSTORE": CONDSTORE,
    "QRESYNC": QRESYNC | CONDSTORE,
    "UIDONLY": UIDONLY,
    "METADATA": 0,
    "METADATA-SERVER": 0,
}
_SPELLING: Final = {"IMAP4REV2": "IMAP4rev2"}


def may_log_in(session: ImapSession) -> bool:
    """RFC 9051 §6.2.3: no password over a connection that others can read."""
    info = session.peer.info
    return info.tls is not None or info.clear_text_auth


def capabilities(session: ImapSession) -> list[str]:
    limits = session.services.limits
    # RFC 7888 §5: one of the two, never both.
    always = [*ALWAYS, "LITERAL-" if limits.literal_minus else "LITERAL+"]
    if limits.moved:
        always.append("LOGIN-REFERRALS")  # RFC 2221 §3
    if session.state != NOT_AUTHENTICATED:
        # RFC 7889 §2: the limit of all mailboxes stands in the capability.
        out = [*always, *AFTER_LOGIN, f"APPENDLIMIT={limits.append_max_bytes}"]
        if limits.command_messages_max:
            # RFC 9738 §3: the limit stands in the capability.
            out.append(f"MESSAGELIMIT={limits.command_messages_max}")
        if offers_jmap(session):
            out.append("JMAPACCESS")
        if not session.compressed and not hangs_on_compress(session):
            # RFC 4978 §3: offered while it can be begun.
            out.append(COMPRESS)
        return [name for name in out if name not in session.off] if session.off else out
    out = [*always, "SASL-IR"]
    if session.peer.info.tls is None and session.peer.can_start_tls:
        out.append("STARTTLS")
    if may_log_in(session):
        out.extend(
            f"AUTH={mechanism}" for mechanism in mechanisms(session.peer.info, session.services.signin)
        )
    else:
        out.append("LOGINDISABLED")
    return out


def switch_on(session: ImapSession, bits: int) -> None:
    first = bits & CONDSTORE & ~session.enabled
    session.enabled |= bits
    session.engine.utf8 = session.utf8
    if first and session.selected is not None:
        # RFC 7162 §3.1: whoever begins to use mod-sequences in a mailbox is told where that is.
        modseq = code_highestmodseq(session.selected.view.safe_modseq)
        session.write(response.ok(b"*", "Highest modification sequence", modseq))


async def capability(session: ImapSession, _command: c.Capability) -> bytes:
    session.write(response.format_capability(capabilities(session)))
    return b"OK CAPABILITY completed"


async def enable(session: ImapSession, command: c.Enable) -> bytes:
    """RFC 9051 §6.3.1: unknown capabilities are ignored; the answer names what this command switched on."""
    done = [name for name in command.capabilities if name in ENABLES]
    for name in done:
        session.enable(ENABLES[name])
    if "METADATA" in done or "METADATA-SERVER" in done:
        await begin_announcing(session)
    session.write(response.format_enabled([_SPELLING.get(name, name) for name in dict.fromkeys(done)]))
    return b"OK ENABLE completed"


async def identify(session: ImapSession, command: c.Id) -> bytes:
    """RFC 2971 §3.1."""
    params = command.params or {}
    session.off = switched_off(session.services.limits.client_switches, params)
    session.client = client_name(params)
    session.write(response.format_id({"name": "Posthouse", "version": posthouse.__version__}))
    return b"OK ID completed"


async def noop(_session: ImapSession, _command: c.Noop) -> bytes:
    return b"OK NOOP completed"


async def check(_session: ImapSession, _command: c.Check) -> bytes:
    """RFC 3501 §6.4.1: whatever is answered is stored already."""
    return b"OK CHECK completed"


async def logout(session: ImapSession, command: c.Logout) -> None:
    session.bye(b"Until next time")
    session.write(b"%b %b\r\n" % (command.tag, translate(b"OK LOGOUT completed", session.language)))
