"""Searches whose results are kept up to date: UPDATE and CANCELUPDATE.  RFC 5267 §4.3, RFC 5465 §7.

A context holds its keys and the UIDs of its results in their order.  When the selected mailbox moves on, the messages
that are new or whose flags changed are tested again, and the difference is said; `look.sync` calls `before` and
`after` around its own announcements, so that message numbers are right where they stand.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

from posthouse.core.errors import MailError
from posthouse.storage.rows import Changes
from posthouse.wire.imap import command as c
from posthouse.wire.imap import search_key as k
from posthouse.wire.imap.format_context import ADD, REMOVE, Update, format_updates
from posthouse.wire.imap.response_code import code_noupdate
from posthouse.wire.imap.sequence_set import NUMBER_MAX, STAR, SequenceSet

from .context_order import SortedPlaces
from .fetch import fetch
from .find import find_in, off_loop
from .text import translate
from .view import View, uid_ranges

if TYPE_CHECKING:
    from .session import ImapSession

_OF_FLAGS: Final = (k.Flag, k.Keyword, k.ModSeq)
TAG_IN_USE: Final = (
    b"BAD [CLIENTBUG] This tag is that of a search which is kept up to date; CANCELUPDATE it first"
)


@final
class Context:
    __slots__ = ("by_flags", "criteria", "items", "key", "results", "tag", "uid")

    def __init__(self, command: c.Search, key: k.SearchKey, uids: Sequence[int]) -> None:
        self.tag = command.tag
        self.uid = command.uid
        self.key = key
        self.criteria = command.criteria if isinstance(command, c.Sort) else None
        self.items = command.updated
        self.results = array("I", uids)
        self.by_flags = any(isinstance(leaf, _OF_FLAGS) for leaf in k.leaves(key))

    def holds(self, uid: int) -> bool:
        """For results in the order of the mailbox."""
        at = bisect_left(self.results, uid)
        return at < len(self.results) and self.results[at] == uid


@final
class Contexts:
    """Those of one selected mailbox; they end with it."""

    __slots__ = ("_of_tag", "_pending")

    def __init__(self) -> None:
        self._of_tag: dict[bytes, Context] = {}
        self._pending: dict[int, None] = {}  # UIDs to be tested again, in no order

    def __bool__(self) -> bool:
        return bool(self._of_tag)

    def __contains__(self, tag: bytes) -> bool:
        return tag in self._of_tag

    @property
    def is_behind(self) -> bool:
        return bool(self._pending and self._of_tag)

    def add(self, context: Context) -> None:
        self._of_tag[context.tag] = context

    def cancel(self, tags: Sequence[bytes]) -> bool:
        """Whether all of them were in use."""
        ended = [self._of_tag.pop(tag, None) for tag in tags]
        return None not in ended

    def count(self) -> int:
        return len(self._of_tag)

    def before(self, view: View, changes: Sequence[Changes]) -> bytes:
        """What leaves the results because it is gone, in the numbers of before its EXPUNGE."""
        # RFC 5267 §4.3.4: said before EXPUNGE; also while EXPUNGE is held back (Appendix A.3).
        gone = sorted({uid for change in changes for uid in change.expunged}.union(view.gone))
        left = [(context, _remove(context, gone)) for context in self._of_tag.values()] if gone else ()
        return b"".join([_format(context, view, removed) for context, removed in left if removed])

    def touched(self, view: View, changes: Sequence[Changes]) -> None:
        """Remember what `after` has to look at; `view` is that of before."""
        for change in changes:
            self._pending.update(dict.fromkeys([uid for uid, _, at in change.changed if at > view.modseq]))

    async def after(self, session: ImapSession, uidnext: int) -> None:
        """The messages that are new (from `uidnext` on) or have other flags: those that came and went."""
        view = session.mailbox.view
        touched = view.present(sorted(self._pending))
        try:
            for context in list(self._of_tag.values()):
                asked = touched if context.by_flags else touched[bisect_left(touched, uidnext) :]
                if asked:
                    await _test_again(session, context, asked, uidnext)
        except MailError:
            return  # the next look tests them again
        self._pending.clear()


async def _test_again(session: ImapSession, context: Context, asked: list[int], uidnext: int) -> None:
    selected = session.mailbox
    key = k.And((k.Uid(SequenceSet(tuple(uid_ranges(asked)))), context.key))
    found = await find_in(session, selected, key, session.flag_lists.keywords)
    came, updates = await off_loop(len(asked), _compare, context, asked, found.uids)
    if came and context.criteria is not None:
        updates += await SortedPlaces(session, context.criteria, context.results).add(came)
    if new := [uid for uid in came if uid >= uidnext] if context.items else []:
        # RFC 5465 §7: FETCH of new messages, not of those that come by their flags, before ESEARCH.
        await fetch(
            session, c.Fetch(b"", SequenceSet(tuple(uid_ranges(new))), context.items, uid=context.uid)
        )
    if updates:
        session.write(await off_loop(len(updates), _format, context, selected.view, updates))


def _compare(context: Context, asked: list[int], matching: list[int]) -> tuple[list[int], list[Update]]:
    """Who came, and what to say; those that come to a sorted context have no place yet."""
    matches = frozenset(matching)
    held = context.holds if context.criteria is None else frozenset(context.results).__contains__
    came = [uid for uid in asked if uid in matches and not held(uid)]
    updates = _remove(context, [uid for uid in asked if uid not in matches and held(uid)])
    if came and context.criteria is None:
        context.results = array("I", sorted([*context.results, *came]))
        updates += [(ADD, 0, uid) for uid in came]
    return came, updates


def _remove(context: Context, uids: Sequence[int]) -> list[Update]:
    results = context.results
    if context.criteria is None:
        out: list[Update] = [(REMOVE, 0, uid) for uid in uids if context.holds(uid)]
        # perf: one pass, as each removal by itself moves what follows it
        leaving = frozenset([uid for _, _, uid in out])
        if leaving:
            context.results = array("I", [uid for uid in results if uid not in leaving])
        return out
    leaving = frozenset(uids)
    places = [at for at, uid in enumerate(results) if uid in leaving]
    out = [(REMOVE, at + 1 - earlier, results[at]) for earlier, at in enumerate(places)]
    if places:
        context.results = array("I", [uid for uid in results if uid not in leaving])
    return out


def _format(context: Context, view: View, updates: list[Update]) -> bytes:
    if not context.uid:
        updates = [(kind, place, view.seq_of(uid)) for kind, place, uid in updates]
    return format_updates(context.tag, updates, uid=context.uid)


# --- the commands ---


def in_use(session: ImapSession, command: c.Search) -> bool:
    """RFC 5267 §4.3: UPDATE with the tag of another search that used it is refused."""
    contexts = session.selected.contexts if session.selected is not None else None
    return "UPDATE" in (command.returns or ()) and contexts is not None and command.tag in contexts


def keep(
    session: ImapSession, command: c.Search, key: k.SearchKey, uids: Sequence[int], *, is_whole: bool = True
) -> None:
    """Keep the results of a searching command up to date, if it asked for that and they are all of them."""
    if "UPDATE" not in (command.returns or ()):
        return
    selected, limits = session.mailbox, session.services.limits
    contexts = selected.contexts or Contexts()
    refusal = b""
    if contexts.count() >= limits.contexts_max:
        refusal = b"Too many searches are kept up to date; CANCELUPDATE one"
    elif len(uids) > limits.context_results_max or not is_whole:
        refusal = b"Too many results to keep up to date; search for less"
    elif isinstance(command, c.Sort) and command.by_relevancy:
        refusal = b"An order by RELEVANCY is not kept up to date; sort again"
    elif any(isinstance(leaf, k.Within) for leaf in k.leaves(key)):
        refusal = b"Results of OLDER and YOUNGER change by themselves; search again"
    if refusal:
        # RFC 5267 §4.3.1: everything else is done as asked.
        answer = b"NO [%b] %b" % (code_noupdate(command.tag), refusal)
        session.write(b"* %b\r\n" % translate(answer, session.language))
        return
    contexts.add(Context(command, frozen(selected.view, key), uids))
    selected.contexts = contexts


def frozen(view: View, key: k.SearchKey) -> k.SearchKey:
    """RFC 5267 §4.3: message numbers, `$` and `*` mean what they meant when the command came."""

    def freeze(leaf: k.SearchKey) -> k.SearchKey:
        if isinstance(leaf, k.Sequence) or (isinstance(leaf, k.Uid) and leaf.numbers.saved):
            ranges = tuple(view.resolve(leaf.numbers, uid=isinstance(leaf, k.Uid)))
        elif isinstance(leaf, k.Uid):
            last = view.uids[-1] if view.uids else 0
            ranges = tuple([_without_star(first, end, last) for first, end in leaf.numbers.ranges])
        else:
            return leaf
        return k.Uid(SequenceSet(ranges)) if ranges else k.Not(k.All())

    return k.replace_leaves(key, freeze)


def _without_star(first: int, end: int, last: int) -> tuple[int, int]:
    """`n:*` goes on to whatever will be the last one; `*` alone is the last one now."""
    if first == end == STAR:
        return last or NUMBER_MAX, last or NUMBER_MAX
    if STAR in (first, end):
        return min(first or end, last or NUMBER_MAX), NUMBER_MAX
    return first, end


async def cancel_update(session: ImapSession, command: c.CancelUpdate) -> bytes:
    contexts = session.mailbox.contexts
    if contexts is None or not contexts.cancel(command.tags):
        return b"BAD No search with such a tag is kept up to date; the others ended"
    return b"OK CANCELUPDATE completed"
