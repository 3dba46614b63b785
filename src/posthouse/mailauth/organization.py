"""The organizational domain of a name, by the public suffix list (RFC 7489 §3.2)."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources

LABELS_MAX = 8
"""Labels of the longest rule, with some to spare: what stands before these cannot matter."""


@cache
def _rules() -> frozenset[str]:
    """The lines of the list that comes with the package `publicsuffixlist`.

    perf: that package's own reader takes ten times as long, as it tries every line for what IDNA makes of it.
    """
    text = (resources.files("publicsuffixlist") / "public_suffix_list.dat").read_text(encoding="utf-8")
    return frozenset([line for line in text.split("\n") if line and line[0] != "/"])


def load_suffixes() -> None:
    """Read the list now, while nobody waits."""
    _rules()


@lru_cache(maxsize=4096)
def organizational_domain(domain: str) -> str:
    """One label more than the public suffix of a lower-case A-label name; a public suffix is its own."""
    labels = domain.split(".")
    if domain.startswith("[") or "" in labels:
        return domain
    public = _public_labels([_as_in_the_list(label) for label in labels[-LABELS_MAX:]])
    return ".".join(labels[-(public + 1) :])


def _as_in_the_list(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label.encode("ascii").decode("idna")
    except UnicodeError:  # nobody's name
        return label


def _public_labels(labels: list[str]) -> int:
    """How many labels the public suffix has: the longest rule decides, an exception before a wildcard; without any it
    is one."""
    rules = _rules()
    for depth in range(len(labels), 1, -1):
        name = ".".join(labels[-depth:])
        if "!" + name in rules:
            return depth - 1
        if "*." + name in rules:  # also the parent of a wildcard is public
            return min(depth + 1, len(labels))
        if name in rules:
            return depth
    return 2 if len(labels) > 1 and "*." + labels[-1] in rules else 1
