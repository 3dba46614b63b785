"""Domain errors as SMTP replies: a row per class, total over `MailError` (a test walks the classes).

Three moments have replies of their own: RCPT, the end of the message, AUTH.
"""

from __future__ import annotations

from typing import Final

from posthouse.core import errors
from posthouse.core.errors import MailError
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.reply import Reply

MESSAGE_REPLIES: Final[dict[type[MailError], Reply]] = {
    errors.NotFound: reply.NO_SUCH_USER,
    errors.Exists: reply.FAILED,
    errors.Forbidden: reply.REFUSED,
    errors.ScopeExceeded: reply.NOT_FOR_SENDING,
    errors.Refused: reply.REFUSED_BY_RECIPIENT,
    errors.NotApproved: reply.NOT_APPROVED,
    errors.Unauthenticated: reply.NOT_AUTHENTIC,
    errors.SignInFailed: reply.SIGN_IN_FAILED,
    errors.BadToken: reply.BAD_TOKEN,
    errors.OverQuota: reply.MAILBOX_FULL_NOW,
    errors.Conflict: reply.TRY_LATER,
    errors.InUse: reply.MAILBOX_BUSY,
    errors.TooLarge: reply.TOO_LARGE,
    errors.Invalid: reply.FAILED,
    errors.MailLoop: reply.LOOP,
    errors.Unavailable: reply.TRY_LATER,
    errors.Uncertain: reply.UNCERTAIN,
    errors.StorageFull: reply.STORAGE_FULL,
    errors.Unverifiable: reply.CANNOT_AUTHENTICATE,
}
SUBMISSION_REPLIES: Final[dict[type[MailError], Reply]] = {
    # A person waits for the answer and no server would try again.
    errors.OverQuota: reply.MAILBOX_FULL,
}
RECIPIENT_REPLIES: Final[dict[type[MailError], Reply]] = {
    errors.Forbidden: reply.NO_RELAY,
    errors.Invalid: reply.BAD_ADDRESS,
}
AUTH_REPLIES: Final[dict[type[MailError], Reply]] = {
    errors.Forbidden: reply.SIGN_IN_DISABLED,
    errors.NotApproved: reply.NOT_APPROVED,
    errors.ScopeExceeded: reply.SIGN_IN_NOT_FOR_SENDING,
    errors.NotFound: reply.SIGN_IN_FAILED,
    errors.Invalid: reply.SIGN_IN_FAILED,
    errors.Unavailable: reply.SIGN_IN_UNAVAILABLE,
    errors.Uncertain: reply.SIGN_IN_UNAVAILABLE,
    errors.StorageFull: reply.SIGN_IN_UNAVAILABLE,
}


def reply_for(error: MailError, *tables: dict[type[MailError], Reply], address: str = "") -> Reply:
    """The reply of the nearest class; `tables` are asked before MESSAGE_REPLIES."""
    for cls in type(error).__mro__:
        for table in (*tables, MESSAGE_REPLIES):
            if cls in table:
                return _filled(table[cls], error, address)
    return reply.FAILED


def _filled(row: Reply, error: MailError, address: str) -> Reply:
    if "{" not in row.text:
        return row
    fields = {name: getattr(error, name, 0) for name in ("limit", "hops", "domain", "trace")}
    return row.fill(address=address, text=_one_line(getattr(error, "text", "")), **fields)


def _one_line(text: str) -> str:
    """What a person wrote, as one line of a reply; another script than ours needs SMTPUTF8 (RFC 6531 §3.7.4.1)."""
    line = " ".join(text.split())
    return line[:400] if line.isascii() and line.isprintable() else ""
