"""The key of CRAM-MD5 (RFC 2195): what a server keeps of a password, and what it computes from it.

HMAC-MD5 begins with a block made of the password, for its inner and for its outer hash.  The states of MD5 behind these
two blocks are all that is needed, so they are kept in place of the password.  For CRAM-MD5 they are as good as the
password, and a guess costs two blocks of MD5: nobody should have them who does not want this mechanism.
"""

from __future__ import annotations

import math
import struct
from hashlib import md5
from typing import Final

NAME: Final = "CRAM-MD5"
BLOCK: Final = 64
_MASK: Final = 0xFFFFFFFF
_START: Final = struct.pack("<4I", 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_SINES: Final = tuple(int(abs(math.sin(n + 1)) * 2**32) & _MASK for n in range(64))
_SHIFTS: Final = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))


def _compress(state: bytes, block: bytes) -> bytes:
    """One block of MD5 (RFC 1321 §3.4): `hashlib` cannot go on from a state that was kept."""
    words = struct.unpack("<16I", block)
    a, b, c, d = start = struct.unpack("<4I", state)
    for n in range(64):
        turn = n >> 4
        if turn == 0:
            f, at = (b & c) | (~b & d), n
        elif turn == 1:
            f, at = (d & b) | (~d & c), (5 * n + 1) & 15
        elif turn == 2:
            f, at = b ^ c ^ d, (3 * n + 5) & 15
        else:
            f, at = c ^ (b | (~d & _MASK)), (7 * n) & 15
        mixed = (a + f + _SINES[n] + words[at]) & _MASK
        shift = _SHIFTS[turn][n & 3]
        a, d, c, b = d, c, b, (b + ((mixed << shift) | (mixed >> (32 - shift)))) & _MASK
    return struct.pack("<4I", *((x + y) & _MASK for x, y in zip(start, (a, b, c, d), strict=True)))


def _finish(state: bytes, text: bytes) -> bytes:
    """The hash of one block that led to `state`, and a text behind it."""
    size = BLOCK + len(text)
    padded = text + b"\x80" + bytes((BLOCK - 9 - len(text)) % BLOCK) + struct.pack("<Q", size * 8)
    for at in range(0, len(padded), BLOCK):
        state = _compress(state, padded[at : at + BLOCK])
    return state


def derive(password: str) -> tuple[bytes, bytes]:
    """The inner and the outer state."""
    key = password.encode()
    # RFC 2104 §2: a key longer than a block is hashed first.
    key = (md5(key, usedforsecurity=False).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    inner, outer = bytes(octet ^ 0x36 for octet in key), bytes(octet ^ 0x5C for octet in key)
    return _compress(_START, inner), _compress(_START, outer)


def answer(inner: bytes, outer: bytes, challenge: bytes) -> bytes:
    """What the client has to say to the challenge: HMAC-MD5 in hexadecimal.  A tenth of a millisecond."""
    return _finish(outer, _finish(inner, challenge)).hex().encode()
