"""What the endpoints and pages share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct
from starlette.requests import Request

from posthouse.client.provider import Provider
from posthouse.core.address import customer_of
from posthouse.core.ports import Clock
from posthouse.http.browser import Browsers
from posthouse.http.limits import Limiter
from posthouse.http.pages import Pages
from posthouse.services.oauth.device import DeviceGrants
from posthouse.services.oauth.server import AuthorizationServer
from posthouse.services.passkeys import Passkeys
from posthouse.services.shared import Counts
from posthouse.services.signin import SignIn
from posthouse.services.two_step import TwoStep
from posthouse.storage.rows import Account


class Context(Struct):
    server: AuthorizationServer
    two_step: TwoStep
    devices: DeviceGrants
    sign_in: SignIn
    browsers: Browsers
    pages: Pages
    limits: Limits
    providers: dict[str, Provider]
    passkeys: Passkeys
    create: Callable[[str, str], Awaitable[Account]]  # address and name of somebody a provider knows


class Limits:
    """How often one client address may ask."""

    def __init__(self, counts: Counts, clock: Clock) -> None:
        self.token = Limiter(counts, clock, "oauth token", 300, 60.0)
        self.wrong_client = Limiter(counts, clock, "oauth wrong_client", 20, 60.0)
        self.device = Limiter(counts, clock, "oauth device", 20, 60.0)
        self.page = Limiter(counts, clock, "oauth page", 120, 60.0)
        self.registration = Limiter(counts, clock, "oauth registration", 10, 3600.0)
        # RFC 8628 §5.1: a short code is only as good as the limit on guesses.
        self.wrong_code = Limiter(counts, clock, "oauth wrong_code", 10, 600.0)


def peer_of(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def source_of(request: Request) -> str:
    """One customer: an IPv4 address, an IPv6 /64."""
    return customer_of(peer_of(request))
