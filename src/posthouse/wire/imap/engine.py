"""The server's engine: bytes in, events out.  No I/O, no clock, no logging.

The framing knows nothing of grammar: a command is one line, or lines joined by literals, and its edges are
found before it is parsed.  So a malformed command is always skipped whole, and literal bytes are never
taken for a command.  What affects the state of the stream stands in this file.

RFC 9051 §2.2.1 (commands), RFC 9051 §4.3 (literals), RFC 7888 (LITERAL+ and LITERAL-), RFC 3516 (literal8).
"""

from __future__ import annotations

import enum
from typing import Final, final

from .cursor import Cursor, ParseError, too_big
from .event import (
    AppendBegin,
    AppendEnd,
    AppendPiece,
    BadCommand,
    ContinuationLine,
    Event,
    IdleDone,
    LiteralChunk,
    LiteralEnd,
)
from .fetch_run import take_same
from .limits import Limits, limits_before_login
from .line_buffer import TOO_LONG, LineBuffer
from .parse import HEAD, PARSERS, head_error, parse_command, tag_of, unknown_command
from .parse_append import (
    HEAD_FIELDS,
    MARKER,
    STREAMED,
    AppendHead,
    append_message,
    catenate_parts,
    names_mailbox,
)
from .response import clean_text

__all__ = [
    "AppendBegin", "AppendEnd", "AppendPiece", "BadCommand", "ContinuationLine", "Engine", "Event", "IdleDone",
    "Limits", "LiteralChunk", "LiteralEnd", "limits_before_login",
]  # fmt: skip

_MARKER_END: Final = b"}\r\n"
LITERAL_MINUS_MAX: Final = 4096  # RFC 7888 §5


class _Mode(enum.Enum):
    COMMAND = "a line of a command"
    LITERAL = "octets of a literal held in memory"
    DECISION = "an APPEND waits for accept_literal or refuse_literal"
    MESSAGE = "octets of a message"
    TAIL = "what follows a message"
    SKIP = "the rest of a refused command"
    IDLE = "DONE"
    CONTINUATION = "a line of an AUTHENTICATE exchange"
    DEAD = "nothing"


