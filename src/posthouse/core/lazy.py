"""Libraries that few sessions need, imported at their first use: `httpx = lazy("httpx")`.

Type checkers see the real module by an import under `TYPE_CHECKING`.  A process that is going to drop its privileges
asks `load` first for what it will need, or for all of it if afterwards it could not read the files.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

_known: Final[dict[str, Lazy]] = {}


class Lazy:
    """Stands for a module until somebody asks it for something."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """Only what is not here yet."""
        found = getattr(import_module(self._name), attribute)
        setattr(self, attribute, found)
        return found


def lazy(name: str) -> Any:
    """The stand-in for the module of that name: one per process."""
    return _known.setdefault(name, Lazy(name))


def load(*names: str) -> None:
    """Import what these stand for (and, with none, all of them) now."""
    for name in names or _known:
        import_module(name)


def places() -> list[str]:
    """Files that a process has to be able to read for a first use to succeed."""
    tops = dict.fromkeys(name.partition(".")[0] for name in _known)
    return [spec.origin for top in tops if (spec := find_spec(top)) is not None and spec.origin]
