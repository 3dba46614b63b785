"""Every limit of the interpreter: its name and its value."""

from __future__ import annotations

from typing import Final

SCRIPT_MAX_BYTES: Final = 64 * 1024
NESTING_MAX: Final = 32
"""Blocks, and tests, inside each other (RFC 5228 §2.10.5 asks for at least 15)."""
STRINGS_MAX: Final = 4096
"""Strings of one list."""
STEPS_MAX: Final = 20_000
"""Commands and tests that one letter may cost, those of included scripts with them."""
WORK_MAX: Final = 64 * 1024 * 1024
"""Characters that the comparisons of one letter may look at."""
INCLUDES_MAX: Final = 10
"""Scripts that include each other (RFC 6609 §3)."""
ACTIONS_MAX: Final = 32
REDIRECTS_MAX: Final = 5
NOTICES_MAX: Final = 5
VARIABLES_MAX: Final = 256
VARIABLE_MAX: Final = 16 * 1024
"""Characters of a variable; what is longer is cut (RFC 5229 §4 asks for at least 4,000)."""
FLAGS_MAX: Final = 128
HEADERS_ADDED_MAX: Final = 50
BODY_MAX_BYTES: Final = 1024 * 1024
"""Octets of a letter that tests of the body look at."""
LOG_MAX: Final = 500
"""Lines that tell why."""
REGEX_MEMORY: Final = 8 * 1024 * 1024
STATES_AT_ONCE: Final = 32
"""States of a regular expression that count as one look at a character: where no automaton fits into memory, each of
them is followed (20 ns)."""
SINGLES_AT_ONCE: Final = 8
"""Characters of a stretch with `?` that do: it is tried at every place (2 ns)."""
