"""Client certificates: whom a verified one names, and those that are registered to an account.

TLS has checked that an authority the administrator trusts for this has issued it, that it is no server's, and that it
was not revoked.  What remains is whose it is: by the fingerprint that somebody registered, else by its mail addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from posthouse.core.address import try_address
from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

NAMES_MAX: Final = 20
"""Mail addresses of one certificate that are looked at."""
# RFC 9598 §3: SmtpUTF8Mailbox, for local parts beyond ASCII.
_UTF8_MAILBOX: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9")
_UTF8_STRING: Final = 0x0C


class ClientCertificate(Struct, frozen=True):
    fingerprint: str  # SHA-256 of the DER, in hexadecimal
    addresses: tuple[str, ...]  # keys of the addresses it names
    begins_at: float
    ends_at: float

    def is_valid(self, now: float) -> bool:
        return self.begins_at <= now < self.ends_at

    @property
    def name(self) -> str:
        """What people see of one that is registered nowhere."""
        return f"SHA-256 {self.fingerprint[:16]}"


def try_read(der: bytes) -> ClientCertificate | None:
    """None for what cannot be read: it names nobody."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = _names(certificate)
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
    found = (try_address(name) for name in names[:NAMES_MAX])
    keys = dict.fromkeys(address.key for address in found if address is not None)
    return ClientCertificate(
        certificate.fingerprint(hashes.SHA256()).hex(), tuple(keys), begins.timestamp(), ends.timestamp()
    )


def _names(certificate: x509.Certificate) -> list[str]:
    """RFC 8550 §3: the addresses stand in subjectAltName; the one in the subject is of old and proves nothing here."""
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    others = alternative.get_values_for_type(x509.OtherName)
    names = [_utf8_string(other.value) for other in others if other.type_id == _UTF8_MAILBOX]
    return [*alternative.get_values_for_type(x509.RFC822Name), *names]


def _utf8_string(der: bytes) -> str:
    """DER of a UTF8String, as long as an address may be.  Raises ValueError."""
    if len(der) < 2 or der[0] != _UTF8_STRING:
        raise ValueError("no UTF8String")
    start, length = (3, der[2]) if der[1] == 0x81 and len(der) > 2 else (2, der[1])
    if length != len(der) - start:
        raise ValueError("a UTF8String of another length")
    return der[start:].decode()


def read_file(data: bytes) -> ClientCertificate:
    """The first certificate of a file in PEM, or one in DER.  Raises Invalid."""
    try:
        der = data
        if data.lstrip().startswith(b"-----BEGIN"):
            der = x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER)
    except ValueError as error:
        raise Invalid(Sentence("certificate.none")) from error
    found = try_read(der)
    if found is None:
        raise Invalid(Sentence("certificate.none"))
    return found


def of_whom(certificate: ClientCertificate, wanted: str) -> Sequence[str]:
    """Which of its addresses may be meant when the client asks to be `wanted` (a key; empty: it does not say)."""
    return [one for one in certificate.addresses if not wanted or one == wanted]
