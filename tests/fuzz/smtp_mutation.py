"""Plausible SMTP sessions, and what goes wrong with them on the way."""

from __future__ import annotations

import random

LETTER = b"From: li@163.test\r\nSubject: x\r\n\r\n..dot\r\nbody\r\n"
MESSAGES = [
    b"DATA\r\n" + LETTER + b".\r\n",
    b"BDAT %d LAST\r\n%b" % (len(LETTER), LETTER),
    b"BDAT 20\r\n%bBDAT %d LAST\r\n%b" % (LETTER[:20], len(LETTER) - 20, LETTER[20:]),
    b"DATA\r\n.\r\n",
    b"BDAT 0 LAST\r\n",
    b"DATA\r\n" + b"x" * 70 + b"\r\n" + LETTER * 200 + b"\r\n.\r\n",
]
LINES = [
    b"EHLO qq.test",
    b"HELO qq.test",
    b"LHLO qq.test",
    b"MAIL FROM:<>",
    b"MAIL FROM:<li@163.test> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=x+2By",
    b"MAIL FROM:<li@163.test> BODY=BINARYMIME HOLDFOR=60",
    "MAIL FROM:<李@163.test> SMTPUTF8".encode(),
    b"RCPT TO:<li@163.test>",
    b"RCPT TO:<zhao@163.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;z",
    b"RCPT TO:<all@163.test>",
    b"RCPT TO:<full@163.test>",
    b"RCPT TO:<nobody@163.test>",
    b"RCPT TO:<x@example.org>",
    b"RCPT TO:<postmaster>",
    b"RSET",
    b"NOOP",
    b"HELP",
    b"VRFY li",
    b"EXPN all",
    b"STARTTLS",
    b"AUTH PLAIN",
    b"AUTH LOGIN",
    b"AUTH PLAIN AGxpQDE2My50ZXN0AHBvc3Rob3VzZS1kZW1v",
    b"AGxpQDE2My50ZXN0AHBvc3Rob3VzZS1kZW1v",
    b"*",
    b"QUIT",
]
_JUNK = [
    *(b"\0", b"\r", b"\n", b"\xff", b" ", b"<", b">", b'"', b"\\", b"@", b"=", b"+", b".", b"A" * 3000),
    *(b"999999999999", "驿".encode(), b"\r\n", b"\r\n.\r\n", b"\n.\n", b"\r\n.\n", b"BDAT 5\r\n"),
]


def mutated_dialogue(chance: random.Random) -> bytes:
    """A session of some transactions with up to 5 mutations."""
    data = bytearray(chance.choice([b"EHLO qq.test\r\n", b"LHLO qq.test\r\n", b""]))
    if chance.random() < 0.4:
        data += LINES[22] + b"\r\n"
    for _ in range(chance.randrange(1, 5)):
        if chance.random() < 0.8:
            data += b"MAIL FROM:<li@163.test>\r\nRCPT TO:<li@163.test>\r\n"
        for _ in range(chance.randrange(4)):
            data += chance.choice(LINES) + b"\r\n"
        data += chance.choice(MESSAGES)
    for _ in range(chance.randrange(6)):
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
