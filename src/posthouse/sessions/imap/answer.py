"""Domain errors as tagged answers, with the codes of RFC 5530 and RFC 9051 §7.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from posthouse.core.errors import (
    BadToken,
    Conflict,
    Exists,
    Expired,
    Forbidden,
    InUse,
    Invalid,
    MailError,
    NotApproved,
    NotFound,
    OverQuota,
    ScopeExceeded,
    SignInFailed,
    StorageFull,
    TooLarge,
    Unavailable,
    Uncertain,
)

Answers = Mapping[type[MailError], bytes]


class RefusedError(MailError):
    """A refusal that says more than a table can; `answer` is what follows the tag."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


ANSWERS: Final[Answers] = {
    NotFound: b"NO [NONEXISTENT] There is no such mailbox; LIST shows the ones that exist",
    Exists: b"NO [ALREADYEXISTS] A mailbox of that name exists already; choose another name",
    Forbidden: b"NO [NOPERM] You may not do this; ask the administrator of this server",
    ScopeExceeded: b"NO [NOPERM] What you signed in with does not allow this; use a password that does",
    NotApproved: b"NO [NOPERM] This device waits for the owner's approval",
    SignInFailed: b"NO [AUTHENTICATIONFAILED] Wrong address or password; use the full address as the name",
    BadToken: b"NO [AUTHENTICATIONFAILED] This token is not good here, or not any more; get a new one",
    Expired: b"NO [EXPIRED] This app password has expired; make a new one",
    OverQuota: b"NO [OVERQUOTA] The mailbox is full; delete messages and expunge, or ask for more space",
    Conflict: b"NO [INUSE] Somebody else changed this at the same time; try again",
    InUse: b"NO [INUSE] Another session holds this mailbox; try again in a minute",
    TooLarge: b"NO [TOOBIG] The message is larger than this server takes; see APPENDLIMIT",
    Invalid: b"NO [CANNOT] This name cannot be used; avoid empty levels, % and *, and control characters",
    StorageFull: b"NO [UNAVAILABLE] The server is out of disk space; nothing was changed, try again later",
    Uncertain: b"NO [UNAVAILABLE] The storage was interrupted; look whether it was done before you try again",
    Unavailable: b"NO [UNAVAILABLE] The storage does not answer now; nothing was changed, try again in a minute",
    MailError: b"NO [SERVERBUG] The command failed; please tell the administrator the time of this message",
}
"""Total over MailError: a subclass without a row of its own is answered as its nearest parent."""


def answer_error(error: MailError, special: Answers | None = None) -> bytes:
    """What follows the tag; `special` holds the rows in which a command differs."""
    if isinstance(error, RefusedError):
        return error.answer
    for cls in type(error).__mro__:
        if special is not None and cls in special:
            return special[cls]
        if cls in ANSWERS:
            return ANSWERS[cls]
    return ANSWERS[MailError]
