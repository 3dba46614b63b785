"""What may be wrong with a script.  `text.explain` words it."""

from __future__ import annotations

from typing import Any


class _Fault(Exception):
    def __init__(self, key: str, line: int, **facts: Any) -> None:
        super().__init__(key, line, facts)
        self.key = key
        self.line = line  # from 1
        self.facts = facts


class ScriptError(_Fault):
    """The script cannot be used."""


class RunError(_Fault):
    """The script failed on this letter: nothing it decided is done, the letter is kept (RFC 5228 §2.10.6)."""
