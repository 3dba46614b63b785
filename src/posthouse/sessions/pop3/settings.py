"""What an administrator may set for POP3; every limit has a name and a default."""

from __future__ import annotations

from msgspec import Struct


class Pop3Settings(Struct, frozen=True):
    hostname: str = "localhost"
    implementation: str = "Posthouse"
    """One token for the IMPLEMENTATION capability; RFC 2449 §6.9."""
    language: str = "zh"
    """What `LANG *` chooses before sign-in; after it, the account's language."""
    idle_timeout_s: float = 600.0
    """RFC 1939 §3: an autologout timer of at least ten minutes."""
    login_delay_s: int = 0
    """Least seconds between two sign-ins of an account; 0: none."""
    sign_in_failures_max: int = 5
    """Wrong passwords on one connection before it is closed."""
    errors_max: int = 30
    """Lines that are no valid command on one connection before it is closed."""
    mark_seen: bool = True
    """Messages read with RETR become \\Seen at QUIT, so that webmail and IMAP show them as read."""
    batch_messages: int = 256
    """Pipelined RETR commands answered from one read of the store."""
    batch_bytes: int = 1024 * 1024
    """Bytes of messages held for one such read."""
    read_ahead_messages: int = 32
    """Messages read ahead of a client that takes one after the other."""
    read_ahead_bytes: int = 256 * 1024
