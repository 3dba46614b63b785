"""The runner itself: it must fail when the dialogue does."""

from __future__ import annotations

import pytest

from tests.transcripts.runner import parse, play


class Scripted:
    """Answers every send with the next of `answers`, and closes when there are none left."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.sent: list[bytes] = []
        self._lines: list[bytes] = []

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        self._lines += self.answers.pop(0).split(b"\r\n")[:-1]

    async def line(self) -> bytes | None:
        return self._lines.pop(0) if self._lines else None

    async def closed(self) -> bool:
        return not self.answers


GOOD = r"""
# greeting left out
@ listener tls
C: ONE
C: TWO
S: 1 of * stars: \*
S: 2
X: \x00\n
S: ...
S: last
END
"""


async def test_plays() -> None:
    transcript = parse("good", GOOD)
    assert transcript.settings == {"listener": "tls"}
    dialogue = Scripted(b"1 of 5 stars: *\r\n2\r\n", b"a\r\nb\r\nlast\r\n")
    await play(transcript, dialogue)
    assert dialogue.sent == [b"ONE\r\nTWO\r\n", b"\0\n"]


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ((b"1 of 5 stars: x\r\n2\r\n", b"last\r\n"), "good:6"),
        ((b"1 of 5 stars: *\r\n", b"last\r\n"), "good:7: nothing"),
        ((b"1 of 5 stars: *\r\n2\r\n", b"a\r\n"), "good:10: nothing"),
        ((b"1 of 5 stars: *\r\n2\r\n", b"last\r\nmore\r\n"), "good:11: b'more' instead of the end"),
        ((b"1 of 5 stars: *\r\n2\r\n", b"last\r\n", b"never\r\n"), "still open"),
    ],
)
async def test_fails(answers: tuple[bytes, ...], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        await play(parse("good", GOOD), Scripted(*answers))


async def test_what_is_said_after_the_end_of_the_file_fails() -> None:
    with pytest.raises(AssertionError, match="at the end"):
        await play(parse("short", "C: ONE\nS: 1\n"), Scripted(b"1\r\n2\r\n"))


def test_strange_lines_are_refused() -> None:
    with pytest.raises(AssertionError, match="bad:1"):
        parse("bad", "Q: what\n")
