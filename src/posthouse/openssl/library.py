"""The very libssl that Python's `ssl` is linked with, and the pointers its objects hold.

Everything is looked at before it is used: the interpreter and its version, that `_ssl` is a shared object with the
symbols in its own dependencies, that the version they tell is the one `ssl` tells, and that the slots of the objects
hold what they should.
"""

from __future__ import annotations

import ctypes
import importlib
import ssl
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_ubyte, c_ulong, c_void_p
from typing import Any, Final

VERSIONS: Final = ((3, 11), (3, 14))
"""From and to: of these CPython's Modules/_ssl.c is known.  In each, PySSLContext begins with the SSL_CTX *, and
PySSLSocket with a reference to the socket, the SSL * and the PySSLContext *."""
OPENSSL_FROM: Final = 0x30000000
"""Ticket keys by EVP_MAC_CTX."""
EXPORTER: Final = b"EXPORTER-Channel-Binding"
EXPORTER_BYTES: Final = 32
_WORD: Final = ctypes.sizeof(c_void_p)
TICKET_CALL: Final = ctypes.CFUNCTYPE(
    c_int, c_void_p, POINTER(c_ubyte), POINTER(c_ubyte), c_void_p, c_void_p, c_int
)
"""int (SSL *, unsigned char key_name[16], unsigned char *iv, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int encrypting)"""

# Name -> (what it gives, what it takes), all public and documented functions of OpenSSL 3.
_SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "OpenSSL_version_num": (c_ulong, []),
    "SSL_get_SSL_CTX": (c_void_p, [c_void_p]),
    "SSL_export_keying_material": (
        c_int,
        [c_void_p, c_void_p, c_size_t, c_char_p, c_size_t, c_char_p, c_size_t, c_int],
    ),
    "SSL_CTX_set_tlsext_ticket_key_evp_cb": (c_int, [c_void_p, TICKET_CALL]),
    "EVP_aes_256_cbc": (c_void_p, []),
    "EVP_EncryptInit_ex": (c_int, [c_void_p, c_void_p, c_void_p, c_char_p, c_char_p]),
    "EVP_DecryptInit_ex": (c_int, [c_void_p, c_void_p, c_void_p, c_char_p, c_char_p]),
    "EVP_MAC_CTX_set_params": (c_int, [c_void_p, c_void_p]),
}


class Misfit(Exception):
    """This interpreter or its libssl is not what the offsets were written for."""


class Library:
    """Functions of libssl and libcrypto by name, and the pointers of `ssl`'s objects.  Raises Misfit."""

    def __init__(self) -> None:
        version = sys.version_info[:2]
        if sys.implementation.name != "cpython" or not VERSIONS[0] <= version <= VERSIONS[1]:
            raise Misfit(f"the objects of {sys.implementation.name} {version[0]}.{version[1]} are not known")
        inner: Any = importlib.import_module("_ssl")  # of CPython alone
        path = getattr(inner, "__file__", None)
        if path is None:
            raise Misfit("_ssl is built in")
        self._head: int = object.__basicsize__  # where the fields of an object begin
        if (
            inner._SSLContext.__basicsize__ < self._head + _WORD
            or inner._SSLSocket.__basicsize__ < self._head + 3 * _WORD
        ):
            raise Misfit("the objects of _ssl are smaller than those known")
        try:
            # Symbols are sought in this file and what it depends on, never in another libssl of the process.
            self._library = ctypes.CDLL(path)
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(self._library, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            raise Misfit(str(error)) from error
        number = self._library.OpenSSL_version_num()
        if number != ssl.OPENSSL_VERSION_NUMBER or number < OPENSSL_FROM:
            raise Misfit(f"OpenSSL {number:#x} behind the symbols, {ssl.OPENSSL_VERSION} behind ssl")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def _slot(self, obj: object, number: int) -> int:
        return c_void_p.from_address(id(obj) + self._head + number * _WORD).value or 0

    def context_pointer(self, context: ssl.SSLContext) -> int:
        """SSL_CTX *.  Raises Misfit."""
        pointer = self._slot(context, 0)
        if not pointer or pointer % _WORD:
            raise Misfit("there is no SSL_CTX in the context")
        return pointer

    def connection_pointer(self, connection: ssl.SSLObject) -> int:
        """SSL *, of a connection whose object the caller holds.  Raises Misfit."""
        inner = connection._sslobj  # type: ignore[attr-defined]
        pointer, owner = self._slot(inner, 1), self._slot(inner, 2)
        # The slot behind it holds the context, which is an object whose address is known: so the layout is right.
        if not pointer or pointer % _WORD or owner != id(connection.context):
            raise Misfit("there is no SSL in the connection")
        return pointer

    def exported(self, connection: ssl.SSLObject) -> bytes:
        """RFC 9266 §2: what both sides of a connection can compute and nobody else can; after the handshake."""
        pointer = self.connection_pointer(connection)
        out = ctypes.create_string_buffer(EXPORTER_BYTES)
        done = self._library.SSL_export_keying_material(
            pointer, byref(out), EXPORTER_BYTES, EXPORTER, len(EXPORTER), b"", 0, 1
        )
        if done != 1:
            raise Misfit("no keying material is exported")
        return out.raw
