"""TLS of the listeners: contexts with one certificate per name (SNI), and the layer a connection puts on
its bytes.

The layer is ours (memory BIOs) and not the event loop's: an idle TLS connection then holds no buffer but
OpenSSL's own (the loop's would hold 256 KiB each), and STARTTLS needs no change of transports.

The keys of session tickets come from a ring that outlives the contexts (`openssl.tickets`), so all workers resume each
other's sessions, also after a reload.  Without one a context has a key of its own, and what another wrote costs a full
handshake.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from msgspec import Struct

from posthouse.core.errors import StartError
from posthouse.core.sentence import Sentence, reason
from posthouse.openssl.reach import exporter
from posthouse.openssl.self_signed import load_pem
from posthouse.openssl.tickets import KeyRing
from posthouse.sessions.session import TlsInfo

ACME_TLS: Final = "acme-tls/1"
_RECORD: Final = 16384
# Forward secrecy and authenticated encryption only; TLS 1.3 suites are always on.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!SHA1"


_PAIR: Final = {
    "KEY_VALUES_MISMATCH": "tls.mismatch",
    "KEY_TYPE_MISMATCH": "tls.mismatch",
    "NO_START_LINE": "tls.pem",
    "PEM_LIB": "tls.pem",
    "BAD_END_LINE": "tls.pem",
    "EE_KEY_TOO_SMALL": "tls.weak",
    "CA_MD_TOO_WEAK": "tls.weak",
}
"""Sentences for what OpenSSL finds wrong with files."""


class Certificate(Struct, frozen=True):
    """Files in PEM; `names` are what clients may ask for, "*.example.org" covers one label."""

    names: tuple[str, ...]
    chain: Path = Path()
    key: Path = Path()
    pem: str = ""  # chain and key, instead of files


class ClientTrust(Struct, frozen=True):
    """Whose certificates clients may show; files in PEM."""

    authorities: Path
    required: bool = False  # nobody is served without
    revoked: Path | None = (
        None  # revocation lists of the authorities; without a current one nobody's is taken
    )


class TlsSettings(Struct, frozen=True):
    """The first certificate serves clients that name no host, or one we do not know."""

    certificates: tuple[Certificate, ...] = ()
    clients: tuple[tuple[str, ClientTrust], ...] = ()  # listeners that ask clients for a certificate


class TlsError(StartError):
    """A certificate or key cannot be used; the sentence says which file and why."""


class Contexts:
    """The server contexts of a node: one for all listeners, and those of listeners that ask for certificates."""

    def __init__(self, default: ssl.SSLContext, special: Mapping[str, ssl.SSLContext] | None = None) -> None:
        self.default = default
        self._special = dict(special or {})

    def of(self, listener: str) -> ssl.SSLContext:
        return self._special.get(listener, self.default)


def make_contexts(settings: TlsSettings, ring: KeyRing | None = None) -> Contexts | None:
    """None without certificates; `ring` has the keys of session tickets.  Raises TlsError."""
    if not settings.certificates:
        return None
    made: dict[ClientTrust, ssl.SSLContext] = {}
    for _, trust in settings.clients:
        if trust not in made:
            made[trust] = _make_context(settings.certificates, ring, trust)
    special = {listener: made[trust] for listener, trust in settings.clients}
    return Contexts(_make_context(settings.certificates, ring), special)


def _make_context(
    certificates: Sequence[Certificate], ring: KeyRing | None, trust: ClientTrust | None = None
) -> ssl.SSLContext:
    by_name: dict[str, ssl.SSLContext] = {}
    contexts = [_one_context(certificate) for certificate in certificates]
    if trust is not None:
        for context in contexts:  # OpenSSL takes the authorities from the context that SNI chose
            _ask_clients(context, trust)
    for certificate, context in zip(certificates, contexts, strict=True):
        for name in certificate.names:
            by_name.setdefault(name.lower(), context)
    default = contexts[0]
    if ring is not None:  # OpenSSL takes the keys of tickets from the context a connection began with
        ring.attach(default, _ticket_purpose(trust))

    def choose(obj: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
        # RFC 6066 §3: a name we do not know is answered with the default certificate, not with an alert.
        if name is not None and (found := find_name(by_name, name)) is not None and found is not default:
            obj.context = found

    default.sni_callback = choose
    return default


def _ticket_purpose(trust: ClientTrust | None) -> bytes:
    """Who resumes a session shows no certificate again: so a ticket is good only where the very same is asked for."""
    if trust is None:
        return b""
    files = [path.read_bytes() for path in (trust.authorities, trust.revoked) if path is not None]
    return sha256(b"%d" % trust.required + b"".join(sha256(data).digest() for data in files)).digest()


def _ask_clients(context: ssl.SSLContext, trust: ClientTrust) -> None:
    """RFC 8446 §4.3.2: ask for a certificate.  One that does not hold ends the handshake, none at all if required."""
    context.verify_mode = ssl.CERT_REQUIRED if trust.required else ssl.CERT_OPTIONAL
    for path in (trust.authorities, trust.revoked):
        if path is None:
            continue
        try:
            context.load_verify_locations(path)
        except ssl.SSLError as error:
            raise TlsError(Sentence("tls.trust.pem", path=path, said=error.reason or error)) from error
        except OSError as error:
            raise TlsError(Sentence("tls.trust.file", path=path, reason=reason(error))) from error
    if trust.revoked is not None:
        if not context.cert_store_stats()["crl"]:
            raise TlsError(Sentence("tls.trust.crl", path=trust.revoked))
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def find_name(by_name: dict[str, ssl.SSLContext], name: str) -> ssl.SSLContext | None:
    name = name.lower().rstrip(".")
    return by_name.get(name) or by_name.get("*." + name.partition(".")[2])


class _Context(ssl.SSLContext):
    """A server context that knows what its certificate binds to."""

    end_point = b""


def find_end_point(chain: bytes) -> bytes:
    """tls-server-end-point of the first certificate of a PEM file; empty when its signature has no one hash."""
    certificate = x509.load_pem_x509_certificate(chain)
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:  # Ed25519 and the like: RFC 5929 §4.1 leaves it undefined
        return b""
    # RFC 5929 §4.1: the hash of the certificate's signature, SHA-256 in place of MD5 and SHA-1.
    chosen = hashes.SHA256() if algorithm.name in ("md5", "sha1") else algorithm
    return certificate.fingerprint(chosen)


def _one_context(certificate: Certificate) -> ssl.SSLContext:
    context = _bare_context()
    if certificate.pem:
        _load_pem(context, certificate.pem)
    else:
        _load_files(context, certificate)
    return context


def _load_pem(context: _Context, pem: str) -> None:
    try:
        load_pem(context, pem)
    except ssl.SSLError as error:
        raise TlsError(Sentence("tls.kept", said=error.reason or error)) from error
    context.end_point = find_end_point(pem.encode())


def challenge_context(proofs: Mapping[str, str]) -> ssl.SSLContext:
    """RFC 8737 §3: speaks acme-tls/1 and nothing else; name -> PEM of certificate and key."""
    by_name: dict[str, ssl.SSLContext] = {}
    for name, pem in proofs.items():
        context = _bare_context()
        _load_pem(context, pem)
        context.set_alpn_protocols([ACME_TLS])
        by_name[name.lower()] = context
    default = next(iter(by_name.values()))

    def choose(obj: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
        if (found := by_name.get((name or "").lower())) is not None:
            obj.context = found

    default.sni_callback = choose
    return default


def _bare_context() -> _Context:
    context = _Context(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996 §4: older ones must not be negotiated
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
    # One ticket is enough to resume; each costs a write and two hundred octets (default: two).
    context.num_tickets = 1
    return context


def _load_files(context: _Context, certificate: Certificate) -> None:
    for path in (certificate.chain, certificate.key):
        try:
            path.open("rb").close()
        except OSError as error:
            raise TlsError(Sentence("tls.file", path=path, reason=reason(error))) from error

    def ask() -> str:  # without it OpenSSL would ask at the terminal, or wait there for ever
        raise TlsError(Sentence("tls.encrypted", key=certificate.key))

    try:
        context.load_cert_chain(certificate.chain, certificate.key, password=ask)
    except ssl.SSLError as error:
        raise TlsError(_refused_pair(certificate, error)) from error
    context.end_point = find_end_point(certificate.chain.read_bytes())


def _refused_pair(certificate: Certificate, error: ssl.SSLError) -> Sentence:
    """What OpenSSL has against a certificate and its key."""
    told = error.reason or ("PEM_LIB" if "PEM lib" in str(error) else "")
    key = _PAIR.get(told, "tls.pair")
    return Sentence(key, chain=certificate.chain, key=certificate.key, said=error.reason or error)


class TlsLayer:
    """TLS over bytes: what comes in is decrypted, what goes out is encrypted."""

    __slots__ = ("_incoming", "_object", "_outgoing", "handshaking")

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.handshaking = True

    def receive(self, data: bytes) -> tuple[bytes, bool]:
        """(plain text, True when the peer closed) of octets that arrived.  Raises ssl.SSLError."""
        self._incoming.write(data)
        if self.handshaking:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                return b"", False
            self.handshaking = False
        chunks = []
        read = self._object.read
        try:
            while chunk := read(_RECORD):
                chunks.append(chunk)
        except ssl.SSLWantReadError:
            return (chunks[0] if len(chunks) == 1 else b"".join(chunks)), False
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(chunks), True

    def write(self, data: bytes) -> None:
        self._object.write(data)

    def pending(self) -> bytes:
        """Octets to send."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def shut(self) -> None:
        """Queue the close_notify alert (RFC 8446 §6.1)."""
        try:
            self._object.unwrap()
        except ssl.SSLError:
            return  # it waits for the peer's alert; we do not

    def info(self) -> TlsInfo:
        cipher = self._object.cipher()
        version = self._object.version() or ""
        # RFC 9266 §4: tls-unique is no binding with TLS 1.3.
        unique = self._object.get_channel_binding("tls-unique") if version == "TLSv1.2" else None
        end_point = getattr(self._object.context, "end_point", b"")  # of the context that SNI chose
        certificate = self._object.getpeercert(binary_form=True)  # only one that was asked for and verified
        return TlsInfo(
            version,
            cipher[0] if cipher else "",
            unique=unique or b"",
            exporter=exporter(self._object),
            end_point=end_point,
            certificate=certificate or b"",
        )
