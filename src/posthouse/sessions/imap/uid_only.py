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
        return not command.uid or names_numbers(command.key)
    if isinstance(command, c.Catenate):
        return command.replaces is not None and not command.uid
    return isinstance(command, c.Fetch | c.Store | c.Copy | c.Move) and not command.uid


def names_numbers(key: k.SearchKey) -> bool:
    """Whether a search asks for message numbers."""
    return any(isinstance(leaf, k.Sequence) and leaf.numbers.ranges for leaf in k.leaves(key))
