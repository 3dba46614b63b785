"""The addresses of the authorization server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from posthouse.client.provider import Provider
from posthouse.core.errors import Invalid, Unavailable
from posthouse.core.sentence import Sentence
from posthouse.http.browser import Browsers
from posthouse.http.oauth.authorize import AuthorizePage
from posthouse.http.oauth.context import Context, Limits, source_of
from posthouse.http.oauth.device import DevicePage
from posthouse.http.oauth.metadata import MetadataEndpoints
from posthouse.http.oauth.outside import OutsidePages
from posthouse.http.oauth.token import TokenEndpoints, answered
from posthouse.http.pages import SCRIPT_PATH, STYLE_PATH, TIMES_PATH, Pages, here
from posthouse.services.oauth.device import DeviceGrants
from posthouse.services.oauth.server import AuthorizationServer
from posthouse.services.passkeys import Passkeys
from posthouse.services.signin import SignIn
from posthouse.services.two_step import TwoStep
from posthouse.storage.rows import Account

Page = Callable[[Request], Awaitable[Response]]


async def _nobody(address: str, _name: str) -> Account:
    raise Invalid(Sentence("provider.no_domain", address=address))


def make_context(
    server: AuthorizationServer,
    sign_in: SignIn,
    two_step: TwoStep,
    language: str,
    *,
    providers: Sequence[Provider] = (),
    create: Callable[[str, str], Awaitable[Account]] = _nobody,
) -> Context:
    issuer = urlsplit(server.settings.issuer)
    origin = f"{issuer.scheme}://{issuer.netloc}"
    return Context(
        server,
        two_step,
        DeviceGrants(server),
        sign_in,
        Browsers(
            server.store,
            server.clock,
            partial(server.derived_key, b"browser"),
            origin,
        ),
        Pages(server.settings.hostname, language, secure=issuer.scheme == "https"),
        Limits(sign_in.shared.counts, server.clock),
        {one.settings.name: one for one in providers},
        Passkeys(server.store, server.clock, origin, server.settings.hostname),
        create,
    )


def _guarded(context: Context, page: Page) -> Page:
    """A page for people: asked by the right name, not too often, and never without an answer."""
    host = urlsplit(context.server.settings.issuer).netloc

    async def run(request: Request) -> Response:
        if request.headers.get("host", "").lower() != host.lower():
            # Cookies and forms belong to one name; another that leads here (DNS rebinding) gets none of it.
            issuer = context.server.settings.issuer
            link = (issuer + here(request), "link.own")
            return context.pages.message(request, "error.host", status=421, detail=issuer, link=link)
        link = (here(request), "link.retry")
        if wait := context.limits.page.take(source_of(request)):
            seconds = int(wait) + 1
            refusal = context.pages.message(request, "error.many", status=429, link=link, seconds=seconds)
            refusal.headers["retry-after"] = str(seconds)
            return refusal
        try:
            return await page(request)
        except Unavailable:
            return context.pages.message(request, "error.busy", status=503, link=link)

    return run


def routes(context: Context) -> list[BaseRoute]:
    tokens, metadata = TokenEndpoints(context), MetadataEndpoints(context.server)
    both = ["GET", "POST"]
    found: list[BaseRoute] = [
        Route("/.well-known/oauth-authorization-server", metadata.discovery),
        Route("/.well-known/openid-configuration", metadata.discovery),
        Route("/oauth/jwks", metadata.keys),
        Route("/oauth/authorize", _guarded(context, AuthorizePage(context)), methods=both),
        Route("/oauth/device", _guarded(context, DevicePage(context)), methods=both),
        Route("/oauth/token", answered(tokens.token), methods=["POST"]),
        Route("/oauth/device_authorization", answered(tokens.device_authorization), methods=["POST"]),
        Route("/oauth/introspect", answered(tokens.introspect), methods=["POST"]),
        Route("/oauth/revoke", answered(tokens.revoke), methods=["POST"]),
        Route("/oauth/userinfo", answered(tokens.userinfo), methods=both),
        Route(STYLE_PATH, context.pages.style),
        Route(SCRIPT_PATH, context.pages.script),
        Route(TIMES_PATH, context.pages.times),
    ]
    if context.providers:
        outside = OutsidePages(context)
        found += [
            Route("/oauth/with/{name}", _guarded(context, outside.away)),
            Route("/oauth/back/{name}", _guarded(context, outside.back)),
        ]
    if context.server.settings.registration:
        found.append(Route("/oauth/register", answered(tokens.register), methods=["POST"]))
    return found
