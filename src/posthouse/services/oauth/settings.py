"""What an installation decides about its authorization server."""

from __future__ import annotations

from msgspec import Struct


class OAuthSettings(Struct, frozen=True):
    issuer: str  # no slash at its end
    hostname: str = ""
    access_s: float = 3600.0
    refresh_s: float = 90 * 86400.0  # unused for so long, a grant ends
    code_s: float = 60.0
    device_s: float = 900.0
    device_interval_s: float = 5.0
    waiting_max: int = 10_000
    """Codes and devices that wait, of the node."""
    grants_max: int = 100
    """Of one account; those not used for longest give way."""
    resources: tuple[str, ...] = ()  # of others, for which tokens may be asked (RFC 8707)
    registration: bool = False  # RFC 7591
    registered_max: int = 100

    @property
    def own(self) -> dict[str, tuple[str, ...]]:
        """Our own resources: identifier -> protocols that a token for it opens."""
        host = self.hostname
        return {
            self.issuer: ("imap", "pop3", "submission", "http", "carddav"),
            f"imap://{host}": ("imap",),
            f"pop://{host}": ("pop3",),
            f"smtp://{host}": ("submission",),
            f"{self.issuer}/jmap": ("http",),
            f"{self.issuer}/dav": ("carddav",),
        }
