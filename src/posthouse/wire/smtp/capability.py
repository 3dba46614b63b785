"""The service extensions we speak: EHLO keyword, its RFC, and what the session needs to know to offer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(slots=True, frozen=True)
class Extension:
    keyword: str
    rfc: int
    modes: tuple[str, ...] = ("mx", "submission", "lmtp")
    value: str = ""  # a format over the session's limits


EXTENSIONS: Final = (
    Extension("PIPELINING", 2920),
    Extension("SIZE", 1870, value="{size}"),
    Extension("8BITMIME", 6152),
    Extension("SMTPUTF8", 6531),
    Extension("ENHANCEDSTATUSCODES", 2034),
    Extension("CHUNKING", 3030),
    Extension("BINARYMIME", 3030),
    Extension("DSN", 3461),
    Extension("LIMITS", 9422, value="RCPTMAX={recipients} MAILMAX={messages}"),
    Extension("STARTTLS", 3207),
    Extension("AUTH", 4954, modes=("submission",), value="{mechanisms}"),
    Extension("REQUIRETLS", 8689),
    Extension("FUTURERELEASE", 4865, modes=("submission",), value="{hold_s} {hold_until}"),
)
"""In the order in which they are advertised; conditions (TLS on or off) are the session's."""
