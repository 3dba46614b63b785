"""Client certificates for tests: who they name, until when; self-signed, or by an authority with revocation lists."""

from __future__ import annotations

import datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

UTF8_MAILBOX = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9")


@cache
def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _moment(at: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, datetime.UTC)


def rfc822(*addresses: str) -> list[x509.GeneralName]:
    return [x509.RFC822Name(address) for address in addresses]


def utf8_mailbox(address: str) -> x509.GeneralName:
    data = address.encode()
    return x509.OtherName(UTF8_MAILBOX, bytes((0x0C, len(data))) + data)


def _build(
    subject: str, issuer: str, names: list[x509.GeneralName], begins_at: float, ends_at: float, usage: Any
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(_key(subject).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_moment(begins_at))
        .not_valid_after(_moment(ends_at))
        .add_extension(x509.BasicConstraints(ca=usage is None, path_length=None), critical=True)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(_key(issuer), hashes.SHA256())


def client_certificate(*addresses: str | x509.GeneralName, ends_at: float, begins_at: float = 1.0) -> bytes:
    """In DER; what has checked it is not part of the test."""
    names = [one if isinstance(one, x509.GeneralName) else x509.RFC822Name(one) for one in addresses]
    usage = ExtendedKeyUsageOID.CLIENT_AUTH
    return _build("client", "client", names, begins_at, ends_at, usage).public_bytes(s.Encoding.DER)


class ClientAuthority:
    """`file` and `revoked` are what a listener trusts; `issue` gives the file of a certificate with its key."""

    def __init__(self, directory: Path, name: str = "client authority") -> None:
        self.name = name
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.file, self.revoked = directory / "clients.pem", directory / "revoked.pem"
        self.now = datetime.datetime.now(datetime.UTC).timestamp()
        certificate = _build(name, name, [], self.now - 3600, self.now + 86400, None)
        self.file.write_bytes(certificate.public_bytes(s.Encoding.PEM))
        self.revoke()

    def issue(
        self,
        name: str,
        *addresses: str,
        lasts_s: float = 3600.0,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    ) -> Path:
        ends = self.now + lasts_s
        certificate = _build(name, self.name, rfc822(*addresses), min(self.now, ends) - 3600, ends, usage)
        path = self.directory / f"{name}.pem"
        key = _key(name).private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
        path.write_bytes(key + certificate.public_bytes(s.Encoding.PEM))
        return path

    def revoke(self, *paths: Path, lasts_s: float = 3600.0) -> None:
        """A new list, of these."""
        ends = _moment(self.now + lasts_s)
        builder = x509.CertificateRevocationListBuilder().issuer_name(_name(self.name))
        builder = builder.last_update(_moment(min(self.now, self.now + lasts_s) - 60)).next_update(ends)
        for path in paths:
            serial = x509.load_pem_x509_certificate(path.read_bytes()).serial_number
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_moment(self.now))
            builder = builder.add_revoked_certificate(one.build())
        signed = builder.sign(_key(self.name), hashes.SHA256())
        self.revoked.write_bytes(signed.public_bytes(s.Encoding.PEM))
