"""A look at a TLS port as a client sees it: versions, certificate, names, chain, how long it lasts.  Blocks."""

from __future__ import annotations

import contextlib
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from typing import Final

from cryptography import x509
from msgspec import Struct

TIMEOUT_S: Final = 10.0
LINE_MAX: Final = 4096
SOON_DAYS: Final = 14


class Look(Struct):
    """What was found behind one address under one name; `problems` are keys of texts, each with its fields."""

    listener: str
    address: str
    name: str
    version: str = ""
    cipher: str = ""
    issuer: str = ""
    names: list[str] = []
    not_after: float = 0.0
    days_left: int = 0
    problems: list[tuple[str, dict[str, str]]] = []


def _smtp(line: Callable[[], bytes], say: Callable[[bytes], None]) -> bool:
    def reply() -> bytes:
        found = line()
        while found[3:4] == b"-":
            found = line()
        return found

    reply()
    say(b"EHLO check.invalid")
    reply()
    say(b"STARTTLS")
    return reply().startswith(b"220")


def _pop3(line: Callable[[], bytes], say: Callable[[bytes], None]) -> bool:
    line()
    say(b"STLS")
    return line().startswith(b"+OK")


def _imap(line: Callable[[], bytes], say: Callable[[bytes], None]) -> bool:
    line()
    say(b"a STARTTLS")
    return line().startswith(b"a OK")


def _sieve(line: Callable[[], bytes], say: Callable[[bytes], None]) -> bool:
    while not line().startswith((b"OK", b"NO", b"BYE")):
        pass
    say(b"STARTTLS")
    return line().startswith(b"OK")


BEGIN: Final[dict[str, Callable[[Callable[[], bytes], Callable[[bytes], None]], bool] | None]] = {
    "smtp": _smtp,
    "submission": _smtp,
    "submissions": None,
    "pop3": _pop3,
    "pop3s": None,
    "imap": _imap,
    "imaps": None,
    "managesieve": _sieve,
    "https": None,
}
"""Listener -> how TLS begins; None: from the first octet."""


def look(listener: str, host: str, port: int, name: str, *, now: float, ca_file: str | None = None) -> Look:
    """One address under one name.  Never raises."""
    found = Look(listener, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", name, problems=[])
    try:
        _look_at_certificate(found, host, port, now)
        _look_at_chain(found, host, port, ca_file)
        _look_at_old_versions(found, host, port)
    except OSError as error:  # ssl.SSLError too
        found.problems.append(("tls.unreachable", {"error": _text(error)}))
    return found


def _look_at_certificate(found: Look, host: str, port: int, now: float) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with _connected(found, host, port, context) as tls:
        cipher = tls.cipher()
        found.version, found.cipher = tls.version() or "", cipher[0] if cipher else ""
        certificate = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
    found.issuer = certificate.issuer.rfc4514_string()
    found.not_after = certificate.not_valid_after_utc.timestamp()
    found.days_left = int((found.not_after - now) // 86400)
    with contextlib.suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found.names = names.get_values_for_type(x509.DNSName)
    if found.not_after <= now:
        found.problems.append(("tls.expired", {"days": str(-found.days_left)}))
    elif found.days_left < SOON_DAYS:
        found.problems.append(("tls.soon", {"days": str(found.days_left)}))


def _look_at_chain(found: Look, host: str, port: int, ca_file: str | None) -> None:
    """As a client that trusts the usual authorities."""
    context = ssl.create_default_context(cafile=ca_file)
    try:
        with _connected(found, host, port, context):
            return
    except ssl.SSLCertVerificationError as error:
        if found.not_after and "expired" in error.verify_message:
            return  # told already
        key = "tls.name" if "ostname mismatch" in error.verify_message else "tls.chain"
        found.problems.append((key, {"error": error.verify_message, "names": ", ".join(found.names)}))


def _look_at_old_versions(found: Look, host: str, port: int) -> None:
    """RFC 8996 §4, §5: neither TLS 1.0 nor 1.1 may be spoken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that they are old is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    with contextlib.suppress(ssl.SSLError, ConnectionError), _connected(found, host, port, context) as tls:
        found.problems.append(("tls.old", {"version": tls.version() or ""}))


@contextlib.contextmanager
def _connected(found: Look, host: str, port: int, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with socket.create_connection((host, port), TIMEOUT_S) as sock:
        begin = BEGIN[found.listener]
        if begin is not None and not begin(lambda: _line(sock), lambda text: sock.sendall(text + b"\r\n")):
            raise ConnectionError("STARTTLS is not offered")
        with context.wrap_socket(sock, server_hostname=found.name) as tls:
            yield tls


def _line(sock: socket.socket) -> bytes:
    """Octet by octet: what follows the line is TLS already."""
    data = bytearray()
    while not data.endswith(b"\n"):
        octet = sock.recv(1)
        if not octet or len(data) > LINE_MAX:
            raise ConnectionError("the connection was closed")
        data += octet
    return bytes(data)


def _text(error: OSError) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error.strerror or error)
