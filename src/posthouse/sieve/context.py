"""What surrounds a letter when a script looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from posthouse.sieve.check import Script


class Context(Struct):
    now: float = 0.0
    zone_minutes: int = 0
    """East of UTC; where `date` and `currentdate` are when a script names no zone."""
    sender: str = ""
    """Of the envelope; "" is the null sender."""
    recipient: str = ""
    """Of the envelope, as it was given."""
    addresses: tuple[str, ...] = ()
    """All addresses of the account: who may be meant by To and Cc (RFC 5230 §4.5)."""
    delimiter: str = "+"
    """Between user and detail (RFC 5233)."""
    mailboxes: Set[str] = frozenset()
    roles: Mapping[str, str] = field(default_factory=dict)
    """Role ("junk") -> name of the mailbox."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """MAILBOXID -> name of the mailbox."""
    seen: Set[str] = frozenset()
    """Keys remembered by `duplicate` that have not expired."""
    scripts: Mapping[tuple[str, str], Script] = field(default_factory=dict)
    """("personal" or "global", name) -> script, for `include`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """RFC 5183 §4.1: "domain", "host", "remote-ip", ... """
    spam: float | None = None
    """0.0 (surely not) to 1.0 (surely); None: nobody looked (RFC 5235)."""
    virus: int = 0
    """0: nobody looked; 1 (none) to 5 (surely)."""
    redirects_max: int = 5
