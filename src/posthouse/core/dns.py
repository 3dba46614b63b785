"""What DNS is asked and what it says; who asks is somebody else's business.

Names are in ASCII (A-labels), lower case, without the dot at the end.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, TypeVar

from msgspec import Struct

OK: Final = "ok"
NO_DATA: Final = "nodata"
NO_NAME: Final = "nxdomain"
FAILED: Final = "failed"
FROM_FILE: Final = "from a file"
"""`Answer.reason` of names that configuration answers."""


class Question(Struct, frozen=True):
    name: str
    kind: str  # A, AAAA, MX, TXT, PTR, CNAME, SRV, NS


class Answer(Struct, frozen=True):
    """`records` by kind: addresses and host names as text; TXT joined; MX (preference, host); SRV (priority,
    weight, port, host).  The root (null MX) is "".

    state: OK; NO_DATA (the name has none of this kind); NO_NAME; FAILED (nobody could say: try again later).
    """

    records: tuple[Any, ...] = ()
    state: str = OK
    secure: bool = False  # validated by the resolver (AD)
    reason: str = ""  # of FAILED; or FROM_FILE

    @property
    def failed(self) -> bool:
        return self.state == FAILED

    @property
    def exists(self) -> bool:
        return self.state != NO_NAME


T = TypeVar("T")
Lookup = Generator[list[Question], list[Answer], T]
"""A computation that needs DNS: yields questions, is sent their answers in the same order, returns a T."""
