"""LIST and LSUB.  RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154 §5.2; RFC 3501 §6.3.9 for LSUB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from posthouse.core.ids import MailboxId
from posthouse.core.rights import LOOKUP, NOTHING, READ, format_rights
from posthouse.services.mailboxes import DELIMITER, superiors
from posthouse.services.namespaces import may_be_foreign
from posthouse.services.rights import Place
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.format_acl import format_myrights
from posthouse.wire.imap.list_pattern import ListPattern

from .metadata import all_values, shows_metadata
from .status import status_items

if TYPE_CHECKING:
    from .session import ImapSession

SPECIAL_USE: Final = {
    "sent": "\\Sent",
    "drafts": "\\Drafts",
    "junk": "\\Junk",
    "trash": "\\Trash",
    "archive": "\\Archive",
}


class Tree:
    """The mailboxes and subscriptions of an account, as LIST sees them."""

    def __init__(self, places: list[Place], subscribed: list[str]) -> None:
        # RFC 4314 §4: what one may not look up is as if it were not there.
        self.places = {place.row.name: place for place in places if place.rights & LOOKUP}
        self.rows = {name: place.row for name, place in self.places.items()}
        # RFC 6154 §2: a use is one of this user's; a client must not file into somebody else's \Sent.
        self.uses = {
            name: use
            for name, place in self.places.items()
            if not place.foreign and (use := SPECIAL_USE.get(place.row.role or ""))
        }
        self.subscribed = frozenset(subscribed)
        self.parents = {superior for name in self.rows for superior in superiors(name)}
        self.metadata: dict[MailboxId, dict[str, bytes]] = {}
        self.above_subscribed = {superior for name in self.subscribed for superior in superiors(name)}

    def attributes(self, name: str, *, subscribed: bool) -> list[str]:
        row = self.rows.get(name)
        out: list[str] = []
        if row is None:
            out.append("\\NonExistent")
        # RFC 5258 §4, RFC 3348 §3: costs nothing, so it is always said.
        out.append("\\HasChildren" if name in self.parents else "\\HasNoChildren")
        if name in self.uses:
            out.append(self.uses[name])
        if subscribed and name in self.subscribed:
            out.append("\\Subscribed")
        return out


async def list_(session: ImapSession, command: c.List) -> bytes:
    if not command.extended and command.patterns == ("",):
        # RFC 9051 §6.3.9: an empty name asks for the delimiter and the root of the reference.
        session.write(response.format_list(("\\Noselect",), "", utf8=session.utf8))
        return b"OK LIST completed"
    patterns = [ListPattern(command.reference, pattern) for pattern in command.patterns]
    tree = await _tree(session, [command.reference + pattern for pattern in command.patterns])
    names = [
        name for name in _selected_names(tree, command) if any(pattern.matches(name) for pattern in patterns)
    ]
    tree.metadata = await all_values(session, tree.rows.values()) if command.metadata else {}
    session.write(b"".join([await _entry(session, tree, command, name) for name in names]))
    return b"OK LIST completed"


async def _tree(session: ImapSession, patterns: list[str]) -> Tree:
    # perf: other accounts are only looked at when their names could match
    foreign = any(may_be_foreign(pattern) for pattern in patterns)
    places = await session.services.rights.all(session.eyes, foreign=foreign)
    return Tree(places, await session.services.rights.subscriptions(session.eyes))


def _selected_names(tree: Tree, command: c.List) -> list[str]:
    """Names before the patterns, in order; INBOX first."""
    names = set(tree.rows) | tree.parents
    if "SUBSCRIBED" in command.select:
        # RFC 9051 §6.3.9.1: subscribed names that no longer exist are listed too.
        names = set(tree.subscribed)
        if "RECURSIVEMATCH" in command.select:
            names |= tree.above_subscribed
    if "SPECIAL-USE" in command.select:
        names &= tree.uses.keys()
    return sorted(names, key=lambda name: (name != "INBOX", name))


async def _entry(session: ImapSession, tree: Tree, command: c.List, name: str) -> bytes:
    subscribed = "SUBSCRIBED" in command.select or "SUBSCRIBED" in command.returns
    child_info: tuple[str, ...] = ()
    # RFC 5258 §3.5: says why a name is there that is not subscribed itself, and of which others there is more.
    if "RECURSIVEMATCH" in command.select and name in tree.above_subscribed:
        child_info = ("SUBSCRIBED",)
    line = response.format_list(
        tree.attributes(name, subscribed=subscribed), name, utf8=session.utf8, child_info=child_info
    )
    row = tree.rows.get(name)
    rights = tree.places[name].rights if row is not None else NOTHING
    if "STATUS" in command.returns and row is not None and rights & READ:
        # RFC 5819 §2: after its LIST response, and not for names that cannot be selected.
        items = await status_items(session, row, command.status_items)
        line += response.format_status(name, items, utf8=session.utf8)
    if "MYRIGHTS" in command.returns and row is not None:
        # RFC 8440 §3: after the LIST response.
        line += format_myrights(name, format_rights(rights), utf8=session.utf8)
    if command.metadata and row is not None and shows_metadata(rights):
        # RFC 9590: after the LIST response; entries without a value are NIL.
        known = tree.metadata.get(row.id, {})
        values = [(entry, known.get(entry)) for entry in command.metadata]
        line += response.format_metadata(name, values, utf8=session.utf8)
    return line


async def lsub(session: ImapSession, command: c.Lsub) -> bytes:
    tree = await _tree(session, [])
    pattern = ListPattern(command.reference, command.pattern)
    out: list[bytes] = []
    if not command.pattern:
        out.append(response.format_list(("\\Noselect",), "", utf8=session.utf8, word=b"LSUB"))
    # RFC 3501 §6.3.9: with %, a name above a subscribed one is shown, as \Noselect when not subscribed itself.
    names = set(tree.subscribed)
    if command.pattern.endswith("%"):
        names |= tree.above_subscribed
    for name in sorted(names, key=lambda name: (name != "INBOX", name)):
        if pattern.matches(name):
            attributes = () if name in tree.subscribed else ("\\Noselect",)
            out.append(
                response.format_list(attributes, name, utf8=session.utf8, delimiter=DELIMITER, word=b"LSUB")
            )
    session.write(b"".join(out))
    return b"OK LSUB completed"
