"""What the endpoints share: who asks, whether it was our own page, and errors as JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from posthouse.core.errors import (
    Conflict,
    Exists,
    Forbidden,
    Invalid,
    MailError,
    NotApproved,
    NotFound,
    SignInFailed,
    TooLarge,
    Unavailable,
)
from posthouse.core.ports import Clock
from posthouse.http.forms import body_of
from posthouse.http.pages import Pages
from posthouse.services.grant import Origin
from posthouse.services.passkeys import Passkeys
from posthouse.services.seal import Seals
from posthouse.services.signin import SignIn
from posthouse.services.two_step import TwoStep
from posthouse.services.web_sessions import LIFE_S, WebSessions
from posthouse.storage.access import WebSession
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account

FRESH_S: Final = 600.0
"""What opens accounts is changed only so soon after signing in."""

_ANSWERS: Final[tuple[tuple[type[MailError], int, str], ...]] = (
    # The most telling first: NotApproved is a Forbidden.
    (SignInFailed, 401, "wrong"),
    (NotApproved, 403, "held"),
    (Forbidden, 403, "forbidden"),
    (Unavailable, 503, "busy"),
    (NotFound, 404, "not-found"),
    (Exists, 409, "exists"),
    (Conflict, 409, "too-late"),
    (TooLarge, 413, "too-large"),
    (Invalid, 400, "invalid"),
)


class Auth(Struct):
    """`origin` is how browsers see us: scheme, host and port."""

    store: Store
    clock: Clock
    sign_in: SignIn
    two_step: TwoStep
    passkeys: Passkeys
    sessions: WebSessions
    seals: Seals
    pages: Pages
    origin: str

    @property
    def cookie(self) -> str:
        # A cookie of the prefix __Host- cannot be set by a neighbour in the domain, as browsers see to.
        return "__Host-posthouse-session" if self.origin.startswith("https://") else "posthouse-session"

    async def session(self, request: Request) -> tuple[WebSession, Account]:
        """Who is signed in.  Raises SignInFailed."""
        found = await self.sessions.find(request.cookies.get(self.cookie, ""))
        if found is None:
            raise SignInFailed("nobody is signed in")
        return found

    async def fresh_session(self, request: Request) -> tuple[WebSession, Account]:
        """The same, if it signed in a moment ago.  Raises SignInFailed, Forbidden."""
        session, account = await self.session(request)
        if self.clock.now() - session.created_at > FRESH_S:
            raise Forbidden("sign in again to change how you sign in")
        return session, account

    async def signed_in(self, request: Request, account: Account, kind: str) -> Response:
        """A session of its own for this browser."""
        token = await self.sessions.begin(account, kind, peer_of(request), agent_of(request))
        response = JSONResponse({"state": "signed-in", "account": account.address})
        response.set_cookie(
            self.cookie,
            token,
            max_age=int(LIFE_S),
            httponly=True,
            secure=self.origin.startswith("https://"),
            samesite="strict",
        )
        return response

    async def body(self, request: Request) -> dict[str, Any]:
        """The JSON object of a request that a page of ours sent.  Raises Forbidden, Invalid, TooLarge."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        if request.headers.get("origin", self.origin) != self.origin or site not in ("same-origin", "none"):
            raise Forbidden("this request came from another site")
        # A form of another site cannot say this without being asked first (CORS).
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Invalid("the body has to be application/json")
        try:
            found = json.loads(await body_of(request))
        except (ValueError, RecursionError) as error:
            raise Invalid("the body is not JSON") from error
        if not isinstance(found, dict):
            raise Invalid("the body has to be an object")
        return found


def peer_of(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def agent_of(request: Request) -> str:
    """Browser and system, without versions, so that an update makes no new device."""
    text = request.headers.get("user-agent", "")[:500]
    found = [name for name in ("Edg", "OPR", "Firefox", "Chrome", "Safari") if f"{name}/" in text]
    system = [name for name in ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux") if name in text]
    return " ".join([*found[:1], *system[:1]]) or "browser"


def origin_of(request: Request) -> Origin:
    return Origin("http", "http", peer_of(request), agent_of(request), first_step=True)


def text_in(body: dict[str, Any], name: str, limit: int = 1024) -> str:
    """Raises Invalid."""
    value = body.get(name)
    if not isinstance(value, str) or len(value) > limit:
        raise Invalid(f"{name} is a text of at most {limit} characters")
    return value


def object_in(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Raises Invalid."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise Invalid(f"{name} is an object")
    return value


def answered(run: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Domain errors as answers: a name for the page's own text, and nothing of the detail for strangers."""

    async def guarded(request: Request) -> Response:
        try:
            response = await run(request)
        except MailError as error:
            response = _refusal(error)
        response.headers["cache-control"] = "no-store"
        response.headers["x-content-type-options"] = "nosniff"
        return response

    return guarded


def _refusal(error: MailError) -> Response:
    for cls, status, name in _ANSWERS:
        if isinstance(error, cls):
            detail = error.detail if isinstance(error, Invalid | Exists | Conflict | NotFound) else ""
            return JSONResponse({"error": name, "detail": detail}, status_code=status)
    return JSONResponse({"error": "failed", "detail": ""}, status_code=500)
