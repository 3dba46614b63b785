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
    create: Callable[[str, str], Awaitable[Account]]  # address and name of somebody a provider knows


class Limits:
    """How often one client address may ask, in each worker."""

    def __init__(self, clock: Clock) -> None:
        self.token = Limiter(clock, 300, 60.0)
        self.wrong_client = Limiter(clock, 20, 60.0)
        self.device = Limiter(clock, 20, 60.0)
        self.page = Limiter(clock, 120, 60.0)
        self.registration = Limiter(clock, 10, 3600.0)
        # RFC 8628 §5.1: a short code is only as good as the limit on guesses.
        self.wrong_code = Limiter(clock, 10, 600.0)


def peer_of(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def source_of(request: Request) -> str:
    """One customer: an IPv4 address, an IPv6 /64."""
    return customer_of(peer_of(request))
