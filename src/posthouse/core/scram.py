"""The keys of SCRAM: what a server keeps in place of a password.  RFC 5802 §3, RFC 7677.

The text form is that of RFC 5803: `SCRAM-SHA-256$15000:SALT$StoredKey:ServerKey`, binary parts in base64.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

HASHES: Final = {"SCRAM-SHA-512": "sha512", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
"""Mechanism -> hash, strongest first."""
ITERATIONS: Final = 15_000
"""RFC 7677 §4 asks for at least 4096 and recommends 15000."""


@dataclass(slots=True)
class ScramKey:
    stored: bytes = field(repr=False)
    server: bytes = field(repr=False)


@dataclass(slots=True)
class ScramKeys:
    """One salt and count for a name, and every key that opens it."""

    salt: bytes
    iterations: int
    keys: list[ScramKey]


def salted_password(mechanism: str, password: str, salt: bytes, iterations: int) -> bytes:
    """Slow: off the event loop on a server."""
    return hashlib.pbkdf2_hmac(HASHES[mechanism], password.encode(), salt, iterations)


def mac(mechanism: str, key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, HASHES[mechanism])


def digest(mechanism: str, data: bytes) -> bytes:
    return hashlib.new(HASHES[mechanism], data).digest()


def derive(mechanism: str, password: str, salt: bytes, iterations: int = ITERATIONS) -> ScramKey:
    # RFC 5802 §3: StoredKey := H(HMAC(SaltedPassword, "Client Key")), ServerKey := HMAC(.., "Server Key")
    salted = salted_password(mechanism, password, salt, iterations)
    client = mac(mechanism, salted, b"Client Key")
    return ScramKey(digest(mechanism, client), mac(mechanism, salted, b"Server Key"))


def format_record(mechanism: str, salt: bytes, iterations: int, key: ScramKey) -> str:
    text = [binascii.b2a_base64(part, newline=False).decode() for part in (salt, key.stored, key.server)]
    return f"{mechanism}${iterations}:{text[0]}${text[1]}:{text[2]}"


def parse_record(record: str) -> tuple[str, bytes, int, ScramKey]:
    """(mechanism, salt, iterations, key); raises Invalid."""
    try:
        mechanism, head, tail = record.split("$")
        iterations, salt = head.split(":")
        stored, server = tail.split(":")
        key = ScramKey(binascii.a2b_base64(stored), binascii.a2b_base64(server))
        return mechanism, binascii.a2b_base64(salt), int(iterations), key
    except ValueError as error:
        raise Invalid(Sentence("account.scram")) from error


def salt_of(record: str) -> tuple[bytes, int]:
    """Also of a record whose keys are sealed; raises Invalid."""
    try:
        iterations, salt = record.split("$")[1].split(":")
        return binascii.a2b_base64(salt), int(iterations)
    except (ValueError, IndexError) as error:
        raise Invalid(Sentence("account.scram")) from error
