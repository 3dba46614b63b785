"""HTML for people: templates, the language of the reader, and the headers every page carries.

No page needs a script, and none may run one but for where a passkey can be asked for (`templates/passkey.js`) or times
are told (`templates/times.js`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from posthouse.core.lazy import lazy
from posthouse.http.language import wished_language
from posthouse.http.texts import LANGUAGES, say

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = lazy("jinja2")

STYLE_PATH: Final = "/oauth/style.css"
SCRIPT_PATH: Final = "/oauth/passkey.js"
TIMES_PATH: Final = "/oauth/times.js"
STYLE_AGE_S: Final = 3600
WEBMAIL: Final = ("/mail/", "nothing.link")
"""A way on for those who are where nothing is: address, key of its name."""
_STATIC: Final = {
    "cache-control": f"public, max-age={STYLE_AGE_S}",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


class Pages:
    """One per process."""

    def __init__(self, hostname: str, language: str, *, secure: bool) -> None:
        self._hostname = hostname
        self._language = language
        self._secure = secure
        templates = resources.files("posthouse.http") / "templates"
        self._style, self._script, self._times = (
            (templates / name).read_bytes() for name in ("style.css", "passkey.js", "times.js")
        )

    @cached_property
    def _environment(self) -> jinja2.Environment:
        return jinja2.Environment(
            loader=jinja2.PackageLoader("posthouse.http", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def show(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        send_to: str = "",
        **values: Any,
    ) -> Response:
        """`send_to` is where the answer to the form may lead: browsers ask for it (CSP form-action)."""
        language = self.language(request)
        page = self._environment.get_template(template).render(
            say=partial(say, language=language),
            language=language,
            languages=_links(request, language),
            hostname=self._hostname,
            style=STYLE_PATH,
            script=SCRIPT_PATH,
            times=TIMES_PATH,
            **values,
        )
        scripts = "script-src 'self'; " if values.get("passkey") or values.get("at") else ""
        return self._headers(HTMLResponse(page, status_code=status), _form_targets(send_to), scripts)

    async def nothing_here(self, request: Request, _error: Exception) -> Response:
        """For paths that no route has; programs get a line of text."""
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse("Not found\n", status_code=404)
        path = request.url.path[:200]
        return self.message(
            request, "nothing.text", title="nothing.title", status=404, detail=path, link=WEBMAIL
        )

    def message(
        self,
        request: Request,
        text: str,
        *,
        title: str = "error.title",
        status: int = 200,
        detail: str = "",
        link: tuple[str, str] | None = None,
        **fields: object,
    ) -> Response:
        """A page that only says something; `text`, `title` and the name in `link` (address, name) are keys of texts."""
        language = self.language(request)
        return self.show(
            request,
            "message.html",
            status=status,
            title=say(title, language=language),
            text=say(text, language=language, **fields),
            detail=detail,
            link=(link[0], say(link[1], language=language)) if link else None,
        )

    def language(self, request: Request) -> str:
        """What the link says, else the client's wish (OpenID Connect `ui_locales`), else the browser's."""
        return wished_language(request, request.query_params.get("ui_locales", "").split()) or self._language

    async def style(self, _request: Request) -> Response:
        return Response(self._style, media_type="text/css", headers=_STATIC)

    async def script(self, _request: Request) -> Response:
        return Response(self._script, media_type="text/javascript", headers=_STATIC)

    async def times(self, _request: Request) -> Response:
        return Response(self._times, media_type="text/javascript", headers=_STATIC)

    def _headers(self, response: Response, targets: Sequence[str], scripts: str) -> Response:
        response.headers.update(
            {
                "content-security-policy": f"default-src 'none'; style-src 'self'; img-src 'self'; {scripts}"
                f"base-uri 'none'; form-action 'self' {' '.join(targets)}".rstrip()
                + "; frame-ancestors 'none'",
                "x-frame-options": "DENY",
                "x-content-type-options": "nosniff",
                # Not `no-referrer`: browsers would then hide the origin of our own forms from us.
                "referrer-policy": "same-origin",
                "cross-origin-opener-policy": "same-origin",
                "cross-origin-resource-policy": "same-origin",
                "permissions-policy": "camera=(), geolocation=(), microphone=()",
                "cache-control": "no-store",
            }
        )
        if self._secure:
            response.headers["strict-transport-security"] = "max-age=31536000"
        return response


def _form_targets(uri: str) -> list[str]:
    """Chromium applies form-action to where the form's answer redirects to."""
    if not uri:
        return []
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return [f"{parts.scheme}:"]
    # CSP has no way to write an IPv6 address.
    return [f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"]


def here(request: Request) -> str:
    """This page as it is asked for by a link, for beginning again."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _links(request: Request, language: str) -> list[tuple[str, str, str]]:
    """(address, name, code) of this page in the other languages."""
    query = [pair for pair in parse_qsl(request.url.query) if pair[0] != "ui_locales"]
    return [
        ("?" + urlencode([*query, ("ui_locales", code)]), name, code)
        for code, name in LANGUAGES.items()
        if code != language
    ]
