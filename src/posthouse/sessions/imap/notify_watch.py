"""What one session watches by NOTIFY, and the last state it was told of each watched mailbox.  RFC 5465.

Hints only mark what has to be looked at.  Looking is done at the end of commands, or between them by a task of its
own; what piles up while a client does not read is one mark per mailbox.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, NamedTuple, final

import msgspec

from posthouse.core.errors import MailError, NotFound
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.rights import LOOKUP, READ
from posthouse.services.mailboxes import canonical_name, superiors
from posthouse.services.rights import Place
from posthouse.storage.rows import Hint, Mailbox
from posthouse.wire.imap import command as c
from posthouse.wire.imap import notify_events as e
from posthouse.wire.imap import response
from posthouse.wire.imap.response_code import NOTIFICATIONOVERFLOW
from posthouse.wire.imap.sequence_set import SequenceSet

from . import metadata
from .fetch import fetch
from .list import Tree
from .look import tell_safe_modseq
from .mailbox_filter import is_in
from .notify_names import affected
from .state import CONDSTORE, Selected
from .text import translate
from .view import Updates, uid_ranges

if TYPE_CHECKING:
    from .session import ImapSession

_REMOVING: Final = frozenset(("EXPUNGE", "MOVE"))
_UNKNOWN: Final = -1
OBSERVED: Final = LOOKUP | READ
"""RFC 5465 §5: the rights on a mailbox whose events are told."""


class TooManyError(Exception):
    """More mailboxes than one session may watch."""


class _Seen(NamedTuple):
    """A mailbox as the client knows it."""

    uidvalidity: int
    uidnext: int
    messages: int
    unseen: int
    modseq: int


@final
class Watch:
    """`prepare`, then it lives as `session.notify` until the next NOTIFY; `close` in any case."""

    __slots__ = (
        "_answers",
        "_due",
        "_foreign",
        "_groups",
        "_held",
        "_highest",
        "_list_due",
        "_looking",
        "_names",
        "_own",
        "_own_names",
        "_own_uids",
        "_owners",
        "_seen",
        "_selected",
        "_session",
        "_subscribed",
        "_to_look_at",
    )

    def __init__(self, session: ImapSession, wanted: e.Wanted | None) -> None:
        self._session = session
        self._groups = wanted.groups if wanted is not None else []
        # Of the sets of mailboxes, these are only about the user's own.
        self._foreign = any(source not in {"PERSONAL", "INBOXES"} for source, *_ in self._groups)
        self._owners: dict[MailboxId, tuple[AccountId, str]] = {}  # of mailboxes of others, and their names
        self._selected = (wanted.selected if wanted is not None else None) or e.WantedSelected(0)
        self._seen: dict[MailboxId, _Seen] = {}  # those with events of messages
        self._names: dict[MailboxId, str] = {}  # all of the account, when MailboxName is wanted
        self._subscribed: frozenset[str] = frozenset()
        self._highest = 0  # mailbox id; those above are new
        self._to_look_at: set[MailboxId] = set()
        self._list_due = False
        self._looking = False
        self._due = False  # something was marked since the last look
        self._own: dict[MailboxId, int] = {}  # messages this client put into other mailboxes
        self._own_uids: set[int] = set()  # and into the selected one
        self._own_names: frozenset[str] = frozenset()  # of mailboxes it has just made, renamed, subscribed...
        self._answers = False  # the running command itself changes the selected mailbox
        self._held = 0  # modseq since which changes of flags were kept from the client

    async def prepare(self) -> bytes:
        """Learn the state that is known at the start, and say it as STATUS responses; raises TooManyError."""
        if not self._groups:
            return b""
        self._session.services.hub.watch(self._session.account_id, self._hinted)
        places, subscribed = await self._read_list()
        self._learn(places, subscribed)
        for place in places:
            barred = place.rights & OBSERVED != OBSERVED
            if barred and self._events_of(place.row, subscribed) & e.OF_MESSAGES:
                # RFC 5465 §3.1: the client learns that of this mailbox nothing will be told.
                self._write(response.format_list(("\\NoAccess",), place.row.name, utf8=self._session.utf8))
        return b"".join(
            [await self._first_status(place.row) for place in places if place.row.id in self._seen]
        )

    def close(self) -> None:
        session = self._session
        if self._groups:
            for account in {session.account_id, *(owner for owner, _ in self._owners.values())}:
                session.services.hub.unwatch(account, self._hinted)
        if session.selected is not None:
            session.services.hub.unlisten(session.selected.shared, self._selected_moved)

    # --- being woken ---

    def _hinted(self, hint: Hint) -> None:
        if hint.kind == "rights" and not self._foreign:
            return
        if hint.kind != "mailbox":
            self._list_due = True
        elif hint.mailbox in self._seen or self._looking:
            self._to_look_at.add(hint.mailbox)
        else:
            return
        self._due = True
        self.poke()

    def _selected_moved(self) -> None:
        self._due = True
        self.poke()

    def poke(self) -> None:
        """Say what there is to say if the session is free now; it calls again when it is."""
        if not self._due or not self._session.at_rest:
            return
        self._due = False
        if self._list_due or self._to_look_at or self._selected_needs_a_look():
            self._session.say_unasked(self.push())

    def _selected_needs_a_look(self) -> bool:
        selected = self._session.selected
        if selected is None or not self._selected.events:
            return False
        return selected.foreign or selected.shared.deleted or selected.shared.modseq > selected.view.modseq

    async def push(self) -> None:
        """Between commands, and at the beginning of IDLE."""
        session = self._session
        if session.peer.must_drain:
            await session.peer.drain()
        if session.selected is not None:
            # RFC 5465 §6.1.2: with SELECTED-DELAYED only a command, such as IDLE, lets EXPUNGE out.
            await session.sync(expunge=session.idling)
            tell_safe_modseq(session)
        if self._list_due and session.metadata_seen is not None and not session.closing:
            await metadata.announce(session)
        if not session.closing:
            await self.look()
        session.flush()

    # --- the running command ---

    def begin(self, command: c.Command) -> None:
        self._answers = command.NAME in _REMOVING
        if isinstance(command, c.Create | c.Delete | c.Subscribe | c.Unsubscribe):
            name = canonical_name(command.mailbox)
            self._own_names = frozenset((name, *superiors(name)))
            self._list_due = bool(self._groups)
        elif isinstance(command, c.Rename):
            name = canonical_name(command.new_name)
            self._own_names = frozenset((name, *superiors(name), canonical_name(command.mailbox)))
            self._list_due = bool(self._groups)
        elif isinstance(command, c.Noop):
            # A hint may have been lost, as when the writer was restarted.
            self._list_due = bool(self._groups)

    def made_here(self, mailbox: MailboxId, uids: Sequence[int], *, removing: bool) -> None:
        self._answers |= removing
        selected = self._session.selected
        if selected is not None and selected.id == mailbox:
            self._answers = True
            self._own_uids.update(uids)
        elif mailbox in self._seen:
            self._own[mailbox] = self._own.get(mailbox, 0) + len(uids)
            self._to_look_at.add(mailbox)

    # --- the selected mailbox ---

    @property
    def looks_at_selected(self) -> bool:
        # RFC 5465 §3.1: without SELECTED no event of it is told; what the client itself does is an answer.
        return bool(self._selected.events) or self._answers

    @property
    def expunges_at_once(self) -> bool:
        return bool(self._selected.events) and not self._selected.delayed

    def entered(self, selected: Selected) -> None:
        if self._selected.events:
            self._session.services.hub.listen(selected.shared, self._selected_moved)

    def left(self, selected: Selected) -> None:
        self._session.services.hub.unlisten(selected.shared, self._selected_moved)
        self._held = 0
        self._own_uids.clear()
        if selected.id in self._seen:
            view = selected.view
            self._seen[selected.id] = _Seen(
                selected.shared.uidvalidity, view.uidnext, view.exists, _UNKNOWN, view.modseq
            )
            self._to_look_at.add(selected.id)

    def hold_flags(self, updates: Updates, since: int) -> None:
        """Keep changes of flags from a client that did not ask for them; `since`: the view's modseq before."""
        if updates.changed and not self._selected.events & e.FLAG_CHANGE:
            self._held = self._held or since
            updates.changed, updates.seqs = [], []

    async def tell_held_flags(self) -> None:
        if not self._held:
            return
        shared, view = self._session.mailbox.shared, self._session.mailbox.view
        changes = await self._session.messages.changes(shared.account, shared.mailbox, self._held)
        rows = [row for row in changes.changed if row[2] <= view.modseq and view.seq_of(row[0])]
        if rows:
            await self._session.announce_keywords()
            seqs = view.seqs_of([row[0] for row in rows])
            self._session.write(self._session.format_flag_rows(seqs, rows, by_uid=True))
        self._held = 0

    async def fetch_new(self, uidnext: int) -> None:
        """RFC 5465 §5.2: after EXISTS what is wanted of the messages from a UID on, but not of the client's own."""
        uids = self._session.mailbox.view.uids
        new = [uid for uid in uids[bisect_left(uids, uidnext) :] if uid not in self._own_uids]
        self._own_uids.clear()
        if not new or not self._selected.items:
            return
        ranges = SequenceSet(tuple(uid_ranges(new)))
        try:
            await fetch(self._session, c.Fetch(b"", ranges, self._selected.items, uid=True))
        except MailError:
            return  # the client knows that the messages are there, and can ask

    # --- other mailboxes ---

    async def look(self) -> None:
        """At what was marked."""
        self._looking = True
        try:
            if self._list_due:
                await self._look_at_list()
            elif self._to_look_at:
                await self._look_at_mailboxes()
        except MailError:
            self._list_due = True  # the next command or hint looks again
        except TooManyError:
            self._overflow()
        finally:
            self._looking = self._answers = False

    async def _look_at_mailboxes(self) -> None:
        ids = sorted(self._to_look_at)
        self._to_look_at.clear()
        for number in ids:
            try:
                row = await self._row(number)
            except NotFound:
                continue  # the list tells
            self._tell(row, self._events_of(row, self._subscribed))

    async def _row(self, number: MailboxId) -> Mailbox:
        """As the user sees it; raises NotFound when that is not at all any more."""
        session = self._session
        owner, name = self._owners.get(number, (session.account_id, ""))
        row = await session.services.store.mailboxes.by_id(owner, number)
        if not name:
            return row
        rights = await session.services.rights.on(session.eyes, owner, number, name)
        if rights & OBSERVED != OBSERVED:
            raise NotFound(name)
        return await session.services.rights.as_seen(session.eyes, msgspec.structs.replace(row, name=name))

    async def _look_at_list(self) -> None:
        self._list_due = False
        self._to_look_at.clear()
        places, subscribed = await self._read_list()
        names, known, highest = self._names, self._subscribed, self._highest
        before = self._learn(places, subscribed)
        rows = [place.row for place in places]
        roles = {row.name: row.role for row in rows}
        both = known | subscribed

        def wants(name: str, event: int) -> bool:
            return bool(self._events(name, roles.get(name), both) & event)

        tree = Tree(places, sorted(subscribed))
        changed = affected(names, self._names, known ^ subscribed, wants, self._own_names)
        for name, old_name in changed.items():
            attributes = tree.attributes(name, subscribed=True)
            self._write(response.format_list(attributes, name, utf8=self._session.utf8, old_name=old_name))
        for row in rows:
            if (seen := before.get(row.id)) is not None and row.id in self._seen:
                self._seen[row.id] = seen
                self._tell(row, self._events_of(row, subscribed))
            elif row.id in self._seen and row.id > highest and row.name not in self._own_names:
                self._tell_new(row)
        self._own_names = frozenset()

    async def _read_list(self) -> tuple[list[Place], frozenset[str]]:
        """RFC 5465 §3.1: what may not be looked up is not there."""
        session = self._session
        places = await session.services.rights.all(session.eyes, foreign=self._foreign)
        subscribed = await session.services.rights.subscriptions(session.eyes)
        return [place for place in places if place.rights & LOOKUP], frozenset(subscribed)

    def _learn(self, places: list[Place], subscribed: frozenset[str]) -> dict[MailboxId, _Seen]:
        """Take what is there for told; returns what was known before."""
        self._watch_owners(
            {place.row.id: (place.row.account, place.row.name) for place in places if place.foreign}
        )
        rows = [place.row for place in places]
        readable = {place.row.id for place in places if place.rights & OBSERVED == OBSERVED}
        wanted = 0
        for *_, events in self._groups:
            wanted |= events
        before = self._seen
        self._subscribed = subscribed
        self._highest = max((row.id for row in rows), default=0)
        self._names = {row.id: row.name for row in rows} if wanted & e.MAILBOX_NAME else {}
        self._seen = {
            row.id: _Seen(row.uidvalidity, row.uidnext, row.messages, row.unseen, row.modseq)
            for row in rows
            if row.id in readable and self._events_of(row, subscribed) & e.OF_MESSAGES
        }
        if max(len(self._names), len(self._seen)) > self._session.services.limits.notify_mailboxes_max:
            raise TooManyError
        return before

    def _watch_owners(self, owners: dict[MailboxId, tuple[AccountId, str]]) -> None:
        before, after = ({owner for owner, _ in known.values()} for known in (self._owners, owners))
        for account in before - after:
            self._session.services.hub.unwatch(account, self._hinted)
        for account in after - before:
            self._session.services.hub.watch(account, self._hinted)
        self._owners = owners

    def _events_of(self, row: Mailbox, subscribed: AbstractSet[str]) -> int:
        return self._events(row.name, row.role, subscribed)

    def _events(self, name: str, role: str | None, subscribed: AbstractSet[str]) -> int:
        """RFC 5465 §6: several groups may be about one mailbox."""
        found = 0
        for source, names, events in self._groups:
            if events & ~found and is_in(name, role, source, names, subscribed):
                found |= events
        return found

    def tells_metadata(self, row: Mailbox | None) -> bool:
        """Whether changed annotations of a mailbox, or of the server, are wanted."""
        if row is None:
            return any(events & e.SERVER_METADATA_CHANGE for *_, events in self._groups)
        return bool(self._events_of(row, self._subscribed) & e.MAILBOX_METADATA_CHANGE)

    # --- saying ---

    def _tell(self, row: Mailbox, events: int) -> None:
        """RFC 5465 §5.1 to §5.3: what changed in a mailbox that is not selected."""
        selected, was = self._session.selected, self._seen.get(row.id)
        if was is None or row.modseq <= was.modseq or (selected is not None and selected.id == row.id):
            return
        self._seen[row.id] = _Seen(row.uidvalidity, row.uidnext, row.messages, row.unseen, row.modseq)
        arrived, more = row.uidnext - was.uidnext, row.messages - was.messages
        own = self._own.pop(row.id, 0)
        if (own and own == arrived == more) or not events & e.OF_MESSAGES:
            return
        if arrived or more:
            self._say(row, ("UIDVALIDITY", "UIDNEXT", "MESSAGES"), events)
        elif events & e.FLAG_CHANGE and (
            self._session.enabled & CONDSTORE or was.unseen not in (row.unseen, _UNKNOWN)
        ):
            self._say(row, ("UIDVALIDITY",), events)

    def _tell_new(self, row: Mailbox) -> None:
        events = self._events_of(row, self._subscribed)
        # RFC 5465 §5.1: with FlagChange a new UIDVALIDITY is told, as of a mailbox that was made anew.
        selected = self._session.selected
        is_selected = selected is not None and selected.id == row.id
        if not is_selected and (row.uidnext > 1 or events & e.FLAG_CHANGE):
            self._say(row, ("UIDVALIDITY", "UIDNEXT", "MESSAGES"), events)

    def _say(self, row: Mailbox, names: tuple[str, ...], events: int) -> None:
        self._write(
            _format_status(
                row,
                names,
                unseen=bool(events & e.FLAG_CHANGE),
                modseq=row.modseq if self._session.enabled & CONDSTORE else 0,
                utf8=self._session.utf8,
            )
        )

    async def _first_status(self, row: Mailbox) -> bytes:
        selected = self._session.selected
        if selected is not None and selected.id == row.id:
            return b""
        flags = bool(self._events_of(row, self._subscribed) & e.FLAG_CHANGE)
        # RFC 5465 §3.1: with FlagChange HIGHESTMODSEQ, whether CONDSTORE was enabled or not.
        names = ("UIDVALIDITY", "UIDNEXT", "MESSAGES")
        modseq = await metadata.highest_modseq(self._session, row, row.modseq) if flags else 0
        return _format_status(row, names, unseen=flags, modseq=modseq, utf8=self._session.utf8)

    def _overflow(self) -> None:
        """RFC 5465 §5.8: from now on it is as after NOTIFY NONE."""
        text = b"OK [%b] Too many mailboxes to watch; NOTIFY again with fewer of them" % NOTIFICATIONOVERFLOW
        self._write(b"* %b\r\n" % translate(text, self._session.language))
        self.close()
        self._groups, self._selected = [], e.WantedSelected(0)
        self._names, self._seen = {}, {}

    def _write(self, data: bytes) -> None:
        self._session.write(data)


def _format_status(row: Mailbox, names: tuple[str, ...], *, unseen: bool, modseq: int, utf8: bool) -> bytes:
    values = {"UIDVALIDITY": row.uidvalidity, "UIDNEXT": row.uidnext, "MESSAGES": row.messages}
    items: list[tuple[str, int | str]] = [(name, values[name]) for name in names]
    if unseen:
        items.append(("UNSEEN", row.unseen))
    if modseq:
        items.append(("HIGHESTMODSEQ", modseq))
    return response.format_status(row.name, items, utf8=utf8)
