"""Session tickets (RFC 5077, RFC 8446 §4.6.1) under keys that we choose: the same in all workers, kept over a reload.

OpenSSL asks a function of ours for the key of each ticket that it writes or reads, in the midst of a handshake: some
microseconds for each new connection.  A `KeyRing` outlives the contexts that it serves; new keys reach all at once.
"""

from __future__ import annotations

import ctypes
import hmac
import os
import ssl
from collections.abc import Sequence
from ctypes import c_char_p, c_size_t, c_uint, c_void_p
from typing import Any, Final

from posthouse.openssl.library import TICKET_CALL, Library, Misfit

SECRET_BYTES: Final = 32
NAME_BYTES: Final = 16
IV_BYTES: Final = 16
REFUSED: Final = 0  # a ticket nobody knows: a full handshake
TAKEN: Final = 1
TAKEN_RENEW: Final = 2
FAILED: Final = -1
_CALLS: Final[list[Any]] = []
"""Every function that OpenSSL was given: a connection may outlive ring and context, and calls it all the same."""
_UTF8: Final = 4
_OCTETS: Final = 5


class _Param(ctypes.Structure):
    """OSSL_PARAM."""

    _fields_ = (
        ("key", c_char_p),
        ("data_type", c_uint),
        ("data", c_void_p),
        ("data_size", c_size_t),
        ("return_size", c_size_t),
    )


class _Key:
    """What one secret gives for one purpose."""

    __slots__ = ("_mac", "cipher", "name", "params")

    def __init__(self, secret: bytes, purpose: bytes) -> None:
        def derive(what: bytes) -> bytes:
            return hmac.digest(secret, b"ticket " + what + b"\0" + purpose, "sha256")

        self.name = derive(b"name")[:NAME_BYTES]
        self.cipher = derive(b"cipher")
        self._mac = (ctypes.create_string_buffer(derive(b"mac"), 32), ctypes.create_string_buffer(b"SHA256"))
        key, digest = self._mac
        self.params = (_Param * 3)(
            _Param(b"key", _OCTETS, ctypes.addressof(key), 32, 0),
            _Param(b"digest", _UTF8, ctypes.addressof(digest), 6, 0),
            _Param(None, 0, None, 0, 0),
        )


class KeyRing:
    """The secrets of tickets: the first writes, all read.  `attach` gives them to a context."""

    def __init__(self, library: Library | None) -> None:
        """`library`: of `reach.load`."""
        self._library = library
        self._secrets: tuple[bytes, ...] = (os.urandom(SECRET_BYTES),)
        self._keys: dict[bytes, list[_Key]] = {}
        self._calls: dict[bytes, Any] = {}

    @property
    def works(self) -> bool:
        return self._library is not None

    @property
    def secrets(self) -> tuple[bytes, ...]:
        return self._secrets

    def turn(self, secrets: Sequence[bytes]) -> None:
        """From now on these; tickets of others are no longer taken."""
        if not secrets or any(len(secret) < SECRET_BYTES for secret in secrets):
            raise ValueError("a secret of tickets has at least 32 octets, and there is at least one")
        if tuple(secrets) != self._secrets:
            self._secrets = tuple(secrets)
            self._keys = {}

    def attach(self, context: ssl.SSLContext, purpose: bytes) -> None:
        """Contexts of one `purpose` take each other's tickets.  What they ask of clients has to be part of it, as a
        session that is resumed is not asked again.  Where libssl cannot be reached the context keeps its own key."""
        library = self._library
        if library is None:
            return
        call = self._calls.get(purpose)
        if call is None:
            call = self._calls[purpose] = TICKET_CALL(self._answer(library, purpose))
            _CALLS.append(call)
        if library.SSL_CTX_set_tlsext_ticket_key_evp_cb(library.context_pointer(context), call) != 1:
            raise Misfit("OpenSSL takes no keys for tickets")

    def _of(self, purpose: bytes) -> list[_Key]:
        keys = self._keys.get(purpose)
        if keys is None:
            keys = self._keys[purpose] = [_Key(secret, purpose) for secret in self._secrets]
        return keys

    def _answer(self, library: Library, purpose: bytes) -> Any:
        cipher = library.EVP_aes_256_cbc()
        encrypt, decrypt = library.EVP_EncryptInit_ex, library.EVP_DecryptInit_ex
        authenticate = library.EVP_MAC_CTX_set_params

        def answer(_connection: int, name: Any, iv: Any, cipher_context: int, mac: int, writing: int) -> int:
            # An exception in here would be printed and taken for REFUSED, which is no answer when writing.
            try:
                keys = self._of(purpose)
                if writing:
                    key, start = keys[0], os.urandom(IV_BYTES)
                    ctypes.memmove(name, key.name, NAME_BYTES)
                    ctypes.memmove(iv, start, IV_BYTES)
                    good = encrypt(cipher_context, cipher, None, key.cipher, start)
                    return TAKEN if good == 1 and authenticate(mac, key.params) == 1 else FAILED
                wanted = ctypes.string_at(name, NAME_BYTES)
                for key in keys:
                    if key.name == wanted:  # names are no secret: they travel in the clear
                        start = ctypes.string_at(iv, IV_BYTES)
                        good = decrypt(cipher_context, cipher, None, key.cipher, start)
                        if good != 1 or authenticate(mac, key.params) != 1:
                            return REFUSED
                        return TAKEN if key is keys[0] else TAKEN_RENEW
            except Exception:
                return FAILED if writing else REFUSED
            return REFUSED

        return answer
