"""Key records (RFC 6376 §3.6.1, RFC 8463 §4) and the keys in them."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct

from posthouse.mailauth.tags import BadTags, parse_tags, without_blanks

RECORD_CHARACTERS_MAX: Final = 8192
"""Length of a key record; a longer one is not read."""
RSA_BITS_MIN: Final = 1024  # RFC 8301 §3.2
RSA_BITS_MAX: Final = 4096
RSA_EXPONENT_BITS_MAX: Final = 33
"""A larger public exponent would make each verification dear."""

_SHA256: Final = Prehashed(hashes.SHA256())
_PKCS1: Final = padding.PKCS1v15()


class BadKey(Exception):
    """The record gives no key that could be used; `reason` is a key of `verdict.REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PublicKey(Struct):
    key: RSAPublicKey | Ed25519PublicKey
    bits: int
    testing: bool  # t=y
    strict: bool  # t=s: i= must have exactly the domain of d=

    @property
    def is_rsa(self) -> bool:
        return isinstance(self.key, RSAPublicKey)

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """`digest`: SHA-256 of the signed header."""
        try:
            if isinstance(self.key, RSAPublicKey):
                self.key.verify(signature, digest, _PKCS1, _SHA256)
            else:
                self.key.verify(signature, digest)  # RFC 8463 §3: the hash itself is what is signed
        except InvalidSignature:
            return False
        return True


def parse_key(record: str, algorithm: str) -> PublicKey:
    """The key of a TXT record, for a signature made with `algorithm` (RFC 6376 §6.1.2).  Raises BadKey."""
    if len(record) > RECORD_CHARACTERS_MAX:
        raise BadKey("key_malformed")
    try:
        tags = parse_tags(record)
    except BadTags:
        raise BadKey("key_malformed") from None
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        raise BadKey("key_malformed")
    kind, _, hash_name = algorithm.partition("-")
    if tags.get("k", "rsa").lower() != kind:
        raise BadKey("key_type")
    if "h" in tags and hash_name not in [one.strip().lower() for one in tags["h"].split(":")]:
        raise BadKey("key_hash")
    if not {"*", "email"} & {one.strip().lower() for one in tags.get("s", "*").split(":")}:
        raise BadKey("key_service")
    text = without_blanks(tags["p"])
    if not text:
        raise BadKey("key_revoked")
    flags = {one.strip().lower() for one in tags.get("t", "").split(":")}
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("key_malformed") from None
    key, bits = _load_rsa(data) if kind == "rsa" else _load_ed25519(data)
    return PublicKey(key, bits, testing="y" in flags, strict="s" in flags)


def _load_rsa(data: bytes) -> tuple[RSAPublicKey, int]:
    # quirk(some publishers): a bare RSAPublicKey instead of SubjectPublicKeyInfo; both are read here.
    try:
        key = load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("key_malformed") from None
    if not isinstance(key, RSAPublicKey):
        raise BadKey("key_type")
    if key.key_size < RSA_BITS_MIN:
        raise BadKey("key_weak")
    if key.key_size > RSA_BITS_MAX or key.public_numbers().e.bit_length() > RSA_EXPONENT_BITS_MAX:
        raise BadKey("key_large")
    return key, key.key_size


def _load_ed25519(data: bytes) -> tuple[Ed25519PublicKey, int]:
    try:
        if len(data) == 32:
            return Ed25519PublicKey.from_public_bytes(data), 256
        # quirk(some publishers): SubjectPublicKeyInfo where RFC 8463 §4 wants the 32 octets alone.
        key = load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("key_malformed") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey("key_type")
    return key, 256
