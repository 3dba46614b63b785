"""Message flags as int bits.

System flags have fixed bits; keywords get bits from 8 up through a registry per account, without an upper
bound (Python ints).  RFC 9051 §2.3.2; `$Forwarded` and others of RFC 9051 §2.3.2 are keywords.
"""

from __future__ import annotations

from typing import Final

SEEN: Final = 1
ANSWERED: Final = 2
FLAGGED: Final = 4
DELETED: Final = 8
DRAFT: Final = 16
RECENT: Final = 32  # RFC 3501 §2.3.2; never stored in a placement, only in a session's view
FIRST_KEYWORD_BIT: Final = 8

SYSTEM_FLAGS: Final[dict[str, int]] = {
    "\\Answered": ANSWERED,
    "\\Flagged": FLAGGED,
    "\\Deleted": DELETED,
    "\\Seen": SEEN,
    "\\Draft": DRAFT,
}
"""Canonical names in the order in which FLAGS lists them."""
