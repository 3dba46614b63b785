"""The client of ACME (RFC 8555): an account, an order, its challenges, the certificate; and when to renew (RFC 9773).

Speaks HTTP and nothing else: what answers the challenges is `solve`'s, when to ask is `services.acme`'s.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from posthouse.core.lazy import lazy

if TYPE_CHECKING:
    import httpx
    from joserfc import jwk, jws
else:
    httpx, jwk, jws = lazy("httpx"), lazy("joserfc.jwk"), lazy("joserfc.jws")

ANSWER_MAX: Final = 256 * 1024
TIMEOUT_S: Final = 30.0
POLL_S: Final = 1.0
POLLS_MAX: Final = 60
NONCE_TRIES: Final = 5


class AcmeError(Exception):
    """What the authority said, or why it could not be asked.  `kind` is the last word of the problem's type."""

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind


class AcmeAccount(Struct):
    """Kept by the caller; `url` is "" until it is known to the authority."""

    key: dict[str, str]  # a private JSON Web Key
    url: str = ""


class Challenge(Struct):
    kind: str  # "http-01", "tls-alpn-01", "dns-01"
    name: str
    token: str
    key_authorization: str  # RFC 8555 §8.1


Solve = Callable[[list[Challenge]], Awaitable[None]]
"""Make every challenge answerable; called once for all of an order."""


class Window(Struct):
    """RFC 9773 §4.2: when the authority would like the renewal, and how soon to ask again."""

    start: str
    end: str
    retry_after_s: float


def new_account() -> AcmeAccount:
    return AcmeAccount(
        {str(k): str(v) for k, v in jwk.ECKey.generate_key("P-256").as_dict(private=True).items()}
    )


