"""The lens: what two sides of a protocol said to each other, line by line, without secrets, and what it means.

Pure.  A `Scribe` of a protocol is shown the octets of both directions in their order and gives lines back; `explain`
says what a line means and where that is written.
"""

from __future__ import annotations

from posthouse.lens.line import CLIENT, NOTE, SECRET, SERVER, Line
from posthouse.lens.scribe import Scribe

__all__ = ["CLIENT", "NOTE", "SECRET", "SERVER", "Line", "Scribe"]
