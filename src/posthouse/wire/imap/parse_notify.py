"""NOTIFY.  RFC 5465 §8."""

from __future__ import annotations

from . import notify_events as e
from .command import Notify
from .cursor import Cursor
from .fetch_item import FetchItem
from .parse_esearch import names_of_mailboxes
from .parse_fetch import item_list

GROUPS_MAX = 100
NAMES_MAX = 1000
"""Mailboxes that one NOTIFY names."""
PLAIN = frozenset(("SELECTED", "SELECTED-DELAYED", "INBOXES", "PERSONAL", "SUBSCRIBED"))
NAMING = frozenset(("SUBTREE", "MAILBOXES"))


# notify = "NOTIFY" SP (notify-set / notify-none)
def notify(c: Cursor) -> Notify:
    c.space()
    if c.try_word(b"NONE"):
        return Notify(c.tag)
    if not c.try_word(b"SET"):
        raise c.expected("SET or NONE")
    c.space()
    wanted = e.Wanted()
    # status-indicator = SP "STATUS"
    if c.try_word(b"STATUS"):
        wanted.status = True
        c.space()
    # event-groups = event-group *(SP event-group)
    while True:
        _group(c, wanted)
        if len(wanted.groups) > GROUPS_MAX:
            raise c.error(f"More than {GROUPS_MAX} groups; name several mailboxes in one")
        if sum(len(names) for _, names, _ in wanted.groups) > NAMES_MAX:
            raise c.error(f"More than {NAMES_MAX} mailboxes; SUBTREE names all below one")
        if not c.try_char(b" "):
            return Notify(c.tag, wanted)


# event-group = "(" filter-mailboxes SP events ")"
def _group(c: Cursor, wanted: e.Wanted) -> None:
    c.char(b"(", "'(' before a set of mailboxes and its events")
    source = c.label("a set of mailboxes such as SELECTED or PERSONAL")
    names: tuple[str, ...] = ()
    if source in NAMING:
        c.space()
        names = names_of_mailboxes(c)
    elif source not in PLAIN:
        raise c.error(f"Unknown set of mailboxes {source}, before this")
    c.space()
    events, items = _events(c, selected=source.startswith("SELECTED"))
    c.char(b")", "')' after the events")
    if not source.startswith("SELECTED"):
        wanted.groups.append((source, names, events))
    elif wanted.selected is not None:
        # RFC 5465 §6.1: only one of the two may be there.
        raise c.error("SELECTED or SELECTED-DELAYED can be there once, before this")
    else:
        wanted.selected = e.WantedSelected(events, items, delayed=source == "SELECTED-DELAYED")


# events = ( "(" event *(SP event) ")" ) / "NONE"
def _events(c: Cursor, *, selected: bool) -> tuple[int, tuple[FetchItem, ...]]:
    if c.try_word(b"NONE"):
        return 0, ()
    c.char(b"(", "'(' before events, or NONE")
    events = 0
    items: tuple[FetchItem, ...] = ()
    while True:
        event = _event(c)
        if selected and event & ~e.OF_MESSAGES:
            # RFC 5465 §6.1
            raise c.error("Only events of messages can be asked for of SELECTED, before this")
        events |= event
        # message-event = "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"] / ...
        more = c.try_char(b" ")
        if more and event == e.MESSAGE_NEW and c.peek() == b"(":
            if not selected:
                raise c.error("What to fetch can be told of SELECTED only")
            items = item_list(c)
            more = c.try_char(b" ")
        if not more:
            break
    c.char(b")", "')' or a space and another event")
    # RFC 5465 §5: MessageNew and MessageExpunge come together, FlagChange with both.
    both = e.MESSAGE_NEW | e.MESSAGE_EXPUNGE
    if events & e.OF_MESSAGES and events & both != both:
        raise c.error("MessageNew, MessageExpunge: each needs the other, FlagChange needs both; before this")
    return events, items


def _event(c: Cursor) -> int:
    name = c.atom("an event such as MessageNew")
    event = e.EVENTS.get(name.upper())
    if event is None:
        # RFC 5465 §3.1: NO, and the events there are.
        error = c.error(f"This server does not tell of {name}, it does of those listed")
        error.status, error.code = b"NO", b"BADEVENT (%b)" % " ".join(e.NAMES).encode("ascii")
        raise error
    return event
