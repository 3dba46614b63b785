"""The addresses under /auth/."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from posthouse.core.address import customer_of
from posthouse.core.ports import Clock
from posthouse.http.auth.account import AccountEndpoints
from posthouse.http.auth.context import Auth, answered, peer_of
from posthouse.http.auth.device import DeviceApproval
from posthouse.http.auth.sign_in import SignInEndpoints
from posthouse.http.limits import Limiter
from posthouse.http.pages import Pages
from posthouse.services.alerts import APPROVE_PATH
from posthouse.services.passkeys import Passkeys
from posthouse.services.seal import Seals
from posthouse.services.signin import SignIn
from posthouse.services.two_step import TwoStep
from posthouse.services.web_sessions import WebSessions
from posthouse.storage.ports import Store

Run = Callable[[Request], Awaitable[Response]]


def make_auth(
    store: Store, clock: Clock, sign_in: SignIn, two_step: TwoStep, pages: Pages, origin: str
) -> Auth:
    name = urlsplit(origin).hostname or origin
    return Auth(
        store,
        clock,
        sign_in,
        two_step,
        Passkeys(store, clock, origin, name),
        WebSessions(store, clock),
        Seals(store),
        pages,
        origin,
    )


def _limited(auth: Auth, limiter: Limiter, run: Run) -> Run:
    """Asked by the right name, and not too often from one place."""
    host = urlsplit(auth.origin).netloc.lower()

    async def limited(request: Request) -> Response:
        if request.headers.get("host", "").lower() != host:
            return JSONResponse({"error": "wrong-host", "detail": auth.origin}, status_code=421)
        if wait := limiter.take(customer_of(peer_of(request))):
            headers = {"retry-after": str(int(wait) + 1)}
            return JSONResponse({"error": "busy", "detail": ""}, status_code=429, headers=headers)
        return await run(request)

    return limited


def auth_routes(auth: Auth) -> list[BaseRoute]:
    ways, account = SignInEndpoints(auth), AccountEndpoints(auth)
    limiter = Limiter(auth.sign_in.shared.counts, auth.clock, "auth", 120, 60.0)
    reads: dict[str, Run] = {
        "session": account.session,
        "sessions": account.sessions,
        "passkeys": account.passkeys,
    }
    writes: dict[str, Run] = {
        "sign-in": ways.sign_in,
        "sign-in/send": ways.send_code,
        "sign-in/second": ways.second_step,
        "passkey/options": ways.passkey_options,
        "passkey/sign-in": ways.passkey,
        "passkeys/options": account.registration,
        "passkeys/register": account.register,
        "passkeys/remove": account.remove,
        "sessions/end": account.end_sessions,
        "sign-out": account.sign_out,
    }
    found: list[BaseRoute] = [
        Route(f"/auth/{path}", answered(_limited(auth, limiter, run)), methods=[method])
        for method, table in (("GET", reads), ("POST", writes))
        for path, run in table.items()
    ]
    page = answered(_limited(auth, limiter, DeviceApproval(auth)))
    return [*found, Route(APPROVE_PATH, page, methods=["GET", "POST"])]