@cache
def _registry() -> jws.JWSRegistry:
    """RFC 8555 §6.2 wants header fields that JWS itself does not know."""
    return jws.JWSRegistry(strict_check_header=False, algorithms=["ES256", "HS256"])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Acme:
    """`async with`; one order at a time."""

    def __init__(
        self,
        directory: str,
        account: AcmeAccount,
        http: httpx.AsyncClient,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._directory_url = directory
        self._account = account
        self._http = http
        self._sleep = sleep
        self._key = jwk.ECKey.import_key({**account.key})
        self._directory: dict[str, Any] = {}
        self._nonce = ""

    # --- messages ---

    async def _open(self) -> dict[str, Any]:
        if not self._directory:
            response, found = await self._send("GET", self._directory_url)
            if response.status_code != 200 or "newOrder" not in found:
                raise AcmeError(f"{self._directory_url} is no ACME directory (HTTP {response.status_code})")
            self._directory = found
        return self._directory

    async def _send(self, method: str, url: str, body: bytes | None = None) -> tuple[httpx.Response, Any]:
        head = {"content-type": "application/jose+json"} if body is not None else {}
        try:
            async with self._http.stream(method, url, content=body, headers=head) as response:
                data = bytearray()
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > ANSWER_MAX:
                        raise AcmeError(f"{url}: too long an answer")
        except httpx.HTTPError as error:
            raise AcmeError(f"{url}: {str(error) or type(error).__name__}") from error
        if nonce := response.headers.get("replay-nonce"):
            self._nonce = nonce
        if "json" not in response.headers.get("content-type", ""):
            return response, bytes(data)
        try:
            return response, msgspec.json.decode(bytes(data))
        except msgspec.MsgspecError as error:
            raise AcmeError(f"{url}: an answer that is no JSON") from error

    async def _post(
        self, url: str, payload: dict[str, Any] | None, *, by_key: bool = False
    ) -> tuple[httpx.Response, Any]:
        """RFC 8555 §6.2; without payload POST-as-GET (§6.3)."""
        directory = await self._open()
        for _ in range(NONCE_TRIES):
            if not self._nonce:
                await self._send("HEAD", str(directory["newNonce"]))
            protected: dict[str, Any] = {"alg": "ES256", "nonce": self._nonce, "url": url}
            protected |= {"jwk": self._key.as_dict(private=False)} if by_key else {"kid": self._account.url}
            self._nonce = ""
            text = b"" if payload is None else msgspec.json.encode(payload)
            signed = jws.serialize_json({"protected": protected}, text, self._key, registry=_registry())
            response, found = await self._send("POST", url, msgspec.json.encode(signed))
            if response.status_code < 400:
                return response, found
            kind = str(found.get("type", "")) if isinstance(found, dict) else ""
            # RFC 8555 §6.5: a nonce may be refused at any time; the answer has a new one.
            if not kind.endswith(":badNonce"):
                raise _problem(url, response, found)
        raise AcmeError(f"{url}: every nonce was refused", "badNonce")

    # --- account ---

    async def register(self, email: str, *, eab: tuple[str, str] | None = None) -> None:
        """RFC 8555 §7.3; `eab` is key id and key (base64url) of an account elsewhere (§7.3.4)."""
        directory = await self._open()
        url = str(directory["newAccount"])
        payload: dict[str, Any] = {"termsOfServiceAgreed": True}
        if email:
            payload["contact"] = [f"mailto:{email}"]
        if eab is not None:
            public = msgspec.json.encode(self._key.as_dict(private=False))
            padded = eab[1] + "=" * (-len(eab[1]) % 4)
            key = jwk.OctKey.import_key(base64.urlsafe_b64decode(padded))
            head = {"alg": "HS256", "kid": eab[0], "url": url}
            payload["externalAccountBinding"] = jws.serialize_json(
                {"protected": head}, public, key, registry=_registry()
            )
        response, _ = await self._post(url, payload, by_key=True)
        self._account.url = response.headers.get("location", "")

    # --- an order ---

    async def issue(
        self, names: Sequence[str], kind: str, solve: Solve, *, replaces: str = ""
    ) -> tuple[str, str]:
        """(chain, key) in PEM.  Raises AcmeError."""
        directory = await self._open()
        order: dict[str, Any] = {"identifiers": [{"type": "dns", "value": name} for name in names]}
        if replaces and "renewalInfo" in directory:
            order["replaces"] = replaces  # RFC 9773 §5
        response, found = await self._post(str(directory["newOrder"]), order)
        where = response.headers.get("location", "")
        wanted: list[tuple[str, str, Challenge]] = []
        for url in found.get("authorizations", []):
            _, authorization = await self._post(str(url), None)
            if authorization.get("status") != "valid":
                wanted.append((str(url), *self._challenge(authorization, kind)))
        await solve([challenge for _, _, challenge in wanted])
        for _, challenge_url, _ in wanted:
            await self._post(challenge_url, {})
        for url, _, challenge in wanted:
            await self._poll(url, ("valid",), f"the challenge for {challenge.name}")
        found = await self._poll(where, ("ready", "valid"), "the order")
        key = await asyncio.to_thread(ec.generate_private_key, ec.SECP256R1())
        await self._post(str(found["finalize"]), {"csr": _text(_request(names, key))})
        found = await self._poll(where, ("valid",), "the certificate")
        _, chain = await self._post(str(found["certificate"]), None)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        if not isinstance(chain, bytes):
            raise AcmeError("the authority answered with something else than a certificate")
        return chain.decode("ascii", "replace"), pem.decode()

    def _challenge(self, authorization: dict[str, Any], kind: str) -> tuple[str, Challenge]:
        name = str(authorization.get("identifier", {}).get("value", ""))
        for one in authorization.get("challenges", []):
            if one.get("type") == kind:
                token = str(one.get("token", ""))
                return str(one["url"]), Challenge(kind, name, token, f"{token}.{self._key.thumbprint()}")
        raise AcmeError(f"the authority offers no {kind} for {name}")

    async def _poll(self, url: str, until: tuple[str, ...], what: str) -> dict[str, Any]:
        """RFC 8555 §7.5.1."""
        for _ in range(POLLS_MAX):
            response, found = await self._post(url, None)
            status = found.get("status")
            if status in until:
                return dict(found)
            if status not in ("pending", "processing", "ready"):
                raise AcmeError(f"{what}: {_reason(found)}", str(status))
            wait = response.headers.get("retry-after", "")
            await self._sleep(min(30.0, float(wait)) if wait.isdigit() else POLL_S)
        raise AcmeError(f"{what}: no answer in time")

    # --- when to renew ---

    async def renewal_window(self, certificate: str) -> Window | None:
        """RFC 9773 §4; `certificate` is `renewal_id`'s.  None: the authority has no such service."""
        directory = await self._open()
        if "renewalInfo" not in directory:
            return None
        response, found = await self._send(
            "GET", f"{str(directory['renewalInfo']).rstrip('/')}/{certificate}"
        )
        if response.status_code != 200 or not isinstance(found, dict):
            return None
        window = found.get("suggestedWindow", {})
        wait = response.headers.get("retry-after", "")
        return Window(
            str(window.get("start", "")),
            str(window.get("end", "")),
            float(wait) if wait.isdigit() else 21600.0,
        )


def renewal_id(chain: str) -> str:
    """RFC 9773 §4.1: base64url of the authority key identifier, a dot, base64url of the serial number."""
    certificate = x509.load_pem_x509_certificate(chain.encode())
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except x509.ExtensionNotFound:
        return ""
    serial = certificate.serial_number
    data = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    return f"{_text(found.value.key_identifier or b'')}.{_text(data)}"


def _request(names: Sequence[str], key: ec.EllipticCurvePrivateKey) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    wanted = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    signed = builder.add_extension(wanted, critical=False).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def _reason(found: dict[str, Any]) -> str:
    """What RFC 8555 §6.7 calls a problem, wherever it stands in the object."""
    problems = [found.get("error"), *(one.get("error") for one in found.get("challenges", []))]
    texts = [str(one.get("detail", one.get("type", ""))) for one in problems if isinstance(one, dict)]
    return "; ".join(texts)[:500] or str(found.get("status"))


def _problem(url: str, response: httpx.Response, found: Any) -> AcmeError:
    if not isinstance(found, dict):
        return AcmeError(f"{url}: HTTP {response.status_code}")
    kind = str(found.get("type", "")).rpartition(":")[2]
    return AcmeError(f"{found.get('detail', kind)}"[:500], kind)
