r"""Plays `C:`/`S:` dialogues, of any line protocol, against anything that takes bytes and gives lines.

    # a comment
    @ name value           a setting for the test that plays the file (listener, messages, ...)
    C: USER zhang@qq.test  sent with CRLF; C: lines that follow each other are sent at once (pipelined)
    X: NOOP\n              sent as it stands, with Python's byte escapes and nothing added
    S: +OK *               one line the server sends; `*` stands for any text, `\*` for a star
    S: ...                 any number of lines, up to one that the next S: line matches
    END                    the server closes the connection

At the end of the file the server must not have said anything more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

FOLDER = Path(__file__).parent


class Dialogue(Protocol):
    """The other side; `line` returns None when nothing more will come before the next `send`, or ever."""

    async def send(self, data: bytes) -> None: ...

    async def line(self) -> bytes | None: ...

    async def closed(self) -> bool: ...


class Step(NamedTuple):
    at: int  # line of the file
    kind: str  # "send", "line", "skip", "end"
    data: bytes


class Transcript(NamedTuple):
    name: str
    settings: dict[str, str]
    steps: list[Step]


def transcripts(pattern: str) -> list[Transcript]:
    """The files of this folder that match, by name; there must be some."""
    found = sorted(FOLDER.glob(pattern))
    assert found, f"no transcript matches {pattern}"
    return [parse(path.stem, path.read_text("utf-8")) for path in found]


def parse(name: str, text: str) -> Transcript:
    settings: dict[str, str] = {}
    steps: list[Step] = []
    for at, line in enumerate(text.splitlines(), 1):
        mark, _, rest = line.partition(" ")
        if mark == "@":
            key, _, value = rest.partition(" ")
            settings[key] = value
        elif mark == "C:":
            _send(steps, at, rest.encode() + b"\r\n")
        elif mark == "X:":
            _send(
                steps,
                at,
                rest.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1"),
            )
        elif mark == "S:":
            steps.append(Step(at, "skip" if rest == "..." else "line", rest.encode()))
        elif mark == "END":
            steps.append(Step(at, "end", b""))
        else:
            assert not mark or mark.startswith("#"), f"{name}:{at}: {line!r}"
    return Transcript(name, settings, steps)


def _send(steps: list[Step], at: int, data: bytes) -> None:
    if steps and steps[-1].kind == "send":
        data = steps.pop().data + data
    steps.append(Step(at, "send", data))


def matcher(pattern: bytes) -> re.Pattern[bytes]:
    parts = re.split(rb"(\\\*|\*)", pattern)
    return re.compile(
        b"".join(b".*" if part == b"*" else re.escape(part.replace(rb"\*", b"*")) for part in parts),
        re.DOTALL,
    )


async def play(transcript: Transcript, dialogue: Dialogue) -> int:
    """How many of its lines were heard, each as it should be."""
    heard = 0
    steps: Iterator[Step] = iter(transcript.steps)
    skipping = False
    for step in steps:
        where = f"{transcript.name}:{step.at}"
        if step.kind == "send":
            assert not skipping, f"{where}: `S: ...` needs an S: line behind it"
            await dialogue.send(step.data)
        elif step.kind == "skip":
            skipping = True
        elif step.kind == "end":
            said = await dialogue.line()
            assert said is None, f"{where}: {said!r} instead of the end"
            assert await dialogue.closed(), f"{where}: the connection is still open"
        else:
            await _expect(dialogue, step, where, skipping=skipping)
            skipping = False
            heard += 1
    said = await dialogue.line()
    assert said is None, f"{transcript.name}: {said!r} at the end"
    return heard


async def _expect(dialogue: Dialogue, step: Step, where: str, *, skipping: bool) -> None:
    wanted = matcher(step.data)
    while True:
        said = await dialogue.line()
        assert said is not None, f"{where}: nothing instead of {step.data!r}"
        if wanted.fullmatch(said):
            return
        assert skipping, f"{where}: {said!r} instead of {step.data!r}"
