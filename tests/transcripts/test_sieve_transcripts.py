"""The examples of the RFCs about Sieve, as they stand there, and what becomes of letters.

`== RFC n §n` begins an example; its script follows.  `=> WORDS` says what becomes of the letter of the lines `+ field`
above it (none: of message A), in the words of `sieve_world.decided`.
A script without `require` is given all extensions.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from posthouse.sieve import Context, Mail, compile_script, run
from tests.unit.sieve_world import ALL, NOW, letter, word

# RFC 5228 §1.1: the two letters of its examples, without bodies.
A = (
    "Date: Tue, 1 Apr 1997 09:06:31 -0800", "From: coyote@desert.example.org",
    "To: roadrunner@acme.example.com", "Subject: I have a present for you",
)  # fmt: skip
B = (
    "From: youcouldberich!@reply-by-postal-mail.invalid", "To: rube@landru.example.com",
    "Date:  Mon, 31 Mar 1997 18:26:10 -0800", "Subject: $$$ YOU, TOO, CAN BE A MILLIONAIRE! $$$",
)  # fmt: skip
LETTERS = {"A": A, "B": B}


def _cases() -> list[tuple[str, str, tuple[str, ...], str]]:
    found = []
    for part in re.split(
        r"^== ", Path(__file__).with_name("sieve_examples.txt").read_text(), flags=re.MULTILINE
    )[1:]:
        title, _, rest = part.partition("\n")
        script: list[str] = []
        fields: list[str] = []
        for line in rest.splitlines():
            if line.startswith("+ "):
                fields += LETTERS.get(line[2:], (line[2:],))
            elif line.startswith("=>"):
                found.append((title, "\n".join(script), tuple(fields or A), line[2:].strip()))
                fields = []
            else:
                script.append(line)
    return found


CASES = _cases()


@pytest.mark.parametrize(
    ("title", "script", "fields", "wanted"),
    CASES,
    ids=[f"{title.replace(' ', '_')}-{n}" for n, (title, *_) in enumerate(CASES)],
)
def test_example(title: str, script: str, fields: tuple[str, ...], wanted: str) -> None:
    context = {"now": NOW, "sender": "coyote@desert.example.org", "recipient": "roadrunner@acme.example.com"}
    header = []
    body = "Hello\r\n"
    for field in fields:
        name, _, value = field.partition(" ")
        if name.startswith("@"):  # of the envelope and of what else surrounds a letter
            context[name[1:]] = float(value) if name in ("@spam", "@now") else value
        elif name == "BODY":
            body = value.replace("|", "\r\n") + "\r\n"
        else:
            header.append(field)
    boxes = {"INBOX", *context.pop("boxes", "").split(",")}
    script_given = script if "require" in script else ALL + script
    context["addresses"] = (context["recipient"],)
    found = run(
        compile_script(script_given), Mail(letter(*header, body=body)), Context(mailboxes=boxes, **context)
    )
    told = [word(one) for one in found.actions] or ["discard"]
    if found.fault is not None:
        told = [f"fault {found.fault.key}"]
    if found.header is not None:
        told.append("header " + found.header.decode().split("\r\n")[0])
    assert " + ".join(told) == wanted, title


def test_every_rfc_is_there() -> None:
    numbers = {int(title.split()[1]) for title, *_ in CASES}
    base = {5228, 3894, 5429}
    assert numbers >= base | {
        5173,
        5229,
        5230,
        5231,
        5232,
        5233,
        5235,
        5260,
        5293,
        5435,
        5436,
        5490,
        6609,
        7352,
    }
