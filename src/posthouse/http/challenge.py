"""What stands on port 80: answers to ACME (RFC 8555 §8.3), and the way to https for everything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route


def challenge_routes(answer: Callable[[str], Awaitable[str]], secure: str) -> list[BaseRoute]:
    """`answer` knows the key authorization of a token ("": none); `secure` is where the pages are, or ""."""

    async def challenge(request: Request) -> Response:
        found = await answer(request.path_params["token"])
        if not found:
            return PlainTextResponse("unknown\n", status_code=404)
        return Response(found, media_type="application/octet-stream")

    async def elsewhere(request: Request) -> Response:
        if not secure:
            return PlainTextResponse("nothing here\n", status_code=404)
        query = request.url.query
        return RedirectResponse(secure + request.url.path + (f"?{query}" if query else ""), status_code=308)

    return [
        Route("/.well-known/acme-challenge/{token}", challenge),
        Route("/{path:path}", elsewhere, methods=["GET", "HEAD", "POST"]),
    ]
