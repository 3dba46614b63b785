"""Who asks: HTTP Basic with a password or an app password, or a bearer token (RFC 8620 §8.2, RFC 7617, RFC 6750)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from typing import Final

from starlette.requests import HTTPConnection

from posthouse.core.errors import SignInFailed
from posthouse.services.grant import JMAP, Grant, Origin
from posthouse.services.signin import SignIn

PROTOCOL: Final = "http"
NOT_APPROVED: Final = "This device is new; approve it by the letter you were sent, then sign in again."
CHALLENGE: Final = 'Basic realm="JMAP", charset="UTF-8", Bearer realm="JMAP"'
BAD_TOKEN: Final = f'{CHALLENGE}, error="invalid_token"'
"""RFC 6750 §3.1: a client that knows this gets another token and asks again."""


UNASKED: Final = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
"""Content types of what browsers send to other sites without asking (Fetch, CORS-safelisted request headers)."""


class InClearError(Exception):
    """Credentials would cross a network unencrypted."""


def client_ip(connection: HTTPConnection) -> str:
    """ "" for a Unix socket."""
    return "" if connection.client is None else connection.client.host


def is_private(connection: HTTPConnection) -> bool:
    """Nobody on the way can read what is said: TLS, or the machine itself."""
    if connection.url.scheme in ("https", "wss"):
        return True
    ip = client_ip(connection)
    try:
        return not ip or ipaddress.ip_address(ip.partition("%")[0]).is_loopback
    except ValueError:
        return False


def base_url(connection: HTTPConnection) -> str:
    """Scheme and authority as the client used them; a proxy on this machine may say that it took TLS off."""
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    if scheme == "http" and is_private(connection):
        told = connection.headers.get("x-forwarded-proto", "")
        scheme = "https" if told.strip().lower() == "https" else scheme
    return f"{scheme}://{connection.url.netloc}"


async def sign_in(signin: SignIn, connection: HTTPConnection, protocol: str = PROTOCOL) -> Grant:
    """Raises SignInFailed, InClearError, Forbidden, Unavailable."""
    if not is_private(connection):
        raise InClearError
    kind, _, given = connection.headers.get("authorization", "").partition(" ")
    client = connection.headers.get("user-agent", "")[:200]
    program = JMAP if protocol == PROTOCOL else ""
    origin = Origin(protocol, "http", client_ip(connection), client, program=program)
    match kind.lower():
        case "basic" if _by_another_site(connection):
            raise SignInFailed("credentials that a browser added for another site")
        case "basic":
            user, password = _basic(given)
            return await signin.check_password(user, password, origin)
        case "bearer":
            return await signin.check_token("", given.strip(), origin)
    raise SignInFailed("no credentials")


def _by_another_site(connection: HTTPConnection) -> bool:
    """A browser that was once given a password adds it to whatever a page of any site asks of us, unless CORS is asked.

    Programs send no Origin; pages elsewhere that know the password send it by a request that asks CORS first, or by
    token.
    """
    told = connection.headers
    if connection.scope["type"] == "websocket" or told.get("sec-fetch-mode", "cors") != "cors":
        strange = told.get("sec-fetch-site", "none") not in ("none", "same-origin")
        return strange or told.get("origin", base_url(connection)) != base_url(connection)
    if connection.scope["method"] in ("GET", "HEAD"):  # what is read this way that page does not see
        return False
    plain = told.get("content-type", "").partition(";")[0].strip().lower() in UNASKED
    return plain and told.get("origin", base_url(connection)) != base_url(connection)


def _basic(given: str) -> tuple[str, str]:
    try:
        # RFC 7617 §2.1: charset="UTF-8" in the challenge.
        user, colon, password = base64.b64decode(given.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SignInFailed("malformed credentials") from None
    if not colon:
        raise SignInFailed("malformed credentials")
    return user, password
