"""Base64 as SASL wants it."""

from __future__ import annotations

import binascii


def decode_base64(text: bytes) -> bytes | None:
    """RFC 4648 §4 with nothing forgiven: None for strange characters, wrong padding or set pad bits."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    return data if binascii.b2a_base64(data, newline=False) == text else None


def encode_base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)
