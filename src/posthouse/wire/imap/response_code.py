"""Response codes: what stands between the brackets of a status response.

RFC 9051 §7.1, RFC 3501 §7.1, RFC 5530 §3, RFC 7162 §7, RFC 7889 §4, RFC 8474 §4.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from .response import format_string, format_uid_ranges, format_uid_set

ALERT: Final = b"ALERT"
ALREADYEXISTS: Final = b"ALREADYEXISTS"
AUTHENTICATIONFAILED: Final = b"AUTHENTICATIONFAILED"
AUTHORIZATIONFAILED: Final = b"AUTHORIZATIONFAILED"
CANNOT: Final = b"CANNOT"
CLIENTBUG: Final = b"CLIENTBUG"
CLOSED: Final = b"CLOSED"
CONTACTADMIN: Final = b"CONTACTADMIN"
CORRUPTION: Final = b"CORRUPTION"
EXPIRED: Final = b"EXPIRED"
EXPUNGEISSUED: Final = b"EXPUNGEISSUED"
HASCHILDREN: Final = b"HASCHILDREN"
INUSE: Final = b"INUSE"
LIMIT: Final = b"LIMIT"
NOMODSEQ: Final = b"NOMODSEQ"
NONEXISTENT: Final = b"NONEXISTENT"
NOPERM: Final = b"NOPERM"
NOTIFICATIONOVERFLOW: Final = b"NOTIFICATIONOVERFLOW"  # RFC 5465 §5.8
NOTSAVED: Final = b"NOTSAVED"
OVERQUOTA: Final = b"OVERQUOTA"
PARSE: Final = b"PARSE"
PRIVACYREQUIRED: Final = b"PRIVACYREQUIRED"
READ_ONLY: Final = b"READ-ONLY"
READ_WRITE: Final = b"READ-WRITE"
SERVERBUG: Final = b"SERVERBUG"
TOOBIG: Final = b"TOOBIG"
TRYCREATE: Final = b"TRYCREATE"
UIDNOTSTICKY: Final = b"UIDNOTSTICKY"
UNAVAILABLE: Final = b"UNAVAILABLE"
UNKNOWN_CTE: Final = b"UNKNOWN-CTE"
USEATTR: Final = b"USEATTR"  # RFC 6154 §3

Ranges = Iterable[tuple[int, int]]


def code_capability(names: Iterable[str]) -> bytes:
    return " ".join(("CAPABILITY", *names)).encode("ascii")


def code_badcharset(names: Iterable[str]) -> bytes:
    return b"BADCHARSET (%b)" % " ".join(names).encode("ascii")


def code_permanentflags(flags: bytes) -> bytes:
    """`flags`: a parenthesised list, as `FlagLists.permanent` gives it."""
    return b"PERMANENTFLAGS " + flags


def code_noupdate(tag: bytes) -> bytes:
    """RFC 5267 §4.3.1."""
    return b"NOUPDATE " + format_string(tag)


def code_messagelimit(limit: int, lowest: int = 0) -> bytes:
    """RFC 9738 §3.1; `lowest`: UID of the lowest message that was touched, 0 where none was."""
    return b"MESSAGELIMIT %d %d" % (limit, lowest) if lowest else b"MESSAGELIMIT %d" % limit


def code_uidnext(uid: int) -> bytes:
    return b"UIDNEXT %d" % uid


def code_uidvalidity(value: int) -> bytes:
    return b"UIDVALIDITY %d" % value


def code_unseen(sequence_number: int) -> bytes:
    """RFC 3501 §7.1: the first unseen message."""
    return b"UNSEEN %d" % sequence_number


def code_highestmodseq(modseq: int) -> bytes:
    return b"HIGHESTMODSEQ %d" % modseq


def code_modified(numbers: Sequence[int]) -> bytes:
    """RFC 7162 §3.1.3; ascending sequence numbers, or UIDs after a UID STORE."""
    return b"MODIFIED " + format_uid_set(numbers)


def code_mailboxid(mailbox_id: str) -> bytes:
    return b"MAILBOXID (%b)" % mailbox_id.encode("ascii")


def code_appenduid(uidvalidity: int, uids: Sequence[int]) -> bytes:
    """RFC 9051 §7.1; several UIDs for MULTIAPPEND."""
    return b"APPENDUID %d %b" % (uidvalidity, format_uid_set(uids))


def code_copyuid(uidvalidity: int, source: Sequence[int], target: Sequence[int]) -> bytes:
    """RFC 9051 §7.1: `source` and `target` pair up, both ascending and not empty."""
    return b"COPYUID %d %b %b" % (uidvalidity, format_uid_set(source), format_uid_set(target))


def code_copyuid_ranges(uidvalidity: int, source: Ranges, target: Ranges) -> bytes:
    return b"COPYUID %d %b %b" % (uidvalidity, format_uid_ranges(source), format_uid_ranges(target))
