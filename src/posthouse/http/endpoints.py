"""GET /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(
    ready: Callable[[], Awaitable[str]], metrics: Callable[[], Awaitable[str]]
) -> list[BaseRoute]:
    """`ready` says what is missing ("": nothing); `metrics` renders the node's numbers."""

    async def healthz(_request: Request) -> Response:
        """The process answers: nothing more is claimed."""
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        missing = await ready()
        if missing:
            return PlainTextResponse(f"not ready: {missing}\n", status_code=503)
        return PlainTextResponse("ready\n")

    async def show_metrics(_request: Request) -> Response:
        return Response(await metrics(), media_type=METRICS_TYPE)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show_metrics)]
