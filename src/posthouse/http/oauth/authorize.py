"""The authorization endpoint (RFC 6749 §4.1, RFC 7636, OpenID Connect Core §3.1.2): sign in, agree, go back.

A request that is not in order is answered at the client's redirect URI only when that URI is known to be its own;
otherwise the person sees a page, so that we never send anybody where a stranger wants.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode, urlsplit

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from posthouse.core.errors import Forbidden, Invalid, TooLarge
from posthouse.http.browser import Visitor
from posthouse.http.forms import Fields, form_of, query_of
from posthouse.http.oauth.context import Context
from posthouse.http.oauth.describe import permissions
from posthouse.http.oauth.sign_in import STEPS, SignInForm
from posthouse.http.pages import WEBMAIL, here
from posthouse.http.texts import say
from posthouse.services.oauth.clients import CODE, FIRST_PARTY, is_loopback, matches
from posthouse.services.oauth.errors import OAuthError
from posthouse.services.oauth.scope import parse_scope
from posthouse.services.oauth.server import Asked
from posthouse.storage.tokens import TokenClient

VALUE_MAX: Final = 1000
"""Characters of `state` and `nonce`."""
# RFC 7636 §4.2: base64url of a SHA-256, without padding.
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS: Final = frozenset(("none", "login", "consent", "select_account"))


class Wanted(Struct):
    """A request whose client and redirect URI are known."""

    client: TokenClient
    redirect: str
    state: str
    fields: Fields

    @property
    def prompts(self) -> frozenset[str]:
        return frozenset(self.fields["prompt"].split())


class AuthorizePage:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._sign_in = SignInForm(context)

    async def __call__(self, request: Request) -> Response:
        try:
            fields = query_of(request)
            wanted = await self._wanted(fields)
        except (OAuthError, Invalid, TooLarge) as error:
            return self._context.pages.message(
                request, "error.client", status=400, detail=error.detail, link=WEBMAIL
            )
        try:
            asked = self._asked(wanted)
            visitor = await self._context.browsers.visitor(request)
            if request.method == "POST":
                return await self._posted(request, wanted, asked, visitor)
            return await self._shown(request, wanted, asked, visitor, reauthenticated=False)
        except OAuthError as error:
            # RFC 9700 §4.11.2: a client that registered itself must not be able to have people sent on unasked.
            if wanted.client.registered and error.code != "access_denied":
                return self._refused(request, wanted, error)
            return self._back(wanted, error=error.code, error_description=_plain(error.detail))

    def _refused(self, request: Request, wanted: Wanted, error: OAuthError) -> Response:
        detail = f"{error.code}: {error.detail}"
        return self._context.pages.message(
            request, "error.request", status=400, detail=detail, client=wanted.client.name
        )

    # --- what is asked ---

    async def _wanted(self, fields: Fields) -> Wanted:
        """Raises OAuthError for the person, not for the client."""
        client = await self._context.server.clients.find(fields["client_id"])
        if client is None:
            raise OAuthError("invalid_client", "client_id: unknown client")
        given = fields["redirect_uri"]
        # OpenID Connect Core §3.1.2.1: it has to be given, even when only one is registered.
        if not any(matches(known, given) for known in client.redirects):
            raise OAuthError("invalid_request", "redirect_uri: not one of this client")
        return Wanted(client, given, fields["state"], fields)

    def _asked(self, wanted: Wanted) -> Asked:
        """Raises OAuthError for the client."""
        fields, client = wanted.fields, wanted.client
        for name in ("request", "request_uri", "registration"):
            if name in fields:
                raise OAuthError(f"{name}_not_supported", f"{name} is not taken here")
        if fields["response_type"] != "code":
            raise OAuthError("unsupported_response_type", "response_type has to be code")
        if fields["response_mode"] not in ("", "query"):
            raise OAuthError("invalid_request", "response_mode has to be query")
        if CODE not in client.grants:
            raise OAuthError("unauthorized_client", "this client may not use the authorization code")
        if max(len(wanted.state), len(fields["nonce"])) > VALUE_MAX:
            wanted.state = ""
            raise OAuthError("invalid_request", f"state and nonce have at most {VALUE_MAX} characters")
        challenge = fields["code_challenge"]
        # RFC 9700 §2.1.1: public clients must use PKCE; `plain`, the default of RFC 7636 §4.3, protects nobody.
        wants_pkce = challenge or "code_challenge_method" in fields or not client.secret
        sound = fields["code_challenge_method"] == "S256" and _CHALLENGE.fullmatch(challenge)
        if wants_pkce and not sound:
            raise OAuthError("invalid_request", "PKCE is required: code_challenge with method S256")
        prompts = wanted.prompts
        if prompts - _PROMPTS or ("none" in prompts and len(prompts) > 1):
            raise OAuthError("invalid_request", "prompt: use none, or some of login, consent, select_account")
        if fields["max_age"] and not fields["max_age"].isdecimal():
            raise OAuthError("invalid_request", "max_age is a number of seconds")
        return Asked(
            client,
            self._context.server.scopes(client, fields["scope"]),
            self._context.server.audience(fields.all("resource")),
            wanted.redirect,
            challenge,
            fields["nonce"],
        )

    # --- what the person sees ---

    async def _shown(
        self, request: Request, wanted: Wanted, asked: Asked, visitor: Visitor, *, reauthenticated: bool
    ) -> Response:
        silent = "none" in wanted.prompts
        if visitor.account is None or (not reauthenticated and self._too_old(wanted, visitor)):
            if silent:
                raise OAuthError("login_required", "nobody is signed in here")
            return await self._signin_page(request, wanted, visitor)
        if asked.client.id in FIRST_PARTY:
            return await self._granted(wanted, asked, visitor)
        known = await self._allowed_before(asked, visitor)
        # RFC 8252 §8.6: what any program on the device could have asked for is not given without the person.
        sure = bool(wanted.client.secret) or (
            wanted.redirect.startswith("https:") and urlsplit(wanted.redirect).hostname != "localhost"
        )
        if known and sure and "consent" not in wanted.prompts:
            return await self._granted(wanted, asked, visitor)
        if silent:
            raise OAuthError("consent_required", "the person has to be asked")
        return await self._consent_page(request, wanted, asked, visitor, known=known)

    def _too_old(self, wanted: Wanted, visitor: Visitor) -> bool:
        if wanted.prompts & {"login", "select_account"}:
            return True
        age = self._context.server.clock.now() - visitor.visit.signed_in_at
        return bool(wanted.fields["max_age"]) and age > int(wanted.fields["max_age"][:9])

    async def _allowed_before(self, asked: Asked, visitor: Visitor) -> bool:
        assert visitor.account is not None
        found = await self._context.server.store.tokens.grants(visitor.account.id, asked.client.id)
        return any(
            asked.scopes.within(parse_scope(one.scope)) and set(asked.audience) <= set(one.audience)
            for one in found
        )

    def _known_as(self, request: Request, wanted: Wanted) -> str:
        """Our own pages have names in the language of the reader."""
        if wanted.client.id not in FIRST_PARTY:
            return wanted.client.name
        return say(f"client.{wanted.client.id}", language=self._context.pages.language(request))

    async def _signin_page(self, request: Request, wanted: Wanted, visitor: Visitor) -> Response:
        return await self._sign_in.page(
            request,
            visitor,
            client=self._known_as(request, wanted),
            address=wanted.fields["login_hint"],
            send_to=wanted.redirect,
        )

    async def _consent_page(
        self, request: Request, wanted: Wanted, asked: Asked, visitor: Visitor, *, known: bool
    ) -> Response:
        assert visitor.account is not None
        language = self._context.pages.language(request)
        own = self._context.server.settings.own
        here = say("consent.this_device", language=language)
        parts = urlsplit(wanted.redirect)
        page = self._context.pages.show(
            request,
            "consent.html",
            send_to=wanted.redirect,
            client=wanted.client.name,
            account=visitor.account.address,
            permissions=permissions(
                asked.scopes, [one for one in asked.audience if one not in own], language
            ),
            registered=wanted.client.registered,
            known=known,
            target=here if is_loopback(wanted.redirect) or not parts.netloc else parts.netloc,
            user_code="",
            ticket=await self._context.browsers.ticket(visitor, self._purpose(request)),
        )
        return await self._context.browsers.remember(page, visitor)

    def _purpose(self, request: Request) -> str:
        """A form answers the very request it was shown for; the language may have been changed."""
        query = "&".join(sorted(p for p in request.url.query.split("&") if not p.startswith("ui_locales=")))
        return f"consent {query}"

    # --- what the person does ---

    async def _posted(self, request: Request, wanted: Wanted, asked: Asked, visitor: Visitor) -> Response:
        try:
            form = await form_of(request)
            step = form["step"]
            purpose = "signin" if step in STEPS else self._purpose(request)
            await self._context.browsers.check(request, visitor, purpose, form["ticket"])
        except (Forbidden, Invalid, TooLarge):
            link = (here(request), "link.again")
            return self._context.pages.message(request, "error.form", status=403, link=link)
        if step in STEPS:
            found = await self._sign_in.posted(
                request, form, visitor, client=self._known_as(request, wanted), send_to=wanted.redirect
            )
            if isinstance(found, Response):
                return found
            return await self._shown(request, wanted, asked, found, reauthenticated=True)
        if step == "switch":
            return await self._signin_page(request, wanted, self._context.browsers.nobody())
        if form["answer"] != "allow" or visitor.account is None:
            raise OAuthError("access_denied", "the person refused")
        return await self._granted(wanted, asked, visitor)

    async def _granted(self, wanted: Wanted, asked: Asked, visitor: Visitor) -> Response:
        assert visitor.account is not None
        code = await self._context.server.grant_code(asked, visitor.account, visitor.visit.signed_in_at)
        return await self._context.browsers.remember(self._back(wanted, code=code), visitor)

    def _back(self, wanted: Wanted, **values: str) -> Response:
        """RFC 6749 §4.1.2; RFC 9207 §2: `iss` tells a client of several servers whose answer it is."""
        pairs = [*values.items(), *([("state", wanted.state)] if wanted.state else [])]
        query = urlencode([*pairs, ("iss", self._context.server.settings.issuer)])
        uri = wanted.redirect
        response = RedirectResponse(uri + ("&" if "?" in uri else "?") + query, status_code=303)
        response.headers["cache-control"] = "no-store"
        response.headers["referrer-policy"] = "no-referrer"
        return response


def _plain(text: str) -> str:
    """RFC 6749 §4.1.2.1: %x20-21 / %x23-5B / %x5D-7E."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)[:200]
