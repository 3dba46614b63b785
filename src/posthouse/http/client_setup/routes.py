"""The addresses where mail programs look for their settings.  Nobody signs in here, and nothing here is a secret."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from posthouse.core.address import try_address
from posthouse.core.errors import TooLarge
from posthouse.core.lazy import lazy
from posthouse.http.client_setup import formats
from posthouse.http.client_setup.formats import Services
from posthouse.http.forms import body_of

if TYPE_CHECKING:
    import segno
    from cryptography.hazmat.primitives.serialization import pkcs7
else:
    segno, pkcs7 = lazy("segno"), lazy("cryptography.hazmat.primitives.serialization.pkcs7")

ADDRESS_MAX: Final = 320
BODY_MAX: Final = 16 * 1024
_ASKED: Final = re.compile(rb"<EMailAddress>\s*([^<>\s]{3,320})\s*</EMailAddress>", re.IGNORECASE)
_SCHEMA: Final = re.compile(rb"<AcceptableResponseSchema>\s*([^<>\s]{1,200})\s*</", re.IGNORECASE)
_HEADERS: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}

IsOurs = Callable[[str], Awaitable[bool]]
"""Whether mail of a domain is here."""


class Signer(Struct):
    """PEM of the certificate with its chain, and of its key."""

    certificate: bytes
    key: bytes


def sign(content: bytes, signer: Signer | None) -> bytes:
    """The profile inside a CMS signature, so that phones show who made it; as it is without a fit key."""
    if signer is None:
        return content
    chain = x509.load_pem_x509_certificates(signer.certificate)
    key = serialization.load_pem_private_key(signer.key, None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return content
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(chain[0], key, hashes.SHA256())
    for one in chain[1:]:
        builder = builder.add_certificate(one)
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


FindSigner = Callable[[], Awaitable[Signer | None]]
"""The certificate of our own name as it is now; None: there is none that a phone could trust."""


class _Endpoints:
    def __init__(self, services: Services, is_ours: IsOurs, signer: FindSigner) -> None:
        self._services = services
        self._is_ours = is_ours
        self._signer = signer

    async def _address(self, text: str) -> str:
        """ "": no address of a domain of ours."""
        address = try_address(text[:ADDRESS_MAX].strip())
        if address is None or not address.domain or not await self._is_ours(address.domain):
            return ""
        return address.key

    async def autoconfig(self, request: Request) -> Response:
        """Asked with the address, or by the name autoconfig.DOMAIN."""
        given = request.query_params.get("emailaddress", "")[:ADDRESS_MAX]
        domain = given.rpartition("@")[2] if "@" in given else _named_host(request, "autoconfig.")
        if not domain or not await self._is_ours(domain.lower()):
            return _not_here()
        return Response(formats.autoconfig(self._services, domain.lower()), 200, _HEADERS, "text/xml")

    async def autodiscover(self, request: Request) -> Response:
        try:
            body = await body_of(request, BODY_MAX)
        except TooLarge:
            return Response(status_code=413)
        schema = _SCHEMA.search(body)
        if schema is not None and b"outlook/responseschema" not in schema[1].lower():
            return _xml(formats.autodiscover_refusal(601, "Provider is not available"))
        asked = _ASKED.search(body)
        address = await self._address(asked[1].decode("utf-8", "replace")) if asked is not None else ""
        if not address:
            return _xml(formats.autodiscover_refusal(500, "The email address can't be found."))
        return _xml(formats.autodiscover(self._services, address))

    async def autodiscover_json(self, request: Request) -> Response:
        """Version 2: where version 1 is."""
        asked = {name.lower(): value for name, value in request.query_params.items()}
        path = request.path_params.get("address", "")
        if not await self._address(asked.get("email", "") or path):
            return JSONResponse({"ErrorCode": "UserNotFound", "ErrorMessage": "no such domain here"}, 404)
        if asked.get("protocol", "").lower() != "autodiscoverv1":
            error = {"ErrorCode": "InvalidProtocol", "ErrorMessage": "the protocol here is AutodiscoverV1"}
            return JSONResponse(error, 400)
        url = f"{self._base(request)}/autodiscover/autodiscover.xml"
        return JSONResponse({"Protocol": "AutodiscoverV1", "Url": url}, headers=_HEADERS)

    def _base(self, request: Request) -> str:
        return self._services.url or f"{request.url.scheme}://{request.url.netloc}"

    async def settings(self, request: Request) -> Response:
        """For our own page."""
        address = await self._address(request.query_params.get("address", ""))
        if not address:
            return _not_here()
        found: dict[str, Any] = formats.plain(self._services, address)
        if url := found["urls"].get("profile"):
            rows = segno.make(url, error="m", micro=False).matrix
            found["qr"] = ["".join(map(str, row)) for row in rows]
        return JSONResponse(found, headers=_HEADERS)

    async def profile(self, request: Request) -> Response:
        address = await self._address(request.query_params.get("address", ""))
        content = formats.profile(self._services, address) if address else None
        if content is None:
            return _not_here()
        name = re.sub(r"[^A-Za-z0-9@._-]", "_", address)
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}.mobileconfig"'}
        return Response(sign(content, await self._signer()), 200, headers, "application/x-apple-aspen-config")


def _named_host(request: Request, prefix: str) -> str:
    host = request.headers.get("host", "").partition(":")[0].lower()
    return host.removeprefix(prefix) if host.startswith(prefix) else ""


def _xml(content: bytes) -> Response:
    return Response(content, 200, _HEADERS, "text/xml")


def _not_here() -> Response:
    return PlainTextResponse("There is no such domain here.\n", 404, _HEADERS)


async def _unsigned() -> Signer | None:
    return None


def client_setup_routes(
    services: Services, is_ours: IsOurs, signer: FindSigner = _unsigned
) -> list[BaseRoute]:
    found = _Endpoints(services, is_ours, signer)
    return [
        Route("/.well-known/autoconfig/mail/config-v1.1.xml", found.autoconfig),
        Route("/mail/config-v1.1.xml", found.autoconfig),
        # Programs differ in how they write it.
        *(
            Route(path, found.autodiscover, methods=["POST"])
            for path in (
                "/autodiscover/autodiscover.xml",
                "/Autodiscover/Autodiscover.xml",
                "/AutoDiscover/AutoDiscover.xml",
            )
        ),
        Route("/autodiscover/autodiscover.json", found.autodiscover_json),
        Route("/autodiscover/autodiscover.json/v1.0/{address}", found.autodiscover_json),
        Route("/mail/setup/settings.json", found.settings),
        Route("/mail/setup/profile.mobileconfig", found.profile),
    ]
