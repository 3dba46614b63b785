"""The domain errors of the house.

Data fields, no wire text: each protocol has one table from these classes to its answers, and a test walks
`MailError.__subclasses__` so that every table is total.  Stores translate driver errors into these.
"""

from __future__ import annotations

from posthouse.core.sentence import Sentence


class StartError(Exception):
    """What keeps a node or a command from beginning: told to who started it, in the own language; English as text."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class MailError(Exception):
    """Base of every domain error; `detail` is for logs and administrators, never for a remote peer.

    `sentence` is the same in the language of whoever reads it, where the error has one.
    """

    def __init__(self, detail: str | Sentence = "") -> None:
        self.detail = str(detail)
        self.sentence = detail if isinstance(detail, Sentence) else None
        super().__init__(self.detail)

    def told(self, language: str) -> str:
        """`detail` in the language of a reader, where it has a sentence; else in English."""
        return self.detail if self.sentence is None else self.sentence.text(language)


class NotFound(MailError):
    """The named account, mailbox, message, queue entry or setting does not exist."""


class Exists(MailError):
    """Something of that name exists already."""


class Forbidden(MailError):
    """The caller is known but may not do this (policy, read-only, protocol switched off)."""


class ScopeExceeded(Forbidden):
    """The account may do this, but not by the credential that signed in (an app password for reading, a token)."""


class Refused(Forbidden):
    """The recipient's own rules refuse the message; `text` is what they say to its sender."""

    def __init__(self, detail: str = "", *, text: str = "") -> None:
        super().__init__(detail)
        self.text = text


class NotApproved(Forbidden):
    """The credential is right, but the device it comes from waits for its owner's approval, or was blocked."""


class Unauthenticated(Forbidden):
    """Mail that says to be from a domain, while that domain says it is not; `text` is what was found."""

    def __init__(self, detail: str = "", *, domain: str = "", text: str = "", trace: str = "") -> None:
        super().__init__(detail)
        self.domain = domain
        self.text = text
        self.trace = trace


class SignInFailed(MailError):
    """Unknown account or wrong secret; the two are never told apart."""


class Expired(SignInFailed):
    """The secret was right once; only who knows it is told so."""


class BadToken(SignInFailed):
    """A token that is unknown, ran out, was taken back, or is for something else: the four are not told apart."""


class OverQuota(MailError):
    """The account's or mailbox's limit would be passed."""


class Conflict(MailError):
    """The state changed under the caller (UNCHANGEDSINCE, a lock, a lease)."""


class InUse(MailError):
    """Somebody else holds the exclusive lock (the POP3 maildrop)."""


class TooLarge(MailError):
    """The input passes a named limit; `limit` is its value."""

    def __init__(self, detail: str = "", *, limit: int = 0) -> None:
        super().__init__(detail)
        self.limit = limit


class Invalid(MailError):
    """The input is malformed or not acceptable (a bad name, a bad address)."""


class MailLoop(Invalid):
    """The message passed more hosts than any route is long; `hops` are its Received fields."""

    def __init__(self, detail: str = "", *, hops: int = 0) -> None:
        super().__init__(detail)
        self.hops = hops


class Unavailable(MailError):
    """Temporary: the store, the writer or a needed service is away; nothing was changed; try again."""


class Uncertain(Unavailable):
    """The writer went away while it had the change: it was made as a whole, or not at all."""


class StorageFull(Unavailable):
    """The disk (or the store behind it) has no room; temporary, nothing was changed."""


class Unverifiable(Unavailable):
    """DNS does not say now whether the sender is who he says he is."""

    def __init__(self, detail: str = "", *, domain: str = "") -> None:
        super().__init__(detail)
        self.domain = domain
