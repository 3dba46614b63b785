"""Plausible POP3 sessions, and what goes wrong with them on the way."""

from __future__ import annotations

import random

LINES = [
    b"USER zhang@qq.test",
    b"USER nobody",
    b"PASS posthouse-demo",
    b"PASS wrong",
    b"AUTH",
    b"AUTH PLAIN",
    b"AUTH PLAIN AHpoYW5nQHFxLnRlc3QAcG9zdGhvdXNlLWRlbW8=",
    b"AUTH LOGIN",
    b"AUTH LOGIN emhhbmdAcXEudGVzdA==",
    b"emhhbmdAcXEudGVzdA==",
    b"cG9zdGhvdXNlLWRlbW8=",
    b"AHpoYW5nQHFxLnRlc3QAcG9zdGhvdXNlLWRlbW8=",
    b"*",
    b"APOP zhang c4c9334bac560ecc979e58001b3e22fb",
    b"CAPA",
    b"STLS",
    b"UTF8",
    b"LANG",
    b"LANG zh",
    b"LANG en",
    b"LANG *",
    b"LANG tlh",
    b"STAT",
    b"LIST",
    b"LIST 1",
    b"LIST 99",
    b"UIDL",
    b"UIDL 2",
    b"RETR 1",
    b"RETR 2",
    b"RETR 3",
    b"RETR 4",
    b"TOP 1 0",
    b"TOP 3 2",
    b"DELE 1",
    b"DELE 2",
    b"RSET",
    b"NOOP",
    b"QUIT",
]
_JUNK = [
    b"\0",
    b"\r",
    b"\n",
    b"\xff",
    b" ",
    b"A" * 300,
    b"%s",
    b"999999999999",
    "驿".encode(),
    b"\r\n",
    b".\r\n",
]
SIGN_IN = b"USER zhang@qq.test\r\nPASS posthouse-demo\r\n"


def mutated_dialogue(chance: random.Random) -> bytes:
    """A session of up to 14 commands, most of them after a good sign-in, with up to 4 mutations."""
    data = bytearray(SIGN_IN if chance.random() < 0.7 else b"")
    for _ in range(chance.randrange(1, 14)):
        data += chance.choice(LINES) + b"\r\n"
    for _ in range(chance.randrange(5)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            data[at:at] = chance.choice(_JUNK)
        elif kind == 1:
            del data[at : at + chance.randrange(1, 8)]
        elif kind == 2:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 3:
            data[at:at] = data[at : at + chance.randrange(1, 40)] * chance.randrange(1, 4)
        else:
            data[at:at] = chance.choice(LINES) + b"\r\n"
    return bytes(data)
