"""What an OAuth request is refused with."""

from __future__ import annotations

from posthouse.core.errors import MailError


class OAuthError(MailError):
    """`code` is one of the names of RFC 6749 §5.2, §4.1.2.1 and its extensions; `detail` tells the developer more."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code
