"""Web push: what is sent is encrypted for the device (RFC 8291) and signed by the server (RFC 8292 VAPID).  Pure."""

from __future__ import annotations

import base64
import os
import struct
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RECORD_SIZE: Final = 4096
PLAIN_MAX_BYTES: Final = RECORD_SIZE - 17 - 86
"""RFC 8291 §4: one record, with its padding delimiter and tag."""
TOKEN_S: Final = 12 * 3600
"""RFC 8292 §2: a signature is good for a day at most."""


def decode(text: str) -> bytes:
    """base64url without padding; raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def is_keys(p256dh: str, auth: str) -> bool:
    """Whether a device's keys are what RFC 8291 §2 wants."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(p256dh))
        return len(decode(auth)) == 16
    except (ValueError, UnsupportedAlgorithm):
        return False


def encrypt(
    plain: bytes,
    p256dh: str,
    auth: str,
    *,
    salt: bytes = b"",
    private: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The body of a push message, Content-Encoding aes128gcm (RFC 8188 §2, RFC 8291 §3)."""
    salt = salt or os.urandom(16)
    mine = private or ec.generate_private_key(ec.SECP256R1())
    theirs = decode(p256dh)
    public = _point(mine.public_key())
    shared = mine.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    secret = _derive(shared, decode(auth), b"WebPush: info\0" + theirs + public, 32)
    key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + struct.pack(">IB", RECORD_SIZE, len(public)) + public
    return head + AESGCM(key).encrypt(nonce, plain + b"\x02", None)


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def new_key() -> bytes:
    """A signing key of the server, to be kept."""
    value = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return value.to_bytes(32, "big")


class Signer:
    """Signs for one server; `subject` is how push services reach its administrator (RFC 8292 §2.1)."""

    def __init__(self, key: bytes, subject: str) -> None:
        self._key = ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())
        self._subject = subject
        self.public = encode(_point(self._key.public_key()))

    def authorization(self, origin: str, now: float) -> str:
        """RFC 8292 §3: the Authorization field for a push service."""
        head = encode(msgspec.json.encode({"typ": "JWT", "alg": "ES256"}))
        claims = {"aud": origin, "exp": int(now) + TOKEN_S, "sub": self._subject}
        signed = f"{head}.{encode(msgspec.json.encode(claims))}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"vapid t={signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}, k={self.public}"
