"""What one connection may make the engine hold or skip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Limits:
    """Octets.  A command that passes one is skipped whole and answered, if skipping costs no more than
    `skip`."""

    line: int = 65536  # RFC 7162 §4 asks for 8192 at least
    literal: int = 65536  # of a literal that is not a message
    command: int = 262144  # lines and literals of one command together, messages not counted
    append: int = 50 * 1024 * 1024  # of one message
    skip: int = 64 * 1024 * 1024


def limits_before_login() -> Limits:
    """For a peer nobody knows yet: room for any AUTHENTICATE, and nothing to fill memory with."""
    return Limits(line=16384, literal=4096, command=24576, skip=1024 * 1024)
