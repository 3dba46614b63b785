"""A person signs in at a page: address and password, then a second step where the account has one; or by a passkey."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from posthouse.core.errors import Forbidden, MailError, NotApproved, NotFound, SignInFailed, Unavailable
from posthouse.core.scope import Scope
from posthouse.http.browser import Visitor
from posthouse.http.forms import Fields
from posthouse.http.oauth.context import Context, peer_of
from posthouse.http.pages import here
from posthouse.http.texts import say
from posthouse.services.grant import Grant, Origin, of_password, permitted
from posthouse.services.passkeys import ANSWER_MAX
from posthouse.storage.rows import Account

STEPS: Final = ("signin", "second", "send", "passkey")
"""Values of the field `step` that are the sign-in's."""
ADDRESS_MAX: Final = 320
CODE_MAX: Final = 40

# The most telling first: NotApproved is a Forbidden.
_PROBLEMS: Final[tuple[tuple[type[MailError], str], ...]] = (
    (SignInFailed, "signin.wrong"),
    (Unavailable, "signin.busy"),
    (NotApproved, "signin.held"),
    (Forbidden, "signin.off"),
)


class SignInForm:
    """`posted` gives the visitor who is signed in, or the page to show next."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def page(
        self,
        request: Request,
        visitor: Visitor,
        *,
        client: str = "",
        address: str = "",
        problem: str = "",
        send_to: str = "",
    ) -> Response:
        """`client` is where it goes on to; "": a device."""
        page = self._context.pages.show(
            request,
            "signin.html",
            status=403 if problem else 200,
            send_to=send_to,
            client=client,
            address=address[:ADDRESS_MAX],
            problem=problem,
            providers=self._providers(request),
            passkey=json.dumps(await self._context.passkeys.options()),
            ticket=await self._context.browsers.ticket(visitor, "signin"),
        )
        return await self._context.browsers.remember(page, visitor)

    def _providers(self, request: Request) -> list[tuple[str, str]]:
        """(address, label) of the ways by somebody else, each back to this page."""
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return [
            (f"/oauth/with/{name}?{urlencode({'to': target})}", one.settings.label)
            for name, one in self._context.providers.items()
        ]

    async def posted(
        self, request: Request, form: Fields, visitor: Visitor, *, client: str = "", send_to: str = ""
    ) -> Visitor | Response:
        """The form was found to be ours, with the purpose "signin"."""
        origin = Origin("http", "http", peer_of(request), "browser", first_step=True)
        where = {"client": client, "send_to": send_to}
        if form["step"] == "passkey":
            return await self._passkey(request, form, visitor, origin, where)
        if form["step"] != "signin":
            return await self._second(request, form, visitor, origin, where)
        address = form["address"].strip()[:ADDRESS_MAX]
        try:
            grant = await self._context.sign_in.verify_password(address, form["password"], origin)
            wanted = await self._context.two_step.wanted(grant.account)
            if not wanted:
                return await self._done(grant.account, origin)
        except MailError as error:
            problem = _problem(error, "signin.wrong")
            return await self.page(request, visitor, address=address, problem=problem, **where)
        return await self._second_page(request, visitor, grant.account, wanted, send_to)

    async def _done(self, account: Account, origin: Origin, grant: Grant | None = None) -> Visitor:
        """Raises NotApproved."""
        await self._context.sign_in.devices.admit(grant or of_password(account), origin)
        return self._context.browsers.signed_in(account)

    async def _passkey(
        self, request: Request, form: Fields, visitor: Visitor, origin: Origin, where: dict[str, str]
    ) -> Visitor | Response:
        """As the second step where there was a first one; else both at once, of whoever's passkey it is."""
        account = None
        if form["half_way"]:
            account = await self._context.browsers.who_is_half_way(visitor, form["half_way"])
            if account is None:
                return await self.page(request, visitor, problem="second.late", **where)
        try:
            owner = await self._context.passkeys.check(_object(form["passkey"]), account)
            if account is not None:
                return await self._done(owner, origin)
            grant = permitted(Grant(owner, "passkey", Scope(owner.protocols)), "http")
            return await self._done(owner, origin, grant)
        except MailError as error:
            problem = _problem(error, "passkey.wrong")
            if account is None:
                return await self.page(request, visitor, problem=problem, **where)
            methods = await self._context.two_step.wanted(account)
            return await self._second_page(
                request, visitor, account, methods, where["send_to"], problem=problem
            )

    # --- the second step ---

    async def _second(
        self, request: Request, form: Fields, visitor: Visitor, origin: Origin, where: dict[str, str]
    ) -> Visitor | Response:
        account = await self._context.browsers.who_is_half_way(visitor, form["half_way"])
        if account is None:
            return await self.page(request, visitor, problem="second.late", **where)
        methods = await self._context.two_step.wanted(account)
        send_to = where["send_to"]
        try:
            if form["step"] == "send":
                await self._context.two_step.send(account, form["method"])
                return await self._second_page(
                    request, visitor, account, methods, send_to, sent=methods.get(form["method"], "")
                )
            await self._context.two_step.check(account, form["code"][:CODE_MAX])
            return await self._done(account, origin)
        except MailError as error:
            problem = _problem(error, "second.wrong")
            return await self._second_page(request, visitor, account, methods, send_to, problem=problem)

    async def _second_page(
        self,
        request: Request,
        visitor: Visitor,
        account: Account,
        methods: dict[str, str],
        send_to: str,
        *,
        problem: str = "",
        sent: str = "",
    ) -> Response:
        """`sent`: where a code was sent to."""
        language = self._context.pages.language(request)
        senders = [
            (name, say("second.send", language=language, where=where))
            for name, where in methods.items()
            if where
        ]
        page = self._context.pages.show(
            request,
            "second.html",
            status=403 if problem else 200,
            send_to=send_to,
            account=account.address,
            problem=problem,
            sent=sent,
            senders=senders,
            passkey=json.dumps(await self._context.passkeys.options(account)) if "passkey" in methods else "",
            app="totp" in methods,
            recovery="recovery" in methods,
            by_code="totp" in methods or bool(senders),
            here=here(request),
            ticket=await self._context.browsers.ticket(visitor, "signin"),
            half_way=await self._context.browsers.half_way(visitor, account),
        )
        return await self._context.browsers.remember(page, visitor)


def _object(text: str) -> dict[str, Any]:
    """Raises SignInFailed."""
    try:
        found = json.loads(text[:ANSWER_MAX])
    except (ValueError, RecursionError) as error:
        raise SignInFailed("no answer of a passkey") from error
    if not isinstance(found, dict):
        raise SignInFailed("no answer of a passkey")
    return found


def _problem(error: MailError, wrong: str) -> str:
    if isinstance(error, SignInFailed | NotFound):
        return wrong
    return next((key for kind, key in _PROBLEMS if isinstance(error, kind)), "signin.busy")
