"""A letter, a script, and what becomes of it."""

from __future__ import annotations

from typing import Any

from posthouse.sieve import Context, Mail, Outcome, compile_script, run
from posthouse.sieve.actions import FileInto, Keep, Notify, Redirect, Reject, Vacation
from posthouse.sieve.spec import CAPABILITIES

LETTER = (
    b"From: Coyote <coyote@desert.example.org>\r\n"
    b"To: roadrunner@acme.example.com\r\n"
    b"Subject: I have a present for you\r\n"
    b"Date: Sun, 28 Nov 2026 15:04:05 +0800\r\n"
    b"Message-ID: <1@desert.example.org>\r\n"
    b"\r\n"
    b"Look, I'm sorry about the whole anvil thing.\r\n"
)
NOW = 1795849445.0  # Sun, 28 Nov 2026 07:04:05 +0000
ALL = "require [{}];\n".format(", ".join(f'"{name}"' for name in CAPABILITIES))


def outcome(script: str, letter: bytes = LETTER, *, every: bool = True, **context: Any) -> Outcome:
    context.setdefault("now", NOW)
    context.setdefault("sender", "coyote@desert.example.org")
    context.setdefault("recipient", "roadrunner@acme.example.com")
    context.setdefault("addresses", ("roadrunner@acme.example.com",))
    compiled = compile_script((ALL if every else "") + script)
    return run(compiled, Mail(letter), Context(**context))


def decided(script: str, letter: bytes = LETTER, **context: Any) -> list[str]:
    """The actions as words: `keep`, `into Junk`, `to a@b`, ..., with flags behind a colon."""
    found = outcome(script, letter, **context)
    assert found.fault is None, found.fault
    return [word(one) for one in found.actions] or ["discard"]


def holds(test: str, letter: bytes = LETTER, **context: Any) -> bool:
    return decided(f"if {test} {{ discard; }}", letter, **context) == ["discard"]


def word(action: Any) -> str:
    match action:
        case Keep(flags):
            return "keep" + (":" + " ".join(flags) if flags else "")
        case FileInto(mailbox, flags):
            return f"into {mailbox}" + (":" + " ".join(flags) if flags else "")
        case Redirect(address):
            return f"to {address}"
        case Reject(text):
            return f"reject {text}"
        case Vacation(to=to):
            return f"vacation {to}"
        case Notify(to=to):
            return f"notify {' '.join(to)}"
    raise AssertionError(action)


def letter(*fields: str, body: str = "Hello\r\n") -> bytes:
    return "".join(field + "\r\n" for field in fields).encode() + b"\r\n" + body.encode()
