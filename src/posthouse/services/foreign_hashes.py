"""Password hashes of other systems, so that people keep their passwords when they move here.

crypt(3) of every kind (MD5, SHA-256, SHA-512, bcrypt, yescrypt) by the system's libcrypt, the salted digests of LDAP
directories, PBKDF2 as passlib and Django write it.  They are read only: at the first sign-in the password gets a hash
of ours (`services.passwords`).
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import ctypes.util
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

ROUNDS_MAX: Final = 10_000_000
BCRYPT_COST_MAX: Final = 14
_CRYPT: Final = re.compile(
    r"\$(?:1|5|6)\$(?:rounds=(\d{1,8})\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{22,86}"
    r"|\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}"
    r"|\$(?:y|gy)\$[./0-9A-Za-z]{3,8}\$[./0-9A-Za-z]{1,86}\$[./0-9A-Za-z]{43}"
)
_PBKDF2: Final = re.compile(r"\$pbkdf2(?:-(sha256|sha512))?\$(\d{1,8})\$([./0-9A-Za-z]*)\$([./0-9A-Za-z]+)")
_DJANGO: Final = re.compile(r"pbkdf2_(sha1|sha256|sha512)\$(\d{1,8})\$([^$]+)\$([+/=0-9A-Za-z]+)")
_LDAP: Final = re.compile(r"\{(S?(?:SHA|SHA256|SHA512|MD5))(?:\.B64)?\}([+/=0-9A-Za-z]+)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"\{([-A-Z0-9]+)\}(.*)", re.IGNORECASE)
_SCHEMES: Final = frozenset(
    [
        "CRYPT",
        "BLF-CRYPT",
        "SHA256-CRYPT",
        "SHA512-CRYPT",
        "MD5-CRYPT",
        "ARGON2I",
        "ARGON2ID",
        "PBKDF2-SHA256",
        "PBKDF2-SHA512",
    ]
)
_DIGESTS: Final = {"SHA": "sha1", "SHA256": "sha256", "SHA512": "sha512", "MD5": "md5"}


def normal_hash(text: str) -> str:
    """A hash as it is kept, without the scheme's name that Dovecot puts before it.  Raises Invalid."""
    text = text.strip()
    scheme = _SCHEME.fullmatch(text)
    if scheme is not None and scheme[1].upper() in _SCHEMES:
        text = scheme[2]
    if text.startswith(("$argon2id$", "$argon2i$")) or _reader(text) is not None:
        return text
    raise Invalid(Sentence("password.hash"))


def matches(stored: str, password: str) -> bool:
    """Slow: in a thread.  False for a hash that is none of these."""
    reader = _reader(stored)
    return reader is not None and reader(password.encode("utf-8", "surrogatepass"))


def _reader(stored: str) -> Callable[[bytes], bool] | None:
    if (found := _CRYPT.fullmatch(stored)) is not None:
        fits = int(found[1] or 0) <= ROUNDS_MAX and int(found[2] or 0) <= BCRYPT_COST_MAX
        return (lambda password: _crypt(stored, password)) if fits else None
    if (found := _PBKDF2.fullmatch(stored)) is not None:
        salt, key = (_unpadded(part) for part in found.group(3, 4))
        return _pbkdf2(found[1] or "sha1", salt, int(found[2]), key)
    if (found := _DJANGO.fullmatch(stored)) is not None:
        return _pbkdf2(found[1], found[3].encode(), int(found[2]), _decode(found[4]))
    if (found := _LDAP.fullmatch(stored)) is not None:
        return _ldap(found[1].upper(), _decode(found[2]))
    return None


def _pbkdf2(name: str, salt: bytes | None, rounds: int, key: bytes | None) -> Callable[[bytes], bool] | None:
    if salt is None or not key or not 0 < rounds <= ROUNDS_MAX:
        return None
    return lambda password: hmac.compare_digest(
        hashlib.pbkdf2_hmac(name, password, salt, rounds, len(key)), key
    )


def _ldap(scheme: str, data: bytes | None) -> Callable[[bytes], bool] | None:
    """The digest, then the salt if there is one."""
    salted = scheme.removesuffix("512").removesuffix("256") in {"SSHA", "SMD5"}
    name = _DIGESTS[scheme[1:] if salted else scheme]
    size = hashlib.new(name, usedforsecurity=False).digest_size
    if data is None or len(data) < size or (len(data) > size) is not salted:
        return None

    def reader(password: bytes) -> bool:
        digest = hashlib.new(name, password + data[size:], usedforsecurity=False).digest()
        return hmac.compare_digest(digest, data[:size])

    return reader


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _unpadded(text: str) -> bytes | None:
    """passlib's base64: "." for "+", no padding."""
    return _decode(text.replace(".", "+") + "=" * (-len(text) % 4))


_DATA_BYTES: Final = 32768  # struct crypt_data of libxcrypt; musl's is smaller
_library: ctypes.CDLL | None = None


def _crypt(stored: str, password: bytes) -> bool:
    """crypt_r(3): takes its buffer with it, so threads do not meet; the call lets other threads run."""
    if b"\0" in password:
        return False
    answer = _load()(password, stored.encode(), ctypes.create_string_buffer(_DATA_BYTES))
    return answer is not None and hmac.compare_digest(answer, stored.encode())


def _load() -> Callable[..., bytes | None]:
    global _library  # noqa: PLW0603 - loaded once, when the first such hash is met
    if _library is None:
        _library = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1")
        _library.crypt_r.restype = ctypes.c_char_p
        _library.crypt_r.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]
    return _library.crypt_r
