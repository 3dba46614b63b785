"""Client side of SMTP and LMTP, without I/O.  What the relay, and anything else that sends mail, drives.

    engine = ClientEngine("mail.example.org")
    ... connect; bytes read go to receive(), data_to_send() goes to the peer, after every call below ...
    next_event() -> Done(GREETING)      then hello()
    next_event() -> Done(HELLO)         then start_tls(), sign_in(...), or begin(message)
    next_event() -> Done(STARTTLS)      then the TLS handshake, tls_started(), and hello() again
    next_event() -> GoAhead()           then content(chunk)..., content(b"", last=True)
    next_event() -> Finished(results)   then begin(next message), reset() or quit()

`Broken` ends the connection.  One operation at a time; commands of one operation are pipelined if the peer
can take it (RFC 2920).  `timeout_s` is how long to wait for the peer in the present phase.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, final

from posthouse.wire.sasl import ClientExchange, Credentials
from posthouse.wire.smtp.answer import Answer, AnswerReader
from posthouse.wire.smtp.line_end import LineEnds
from posthouse.wire.smtp.outgoing import (
    Capabilities,
    Outgoing,
    find_obstacle,
    format_mail,
    format_rcpt,
    parse_capabilities,
)


class Op(enum.Enum):
    """What an answer answers."""

    GREETING = "greeting"
    HELLO = "hello"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"
    END = "end"
    RSET = "rset"
    QUIT = "quit"


# RFC 5321 §4.5.3.2: least time-outs per command.
TIMEOUTS_S: Final[dict[Op, float]] = {
    Op.GREETING: 300.0,
    Op.MAIL: 300.0,
    Op.RCPT: 300.0,
    Op.DATA: 120.0,
    Op.CONTENT: 180.0,
    Op.END: 600.0,
}
OTHER_TIMEOUT_S: Final = 300.0


@dataclass(slots=True)
class Done:
    """An operation without a message is over; `answer.ok` tells how."""

    op: Op
    answer: Answer


@dataclass(slots=True)
class GoAhead:
    """Feed the message to `content`; `accepted` are the positions of the recipients the peer took."""

    accepted: list[int]


@dataclass(slots=True)
class RecipientResult:
    """What became of one recipient: `answer.ok` is delivered to the peer, else `op` is where it failed."""

    op: Op
    answer: Answer


@dataclass(slots=True)
class Finished:
    """The message is over; `results` are in the order of `Outgoing.recipients`."""

    results: list[RecipientResult]


@dataclass(slots=True)
class Broken:
    """The peer does not speak SMTP, or closed; nothing more can be done on this connection."""

    detail: str


class _Phase(enum.Enum):
    IDLE = "no message"
    ENVELOPE = "MAIL, RCPT, DATA"
    FEEDING = "the content goes out"
    ENDING = "the verdict is awaited"


ClientEvent = Done | GoAhead | Finished | Broken


class MisuseError(Exception):
    """The driver called what does not fit the state."""


@final
class ClientEngine:
    def __init__(self, hostname: str, *, lmtp: bool = False) -> None:
        self.capabilities = Capabilities()
        self.tls = False
        self.closing = False  # the peer said 421: no further operation
        self.answers = 0  # taken so far
        self._hostname = hostname.encode("ascii")
        self._lmtp = lmtp
        self._reader = AnswerReader()
        self._writes: list[bytes] = []
        self._unsent: deque[tuple[Op, int, bytes]] = deque()
        self._awaited: deque[tuple[Op, int]] = deque([(Op.GREETING, 0)])
        self._events: deque[ClientEvent] = deque()
        self._exchange: ClientExchange | None = None
        self._results: list[RecipientResult | None] = []
        self._refusal: RecipientResult | None = None  # of the message as a whole
        self._phase = _Phase.IDLE
        self._half_done = False  # the peer holds the beginnings of a message: RSET before the next
        self._data_open = False  # 354 came
        self._chunked = False
        self._tail = b""  # last two octets of the content, to see where lines start
        self._line_ends: LineEnds | None = None  # None: a binary message, which has no lines

    # --- bytes ---

    def receive(self, data: bytes) -> None:
        self._reader.receive(data)

    @property
    def overrun(self) -> bool:
        """The connection should be cut: the peer floods it."""
        return self._reader.overrun

    def data_to_send(self) -> bytes:
        data = b"".join(self._writes)
        self._writes.clear()
        return data

    def next_event(self) -> ClientEvent | None:
        while not self._events:
            answer = self._reader.next_answer()
            if answer is None:
                if self._reader.broken:
                    return Broken(self._reader.broken)
                return None
            self._take(answer)
        return self._events.popleft()

    @property
    def timeout_s(self) -> float:
        if self._phase is _Phase.FEEDING:
            return TIMEOUTS_S[Op.CONTENT]
        return TIMEOUTS_S.get(self._awaited[0][0], OTHER_TIMEOUT_S) if self._awaited else OTHER_TIMEOUT_S

    # --- operations ---

    def hello(self) -> None:
        self._idle()
        verb = b"LHLO" if self._lmtp else b"EHLO"
        self._command(Op.HELLO, verb + b" " + self._hostname + b"\r\n", index=1)

    def start_tls(self) -> None:
        self._idle()
        self._command(Op.STARTTLS, b"STARTTLS\r\n")

    def tls_started(self) -> None:
        """The handshake is done: RFC 3207 §4.2, what was learned before is forgotten."""
        self.tls = True
        self.capabilities = Capabilities()

    def sign_in(
        self,
        credentials: Credentials,
        nonce: bytes = b"",
        bindings: Mapping[str, bytes] = MappingProxyType({}),
    ) -> bool:
        """False when the peer offers no mechanism of ours; with a fresh `nonce` SCRAM comes first."""
        self._idle()
        self._exchange = ClientExchange.choose(self.capabilities.mechanisms, credentials, nonce, bindings)
        if self._exchange is None:
            return False
        initial = self._exchange.initial()
        line = b"AUTH " + self._exchange.name.encode() + (b"" if initial is None else b" " + initial)
        self._command(Op.AUTH, line + b"\r\n")
        return True

    def reset(self) -> None:
        self._idle()
        self._command(Op.RSET, b"RSET\r\n")

    def quit(self) -> None:
        self._idle()
        self._command(Op.QUIT, b"QUIT\r\n")

    def begin(self, message: Outgoing) -> None:
        """Send the envelope; MisuseError if `find_obstacle` sees one: re-code or bounce before."""
        self._idle()
        if obstacle := find_obstacle(message, self.capabilities, tls=self.tls):
            raise MisuseError(obstacle.value)
        if not message.recipients:
            raise MisuseError("a message needs a recipient")
        self._results = [None] * len(message.recipients)
        self._refusal = None
        self._phase = _Phase.ENVELOPE
        self._data_open = False
        # RFC 2033 leaves open how many answers a refused chunk has, so LMTP gets DATA where it can.
        self._chunked = "CHUNKING" in self.capabilities and (not self._lmtp or message.body == "BINARYMIME")
        self._line_ends = None if message.body == "BINARYMIME" else LineEnds()
        if self._half_done:
            self._unsent.append((Op.RSET, 0, b"RSET\r\n"))
        self._half_done = True
        self._unsent.append((Op.MAIL, 0, format_mail(message, self.capabilities)))
        for index, recipient in enumerate(message.recipients):
            self._unsent.append((Op.RCPT, index, format_rcpt(recipient, self.capabilities)))
        if not self._chunked:
            self._unsent.append((Op.DATA, 0, b"DATA\r\n"))
        self._send()

    def content(self, chunk: bytes, *, last: bool = False) -> bool:
        """A piece of the message, CRLF lines; after `last` the engine waits for the verdict.

        False: the peer refused already, the rest need not be sent and `next_event` tells more.
        """
        if self._phase is _Phase.IDLE or self._refusal is not None:
            return False
        if self._phase is not _Phase.FEEDING:
            raise MisuseError("content without GoAhead")
        if self._line_ends is not None:
            chunk = self._line_ends.feed(chunk)
            if last:
                chunk += self._line_ends.finish()
        if self._chunked:
            self._write_chunk(chunk, last=last)
        else:
            self._write_stuffed(chunk, last=last)
        if last:
            self._phase = _Phase.ENDING
            # RFC 2033 §4.2: LMTP answers the message once per accepted recipient.
            count = sum(result is None for result in self._results) if self._lmtp else 1
            self._awaited.extend((Op.END, n) for n in range(count))
        return True

    # --- writing ---

    def _idle(self) -> None:
        if self._awaited or self._phase is not _Phase.IDLE:
            raise MisuseError("an operation is running")

    def _command(self, op: Op, line: bytes, *, index: int = 0) -> None:
        self._awaited.append((op, index))
        self._writes.append(line)

    def _send(self) -> None:
        """Write commands: all of them to a peer with PIPELINING, else one after each answer."""
        pipelining = "PIPELINING" in self.capabilities
        while self._unsent and (pipelining or not self._awaited):
            op, index, line = self._unsent.popleft()
            if op is Op.DATA and None not in self._results:
                return
            self._command(op, line, index=index)

    def _write_chunk(self, chunk: bytes, *, last: bool) -> None:
        if chunk or last:
            self._writes.append(b"BDAT %d%b\r\n" % (len(chunk), b" LAST" if last else b""))
            self._writes.append(chunk)
            if not last:
                self._awaited.append((Op.CONTENT, 0))

    def _write_stuffed(self, chunk: bytes, *, last: bool) -> None:
        # RFC 5321 §4.5.2: a dot is put before a dot that starts a line, wherever the pieces were cut.
        tail = self._tail
        joined = tail + chunk
        self._tail = joined[-2:]
        self._writes.append(joined.replace(b"\r\n.", b"\r\n..")[len(tail) :])
        if last:
            self._writes.append(b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n")

    # --- answers ---

    def _take(self, answer: Answer) -> None:
        self.answers += 1
        if answer.code == 421:
            # RFC 5321 §3.8: it may come at any time, and answers all that is still open.
            self.closing = True
        if not self._awaited and self._phase is _Phase.FEEDING:
            # A verdict in the middle of the content: what we send cannot be told from commands any more.
            self.closing = True
            self._refuse(Op.CONTENT, answer)
            self._finish()
        elif not self._awaited:
            detail = answer.status if self.closing else f"an answer nobody asked for: {answer.status}"
            self._events.append(Broken(detail))
        elif self._phase is _Phase.IDLE:
            self._take_simple(*self._awaited.popleft(), answer)
        else:
            self._take_message(*self._awaited.popleft(), answer)

    def _take_simple(self, op: Op, index: int, answer: Answer) -> None:
        if op is Op.HELLO and index and answer.ok:
            self.capabilities = parse_capabilities(answer.lines)
        elif op is Op.HELLO and index and answer.code >= 500 and not self._lmtp:
            # RFC 5321 §3.2: a server that does not know EHLO gets HELO.
            self.capabilities = Capabilities()
            self._command(Op.HELLO, b"HELO " + self._hostname + b"\r\n")
            return
        elif op is Op.AUTH and answer.code == 334 and self._exchange is not None:
            response = self._exchange.receive(answer.lines[-1].encode())
            # RFC 4954 §4: "*" cancels when we have nothing left to say.
            self._command(Op.AUTH, (b"*" if response is None else response) + b"\r\n")
            return
        elif op is Op.AUTH and answer.ok and self._exchange is not None and self._exchange.unproven:
            # RFC 5802 §3: a server that cannot show that it knows the password is not the one we look for.
            self._reader.broken = "the server accepted the sign-in without proving that it knows the password"
            return
        elif op is Op.STARTTLS and answer.ok and self._reader.buffered:
            # RFC 3207 §4.2 read from our side: what came in clear behind 220 may be anybody's.
            self._reader.broken = "the server sent more in clear after it agreed to TLS"
            return
        elif op is Op.RSET and answer.ok:
            self._half_done = False
        self._events.append(Done(op, answer))

    def _take_message(self, op: Op, index: int, answer: Answer) -> None:
        if op is Op.RCPT:
            if not answer.ok:
                self._results[index] = RecipientResult(op, answer)
        elif op is Op.DATA:
            self._data_open = answer.code == 354
            if not self._data_open:
                self._refuse(op, answer)
        elif op is Op.END:
            self._take_end(index, answer)
        elif op is not Op.RSET and not answer.ok:
            self._refuse(op, answer)
        if self.closing:
            self._refuse(op, answer)
            self._finish()
        else:
            self._advance()

    def _take_end(self, index: int, answer: Answer) -> None:
        # RFC 5321 §4.1.1.4: after DATA the peer has forgotten the message, whatever its verdict;
        # after a refused chunk it has not (RFC 3030 §2).
        self._half_done = self._chunked and not answer.ok
        if index < 0 or self._refusal is not None:
            return
        waiting = [n for n, result in enumerate(self._results) if result is None]
        for n in waiting[:1] if self._lmtp else waiting:
            self._results[n] = RecipientResult(Op.END, answer)

    def _refuse(self, op: Op, answer: Answer) -> None:
        """The message as a whole is refused; commands not sent yet are not sent any more."""
        if self._refusal is None:
            self._refusal = RecipientResult(op, answer)
        self._unsent.clear()

    def _advance(self) -> None:
        """After an answer within a message: send more, ask for the content, or finish."""
        self._send()
        if self._awaited:
            return
        lost = self._refusal is not None or None not in self._results
        if self._phase is _Phase.ENDING or (lost and not self._data_open):
            self._finish()
        elif lost and self._phase is _Phase.ENVELOPE:
            # RFC 2920 §3.1: DATA was pipelined and nobody is left; an empty message ends it, unheard.
            self._phase = _Phase.ENDING
            self._command(Op.END, b".\r\n", index=-1)
        elif self._phase is _Phase.ENVELOPE:
            self._phase = _Phase.FEEDING
            self._tail = b"\r\n"
            self._events.append(GoAhead([n for n, result in enumerate(self._results) if result is None]))

    def _finish(self) -> None:
        self._awaited.clear()
        self._unsent.clear()
        self._phase = _Phase.IDLE
        results = [result or self._refusal for result in self._results]
        self._events.append(Finished([result for result in results if result is not None]))
