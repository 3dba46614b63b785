"""Certificates that nobody vouches for: to begin with, and to prove to ACME that a name is ours."""

from __future__ import annotations

import datetime
import ssl
import tempfile
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAYS: Final = 7
_ACME_IDENTIFIER: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")


def self_signed(name: str, key_authorization: str = "") -> str:
    """Certificate and key in PEM; with a key authorization it is the answer to TLS-ALPN-01."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    if key_authorization:
        # RFC 8737 §3: a critical extension, the SHA-256 of the key authorization as an octet string.
        digest = sha256(key_authorization.encode()).digest()
        proof = x509.UnrecognizedExtension(_ACME_IDENTIFIER, b"\x04\x20" + digest)
        builder = builder.add_extension(proof, critical=True)
    signed = builder.sign(key, hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


def load_pem(context: ssl.SSLContext, pem: str) -> None:
    """OpenSSL behind Python reads files only: one that nobody else can read, for a moment.  Raises ssl.SSLError."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
