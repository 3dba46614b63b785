"""The states of an SMTP session, and the message being put together."""

from __future__ import annotations

import enum

from msgspec import Struct

from posthouse.services.delivery import Envelope, Incoming


class State(enum.Enum):
    START = "not greeted yet"
    READY = "greeted, no message"
    MAIL = "sender named"
    RCPT = "recipient named"
    CHUNKS = "a BDAT was taken"
    BROKEN = "a BDAT was refused; only RSET helps"


class Transaction(Struct):
    envelope: Envelope
    refused: int = 0  # recipients
    incoming: Incoming | None = None
    received: int = 0  # octets
    bare_newline: bool = False
