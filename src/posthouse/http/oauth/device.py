"""The page where a person types the code of a device (RFC 8628 §3.3)."""

from __future__ import annotations

import math
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from posthouse.core.errors import Forbidden, Invalid, TooLarge
from posthouse.http.browser import Visitor
from posthouse.http.forms import Fields, form_of, query_of
from posthouse.http.oauth.context import Context, source_of
from posthouse.http.oauth.describe import permissions
from posthouse.http.oauth.sign_in import STEPS, SignInForm
from posthouse.http.texts import say
from posthouse.services.oauth.device import format_user_code
from posthouse.services.oauth.errors import OAuthError
from posthouse.services.oauth.scope import parse_scope
from posthouse.storage.tokens import TokenRequest

PURPOSE: Final = "device"
GRANTS: Final = ("/mail/settings/devices#grants", "link.grants")
_ANOTHER: Final = ("/oauth/device", "link.code")


class DevicePage:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._sign_in = SignInForm(context)

    async def __call__(self, request: Request) -> Response:
        visitor = await self._context.browsers.visitor(request)
        try:
            if request.method != "POST":
                # RFC 8628 §3.3.1: a code in the address is filled in, never taken without a look.
                return await self._code_page(request, visitor, query_of(request)["user_code"][:20])
            form = await form_of(request)
            await self._context.browsers.check(request, visitor, self._purpose(form), form["ticket"])
        except (Forbidden, Invalid, TooLarge):
            link = (request.url.path, "link.again")
            return self._context.pages.message(request, "error.form", status=403, link=link)
        return await self._posted(request, form, visitor)

    def _purpose(self, form: Fields) -> str:
        """The answer is to the code that was shown."""
        if form["step"] in STEPS:
            return "signin"
        return f"{PURPOSE} {form['user_code']}" if form["step"] == "answer" else PURPOSE

    async def _posted(self, request: Request, form: Fields, visitor: Visitor) -> Response:
        step = form["step"]
        if step in STEPS:
            found = await self._sign_in.posted(request, form, visitor)
            if isinstance(found, Response):
                return found
            return await self._code_page(request, found, query_of(request)["user_code"][:20])
        if step == "switch" or visitor.account is None:
            return await self._sign_in.page(request, self._context.browsers.nobody())
        return await self._code_given(request, form, visitor)

    async def _code_given(self, request: Request, form: Fields, visitor: Visitor) -> Response:
        assert visitor.account is not None
        limit = self._context.limits.wrong_code
        sources = (f"account {visitor.account.id}", source_of(request))
        if wait := max(limit.wait_s(source) for source in sources):
            language = self._context.pages.language(request)
            text = say("device.slow", language=language, minutes=math.ceil(wait / 60))
            return await self._code_page(request, visitor, "", text, status=429)
        waiting = await self._context.devices.find(form["user_code"])
        if waiting is None:
            for source in sources:
                limit.note(source)
            text = say("device.unknown", language=self._context.pages.language(request))
            return await self._code_page(request, visitor, form["user_code"][:20], text, status=404)
        if form["step"] == "code":
            return await self._confirm_page(request, visitor, waiting)
        allow = form["answer"] == "allow"
        try:
            await self._context.devices.answer(
                waiting, visitor.account, visitor.visit.signed_in_at, allow=allow
            )
        except OAuthError:
            return self._answered(request, "device.late", _ANOTHER, status=409)
        if allow:
            return self._answered(request, "device.done", GRANTS)
        return self._answered(request, "device.refused", _ANOTHER)

    # --- pages ---

    async def _code_page(
        self, request: Request, visitor: Visitor, code: str, problem: str = "", status: int = 200
    ) -> Response:
        if visitor.account is None:
            return await self._sign_in.page(request, visitor)
        page = self._context.pages.show(
            request,
            "code.html",
            status=status,
            problem=problem,
            user_code=code,
            ticket=await self._context.browsers.ticket(visitor, PURPOSE),
        )
        return await self._context.browsers.remember(page, visitor)

    async def _confirm_page(self, request: Request, visitor: Visitor, waiting: TokenRequest) -> Response:
        assert visitor.account is not None
        client = await self._context.server.clients.find(waiting.client)
        own = self._context.server.settings.own
        shown = format_user_code(waiting.user_code)
        page = self._context.pages.show(
            request,
            "consent.html",
            client=client.name if client is not None else waiting.client,
            account=visitor.account.address,
            permissions=permissions(
                parse_scope(waiting.scope),
                [one for one in waiting.audience if one not in own],
                self._context.pages.language(request),
            ),
            registered=client is not None and client.registered,
            known=False,
            target="",
            user_code=shown,
            ticket=await self._context.browsers.ticket(visitor, f"{PURPOSE} {shown}"),
        )
        return await self._context.browsers.remember(page, visitor)

    def _answered(self, request: Request, text: str, link: tuple[str, str], status: int = 200) -> Response:
        return self._context.pages.message(request, text, title="device.title", status=status, link=link)
