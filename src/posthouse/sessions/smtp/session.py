"""One SMTP connection: its state, its replies, and the hand-over of each event to its handler."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, final

from posthouse.core.errors import MailError
from posthouse.services.delivery import DeliveryService
from posthouse.services.grant import Grant
from posthouse.sessions.authentication import Authentication, SignIn
from posthouse.sessions.session import Peer, Session
from posthouse.sessions.smtp.auth import respond
from posthouse.sessions.smtp.bdat import end_chunk, refuse, take_chunk
from posthouse.sessions.smtp.data import finish, take
from posthouse.sessions.smtp.errors import reply_for
from posthouse.sessions.smtp.settings import MODES, Mode, SmtpSettings
from posthouse.sessions.smtp.state import State, Transaction
from posthouse.sessions.smtp.table import COMMANDS
from posthouse.storage.rows import Account
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import Bdat, Malformed
from posthouse.wire.smtp.engine import COMMAND_LINE_MAX, DataEnd, Event, Line, Response, ServerEngine
from posthouse.wire.smtp.reply import Reply


@final
class SmtpSession(Session):
    __slots__ = (
        "chunk",
        "chunk_refusal",
        "delivery",
        "engine",
        "errors",
        "exchange",
        "extended",
        "failed_sign_ins",
        "grant",
        "helo",
        "messages",
        "mode",
        "settings",
        "sign_in",
        "state",
        "stopping",
        "transaction",
    )

    def __init__(
        self,
        peer: Peer,
        on_fault: Callable[[BaseException], None],
        *,
        delivery: DeliveryService,
        sign_in: SignIn,
        settings: SmtpSettings,
    ) -> None:
        super().__init__(peer, on_fault)
        self.delivery = delivery
        self.sign_in = sign_in
        self.settings = settings
        self.mode = MODES[peer.info.listener]
        self.engine = ServerEngine()
        self.state = State.START
        self.helo = ""
        self.extended = False
        self.grant: Grant | None = None  # of who signed in
        self.exchange: Authentication | None = None
        self.transaction: Transaction | None = None
        self.chunk: Bdat | None = None  # whose octets are coming
        self.chunk_refusal: Reply | None = None  # to be said when they have come
        self.messages = 0
        self.errors = 0
        self.failed_sign_ins = 0
        self.stopping = False

    # --- what handlers ask and say ---

    @property
    def hostname(self) -> str:
        return self.delivery.settings.hostname

    @property
    def account(self) -> Account | None:
        return None if self.grant is None else self.grant.account

    @property
    def may_sign_in(self) -> bool:
        info = self.peer.info
        return info.tls is not None or info.clear_text_auth

    @property
    def current(self) -> Transaction:
        """Handlers of commands that are valid within a message only may rely on it."""
        assert self.transaction is not None
        return self.transaction

    def forms(self) -> dict[str, str]:
        """Verb -> how it is written, for HELP."""
        forms = {row.verb: row.form for row in COMMANDS.values()}
        if self.mode is Mode.LMTP:
            forms = {"LHLO": "LHLO domain", **forms}
            del forms["EHLO"]
        if self.mode is not Mode.SUBMISSION:
            del forms["AUTH"]
        return forms

    def say(self, answer: Reply) -> None:
        self.peer.write(answer.wire)
        if answer.code >= 500:
            self.errors += 1
            if self.errors >= self.settings.errors_max:
                self.end(reply.TOO_MANY_ERRORS.fill(name=self.hostname))

    def end(self, answer: Reply) -> None:
        """The last reply; the connection is closed behind it."""
        if not self.closing:
            self.closing = True
            self.peer.write(answer.wire)

    def reset(self) -> None:
        """Forget the message being put together."""
        transaction, self.transaction = self.transaction, None
        if transaction is not None and transaction.incoming is not None:
            transaction.incoming.abort()
        if self.state is not State.START:
            self.state = State.READY

    # --- the session base ---

    def greet(self) -> None:
        self.peer.set_timeout(self.settings.command_timeout_s)
        row = reply.GREETING_LMTP if self.mode is Mode.LMTP else reply.GREETING
        self.peer.write(row.fill(name=self.hostname).wire)

    def _feed(self, data: bytes) -> None:
        self.engine.receive(data)

    def _next(self) -> Event | None:
        return self.engine.next_event()

    def _backlog(self) -> int:
        return self.engine.buffered

    def _handle(self, event: Event) -> Coroutine[Any, Any, None] | None:
        work = self._work(event)
        return None if work is None else self._guarded(work)

    def _work(self, event: Event) -> Coroutine[Any, Any, None] | None:
        kind = type(event)
        if (row := COMMANDS.get(kind)) is not None:
            if (refusal := row.refused.get(self.state)) is not None:
                self._refuse(row.verb, refusal, event)
                return None
            return row.handler(self, event)
        if isinstance(event, bytes):
            return take(self, event) if self.chunk is None else take_chunk(self, event)
        if isinstance(event, DataEnd):
            return finish(self, event) if self.chunk is None else end_chunk(self, event)
        if isinstance(event, Response):
            return respond(self, event.line)
        if isinstance(event, Malformed):
            self._malformed(event)
        else:
            assert isinstance(event, Line)
            self.exchange = None  # a line that broke framing ends a SASL exchange
            too_long = reply.LINE_TOO_LONG.fill(limit=COMMAND_LINE_MAX)
            self.say(too_long if event is Line.TOO_LONG else reply.BARE_LINE_FEED)
        return None

    def _refuse(self, verb: str, refusal: Reply, event: Event) -> None:
        """The state does not allow the command."""
        if refusal is reply.NEED_HELO:
            refusal = refusal.fill(verb="LHLO" if self.mode is Mode.LMTP else "EHLO")
        elif refusal is reply.NOT_DURING_MAIL:
            refusal = refusal.fill(verb=verb)
        elif refusal is reply.NEED_RCPT and self.current.refused:
            refusal = reply.NO_VALID_RECIPIENT
        if isinstance(event, Bdat):
            refuse(self, event, refusal)
        else:
            self.say(refusal)

    def _malformed(self, event: Malformed) -> None:
        if event.fatal:
            self.end(event.reply)
        else:
            self.say(event.reply)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except MailError as error:
            self.say(reply_for(error))
        if self.stopping:
            self.end(reply.SHUTTING_DOWN.fill(name=self.hostname))

    def _fault(self) -> None:
        self.peer.write(reply.FAULT.wire)

    def timed_out(self) -> None:
        if self.busy:
            # The client waits for us, not we for it.
            self.peer.set_timeout(self.settings.command_timeout_s)
            return
        in_message = self.chunk is not None or (
            self.transaction is not None and self.transaction.incoming is not None
        )
        seconds = self.settings.data_timeout_s if in_message else self.settings.command_timeout_s
        # RFC 5321 §4.5.3.2.7: 421 before the connection is closed.
        self.end(reply.TIMED_OUT.fill(name=self.hostname, seconds=int(seconds)))
        self.peer.close()

    def shutdown(self) -> None:
        """RFC 5321 §3.8: 421 as soon as no command is running; a message not yet complete was not accepted."""
        if self.busy:
            self.stopping = True
        elif not self.closing:
            self.end(reply.SHUTTING_DOWN.fill(name=self.hostname))
            self.peer.close()

    def _cleanup(self) -> None:
        self.reset()
        self.grant = None
        self.exchange = None
