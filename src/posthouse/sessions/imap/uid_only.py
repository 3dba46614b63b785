"""UIDONLY: a session without message numbers.  RFC 9586."""

from __future__ import annotations

from typing import Final

from posthouse.wire.imap import command as c
from posthouse.wire.imap import search_key as k

UID_REQUIRED: Final = (
    b"BAD [UIDREQUIRED] You enabled UIDONLY; use the UID form of the command, and UIDs in it"
)


def needs_numbers(command: c.Command) -> bool:
    """Whether a command names messages by their numbers, or would be answered with numbers."""
    if isinstance(command, c.Select):
        return command.qresync is not None and command.qresync.match_sequence is not None
    if isinstance(command, c.Search | c.Thread):
        return not command.uid or _names_numbers(command.key)
    if isinstance(command, c.Catenate):
        return command.replaces is not None and not command.uid
    return isinstance(command, c.Fetch | c.Store | c.Copy | c.Move) and not command.uid


def _names_numbers(key: k.SearchKey) -> bool:
    match key:
        case k.Sequence(numbers):
            return not numbers.saved
        case k.Not(inner):
            return _names_numbers(inner)
        case k.Or(left, right):
            return _names_numbers(left) or _names_numbers(right)
        case k.And(keys):
            return any(map(_names_numbers, keys))
        case _:
            return False
