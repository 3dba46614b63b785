"""CRAM-MD5 (RFC 2195), both sides.  For programs that know nothing better: what it needs is as good as a password."""

from __future__ import annotations

import hmac
import re
from typing import Final

from posthouse.core import cram
from posthouse.core.scram import ScramKeys
from posthouse.wire.sasl.mechanism import SECRET_MAX, Challenge, Credentials, Failure, Reason
from posthouse.wire.sasl.scram import Lookup, Proof

# RFC 2195 §2: the name, a blank, and the digest in lower case; a name may hold blanks.
_RESPONSE: Final = re.compile(rb"([^\0]+) ([0-9a-f]{32})")
CHALLENGE_MAX: Final = cram.BLOCK - 9
"""Octets of ours: one block, so that each key costs the least."""


class CramServer:
    """Speaks first; stops at `Lookup` for the keys, and `resume` is the end."""

    __slots__ = ("_challenge", "_digest", "_name")

    def __init__(self, nonce: bytes) -> None:
        # RFC 2195 §2: in the form of a Message-ID, and never the same again.
        self._challenge = b"<%b@posthouse>" % nonce
        if len(self._challenge) > CHALLENGE_MAX:
            raise ValueError("the nonce is too long")
        self._digest = b""
        self._name = ""

    def respond(self, message: bytes | None) -> Challenge | Lookup | Failure:
        if message is None:
            return Challenge(self._challenge)
        found = _RESPONSE.fullmatch(message)
        if found is None or len(found[1]) > SECRET_MAX:
            return Failure(Reason.BAD_MESSAGE)
        self._digest = found[2]
        try:
            self._name = found[1].decode()
        except UnicodeDecodeError:
            return Failure(Reason.BAD_MESSAGE)
        return Lookup(cram.NAME, self._name, "")

    def resume(self, keys: ScramKeys) -> Proof:
        """The stored and the server's key of each are the inner and the outer state."""
        fits = [
            index
            for index, key in enumerate(keys.keys)
            if hmac.compare_digest(cram.answer(key.stored, key.server, self._challenge), self._digest)
        ]
        return Proof(cram.NAME, self._name, "", fits[0] if fits else None)


class CramClient:
    __slots__ = ("_credentials",)

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def initial(self) -> bytes | None:
        return None

    def respond(self, challenge: bytes) -> bytes | None:
        if not challenge:
            return None
        digest = hmac.digest(self._credentials.password.encode(), challenge, "md5").hex()
        return f"{self._credentials.username} {digest}".encode()
