"""Secrets that have to be read again (TOTP keys): encrypted, and bound to what they belong to."""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from posthouse.core.errors import NotFound, Unavailable
from posthouse.core.sentence import Sentence
from posthouse.storage.ports import Store

_NONCE_BYTES: Final = 12


class Seals:
    """Keys are derived from the secret of the installation."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._secret = b""

    async def key(self, purpose: bytes) -> bytes:
        """32 bytes for one purpose (at most 16 bytes long)."""
        if not self._secret:
            secret = await self._store.directory.setting("signin.secret")
            if secret is None:
                raise NotFound(Sentence("store.no_secret"))
            self._secret = secret
        return blake2b(self._secret, digest_size=32, person=purpose).digest()

    async def seal(self, data: bytes, bound_to: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = AESGCM(await self.key(b"seal"))
        return b64encode(nonce + cipher.encrypt(nonce, data, bound_to.encode())).decode()

    async def unseal(self, text: str, bound_to: str) -> bytes:
        """Raises Unavailable: the secret of the installation is another than the one it was sealed with."""
        data = b64decode(text)
        cipher = AESGCM(await self.key(b"seal"))
        try:
            return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound_to.encode())
        except InvalidTag as error:
            raise Unavailable(Sentence("seal.other")) from error
