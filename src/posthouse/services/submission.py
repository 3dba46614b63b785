"""The header of a submitted message, completed and cleaned as RFC 6409 §8 allows.

Works on the byte ranges of fields: what is not touched stays as it was, to the byte.
"""

from __future__ import annotations

from typing import Final

from posthouse.core.address import try_address
from posthouse.mime.address import format_mailbox, parse_mailboxes
from posthouse.mime.dates import format_date
from posthouse.mime.edit import add_fields
from posthouse.mime.header import header_text, raw_fields

_REMOVED: Final = frozenset({b"bcc", b"resent-bcc", b"return-path", b"x-posthouse-trace"})


def fix_header(
    header: bytes, *, sender: str, name: str, at: float, message_id: str
) -> tuple[bytes, list[str]]:
    """The header and what was done to it ("-Bcc", "+Date", ...), for the journal."""
    fields = raw_fields(header)
    changes: list[str] = []
    present = {key for key, _, _ in fields}
    from_values = [header[start:end].partition(b":")[2] for key, start, end in fields if key == b"from"]
    wants_sender = _wants_sender(from_values, sender)
    kept: list[bytes] = []
    last = 0
    for key, start, end in fields:
        # RFC 5322 §3.6.3: Bcc is for the sender's eyes; RFC 5321 §4.4: Return-Path belongs to final delivery
        if key in _REMOVED or (key == b"sender" and wants_sender):
            kept.append(header[last:start])
            last = end
            changes.append(f"-{header[start:end].partition(b':')[0].decode('ascii', 'replace').strip()}")
    kept.append(header[last:])
    added: list[str] = []
    if not from_values:
        added.append(f"From: {format_mailbox(name, sender)}\r\n")  # RFC 5322 §3.6: exactly one From
    if wants_sender:
        added.append(f"Sender: {format_mailbox('', sender)}\r\n")  # RFC 6409 §8.1
    if b"date" not in present:
        added.append(f"Date: {format_date(at)}\r\n")  # RFC 6409 §8.2
    if b"message-id" not in present:
        added.append(f"Message-ID: <{message_id}>\r\n")  # RFC 6409 §8.3
    changes += [f"+{line.partition(':')[0]}" for line in added]
    lines = "".join(added).encode("utf-8", "surrogateescape")
    if not fields and header[:1] not in (b"\r", b"\n", b""):
        return lines + b"\r\n" + header, changes  # no header at all: what is there is the body
    return add_fields(b"".join(kept), lines), changes


def _wants_sender(from_values: list[bytes], sender: str) -> bool:
    """Whether Sender has to name the one who signed in: From names somebody else, or more than one."""
    if not from_values:
        return False
    boxes = [box for value in from_values for box in parse_mailboxes(header_text(value))]
    if len(boxes) != 1:
        return True
    parsed, own = try_address(boxes[0].address), try_address(sender)
    return parsed is None or own is None or parsed.key != own.key
