"""DKIM signatures made (RFC 6376 §5), with RSA and Ed25519 keys side by side."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from msgspec import Struct

from posthouse.mailauth.canonical import RELAXED, HeaderFields, canonical_field

OVERSIGNED: Final = (
    b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"Reply-To", b"In-Reply-To", b"References",
    b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding",
)  # fmt: skip
"""Named once more than they stand in the message, so that nobody can add one (RFC 6376 §8.15)."""
SIGNED: Final = (
    b"Sender", b"Content-ID", b"Content-Description", b"Content-Disposition", b"Content-Language",
    b"Resent-From", b"Resent-Sender", b"Resent-To", b"Resent-Cc", b"Resent-Date", b"Resent-Message-ID",
    b"List-Id", b"List-Help", b"List-Unsubscribe", b"List-Unsubscribe-Post", b"List-Subscribe", b"List-Post",
    b"List-Owner", b"List-Archive", b"Auto-Submitted",
)  # fmt: skip
"""Signed where they stand (RFC 6376 §5.4.1)."""
NAMED_MAX: Final = 100
"""Names in h=; fields of one name beyond that are left unsigned."""
RSA_BITS: Final = 2048

_PKCS1: Final = padding.PKCS1v15()
_SHA256: Final = Prehashed(hashes.SHA256())
_VALUE_WIDTH: Final = 72
BODY_FORM: Final = RELAXED


class SigningKey(Struct):
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, digest: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(digest, _PKCS1, _SHA256)
        return self.key.sign(digest)  # RFC 8463 §3


def generate(kind: str) -> bytes:
    """A new private key ("rsa", "ed25519") as PKCS #8 DER.  RSA takes a good part of a second."""
    key: RSAPrivateKey | Ed25519PrivateKey
    if kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    else:
        key = Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_signing_key(selector: str, der: bytes) -> SigningKey:
    """From the DER of `generate`.  Raises ValueError."""
    # perf: the checks of an RSA key take longer than a hundred signatures, and the key is our own
    key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, (RSAPrivateKey, Ed25519PrivateKey)):
        raise ValueError("neither an RSA nor an Ed25519 key")
    return SigningKey(selector, key)


def key_record(key: SigningKey) -> str:
    """The TXT record to publish at SELECTOR._domainkey.DOMAIN (RFC 6376 §3.6.1, RFC 8463 §4)."""
    if isinstance(key.key, RSAPrivateKey):
        kind, data = (
            "rsa",
            key.key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
        )
    else:
        kind, data = (
            "ed25519",
            key.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw),
        )
    return f"v=DKIM1; k={kind}; p={base64.b64encode(data).decode()}"


def signed_names(fields: HeaderFields) -> list[bytes]:
    """h=: what stands in this message, and the customary fields once more."""
    names: list[bytes] = []
    for group, more in ((OVERSIGNED, 1), (SIGNED, 0)):
        for name in group:
            names += [name] * (len(fields.indexes(name.lower())) + more)
    return names[:NAMED_MAX]


def sign(header: bytes, body_hash: bytes, *, domain: str, keys: Sequence[SigningKey], now: float) -> bytes:
    """The DKIM-Signature fields to put on top, one for each key; none for a header without From.

    `body_hash`: SHA-256 of the body in BODY_FORM.
    """
    fields = HeaderFields(header)
    if not fields.indexes(b"from"):
        return b""
    names = signed_names(fields)
    signed = hashlib.sha256(b"".join(fields.selected([name.lower() for name in names], RELAXED)))
    listed = _folded(b":".join(names), b":")
    out = []
    for key in keys:
        field = (
            b"DKIM-Signature: v=1; a=%b; c=relaxed/%b; d=%b;\r\n\ts=%b; t=%d;\r\n\th=%b;\r\n\tbh=%b;\r\n\tb="
            % (
                key.algorithm.encode(),
                BODY_FORM.encode(),
                domain.encode(),
                key.selector.encode(),
                int(now),
                listed,
                base64.b64encode(body_hash),
            )
        )
        digest = signed.copy()
        digest.update(canonical_field(field + b"\r\n", RELAXED)[:-2])
        value = base64.b64encode(key.sign(digest.digest()))
        lines = [value[at : at + _VALUE_WIDTH] for at in range(0, len(value), _VALUE_WIDTH)]
        out.append(field + b"\r\n\t ".join(lines) + b"\r\n")
    return b"".join(out)


def _folded(text: bytes, at: bytes) -> bytes:
    """Broken behind `at` before a line would pass the width."""
    lines: list[bytes] = []
    line = b""
    for word in text.split(at):
        if line and len(line) + len(word) > _VALUE_WIDTH:
            lines.append(line)
            line = b""
        line += word + at
    lines.append(line)
    return b"\r\n\t ".join(lines).removesuffix(at)
