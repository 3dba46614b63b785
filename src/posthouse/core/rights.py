"""Rights on a mailbox as int bits, and their letters.  RFC 4314 §2.1.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from posthouse.core import flags
from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

LOOKUP: Final = 1
"""l: the mailbox is listed."""
READ: Final = 2
"""r: opened, its counters told."""
SEEN: Final = 4
"""s: \\Seen changed."""
WRITE: Final = 8
"""w: other flags than \\Seen and \\Deleted changed."""
INSERT: Final = 16
"""i: messages put in."""
POST: Final = 32
"""p: mail sent to its address; of a team: sent as the team."""
CREATE: Final = 64
"""k: mailboxes made below it."""
DELETE: Final = 128
"""x: deleted, or moved to another name."""
TRASH: Final = 256
"""t: \\Deleted changed."""
EXPUNGE: Final = 512
"""e: messages with \\Deleted removed."""
ADMINISTER: Final = 1024
"""a: its access control list read and changed."""

NOTHING: Final = 0
ALL: Final = 2047
SHOWS: Final = LOOKUP | READ | INSERT | CREATE | DELETE | ADMINISTER
"""RFC 4314 §4: with any of these MYRIGHTS is answered."""
CHANGES: Final = INSERT | EXPUNGE | SEEN | WRITE | TRASH
"""RFC 4314 §5.2: with any of these a mailbox is opened for writing."""
FLAGS: Final = SEEN | WRITE | TRASH

_LETTERS: Final = {
    "l": LOOKUP, "r": READ, "s": SEEN, "w": WRITE, "i": INSERT, "p": POST, "k": CREATE, "x": DELETE, "t": TRASH,
    "e": EXPUNGE,
    # RFC 4314 §2.1.1: the rights of RFC 2086 stand for several.
    "c": CREATE | DELETE, "d": EXPUNGE | TRASH,
    "a": ADMINISTER,
}  # fmt: skip
LETTERS: Final = "".join(_LETTERS)


def parse_rights(text: str) -> int:
    """Letters in any order, each as often as one likes; raises Invalid for one that is no right."""
    rights = NOTHING
    for letter in text:
        # RFC 4314 §3.1: an unknown right, such as one in capitals, is never passed over.
        if letter not in _LETTERS:
            raise Invalid(Sentence("acl.right", given=repr(letter), known=LETTERS))
        rights |= _LETTERS[letter]
    return rights


def parse_change(text: str) -> tuple[str, int]:
    """`+rights`, `-rights` or `rights` as ("+", "-" or "=", bits); raises Invalid."""
    if text[:1] in {"+", "-"}:
        return text[0], parse_rights(text[1:])
    return "=", parse_rights(text)


def changed(rights: int, change: tuple[str, int]) -> int:
    sign, bits = change
    if sign == "+":
        return rights | bits
    return rights & ~bits if sign == "-" else bits


def format_rights(rights: int) -> str:
    """In one order; c and d stand where one of what they mean is there (RFC 4314 §2.1.1)."""
    return "".join(letter for letter, bits in _LETTERS.items() if rights & bits)


def changeable_flags(rights: int) -> int:
    """Bits of the message flags that the rights let one change; negative when keywords are among them.  RFC 4314 §4."""
    bits = (flags.SEEN if rights & SEEN else 0) | (flags.DELETED if rights & TRASH else 0)
    return bits | ~(flags.SEEN | flags.DELETED) if rights & WRITE else bits


def combine(entries: Iterable[tuple[bool, int]]) -> int:
    """What (negative, rights) entries that all apply to one user come to.

    RFC 4314 §2: how several are combined is the server's choice.  Here all that is granted to the user, to groups
    and to anyone adds up, and then what is taken from any of them is taken away.
    """
    granted = taken = NOTHING
    for negative, rights in entries:
        if negative:
            taken |= rights
        else:
            granted |= rights
    return granted & ~taken
