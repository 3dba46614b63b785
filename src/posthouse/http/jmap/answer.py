"""Responses: JSON, problems (RFC 7807), and what browsers of other origins may see."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from posthouse.core import errors as e
from posthouse.wire.jmap.error import RequestProblem

from .access import BAD_TOKEN, CHALLENGE, NOT_APPROVED, InClearError

CORS: Final = {
    # No cookies are looked at, so any origin may ask with credentials that it has.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Disposition, Content-Range, Accept-Ranges, ETag",
}
PREFLIGHT: Final = {
    **CORS,
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept, Range, Last-Event-ID",
    "Access-Control-Max-Age": "86400",
}
_NO_STORE: Final = {"Cache-Control": "no-cache, no-store, must-revalidate"}


def json_response(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(
        value if isinstance(value, bytes) else msgspec.json.encode(value),
        status,
        {**CORS, **_NO_STORE, **headers},
        "application/json",
    )


def problem(document: dict[str, Any], **headers: str) -> Response:
    return Response(
        msgspec.json.encode(document),
        document["status"],
        {**CORS, **_NO_STORE, **headers},
        "application/problem+json",
    )


def preflight() -> Response:
    return Response(status_code=204, headers=PREFLIGHT)


def _plain(status: int, title: str, detail: str, **headers: str) -> Response:
    return problem({"type": "about:blank", "status": status, "title": title, "detail": detail}, **headers)


def not_found(detail: str = "There is no such thing for you here.") -> Response:
    return _plain(404, "Not Found", detail)


def refusal(error: Exception) -> Response:
    """The answer to what went wrong before a method was called."""
    if isinstance(error, RequestProblem):
        return problem(error.document())
    if isinstance(error, InClearError):
        return _plain(403, "Forbidden", "Passwords must not cross a network in the clear; use https.")
    match error:
        case e.BadToken():
            detail = "This token is not good here, or not any more; get a new one."
            return _plain(401, "Unauthorized", detail, **{"WWW-Authenticate": BAD_TOKEN})
        case e.SignInFailed():
            return _plain(
                401, "Unauthorized", "Sign in with your address and a password, an app password or a token.",
                **{"WWW-Authenticate": CHALLENGE},
            )  # fmt: skip
        case e.NotApproved():
            return _plain(403, "Forbidden", NOT_APPROVED)
        case e.Forbidden():
            return _plain(403, "Forbidden", "This credential is not for JMAP; use one that is.")
        case e.OverQuota():
            return _plain(
                507, "Insufficient Storage", "Too many uploads wait to be used; use them, or wait a day."
            )
        case e.NotFound():
            return not_found()
    return _plain(503, "Service Unavailable", "Try again in a moment.", **{"Retry-After": "2"})
