"""Directories outside of the house that know passwords: LDAP (`ldap`) and SQL (`sql`).

Everything here blocks, within its time-outs: call it in a thread.  What cannot be asked raises `Unavailable`; None
means that the directory itself said no.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Person(Struct, frozen=True):
    """Somebody the directory knows; `hash` has to fit the password still, "" when the directory has checked it."""

    name: str = ""
    hash: str = ""


class Source(Protocol):
    def check(self, address: str, password: str) -> Person | None:
        """Raises Unavailable."""
        ...
