"""SCRAM, both sides: RFC 5802, RFC 7677; with channel binding RFC 5929, RFC 9266.

The server side stops twice for somebody who knows the account: at `Lookup` (then `resume` with the keys) and at
`Proof` (the signature goes out only if the account may sign in).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from posthouse.core import scram
from posthouse.core.saslprep import try_prepare
from posthouse.core.scram import HASHES, ScramKeys
from posthouse.wire.sasl.base64 import decode_base64, encode_base64
from posthouse.wire.sasl.mechanism import SECRET_MAX, Challenge, Credentials, Failure, Reason

CLIENT_ITERATIONS_MAX: Final = 100_000
"""A server that wants more keeps the client busy for nothing."""
BINDING_TYPES: Final = ("tls-exporter", "tls-unique", "tls-server-end-point")
"""In the order in which a client prefers them."""

# RFC 5802 §7: gs2-header = gs2-cbind-flag "," [ authzid ] ","
_GS2: Final = re.compile(rb"(?:(?P<flag>[ny])|p=(?P<type>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>[^,\0]+))?,")
# RFC 5802 §7: client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
_FIRST: Final = re.compile(rb"n=(?P<name>[^,\0]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*")
# RFC 5802 §7: server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
_SERVER_FIRST: Final = re.compile(
    rb"r=(?P<nonce>[!-+\--~]+),s=(?P<salt>[^,]+),i=(?P<count>[1-9][0-9]{0,9})(?:,.*)?"
)
# RFC 5802 §7: client-final-message = channel-binding "," nonce ["," extensions] "," proof
_FINAL: Final = re.compile(
    rb"(?P<bare>c=(?P<binding>[^,\0]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*),p=(?P<proof>[^,\0]+)"
)


@dataclass(slots=True)
class Lookup:
    """Whose keys are needed; go on with `resume`."""

    mechanism: str  # without -PLUS
    username: str
    authzid: str


@dataclass(slots=True)
class Proof:
    """The end: `key` is the index of the key that fits, None when none does; `final` is the last message."""

    mechanism: str
    username: str
    authzid: str
    key: int | None
    final: bytes = b""


def parse_saslname(text: bytes) -> str | None:
    """RFC 5802 §5.1: "=2C" and "=3D" stand for comma and equals sign; any other "=" is an error."""
    if b"=" in text.replace(b"=2C", b"").replace(b"=3D", b""):
        return None
    try:
        return text.replace(b"=2C", b",").replace(b"=3D", b"=").decode()
    except UnicodeDecodeError:
        return None


def format_saslname(name: str) -> bytes:
    return name.replace("=", "=3D").replace(",", "=2C").encode()


class ScramServer:
    __slots__ = (
        "_authzid",
        "_bindings",
        "_first",
        "_header",
        "_keys",
        "_name",
        "_nonce",
        "_plus",
        "_strict",
        "_type",
    )

    def __init__(self, mechanism: str, nonce: bytes, bindings: Mapping[str, bytes], *, strict: bool) -> None:
        """`strict`: -PLUS was offered, so a client that can bind and did not see it was deceived."""
        self._plus = mechanism.endswith("-PLUS")
        self._name = mechanism.removesuffix("-PLUS")
        self._nonce = nonce
        self._bindings = bindings
        self._strict = strict
        self._first = b""  # AuthMessage as far as it is known
        self._header = b""
        self._type = ""
        self._authzid = ""
        self._keys: ScramKeys | None = None

    def respond(self, message: bytes | None) -> Challenge | Lookup | Proof | Failure:
        if message is None:
            return Challenge(b"")
        return self._begin(message) if self._keys is None else self._end(message, self._keys)

    def _begin(self, message: bytes) -> Lookup | Failure:
        if len(message) > 4 * SECRET_MAX:
            return Failure(Reason.TOO_LONG)
        header = _GS2.match(message)
        first = None if header is None else _FIRST.fullmatch(message, header.end())
        if header is None or first is None:
            return Failure(Reason.BAD_MESSAGE)
        name = parse_saslname(first["name"])
        authzid = parse_saslname(header["authzid"] or b"")
        if not name or authzid is None:
            return Failure(Reason.BAD_MESSAGE)
        self._type = (header["type"] or b"").decode()
        # RFC 5802 §6: -PLUS goes with "p" and nothing else does; "y" to a server that offered -PLUS shows that
        # somebody on the way took it out of the list.
        if self._plus != bool(self._type) or (header["flag"] == b"y" and self._strict):
            return Failure(Reason.BAD_BINDING)
        if self._type and self._type not in self._bindings:
            return Failure(Reason.BAD_BINDING)
        self._header = header.group()
        self._nonce = first["nonce"] + self._nonce
        self._first = first.group()
        self._authzid = authzid
        return Lookup(self._name, name, authzid)

    def resume(self, keys: ScramKeys) -> Challenge:
        self._keys = keys
        answer = b"r=%b,s=%b,i=%d" % (self._nonce, encode_base64(keys.salt), keys.iterations)
        self._first += b"," + answer
        return Challenge(answer)

    def _end(self, message: bytes, keys: ScramKeys) -> Proof | Failure:
        final = _FINAL.fullmatch(message)
        if final is None or final["nonce"] != self._nonce:
            return Failure(Reason.BAD_MESSAGE)
        proof = decode_base64(final["proof"])
        if proof is None or len(proof) != len(keys.keys[0].stored):
            return Failure(Reason.BAD_MESSAGE)
        bound = self._header + (self._bindings[self._type] if self._type else b"")
        same = hmac.compare_digest(final["binding"], encode_base64(bound))
        text = self._first + b"," + final["bare"]
        fits = [index for index, key in enumerate(keys.keys) if self._fits(key.stored, text, proof)]
        name = parse_saslname(self._first[2:].partition(b",")[0]) or ""
        if not fits or not same:
            return Proof(self._name, name, self._authzid, None)
        signature = scram.mac(self._name, keys.keys[fits[0]].server, text)
        return Proof(self._name, name, self._authzid, fits[0], b"v=" + encode_base64(signature))

    def _fits(self, stored: bytes, text: bytes, proof: bytes) -> bool:
        # RFC 5802 §3: ClientKey is the proof XOR HMAC(StoredKey, AuthMessage); its hash has to be StoredKey.
        key = _xor(proof, scram.mac(self._name, stored, text))
        return hmac.compare_digest(scram.digest(self._name, key), stored)


class ScramClient:
    """`initial`, then `respond` to the server's two messages; `verified` once the server has proven itself."""

    __slots__ = (
        "_bare",
        "_binding",
        "_credentials",
        "_header",
        "_name",
        "_nonce",
        "_password",
        "_signature",
        "verified",
    )

    def __init__(
        self, mechanism: str, credentials: Credentials, nonce: bytes, bindings: Mapping[str, bytes]
    ) -> None:
        self._name = mechanism.removesuffix("-PLUS")
        self._credentials = credentials
        # RFC 5802 §5.1: the name and the password are prepared; what cannot be is sent as it is and fails.
        self._password = try_prepare(credentials.password) or credentials.password
        authzid = b"a=" + format_saslname(credentials.authzid) if credentials.authzid else b""
        self._binding = b""
        flag = b"y" if bindings else b"n"
        if mechanism.endswith("-PLUS"):
            kind = next(kind for kind in BINDING_TYPES if kind in bindings)
            flag, self._binding = b"p=" + kind.encode(), bindings[kind]
        self._header = flag + b"," + authzid + b","
        self._nonce = nonce
        name = try_prepare(credentials.username) or credentials.username
        self._bare = b"n=" + format_saslname(name) + b",r=" + nonce
        self._signature = b""
        self.verified = False

    def initial(self) -> bytes | None:
        return self._header + self._bare

    def respond(self, challenge: bytes) -> bytes | None:
        if not self._signature:
            # quirk(servers without initial responses): an empty challenge asks for the first message again.
            return self._answer(challenge) if challenge else self.initial()
        self.verified = hmac.compare_digest(challenge, b"v=" + encode_base64(self._signature))
        return b"" if self.verified else None

    def _answer(self, challenge: bytes) -> bytes | None:
        first = _SERVER_FIRST.fullmatch(challenge)
        if first is None or int(first["count"]) > CLIENT_ITERATIONS_MAX:
            return None
        salt = decode_base64(first["salt"])
        nonce = first["nonce"]
        # RFC 5802 §5.1: the nonce has to begin with ours, and be longer.
        if salt is None or not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce):
            return None
        salted = scram.salted_password(self._name, self._password, salt, int(first["count"]))
        bare = b"c=" + encode_base64(self._header + self._binding) + b",r=" + nonce
        text = self._bare + b"," + challenge + b"," + bare
        key = scram.mac(self._name, salted, b"Client Key")
        signature = scram.mac(self._name, scram.digest(self._name, key), text)
        self._signature = scram.mac(self._name, scram.mac(self._name, salted, b"Server Key"), text)
        return bare + b",p=" + encode_base64(_xor(key, signature))


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


NAMES: Final = tuple(HASHES)
