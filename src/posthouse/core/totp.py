"""One-time passwords by the clock (RFC 6238) on HOTP (RFC 4226), as authenticator apps make them."""

from __future__ import annotations

import hmac
from base64 import b32encode
from typing import Final
from urllib.parse import quote

STEP_S: Final = 30
DIGITS: Final = 6
SKEW: Final = 1
"""Steps before and after that are taken too, for clocks that go wrong."""
KEY_BYTES: Final = 20


def hotp(key: bytes, counter: int, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    # RFC 4226 §5.3: the low four bits of the last octet say where the 31 bits begin.
    digest = hmac.digest(key, counter.to_bytes(8, "big"), algorithm)
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


def match(key: bytes, code: str, now: float, last: int = -1) -> int | None:
    """The step of a code; None when it is wrong, or not later than the `last` one used.

    RFC 6238 §5.2: a code is good once.  All steps are computed, whichever fits.
    """
    current = int(now // STEP_S)
    found = None
    for step in range(current - SKEW, current + SKEW + 1):
        if hmac.compare_digest(hotp(key, step).encode(), code.encode()) and step > last:
            found = step
    return found


def secret_text(key: bytes) -> str:
    """What people type when they cannot scan."""
    return b32encode(key).decode().rstrip("=")


def uri(key: bytes, account: str, issuer: str) -> str:
    """What a QR code says: the "otpauth" form that authenticator apps share."""
    label = f"{quote(issuer)}:{quote(account)}"
    return f"otpauth://totp/{label}?secret={secret_text(key)}&issuer={quote(issuer)}&digits={DIGITS}&period={STEP_S}"
