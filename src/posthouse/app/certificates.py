"""A certificate authority of our own for the demo, and a self-signed start for `posthouse init`.

`cryptography` is imported inside: only these two need it, and it is the heaviest module of the house.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthouse.servers.tls import Certificate

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

CA_DAYS = 3650
LEAF_DAYS = 825


class Authority:
    """Issues certificates; kept in `directory` as ca.pem and ca.key, and made there at the first use."""

    def __init__(self, directory: Path, *, name: str = "Posthouse demo CA") -> None:
        from cryptography import x509  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        self.file = directory / "ca.pem"
        key_file = directory / "ca.key"
        self._directory = directory
        if not (self.file.exists() and key_file.exists()):
            directory.mkdir(parents=True, exist_ok=True)
            self._make(name, key_file)
        self._certificate = x509.load_pem_x509_certificate(self.file.read_bytes())
        self._key: Any = load_pem_private_key(key_file.read_bytes(), None)

    def _make(self, name: str, key_file: Path) -> None:
        from cryptography import x509  # noqa: PLC0415

        key, subject = _new_key(), _name(name)
        builder = (
            _builder(subject, subject, key, CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(ca=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        _write(key_file, _key_pem(key), mode=0o600)
        _write(self.file, _sign(builder, key))

    def issue(self, names: Sequence[str]) -> Certificate:
        """A certificate for host names and addresses, made anew unless its files are there."""
        from cryptography import x509  # noqa: PLC0415
        from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415

        chain, key_file = self._directory / f"{names[0]}.pem", self._directory / f"{names[0]}.key"
        if not (chain.exists() and key_file.exists()):
            key = _new_key()
            issuer_key = self._key.public_key()
            builder = (
                _builder(_name(names[0]), self._certificate.subject, key, LEAF_DAYS)
                .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(_usage(ca=False), critical=True)
                .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
            )
            _write(key_file, _key_pem(key), mode=0o600)
            _write(chain, _sign(builder, self._key) + self.file.read_bytes())
        return Certificate(tuple(names), chain, key_file)


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    from cryptography import x509  # noqa: PLC0415

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    from cryptography import x509  # noqa: PLC0415

    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    from cryptography import x509  # noqa: PLC0415

    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: x509.CertificateBuilder, key: Any) -> bytes:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _key_pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415

    return key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())


def _write(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Whole or not at all: a server may read it at any moment."""
    part = path.with_suffix(path.suffix + ".part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(fd)
    part.replace(path)
