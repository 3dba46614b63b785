"""Who sits at the browser: a signed cookie, and tickets that bind a form to it.

The cookie names an account, when it signed in, and a random number; it is signed with a key of the installation and the
hash of the account's password, so that a changed password ends it.  A ticket is the same signature over what the form
is for: a form of another site, another account or another purpose has none that fits.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from posthouse.core.errors import Forbidden
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account

LIFE_S: Final = 3600.0
HALF_WAY_S: Final = 300.0
"""How long the second step may take."""
COOKIE_MAX: Final = 300
_MAC_BYTES: Final = 24


Number = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""Of an account, as far as the store can look for one."""


class Visit(Struct, array_like=True):
    """What the cookie holds; `account` 0 is nobody yet."""

    nonce: bytes
    account: Number = 0
    signed_in_at: float = 0.0


class Visitor(Struct):
    visit: Visit
    account: Account | None = None
    fresh: bool = False  # the cookie has to be sent


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Visit).decode
_decode_half: Final = msgspec.msgpack.Decoder(tuple[Number, float]).decode


def new_visit(account: int = 0, signed_in_at: float = 0.0) -> Visit:
    return Visit(secrets.token_bytes(16), account, signed_in_at)


class Browsers:
    def __init__(self, store: Store, clock: Clock, key: Callable[[], Awaitable[bytes]], origin: str) -> None:
        """`origin` is how browsers see us: scheme, host and port."""
        self._store = store
        self._clock = clock
        self._key = key
        self._origin = origin
        self._secure = origin.startswith("https://")
        # A cookie of the prefix __Host- cannot be set by a neighbour in the domain.
        self.cookie = "__Host-posthouse" if self._secure else "posthouse"

    async def visitor(self, request: Request) -> Visitor:
        """Who it is; somebody new when the cookie says nothing that can be believed."""
        text = request.cookies.get(self.cookie, "")
        parsed = _parse(text)
        if parsed is not None:
            body, mac = parsed
            try:
                visit = _decode(body)
            except msgspec.MsgspecError:
                visit = new_visit()
            account = await self._account(visit)
            known = hmac.compare_digest(mac, await self._mac(b"cookie", body, account))
            if known and (not visit.account or (account is not None and self._lives(visit))):
                return Visitor(visit, account)
        return self.nobody()

    async def _account(self, visit: Visit) -> Account | None:
        if not visit.account:
            return None
        account = await self._store.directory.account(AccountId(visit.account))
        return account if account is not None and account.enabled and "http" in account.protocols else None

    def _lives(self, visit: Visit) -> bool:
        return 0 <= self._clock.now() - visit.signed_in_at < LIFE_S

    def signed_in(self, account: Account) -> Visitor:
        """The same browser under a new number: what was known of it before is worth nothing."""
        return Visitor(new_visit(account.id, self._clock.now()), account, fresh=True)

    def nobody(self) -> Visitor:
        """Signed out."""
        return Visitor(new_visit(), fresh=True)

    async def remember(self, response: Response, visitor: Visitor) -> Response:
        if visitor.fresh:
            body = _encode(visitor.visit)
            mac = await self._mac(b"cookie", body, visitor.account)
            text = f"{_text(body)}.{_text(mac)}"
            response.set_cookie(
                self.cookie, text, max_age=int(LIFE_S), httponly=True, secure=self._secure, samesite="lax"
            )
        return response

    def forget(self, request: Request, response: Response) -> Response:
        """Signed out: the cookie goes, where our own page sent it."""
        if self.cookie in request.cookies and self._is_own(request):
            response.delete_cookie(self.cookie, httponly=True, secure=self._secure, samesite="lax")
        return response

    def _is_own(self, request: Request) -> bool:
        site = request.headers.get("sec-fetch-site", "same-origin")
        return site in ("same-origin", "none") and request.headers.get("origin", self._origin) == self._origin

    async def ticket(self, visitor: Visitor, purpose: str) -> str:
        body = _encode((visitor.visit, purpose))
        return _text(await self._mac(b"ticket", body, visitor.account))

    async def half_way(self, visitor: Visitor, account: Account) -> str:
        """For somebody whose password was right and whose second step is still to come: the form brings it back."""
        body = _encode((account.id, self._clock.now()))
        mac = await self._mac(b"half " + visitor.visit.nonce, body, account)
        return f"{_text(body)}.{_text(mac)}"

    async def who_is_half_way(self, visitor: Visitor, text: str) -> Account | None:
        parsed = _parse(text)
        try:
            number, at = _decode_half(parsed[0]) if parsed is not None else (0, 0.0)
        except msgspec.MsgspecError:
            return None
        account = await self._account(Visit(b"", number))
        if parsed is None or account is None or not 0 <= self._clock.now() - at < HALF_WAY_S:
            return None
        mac = await self._mac(b"half " + visitor.visit.nonce, parsed[0], account)
        return account if hmac.compare_digest(mac, parsed[1]) else None

    async def check(self, request: Request, visitor: Visitor, purpose: str, ticket: str) -> None:
        """The form was ours, sent by this browser, for this purpose.  Raises Forbidden."""
        right = hmac.compare_digest(ticket.encode(), (await self.ticket(visitor, purpose)).encode())
        if not right or not self._is_own(request):
            raise Forbidden("the form is too old, or was not ours")

    async def _mac(self, kind: bytes, body: bytes, account: Account | None) -> bytes:
        bound = (account.password or "") if account is not None else ""
        data = b"%b %d %b%b" % (kind, len(body), body, bound.encode())
        return blake2b(data, key=await self._key(), digest_size=_MAC_BYTES, person=b"browser").digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _parse(text: str) -> tuple[bytes, bytes] | None:
    body, dot, mac = text.partition(".")
    if not dot or len(text) > COOKIE_MAX:
        return None
    try:
        return tuple(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (body, mac))  # type: ignore[return-value]  # two parts
    except ValueError:
        return None