@final
class Engine:
    """`receive(data)`, then `next_event()` until None, sending `take_output()` after each call."""

    __slots__ = (
        "_append", "_buf", "_chunks", "_last", "_literal_minus", "_mode", "_multiappend", "_nonsync", "_output",
        "_parts", "_pending", "_skip_left", "_skipped", "_tag", "_total", "_trouble", "_want",
        "limits", "quirk_bare_lf", "quirks", "utf8",
    )  # fmt: skip

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        literal_minus: bool = False,
        multiappend: bool = False,
        quirk_bare_lf: bool = False,
    ) -> None:
        self.limits = limits or Limits()  # may be replaced at any time, as after LOGIN
        self.utf8 = False  # set after ENABLE IMAP4rev2 or UTF8=ACCEPT
        self.quirks: dict[str, int] = {}  # what was forgiven, by name
        self.quirk_bare_lf = quirk_bare_lf  # take LF for CRLF; otherwise it is answered with BAD
        self._literal_minus = literal_minus
        self._multiappend = multiappend
        self._buf = LineBuffer()
        self._mode = _Mode.COMMAND
        self._output: list[bytes] = []
        self._parts: list[bytes] = []
        self._total = 0  # octets of the command so far
        self._chunks: list[bytes] = []
        self._want = 0  # octets of the literal still to come
        self._nonsync = False
        self._append: AppendHead | None = None
        self._last = b""  # the command given out last, if it was one line
        self._tag = b""  # of the command that is open or was given out last
        self._pending: BadCommand | None = None  # comes after what is being skipped
        self._skip_left = 0
        self._skipped = 0
        self._trouble: BadCommand | None = None  # what was wrong with the last line

    # --- what the session calls ---

    def receive(self, data: bytes) -> None:
        if self._mode is not _Mode.DEAD:
            self._buf.receive(data)

    def next_event(self) -> Event | None:
        """The next event, or None when more bytes (or a decision about an APPEND) are needed.  Never
        raises."""
        while True:
            mode = self._mode
            if mode is _Mode.COMMAND:
                event = self._command()
            elif mode is _Mode.LITERAL:
                event = self._literal()
            elif mode is _Mode.MESSAGE:
                return self._message()
            elif mode is _Mode.TAIL:
                event = self._tail()
            elif mode is _Mode.SKIP:
                event = self._skip()
            elif mode is _Mode.IDLE or mode is _Mode.CONTINUATION:
                event = self._answer_line()
            else:
                return None
            if event is not None or self._mode is mode:
                return event

    def take_output(self) -> bytes:
        """What the protocol itself makes us send; take it after every call of `next_event`."""
        if not self._output:
            return b""
        out = b"".join(self._output)
        self._output.clear()
        return out

    @property
    def buffered(self) -> int:
        """Octets held that no event has given out."""
        return len(self._buf) + self._total

    def accept_literal(self) -> None:
        """After AppendBegin: the message is welcome."""
        self._need(_Mode.DECISION)
        if not self._nonsync:
            self._output.append(b"+ OK\r\n")
        self._mode = _Mode.MESSAGE

    def refuse_literal(self) -> None:
        """After AppendBegin: the session has sent the tagged NO; nothing more comes of this command."""
        self._need(_Mode.DECISION)
        self._refuse(None, self._want, nonsync=self._nonsync)

    def begin_idle(self, tag: bytes) -> None:
        self._need(_Mode.COMMAND)
        self._tag = tag
        self._output.append(b"+ idling\r\n")
        self._mode = _Mode.IDLE

    def challenge(self, base64: bytes) -> None:
        """Send `+ base64` and take the next line as the answer to it."""
        self._need(_Mode.COMMAND)
        self._output.append(b"+ %b\r\n" % base64)
        self._mode = _Mode.CONTINUATION

    def discard_buffer(self) -> int:
        """Forget what came before TLS began, and say how many octets that was (RFC 9051 §6.2.1)."""
        return self._buf.clear()

    def _need(self, mode: _Mode) -> None:
        if self._mode is not mode:
            raise RuntimeError(f"the engine is reading {self._mode.value}, not {mode.value}")

    # --- commands ---

    def _command(self) -> Event | None:
        line = self._line()
        if line is None:
            return self._take_trouble()
        self._parts.append(line)
        # perf: the test on the last octets spares most commands the regex.
        if line[-3:] == _MARKER_END and (marker := MARKER.search(line)):
            self._total += len(line)
            return self._announced(int(marker[2]), nonsync=bool(marker[3]), binary=bool(marker[1]))
        parts = self._parts
        self._parts = []
        self._total = 0
        try:
            command = parse_command(parts, self.quirks, utf8=self.utf8)
        except ParseError as error:
            return self._bad(error)
        self._tag, self._last = command.tag, parts[0] if len(parts) == 1 else b""
        return command

    def take_same_fetches(self, limit: int) -> list[tuple[bytes, int]]:
        """(tag, UID) of at most `limit` commands that wait and ask of one message what the last one did."""
        found = take_same(self._buf, self._last, limit)
        if found:
            self._tag = found[-1][0]
        return found

    def _announced(self, size: int, *, nonsync: bool, binary: bool) -> Event | None:
        """The line just read announces a literal of `size` octets."""
        try:
            head = HEAD.match(self._parts[0])
            if head is None:
                raise head_error(self._parts[0])
            self._tag = head[1]
            name = head[2].upper()
            # RFC 7888 §5: LITERAL- allows at most 4096 octets without waiting.
            if nonsync and self._literal_minus and size > LITERAL_MINUS_MAX:
                raise ParseError(
                    f"A literal over {LITERAL_MINUS_MAX} octets needs {{n}}, not {{n+}}", self._tag
                )
            if name in STREAMED and not names_mailbox(self._parts):
                cursor = Cursor(self._parts, self.quirks, tag=self._tag, pos=head.end(), utf8=self.utf8)
                return self._append_begin(STREAMED[name](cursor), nonsync=nonsync, first=True)
            if name not in PARSERS:
                raise unknown_command(self._tag, name)
            if binary and name != b"SETMETADATA":  # RFC 5464 §5: a value may be a literal8
                raise ParseError("Expected a literal such as {5}; ~{5} is for messages", self._tag)
            if size > self.limits.literal:
                raise too_big(f"Literal larger than {self.limits.literal} octets", self._tag)
            if self._total + size > self.limits.command:
                raise too_big(f"Command longer than {self.limits.command} octets", self._tag)
        except ParseError as error:
            return self._refuse(self._bad(error), size, nonsync=nonsync)
        if not nonsync:
            self._output.append(b"+ OK\r\n")
        self._want = size
        self._mode = _Mode.LITERAL
        return None

    def _literal(self) -> Event | None:
        if self._want:
            chunk = self._buf.take(self._want)
            self._want -= len(chunk)
            self._total += len(chunk)
            self._chunks.append(chunk)
            if self._want:
                return None
        self._parts.append(b"".join(self._chunks))
        self._chunks.clear()
        self._mode = _Mode.COMMAND
        return None

    # --- APPEND ---

    def _append_begin(
        self, head: AppendHead, *, nonsync: bool, first: bool, last_urls: tuple[str, ...] = ()
    ) -> AppendBegin:
        self._decide(head, nonsync=nonsync)
        fields = {name: getattr(head, name) for name in HEAD_FIELDS}
        return AppendBegin(**fields, first=first, last_urls=last_urls)

    def _decide(self, head: AppendHead, *, nonsync: bool) -> None:
        if head.size > self.limits.append:
            # RFC 7889 §4: TOOBIG before the literal is asked for.
            text = f"Message larger than {self.limits.append} octets; send a smaller one"
            raise ParseError(text, head.tag, status=b"NO", code=b"TOOBIG")
        self._append = head
        self._parts = []
        self._total = 0
        self._want = head.size
        self._nonsync = nonsync
        self._mode = _Mode.DECISION

    def _message(self) -> Event | None:
        if not self._want:
            self._mode = _Mode.TAIL
            return LiteralEnd()
        chunk = self._buf.take(self._want)
        if not chunk:
            return None
        self._want -= len(chunk)
        return LiteralChunk(chunk)

    def _tail(self) -> Event | None:
        line = self._line()
        if line is None:
            return self._take_trouble()
        head = self._append
        assert head is not None
        marker = MARKER.search(line)
        cursor = Cursor([line], self.quirks, tag=self._tag, utf8=self.utf8)
        try:
            urls: tuple[str, ...] = ()
            if head.utf8:
                cursor.char(b")", "')' after the message")
            if head.catenate and not cursor.try_char(b")"):
                # RFC 4469 §5: cat-part *(SP cat-part)
                cursor.space()
                urls, size, head.utf8 = catenate_parts(cursor)
                if size is not None and marker is not None:
                    head.size = size
                    self._decide(head, nonsync=bool(marker[3]))
                    return AppendPiece(head.tag, urls, size)
            if marker is None:
                cursor.end()
                self._reset()
                return AppendEnd(head.tag, urls)
            if not self._multiappend or head.replaces is not None:  # RFC 8508 §4.7: one for one
                raise cursor.error("One message per APPEND; the command must end")
            following = append_message(cursor, head.mailbox)
            return self._append_begin(following, nonsync=bool(marker[3]), first=False, last_urls=urls)
        except ParseError as error:
            size = int(marker[2]) if marker else 0
            return self._refuse(self._bad(error), size, nonsync=bool(marker and marker[3]))

    # --- IDLE and AUTHENTICATE ---

    def _answer_line(self) -> Event | None:
        idle = self._mode is _Mode.IDLE
        line = self._line()
        if line is None:
            return self._take_trouble()
        self._mode = _Mode.COMMAND
        if not idle:
            return ContinuationLine(line[:-2])
        # RFC 9051 §6.3.13: nothing but DONE ends IDLE.
        if line.upper() == b"DONE\r\n":
            return IdleDone(self._tag)
        error = ParseError("Expected DONE to end IDLE; the command sent instead was not run", self._tag)
        marker = MARKER.search(line)
        return self._refuse(
            self._bad(error), int(marker[2]) if marker else 0, nonsync=bool(marker and marker[3])
        )

    # --- refusals ---

    def _bad(self, error: ParseError) -> BadCommand:
        code = b"[%b] " % error.code if error.code else b""
        # RFC 9051 §7.1.3: without a tag to answer to, an untagged BAD.
        answer = b"%b %b %b%b\r\n" % (error.tag or b"*", error.status, code, clean_text(error.text))
        return BadCommand(error.tag, error.text, answer, unsaves=error.unsaves)

    def _reset(self) -> None:
        self._parts = []
        self._chunks = []
        self._total = self._want = self._skip_left = self._skipped = 0
        self._append = None
        self._pending = None
        self._mode = _Mode.COMMAND

    def _fatal(self, tag: bytes, text: str) -> BadCommand:
        self._reset()
        self._buf.clear()
        self._mode = _Mode.DEAD
        return BadCommand(tag, text, b"* BYE %b\r\n" % clean_text(text), fatal=True)

    def _refuse(self, bad: BadCommand | None, size: int, *, nonsync: bool) -> BadCommand | None:
        """Give up a command whose last line announced a literal of `size` octets (or none: size 0, nonsync
        False)."""
        self._reset()
        if not nonsync:
            # RFC 9051 §4.3: without "+ " the client does not send the literal, and the command is over.
            return bad
        # RFC 7888 §4: the literal is on its way; read and discard it, or close.
        if size > self.limits.skip:
            return self._fatal(
                self._tag, "Refused literal too large to skip; send it as {n} and wait for '+'"
            )
        self._pending = bad
        self._skip_left = size
        self._mode = _Mode.SKIP
        return None

    def _skip(self) -> Event | None:
        """Drop octets and lines up to the end of the refused command."""
        while True:
            if self._skip_left:
                self._skip_left -= self._drop(self._skip_left)
                if self._skip_left:
                    return self._skip_limit()
            tail, dropped = self._buf.drop_line()
            self._skipped += dropped
            if tail is None:
                return self._skip_limit()
            if tail.endswith(b"}\n"):
                return self._bare_lf(tail)
            marker = MARKER.search(tail)
            if marker is None or not marker[3]:
                bad = self._pending
                self._reset()
                return bad
            self._skip_left = int(marker[2])
            if self._skipped + self._skip_left > self.limits.skip:
                return self._skip_limit(over=True)

    def _drop(self, count: int) -> int:
        dropped = self._buf.drop(count)
        self._skipped += dropped
        return dropped

    def _skip_limit(self, *, over: bool = False) -> BadCommand | None:
        if over or self._skipped > self.limits.skip:
            return self._fatal(self._tag, f"Refused command longer than {self.limits.skip} octets")
        return None

    # --- lines ---

    def _line(self) -> bytes | None:
        """A line with its CRLF; None: there is none yet, or `_take_trouble` has what is wrong with it."""
        line = self._buf.take_line(self.limits.line)
        if line is None:
            return None
        if line is TOO_LONG:
            tag = self._open_tag(self._buf.peek(min(300, self.limits.line)))
            bad = self._bad(too_big(f"Line longer than {self.limits.line} octets", tag))
            self._reset()
            self._pending = bad
            self._mode = _Mode.SKIP
            return None
        if line[-2:-1] == b"\r":
            return line
        if self.quirk_bare_lf:
            # quirk(telnet, hand-made scripts): LF alone ends a line.
            self.quirks["quirk_bare_lf"] = self.quirks.get("quirk_bare_lf", 0) + 1
            return line[:-1] + b"\r\n"
        self._trouble = self._bare_lf(line)
        return None

    def _take_trouble(self) -> BadCommand | None:
        trouble, self._trouble = self._trouble, None
        return trouble

    def _open_tag(self, line: bytes) -> bytes:
        """The tag of the command that `line` belongs to."""
        if self._mode is _Mode.COMMAND:
            return tag_of(self._parts[0] if self._parts else line)
        return self._tag

    def _bare_lf(self, line: bytes) -> BadCommand:
        tag = self._open_tag(line)
        text = "A line must end with CRLF; this one ended with LF alone"
        if line[-2:-1] == b"}":
            # Whether a literal follows cannot be told, so nothing after this can be trusted.
            return self._fatal(tag, text)
        self._reset()
        return self._bad(ParseError(text, tag))
