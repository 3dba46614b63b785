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
    return any(isinstance(leaf, k.Sequence) and not leaf.numbers.saved for leaf in k.leaves(key))
