"""GETQUOTA and SETQUOTA.  RFC 9208 §7.  GETQUOTAROOT is only a mailbox name."""

from __future__ import annotations

from .command import GetQuota, SetQuota
from .cursor import Cursor

LIMITS_MAX = 20


# getquota = "GETQUOTA" SP quota-root-name
def get_quota(c: Cursor) -> GetQuota:
    c.space()
    return GetQuota(c.tag, _root(c))


# setquota = "SETQUOTA" SP quota-root-name SP "(" [setquota-resource *(SP setquota-resource)] ")"
def set_quota(c: Cursor) -> SetQuota:
    c.space()
    root = _root(c)
    c.space()
    c.char(b"(", "'(' before the limits, such as (STORAGE 512)")
    limits: list[tuple[str, int]] = []
    while not c.try_char(b")"):
        if limits:
            c.space()
        name = c.atom("the name of a resource").upper()
        c.space()
        limits.append((name, c.number64("a limit")))
        if len(limits) > LIMITS_MAX:
            raise c.error(f"More than {LIMITS_MAX} limits")
    return SetQuota(c.tag, root, tuple(limits))


def _root(c: Cursor) -> str:
    return c.text(c.astring("the name of a quota root"), "the name of a quota root")
