"""A mail program of a few lines, for practice letters: it submits, and it fetches.  Blocking: for a thread.

Python's own clients are used, as they say each command as the textbooks do.
"""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
from typing import Final

from msgspec import Struct

TIMEOUT_S: Final = 15.0


class PracticeError(Exception):
    """What the server said, or why it could not be reached."""


class Person(Struct, frozen=True):
    """Somebody who takes part; ports are those of the house, on loopback."""

    address: str
    password: str
    submission: int
    imap: int
    pop3: int
    host: str = "127.0.0.1"

    def __repr__(self) -> str:
        return f"Person({self.address!r})"


def submit(person: Person, to: str, letter: bytes, context: ssl.SSLContext) -> None:
    """Raises PracticeError."""
    try:
        with smtplib.SMTP(person.host, person.submission, timeout=TIMEOUT_S) as smtp:
            smtp.starttls(context=context)
            smtp.login(person.address, person.password)
            smtp.sendmail(person.address, [to], letter)
    except (OSError, smtplib.SMTPException) as error:
        raise PracticeError(str(error)) from error


def fetch_by_imap(person: Person, message_id: str, context: ssl.SSLContext) -> bool:
    """Find the letter and read it; whether it was there.  Raises PracticeError."""
    try:
        with imaplib.IMAP4(person.host, person.imap, timeout=TIMEOUT_S) as imap:
            imap.starttls(ssl_context=context)
            imap.login(person.address, person.password)
            imap.select("INBOX")
            _, found = imap.uid("SEARCH", "HEADER", "Message-ID", f'"<{message_id}>"')
            uids = found[0].split() if found and found[0] else []
            if uids:
                imap.uid("FETCH", uids[-1].decode(), "(FLAGS ENVELOPE BODY.PEEK[])")
            return bool(uids)
    except (OSError, imaplib.IMAP4.error) as error:
        raise PracticeError(str(error)) from error


def fetch_by_pop3(person: Person, context: ssl.SSLContext) -> bool:
    """Read the newest letter.  Raises PracticeError."""
    try:
        pop3 = poplib.POP3(person.host, person.pop3, timeout=TIMEOUT_S)
        try:
            pop3.stls(context=context)
            pop3.user(person.address)
            pop3.pass_(person.password)
            count, _ = pop3.stat()
            pop3.uidl()
            if count:
                pop3.retr(count)
            return bool(count)
        finally:
            pop3.quit()
    except (OSError, poplib.error_proto) as error:
        raise PracticeError(str(error)) from error
