"""The proxy for pictures of strangers' servers: what `services.pictures` gives, as an answer that does nothing else."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from posthouse.client.picture import PictureError
from posthouse.core.errors import Forbidden, NotFound, Unavailable
from posthouse.core.ids import AccountId
from posthouse.http.door import try_number
from posthouse.services.pictures import PATH, Pictures

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def picture_routes(pictures: Pictures) -> list[BaseRoute]:
    async def picture(request: Request) -> Response:
        given = request.path_params
        try:
            number, day = try_number(given["account"]), try_number(given["day"])
            if number is None or day is None:
                raise NotFound("no address of a picture")
            found = await pictures.fetch(AccountId(number), day, given["mac"], given["packed"])
        except NotFound as error:
            return _refused(404, str(error))
        except Forbidden as error:
            return _refused(429, str(error))
        except Unavailable as error:
            return _refused(503, str(error))
        except PictureError as error:
            return _refused(502, str(error))
        headers = {**_HEADERS, "Cache-Control": "private, max-age=86400, immutable"}
        return Response(found.content, media_type=found.type, headers=headers)

    return [Route(f"{PATH}/{{account:str}}/{{day:str}}/{{mac:str}}/{{packed:str}}", picture)]


def _refused(status: int, text: str) -> Response:
    return PlainTextResponse(text + "\n", status, headers={**_HEADERS, "Cache-Control": "no-store"})
