"""Limits and time-outs of SMTP sessions; the size of messages is `DeliverySettings.max_message_bytes`."""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct


class Mode(enum.Enum):
    MX = "mx"
    SUBMISSION = "submission"
    LMTP = "lmtp"


MODES: Final[dict[str, Mode]] = {
    "smtp": Mode.MX,
    "submission": Mode.SUBMISSION,
    "submissions": Mode.SUBMISSION,
    "lmtp": Mode.LMTP,
}
"""Listener -> mode."""


class SmtpSettings(Struct, frozen=True):
    recipients_max: int = 1000
    """Per message; answer 452 4.5.3.  RFC 5321 §4.5.3.1.8 asks for at least 100."""
    messages_max: int = 1000
    """Per connection; answer 421 4.7.0."""
    errors_max: int = 50
    """Permanent refusals per connection, so that addresses cannot be guessed in bulk; answer 421 4.7.0."""
    sign_ins_max: int = 5
    """Failed sign-ins per connection; answer 421 4.7.0."""
    hold_max_s: int = 30 * 86400
    """FUTURERELEASE: how long a message may be held; answer 501 5.5.4."""
    overrun_bytes: int = 16 * 1024 * 1024
    """What is read and dropped of a message that passed its limit, before the connection is cut."""
    command_timeout_s: float = 300.0
    """RFC 5321 §4.5.3.2.7: a server waits at least 5 minutes for the next command."""
    data_timeout_s: float = 180.0
    """RFC 5321 §4.5.3.2.5: 3 minutes for a piece of the message."""
