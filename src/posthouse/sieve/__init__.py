"""Sieve (RFC 5228): scripts that say what becomes of a letter.

`compile_script` reads and checks a script once; `run` applies it to one letter.  Pure: the letter, the mailboxes,
the clock and all that was remembered are passed in (`Context`), and what is to be done comes out (`Outcome`).
Whoever calls carries it out.  May import `mime` and `core`.

One letter costs a bounded number of steps, comparisons and actions (`limits.py`), however it and the script were made.
"""

from posthouse.sieve.actions import Outcome
from posthouse.sieve.check import CAPABILITIES, Script, compile_script
from posthouse.sieve.context import Context
from posthouse.sieve.errors import RunError, ScriptError
from posthouse.sieve.mail import Mail
from posthouse.sieve.run import run

__all__ = [
    "CAPABILITIES",
    "Context",
    "Mail",
    "Outcome",
    "RunError",
    "Script",
    "ScriptError",
    "compile_script",
    "run",
]
