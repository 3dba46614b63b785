"""The page behind the link that a new device is approved by.  Looking changes nothing: a button does."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from posthouse.core.errors import Invalid, NotFound, TooLarge
from posthouse.http.auth.context import Auth
from posthouse.http.forms import form_of
from posthouse.http.texts import say

APPROVAL_MAX = 200


class DeviceApproval:
    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    async def __call__(self, request: Request) -> Response:
        devices = self._auth.sign_in.devices
        try:
            if request.method != "POST":
                approval = request.query_params.get("t", "")[:APPROVAL_MAX]
                device = await devices.held_by(approval)
                at = datetime.fromtimestamp(device.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
                return self._auth.pages.show(request, "device.html", approval=approval, device=device, at=at)
            # The link is the secret: a form of another site does not know it.
            form = await form_of(request)
            allow = form["answer"] == "allow"
            await devices.decide(form["t"][:APPROVAL_MAX], allow=allow)
        except (NotFound, Invalid, TooLarge):
            return self._message(request, "approve.late", status=404)
        return self._message(request, "approve.done" if allow else "approve.blocked")

    def _message(self, request: Request, key: str, status: int = 200) -> Response:
        language = self._auth.pages.language(request)
        return self._auth.pages.show(
            request,
            "message.html",
            status=status,
            title=say("approve.title", language=language),
            text=say(key, language=language),
            detail="",
        )
