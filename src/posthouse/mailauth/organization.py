"""The organizational domain of a name, by the public suffix list (RFC 7489 §3.2)."""

from __future__ import annotations

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    """The list that comes with the package; reading it takes some tens of milliseconds, once."""
    return PublicSuffixList()


def load_suffixes() -> None:
    """Read the list now, while nobody waits."""
    _suffixes()


@lru_cache(maxsize=4096)
def organizational_domain(domain: str) -> str:
    """One label more than the public suffix of a lower-case A-label name; a public suffix is its own."""
    if domain.startswith("["):
        return domain
    return _suffixes().privatesuffix(domain) or domain
