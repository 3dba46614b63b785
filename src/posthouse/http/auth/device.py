"""The page behind the link that a new device is approved by.  Looking changes nothing: a button does."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from posthouse.core.errors import Invalid, NotFound, TooLarge
from posthouse.http.auth.context import Auth
from posthouse.http.forms import form_of
from posthouse.http.pages import WEBMAIL
from posthouse.http.texts import say
from posthouse.storage.access import Device

APPROVAL_MAX: Final = 200
_PASSWORD: Final = ("/mail/settings/security#password", "link.password")


class DeviceApproval:
    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    async def __call__(self, request: Request) -> Response:
        devices = self._auth.sign_in.devices
        try:
            if request.method != "POST":
                approval = request.query_params.get("t", "")[:APPROVAL_MAX]
                device = await devices.held_by(approval)
                return await self._page(request, approval, device)
            # The link is the secret: a form of another site does not know it.
            form = await form_of(request)
            allow = form["answer"] == "allow"
            await devices.decide(form["t"][:APPROVAL_MAX], allow=allow)
        except (NotFound, Invalid, TooLarge):
            return self._message(request, "approve.late", WEBMAIL, status=404)
        if allow:
            return self._message(request, "approve.done", WEBMAIL)
        return self._message(request, "approve.blocked", _PASSWORD)

    async def _page(self, request: Request, approval: str, device: Device) -> Response:
        """Raises NotFound."""
        account = await self._auth.store.directory.account(device.account)
        if account is None:
            raise NotFound("there is no such account")
        told = partial(say, language=self._auth.pages.language(request))
        by_page = device.protocol == "http"
        what = told("approve.web") if by_page else told("approve.program", protocol=device.protocol.upper())
        facts = (
            ("approve.what", " · ".join(filter(None, (what, device.client)))),
            ("approve.name", device.name),
            ("approve.from", " · ".join(filter(None, (device.used_ip, device.country)))),
        )
        return self._auth.pages.show(
            request,
            "device.html",
            approval=approval,
            account=account.address,
            at=datetime.fromtimestamp(device.created_at, UTC),
            facts=[fact for fact in facts if fact[1]],
        )

    def _message(self, request: Request, key: str, link: tuple[str, str], status: int = 200) -> Response:
        return self._auth.pages.message(request, key, title="approve.title", status=status, link=link)
