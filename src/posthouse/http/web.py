"""The webmail: its built files, and the page in which foreign HTML is shown.

`make web` builds them from `web/` into `assets/`, which wheels carry.  Every name but that of the page holds a hash of
its content, so browsers keep the files for ever and ask for the page each time.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from posthouse.http.door import HOST
from posthouse.services.pictures import PATH

ASSETS: Final = Path(__file__).parent / "assets"
NOT_BUILT: Final = (
    "The webmail is not part of this installation: it was installed from sources without Node.js.\n"
    "Run `make web` there, or install a release.\n"
)

# The page runs our own scripts, talks to our own server, and shows nothing of anybody else's.
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify posthouse-worker"
)
# The worker keeps our own files for times without a connection.
_WORKER_POLICY: Final = "default-src 'none'; connect-src 'self'"
# Where letters are written: our editor, styles of the letter, pictures that the app hands over.  Nothing is asked of
# any host, and what foreign HTML brings along does not run (no inline scripts, no handlers).
_EDITOR_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data: blob:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
# The last wall around foreign HTML: no script, no request to anybody, whatever the layers before it let through.
# Pictures come from nowhere but our proxy: no other page of ours can be asked for by what a letter holds.
_FRAME_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: {pictures}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
_FRAME_PAGE: Final = (
    b"<!doctype html><meta charset=utf-8><meta name=referrer content=no-referrer><title>Posthouse</title>"
    b"<style>html{color:#1f2328}body{margin:0;padding:8px;font:15px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}"
    b"@media screen{html{overflow-y:hidden}}"  # the frame is as high as its letter
    b"img{max-width:100%;height:auto}pre{white-space:pre-wrap}table{max-width:100%}"
    b"blockquote{margin-inline:0;padding-inline-start:12px;border-inline-start:3px solid #dcd8d0}"
    b"blockquote blockquote blockquote blockquote blockquote blockquote{padding:0;border:0}</style><body></body>"
)
_COMMON: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_FIXED: Final = ("worker.js", "manifest.webmanifest", "icon-192.png", "icon-512.png")
"""Files whose names browsers remember: asked for each time."""


def web_routes(assets: Path = ASSETS) -> list[BaseRoute]:
    """`/` leads to `/mail/`."""
    files = _files(assets)

    def leads(to: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(_request: Request) -> Response:
            return RedirectResponse(to, status_code=303)

        return answer

    def page(name: str, policy: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if name not in files:
                return PlainTextResponse(NOT_BUILT, status_code=404)
            headers = {**_COMMON, "Content-Security-Policy": policy, "Cache-Control": "no-cache"}
            return await _send(request, files[name], headers)

        return answer

    async def asset(request: Request) -> Response:
        name = f"assets/{request.path_params['name']}"
        if name not in files:
            return PlainTextResponse("Not found\n", status_code=404)
        headers = {**_COMMON, "Cache-Control": "public, max-age=31536000, immutable"}
        return await _send(request, files[name], headers)

    async def frame(request: Request) -> Response:
        policy = _FRAME_POLICY.format(pictures=_pictures(request))
        headers = {**_COMMON, "Content-Security-Policy": policy, "Cache-Control": "no-cache"}
        return Response(_FRAME_PAGE, media_type="text/html", headers=headers)

    mail = page("index.html", _PAGE_POLICY)
    lens = page("lens.html", _PAGE_POLICY)
    admin = page("admin.html", _PAGE_POLICY)
    return [
        Route("/", leads("/mail/")),
        Route("/mail", leads("/mail/")),
        Route("/mail/", mail),
        Route("/mail/contacts", mail),
        Route("/mail/settings", mail),
        Route("/mail/settings/{section:path}", mail),
        Route("/mail/editor", page("editor.html", _EDITOR_POLICY)),
        Route("/admin", leads("/admin/")),
        Route("/admin/", admin),
        Route("/admin/{place:path}", admin),
        Route("/lens", leads("/lens/")),
        Route("/lens/", lens),
        Route("/lens/{place:path}", lens),
        *(Route(f"/mail/{name}", page(name, _WORKER_POLICY)) for name in _FIXED),
        Route("/mail/frame", frame),
        Route("/mail/assets/{name:str}", asset),
    ]


def _pictures(request: Request) -> str:
    """The source of proxied pictures as a policy names it, with the scheme of the page."""
    host = request.url.netloc
    return f"{host}{PATH}/" if HOST.fullmatch(host) else ""


async def _send(request: Request, file: Path, headers: dict[str, str]) -> Response:
    plain, packed = await asyncio.to_thread(_content, file)
    suffix = file.suffix
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", "") and len(packed) < len(plain):
        return Response(packed, media_type=_TYPES[suffix], headers={**headers, "Content-Encoding": "gzip"})
    return Response(plain, media_type=_TYPES[suffix], headers=headers)


def _files(assets: Path) -> dict[str, Path]:
    """By name below `assets`."""
    return {str(path.relative_to(assets)): path for path in assets.rglob("*") if path.suffix in _TYPES}


@cache
def _content(file: Path) -> tuple[bytes, bytes]:
    """(as it is, packed): the files are few and small, and read once, when somebody wants them."""
    plain = file.read_bytes()
    return plain, gzip.compress(plain, 9, mtime=0)
