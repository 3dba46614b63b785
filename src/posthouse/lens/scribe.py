"""What the scribes of all protocols share: cutting octets into lines, and counting what is not shown."""

from __future__ import annotations

from typing import ClassVar, Final

from posthouse.lens.line import CLIENT, SECRET, SERVER, Line, visible
from posthouse.lens.words import table

LINE_MAX: Final = 8192
"""Octets of a line that are looked at; the rest of it is passed over."""
HELD_MAX: Final = 64 * 1024
RUN_MAX: Final = 40
"""Lines one side may say before the rest is counted only."""
SAMPLE_MAX: Final = 8192
"""Octets of a block of which the first lines are shown."""


class Block:
    """Octets that end after a count, or at a line of one dot."""

    __slots__ = ("dots", "left", "name", "octets", "sample")

    def __init__(self, name: str, left: int = 0, *, dots: bool = False) -> None:
        self.name = name
        self.left = left
        self.dots = dots
        self.octets = 0
        self.sample = b""

    def keep(self, data: bytes) -> None:
        self.octets += len(data)
        if len(self.sample) < SAMPLE_MAX:
            self.sample += data[: SAMPLE_MAX - len(self.sample)]


class Half:
    """One direction.  `take` gives a line without its end, a finished block, or None: more octets are needed."""

    __slots__ = ("_block", "_held", "_overlong", "holding")

    def __init__(self) -> None:
        self._held = bytearray()
        self._block: Block | None = None
        self._overlong = False
        self.holding = False
        """Nothing is taken until the other side has spoken."""

    def add(self, data: bytes) -> None:
        self._held += data

    @property
    def crowded(self) -> bool:
        return len(self._held) > HELD_MAX

    def expect(self, name: str, octets: int) -> None:
        self._block = Block(name, octets)

    def expect_dots(self, name: str) -> None:
        self._block = Block(name, dots=True)

    def take(self) -> bytes | Block | None:
        if self.holding:
            return None
        if self._block is not None:
            return self._take_block(self._block)
        end = self._held.find(b"\n")
        if end < 0:
            if len(self._held) > LINE_MAX and not self._overlong:
                self._overlong = True
                line = bytes(self._held[:LINE_MAX])
                self._held.clear()
                return line
            if self._overlong:
                self._held.clear()
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        if self._overlong:
            self._overlong = False
            return self.take()
        return line.removesuffix(b"\r")

    def _take_block(self, block: Block) -> Block | None:
        held = self._held
        if not block.dots:
            part = bytes(held[: block.left])
            del held[: len(part)]
            block.keep(part)
            block.left -= len(part)
            if block.left:
                return None
            self._block = None
            return block
        if not block.octets and held.startswith(b".\r\n"):
            del held[:3]
        elif (end := held.find(b"\r\n.\r\n")) >= 0:
            block.keep(bytes(held[: end + 2]))
            del held[: end + 5]
        else:
            # The last four octets may be the beginning of the end.
            part = bytes(held[: max(len(held) - 4, 0)])
            del held[: len(part)]
            if part:
                block.keep(part)
            return None
        self._block = None
        return block


class Scribe:
    """Base of the protocols' scribes.  `letter_lines`: how many lines of a letter's beginning are shown."""

    PROTOCOL: ClassVar[str]
    """The table of its words."""

    def __init__(self, *, letter_lines: int = 0) -> None:
        self._client = Half()
        self._server = Half()
        self._letter_lines = letter_lines
        self._out: list[Line] = []
        self._lines_left = letter_lines  # of a letter that comes in chunks
        self._run = 0  # lines of the server since the client spoke
        self._passed = 0  # octets of the server's that were only counted

    def client(self, data: bytes) -> list[Line]:
        """What the client sent; the lines that are complete by it."""
        self._end_run()
        self._client.add(data)
        if self._client.holding and self._client.crowded:
            self._crowded()
        self._drain_client()
        return self._flush()

    def server(self, data: bytes) -> list[Line]:
        half = self._server
        half.add(data)
        while (piece := half.take()) is not None:
            if self._run >= RUN_MAX and not self._ends_run(piece):
                self._passed += len(piece) + 2 if isinstance(piece, bytes) else piece.octets
                if isinstance(piece, bytes):
                    self._passed_line(piece)
                continue
            if self._passed:
                self._end_run()
            self._run += 1
            if isinstance(piece, bytes):
                self._server_line(piece)
            else:
                self._server_block(piece)
            self._drain_client()
        return self._flush()

    def _drain_client(self) -> None:
        while (piece := self._client.take()) is not None:
            if isinstance(piece, bytes):
                self._client_line(piece)
            else:
                self._client_block(piece)

    def _flush(self) -> list[Line]:
        out, self._out = self._out, []
        return out

    def _end_run(self) -> None:
        self._run = 0
        if self._passed:
            self._out.append(Line(SERVER, block="lines", octets=self._passed))
            self._passed = 0

    def _say(self, side: str, text: str) -> None:
        self._out.append(Line(side, text))

    def _tell_block(self, side: str, block: Block) -> None:
        if block.name != "chunk":
            self._lines_left = self._letter_lines
        if block.sample:
            shown = block.sample.removesuffix(b"\r\n").split(b"\r\n")[: self._lines_left]
            self._lines_left -= len(shown)
            self._out += [Line(side, visible(line)) for line in shown]
        self._out.append(Line(side, block=block.name, octets=block.octets))

    def _knows(self, verb: bytes) -> bool:
        return ("command", verb.decode("ascii", "replace").upper()) in table(self.PROTOCOL)

    def _say_command(self, verb: bytes, line: bytes) -> None:
        """What is no command may be a password that was typed at the wrong moment: it is counted only."""
        if self._knows(verb):
            self._say(CLIENT, visible(line))
        else:
            self._out.append(Line(CLIENT, block="unknown", octets=len(line)))

    def _say_secret(self, line: bytes) -> None:
        """A line of a sign-in; `*` (giving up) is none of the secrets."""
        self._say(CLIENT, "*" if line == b"*" else SECRET)

    # --- what a protocol implements ---

    def _client_line(self, line: bytes) -> None:
        raise NotImplementedError

    def _server_line(self, line: bytes) -> None:
        raise NotImplementedError

    def _client_block(self, block: Block) -> None:
        self._tell_block(CLIENT, block)

    def _server_block(self, block: Block) -> None:
        self._tell_block(SERVER, block)

    def _ends_run(self, piece: bytes | Block) -> bool:  # noqa: ARG002
        """Whether a line of a long run is told all the same."""
        return False

    def _passed_line(self, line: bytes) -> None:
        """A line that is only counted went by."""

    def _crowded(self) -> None:
        """Far too much came while the answer was waited for."""
        self._client.holding = False
