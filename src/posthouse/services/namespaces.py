"""Names of mailboxes in other accounts, as one user sees them.  RFC 2342 §5.  Pure.

`Other Users/ADDRESS/NAME` is the mailbox NAME of the account ADDRESS, `Shared/ADDRESS/NAME` that of a team.  Personal
mailboxes cannot have names that begin like this (`services.mailboxes.check_new_name`).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from posthouse.services.mailboxes import DELIMITER, NAMESPACES, OTHER_USERS, SHARED, canonical_name

# An address may hold what has a meaning in names of mailboxes; the full-width forms have none.
_TO_NAME: Final = str.maketrans({"/": "\uff0f", "%": "\uff05", "*": "\uff0a"})
_FROM_NAME: Final = str.maketrans({"\uff0f": "/", "\uff05": "%", "\uff0a": "*"})


class Foreign(NamedTuple):
    address: str
    name: str  # in that account; "" for the account itself
    team: bool


def is_foreign(name: str) -> bool:
    first, slash, _ = name.partition(DELIMITER)
    return bool(slash) and first in NAMESPACES


def may_be_foreign(pattern: str) -> bool:
    """Whether a pattern of LIST could match a name of another account."""
    head = re.split("[%*]", pattern, maxsplit=1)[0]
    return any(head.startswith(name) or (head != pattern and name.startswith(head)) for name in NAMESPACES)


def try_foreign(name: str) -> Foreign | None:
    """None: a mailbox of one's own."""
    if not is_foreign(name):
        return None
    first, level, rest = (*name.split(DELIMITER, 2), "")[:3]
    # One trailing delimiter was taken off with the whole name; a second one is part of no name.
    inner = rest if rest.endswith(DELIMITER) else canonical_name(rest)
    return Foreign(level.translate(_FROM_NAME), inner, first == SHARED)


def foreign_name(address: str, name: str, *, team: bool) -> str:
    """How others see the mailbox of an account."""
    return DELIMITER.join((SHARED if team else OTHER_USERS, address.translate(_TO_NAME), name))
