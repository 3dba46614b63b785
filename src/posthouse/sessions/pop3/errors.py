"""Domain errors as POP3 answers: one row per class, total over `MailError` (a test walks the classes)."""

from __future__ import annotations

from typing import Final

from posthouse.core import errors
from posthouse.core.errors import MailError
from posthouse.sessions.pop3.text import Text
from posthouse.wire.pop3 import reply

ANSWERS: Final[dict[type[MailError], tuple[str, Text]]] = {
    # RFC 3206 §5: AUTH says that the credentials are the problem, so that a client asks its user for them.
    errors.SignInFailed: (reply.AUTH, Text.SIGN_IN_FAILED),
    errors.BadToken: (reply.AUTH, Text.BAD_TOKEN),
    errors.Expired: (reply.AUTH, Text.EXPIRED),
    # RFC 2449 §8.1.2: the credentials were right, the maildrop is taken.
    errors.InUse: (reply.IN_USE, Text.IN_USE),
    # RFC 3206 §4: SYS/TEMP goes away by itself, SYS/PERM needs somebody to act.
    errors.StorageFull: (reply.SYS_TEMP, Text.STORAGE_FULL),
    errors.Unverifiable: (reply.SYS_TEMP, Text.UNAVAILABLE),
    errors.Uncertain: (reply.SYS_TEMP, Text.UNCERTAIN),
    errors.Unavailable: (reply.SYS_TEMP, Text.UNAVAILABLE),
    errors.Conflict: (reply.SYS_TEMP, Text.CONFLICT),
    errors.NotFound: (reply.SYS_TEMP, Text.NOT_FOUND),
    errors.OverQuota: (reply.SYS_PERM, Text.OVER_QUOTA),
    errors.Forbidden: (reply.SYS_PERM, Text.FORBIDDEN),
    errors.ScopeExceeded: (reply.AUTH, Text.SCOPE_EXCEEDED),
    errors.Refused: (reply.SYS_PERM, Text.FORBIDDEN),
    errors.Unauthenticated: (reply.SYS_PERM, Text.FORBIDDEN),
    # RFC 3206 §4: it goes away once the owner has approved, so no program should ask for another password.
    errors.NotApproved: (reply.SYS_TEMP, Text.NOT_APPROVED),
    errors.TooLarge: (reply.SYS_PERM, Text.TOO_LARGE),
    errors.Invalid: (reply.SYS_PERM, Text.INVALID),
    errors.MailLoop: (reply.SYS_PERM, Text.INVALID),
    errors.Exists: (reply.SYS_PERM, Text.EXISTS),
}


def answer_for(error: MailError) -> tuple[str, Text]:
    """(response code, text) of the nearest class that has a row."""
    for cls in type(error).__mro__:
        if cls in ANSWERS:
            return ANSWERS[cls]
    return reply.SYS_TEMP, Text.INTERNAL
