"""One IMAP connection: which command may run, in what order things are said, and when the mailbox is looked at.

Commands run one after the other (`sessions.session.Session`), so a pipelining client always sees the result of one
command before the next is looked at, which makes the ambiguities of RFC 9051 §5.5 impossible.  What a command
writes is collected and sent at once; FETCH sends per batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from posthouse.core.errors import MailError
from posthouse.core.ids import AccountId
from posthouse.services.grant import Grant
from posthouse.services.rights import Place, Viewer
from posthouse.sessions.authentication import Authentication
from posthouse.sessions.session import Peer, Session
from posthouse.storage.ports import Messages
from posthouse.storage.rows import Account, Actor
from posthouse.wire.imap import event as wire
from posthouse.wire.imap import response
from posthouse.wire.imap.command import Command
from posthouse.wire.imap.engine import Engine, limits_before_login
from posthouse.wire.imap.flag_list import FlagLists
from posthouse.wire.imap.format_fetch import format_flag_updates
from posthouse.wire.imap.response_code import code_capability

from . import append, capability, clients, idle, login, look
from .answer import answer_error
from .flags import format_flags
from .notify import end_notify
from .notify_watch import Watch
from .progress import Progress
from .services import ImapServices
from .state import (
    AUTHENTICATED,
    CONDSTORE,
    NOT_AUTHENTICATED,
    REV2,
    SELECTED,
    UIDONLY,
    UTF8,
    Selected,
)
from .table import COMMANDS, Entry
from .text import DEFAULT_LANGUAGE, translate
from .uid_only import UID_REQUIRED, needs_numbers
from .view import NoSuchMessageError

_WRONG_STATE: Final = {
    NOT_AUTHENTICATED: b"BAD Log in first: LOGIN or AUTHENTICATE",
    AUTHENTICATED: b"BAD Select a mailbox first: SELECT or EXAMINE",
    SELECTED: b"BAD This command is for clients that have not logged in; you have",
}
_LOGGED_IN_ALREADY: Final = b"BAD You are logged in already; LOGOUT to change the account"


class ImapSession(Session):
    __slots__ = (
        "_idling",
        "_out",
        "_stop",
        "appending",
        "bad_commands",
        "client",
        "compressed",
        "enabled",
        "engine",
        "exchange",
        "exchange_tag",
        "failures",
        "flag_lists",
        "grant",
        "language",
        "metadata_seen",
        "notify",
        "off",
        "selected",
        "services",
        "silent",
        "state",
        "told",
        "viewer",
    )

    def __init__(self, peer: Peer, on_fault: Callable[[BaseException], None], services: ImapServices) -> None:
        super().__init__(peer, on_fault)
        self.services = services
        self.engine = Engine(
            limits_before_login(), literal_minus=services.limits.literal_minus, multiappend=True
        )
        self.state = NOT_AUTHENTICATED
        self.enabled = 0
        self.grant: Grant | None = None  # what the sign-in allows
        self.client = ""  # what the program says it is
        self.viewer: Viewer | None = None
        self.selected: Selected | None = None
        self.flag_lists = FlagLists()  # its keywords are those last announced with FLAGS
        self.told: dict[int, int] | None = None  # UID -> modseq of flags this command has shown
        self.exchange: Authentication | None = None
        self.exchange_tag = b""
        self.language = DEFAULT_LANGUAGE
        self.appending: append.Appending | None = None
        self.failures = 0
        self.metadata_seen: dict[AccountId, int] | None = None  # modseq up to which they were told of
        self.compressed = False
        self.silent = False  # since COMPRESS
        self.off: frozenset[str] = frozenset()  # capabilities this client gets on badly with
        self.bad_commands = 0
        self._out: list[bytes] = []
        self.notify: Watch | None = None  # set by the first NOTIFY
        self._idling: Callable[[], None] | None = None
        self._stop = False  # say BYE when the running command is done

    # --- what the server calls ---

    def greet(self) -> None:
        self.peer.set_timeout(self.services.limits.login_timeout_s)
        code = code_capability(capability.capabilities(self))
        self.write(response.ok(b"*", f"{self.services.hostname} Posthouse is ready", code))
        self.flush()

    def timed_out(self) -> None:
        if self.busy:
            self.peer.set_timeout(self.timeout_s)
        else:
            self._say_bye(b"Nothing heard for too long; connect again")

    def shutdown(self) -> None:
        if self.busy:
            self._stop = True
        else:
            self._say_bye(b"The server ends this connection; connect again in a moment")

    @property
    def timeout_s(self) -> float:
        limits = self.services.limits
        return limits.login_timeout_s if self.state == NOT_AUTHENTICATED else limits.idle_timeout_s

    # --- writing ---

    def write(self, data: bytes) -> None:
        self._out.append(data)

    def flush(self) -> None:
        if self._out:
            data = b"".join(self._out)
            self._out.clear()
            self.peer.write(data)

    def bye(self, text: bytes) -> None:
        """Say BYE after what was written, and take no further command."""
        self.write(b"* BYE %b\r\n" % translate(text, self.language))
        self.closing = True

    def _say_bye(self, text: bytes) -> None:
        self.bye(text)
        self.flush()
        self.peer.close()

    # --- the pump's hooks ---

    def _feed(self, data: bytes) -> None:
        self.engine.receive(data)

    def _next(self) -> Any:
        event = self.engine.next_event()
        # RFC 9051 §2.2.1: a continuation request is the engine's, and goes out before anything of the next command.
        if out := self.engine.take_output():
            self.peer.write(out)
        return event

    def _backlog(self) -> int:
        return self.engine.buffered

    def _fault(self) -> None:
        self._out.clear()
        self.bye(b"[SERVERBUG] Something went wrong here, it was logged; connect again")
        self.flush()

    def _cleanup(self) -> None:
        clients.ended(self)
        self.stop_idling()
        append.drop(self)
        self.deselect()
        end_notify(self)

    def _handle(self, event: Any) -> Any:
        if isinstance(event, Command):
            return self._command(event)
        if isinstance(event, wire.LiteralChunk):
            return append.chunk(self, event)
        if isinstance(event, wire.BadCommand):
            return self._bad(event)
        if isinstance(event, wire.IdleDone):
            return self._run_event(event.tag, idle.done(self))
        if isinstance(event, wire.ContinuationLine):
            return self._run_event(self.exchange_tag, login.continuation(self, event.line), login.ERRORS)
        if isinstance(event, wire.AppendBegin):
            return self._append_begin(event)
        if isinstance(event, wire.AppendPiece):
            return self._run_event(
                event.tag, self._allowed(partial(append.piece, self, event)), append.ERRORS
            )
        if isinstance(event, wire.AppendEnd):
            work = self._allowed(partial(append.end, self, event.urls))
            return self._run_event(event.tag, work, append.ERRORS, expunge=True)
        return None  # LiteralEnd: the command's end follows

    def _command(self, command: Command) -> Any:
        self.bad_commands = 0
        self.silent = False
        entry = COMMANDS.get(command.NAME)
        if entry is None:
            return self._refuse(command.tag, b"BAD This server does not know the command; see CAPABILITY")
        if not entry.states & self.state:
            text = _LOGGED_IN_ALREADY if entry.states == NOT_AUTHENTICATED else _WRONG_STATE[self.state]
            return self._refuse(command.tag, text)
        if self.enabled & UIDONLY and needs_numbers(command):
            return self._refuse(command.tag, UID_REQUIRED)
        return self._run_command(entry, command)

    def _append_begin(self, event: wire.AppendBegin) -> Any:
        self.bad_commands = 0
        if self.state == NOT_AUTHENTICATED:
            self.engine.refuse_literal()
            return self._refuse(event.tag, _WRONG_STATE[NOT_AUTHENTICATED])
        return self._run_event(event.tag, self._allowed(partial(append.begin, self, event)), append.ERRORS)

    def _refuse(self, tag: bytes, text: bytes) -> None:
        self.answer(tag, text)
        self.flush()

    def _bad(self, event: wire.BadCommand) -> None:
        self.stop_idling()
        append.drop(self)
        self.exchange = None
        if event.unsaves and self.selected is not None:
            self.selected.view.saved = []
        self.write(event.answer)
        self.bad_commands += 1
        if event.fatal:
            self.closing = True
        elif self.bad_commands >= self.services.limits.bad_commands_max:
            self.bye(b"Too many commands in a row that make no sense; this is an IMAP server")
        self.flush()

    async def _run_command(self, entry: Entry, command: Command) -> None:
        by_uid = getattr(command, "uid", False)
        progress = Progress(self, command.tag) if entry.slow else None
        if self.notify is not None:
            self.notify.begin(command)
        try:
            await self._run_event(
                command.tag,
                self._allowed(partial(entry.handler, self, command)),
                entry.errors,
                expunge=entry.expunge or (by_uid and entry.expunge_by_uid),
                by_uid=by_uid,
            )
        finally:
            if progress is not None:
                progress.stop()

    def _allowed(self, run: Callable[[], Awaitable[bytes | None]]) -> Awaitable[bytes | None]:
        return run() if self.selected is None or not self.selected.foreign else self._if_allowed(run)

    async def _if_allowed(self, run: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """In a mailbox of somebody else the rights of this moment count."""
        return await run() if await look.look_at_rights(self) else None

    async def _run_event(
        self, tag: bytes, work: Any, errors: Any = None, *, expunge: bool = False, by_uid: bool = False
    ) -> None:
        """Run a handler; what it returns is the tagged answer (None: nothing to answer yet)."""
        try:
            done = await work
        except MailError as error:
            done = answer_error(error, errors)
            self.told = None  # what it was about to show may not have gone out
        except NoSuchMessageError:
            done = b"BAD There is no message with that number; look at the last EXISTS"
        if done is not None:
            await self.complete(tag, done, expunge=expunge, by_uid=by_uid)
        self._end_turn()

    async def complete(self, tag: bytes, done: bytes, *, expunge: bool, by_uid: bool) -> None:
        if not self.closing:
            await look.look_behind(self, expunge=expunge, by_uid=by_uid)
        self.answer(tag, done)

    def answer(self, tag: bytes, done: bytes) -> None:
        self.write(b"%b %b\r\n" % (tag, translate(done, self.language)))

    def _end_turn(self) -> None:
        self.told = None
        if self._stop and not self.closing:
            self.bye(b"The server ends this connection; connect again in a moment")
        self.flush()

    # --- state ---

    @property
    def account(self) -> Account | None:
        return None if self.grant is None else self.grant.account

    @property
    def account_id(self) -> AccountId:
        assert self.grant is not None  # by the table of states
        return self.grant.account.id

    async def reach(self, name: str, needed: int) -> Place:
        """A mailbox by its name, if this session has all of the rights; raises NotFound, Forbidden."""
        return await self.services.rights.need(self.eyes, name, needed)

    @property
    def eyes(self) -> Viewer:
        """Whose rights count, and how far."""
        assert self.viewer is not None  # by the table of states
        return self.viewer

    @property
    def mailbox(self) -> Selected:
        assert self.selected is not None  # by the table of states
        return self.selected

    @property
    def messages(self) -> Messages:
        """Those of the selected mailbox, as this user may see and change them."""
        return self.messages_of(self.mailbox)

    def messages_of(self, selected: Selected) -> Messages:
        messages = self.services.store.messages
        return messages.acting(Actor(self.account_id, selected.rights)) if selected.foreign else messages

    @property
    def utf8(self) -> bool:
        return bool(self.enabled & (UTF8 | REV2))

    @property
    def shows_recent(self) -> bool:
        # RFC 9051 §A.1: IMAP4rev2 has no \Recent.
        return not self.enabled & REV2

    def enable(self, bits: int) -> None:
        capability.switch_on(self, bits)

    def forget_login(self) -> None:
        """RFC 8437 §2: back to where the connection was before it logged in; TLS and compression stay."""
        self.deselect()
        end_notify(self)
        self.grant = self.viewer = None
        self.state = NOT_AUTHENTICATED
        self.enabled = 0
        self.metadata_seen = None
        self.language = DEFAULT_LANGUAGE
        self.flag_lists = FlagLists()
        self.engine.utf8 = False
        self.engine.limits = limits_before_login()
        self.peer.set_timeout(self.timeout_s)

    def select(self, selected: Selected) -> None:
        self.selected = selected
        self.state = SELECTED
        if selected.claims_recent:
            self.services.hub.begin_claiming(selected.shared)
        if self.notify is not None:
            self.notify.entered(selected)

    def deselect(self) -> None:
        if (selected := self.selected) is not None:
            self.selected = None
            self.state = AUTHENTICATED
            if self.notify is not None:
                self.notify.left(selected)
            if selected.claims_recent:
                self.services.hub.stop_claiming(selected.shared, selected.view.uidnext)
            self.services.hub.release(selected.shared)

    # --- looking at the mailbox ---

    async def sync(self, *, expunge: bool, by_uid: bool = False) -> None:
        """Announce what happened in the selected mailbox since the last look."""
        await look.sync(self, expunge=expunge, by_uid=by_uid)

    async def announce_keywords(self) -> None:
        """Send FLAGS and PERMANENTFLAGS again if the account has new keywords."""
        keywords = await self.services.store.messages.keywords(self.mailbox.shared.account)
        if len(keywords) != len(self.flag_lists.keywords):
            self.flag_lists.set_keywords(keywords)
            self.write(format_flags(self))

    def format_flag_rows(
        self, seqs: Sequence[int], changed: Sequence[tuple[int, int, int]], *, by_uid: bool
    ) -> bytes:
        """FETCH responses with the flags of (uid, flags, modseq) rows."""
        uid_only = bool(self.enabled & UIDONLY)
        return format_flag_updates(
            [row[0] for row in changed] if uid_only else seqs,
            changed,
            self.flag_lists,
            # RFC 9051 §7.5.2: with the UID while a UID command runs; RFC 7162 §3.2.4: and with mod-sequences.
            uid=not uid_only and (by_uid or bool(self.enabled & (CONDSTORE | REV2))),
            modseq=bool(self.enabled & CONDSTORE),
            recent_from=self.mailbox.view.recent_from if self.shows_recent else None,
            word=b"UIDFETCH" if uid_only else b"FETCH",
        )

    def numbers_of(self, uids: Sequence[int]) -> Sequence[int]:
        """What FETCH responses to this client are numbered by: sequence numbers, or UIDs (RFC 9586)."""
        return uids if self.enabled & UIDONLY else self.mailbox.view.seqs_of(uids)

    # --- idling ---

    @property
    def idling(self) -> bool:
        return self._idling is not None

    def start_idling(self) -> None:
        if self.selected is not None:
            self._idling = partial(look.look_while_idle, self)
            self.services.hub.listen(self.selected.shared, self._idling)

    def stop_idling(self) -> None:
        if self._idling is not None and self.selected is not None:
            self.services.hub.unlisten(self.selected.shared, self._idling)
        self._idling = None

    # --- between commands ---

    @property
    def at_rest(self) -> bool:
        """No command runs or arrives in pieces, and the client is there: something may be said unasked."""
        return not (self.busy or self.closing or self.gone or self._ended) and self.appending is None

    def say_unasked(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what writes without a command; commands that arrive meanwhile wait for it."""
        self._task = asyncio.get_running_loop().create_task(self._run(self._unasked(work)))

    async def _unasked(self, work: Coroutine[Any, Any, None]) -> None:
        await work
        self._end_turn()

    def _settled(self) -> None:
        super()._settled()
        if self.notify is not None:
            self.notify.poke()
