"""MESSAGELIMIT: how many messages one command may touch, where the administrator sets that.  RFC 9738.

A command that names more does what it may with the newest of them, and its answer says where it ended: the client
goes on with the UIDs below.  COPY, and APPEND of several messages, do all or nothing (RFC 9051 §6.4.7, RFC 3502
§6.3.11).  So do SORT and THREAD: the newest messages in their order are not the beginning of the order of all, and
threads do not end at a UID.  Which is why a server with a limit may be unable to answer them in big mailboxes (RFC 9738
§3.3); names of fewer messages among their keys (UIDAFTER) always help.

A search is measured by the messages that its answer names or that `$` shall stand for (§3.4: cut alike), not by
those it looks at: MIN, MAX and COUNT of a whole mailbox cost an answer of one line.  MULTISEARCH has the limit for
all its mailboxes together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

from posthouse.storage.rows import UidRanges
from posthouse.wire.imap import command as c
from posthouse.wire.imap import response
from posthouse.wire.imap.response import partial_slice
from posthouse.wire.imap.response_code import code_messagelimit
from posthouse.wire.imap.sequence_set import NUMBER_MAX

if TYPE_CHECKING:
    from .find import Found
    from .session import ImapSession

FEW: Final = frozenset(("MIN", "MAX", "PARTIAL"))
"""Return options that name a part of what matches."""

TOO_MUCH: Final = b"OK [LIMIT] Not all mailboxes were searched, too many messages match; name fewer mailboxes"


def cut(session: ImapSession, ranges: UidRanges) -> tuple[UidRanges, int]:
    """What of the ranges one command may touch, and the lowest UID of that; 0 where it is all of them."""
    most, view = session.services.limits.command_messages_max, session.mailbox.view
    if not most or view.count(ranges) <= most:
        return ranges, 0
    kept = view.part(ranges, (-1, -most))
    return kept, kept[0][0]


def newest(session: ImapSession, command: c.Search, uids: list[int]) -> tuple[list[int], int] | None:
    """The same for what a search found, ascending; None where it has to be refused.

    Positions of PARTIAL (RFC 9394 §3.1) count among all that match, so they are given whole or not at all.
    """
    most = session.services.limits.command_messages_max
    if not most or len(uids) <= most or len(_named(command, uids)) <= most:
        return uids, 0
    if command.partial is not None:
        return None
    return uids[-most:], uids[-most]


@final
class Budget:
    """What a search of several mailboxes may still name; of one mailbox it is cut as SEARCH is."""

    __slots__ = ("_alone", "_left", "_lowest", "_session", "ended")

    def __init__(self, session: ImapSession, *, alone: bool) -> None:
        self._session = session
        self._alone = alone
        self._left = session.services.limits.command_messages_max or NUMBER_MAX
        self._lowest = 0
        self.ended = b""  # the answer of the command, once there is too much

    def take(self, command: c.Search, found: Found) -> bool:
        """Whether what was found in the next mailbox may be told; it may have been cut."""
        if not self._alone:
            # RFC 7377 §2.4: it ends where the limit is exceeded; what was told before is whole.
            self._left -= len(_named(command, found.uids))
            self.ended = TOO_MUCH if self._left < 0 else b""
        elif (kept := newest(self._session, command, found.uids)) is None:
            self.ended = refusal(self._session)
        else:
            found.uids, self._lowest = kept
        return not self.ended

    @property
    def is_cut(self) -> bool:
        return self._lowest > 0

    def answer(self, completed: bytes) -> bytes:
        return self.ended or tell(self._session, completed, self._lowest)


def _named(command: c.Search, uids: Sequence[int]) -> Sequence[int]:
    returns = command.returns
    if returns is None or "SAVE" in returns or "ALL" in returns:
        return returned(returns or frozenset(), command.partial, uids)
    few = returns & FEW
    return returned(few, command.partial, uids) if few else ()


def returned(returns: frozenset[str], partial: tuple[int, int] | None, uids: Sequence[int]) -> Sequence[int]:
    """RFC 5182 §2.1, RFC 9394 §3.2: the messages that an answer with such options is about."""
    if returns & {"ALL", "COUNT"} or not returns & FEW:
        return uids
    kept = set(uids[partial_slice(partial, len(uids))]) if partial is not None else set()
    kept.update(uids[:1] if "MIN" in returns else ())
    kept.update(uids[-1:] if "MAX" in returns else ())
    return list(kept)


def tell(session: ImapSession, answer: bytes, lowest: int) -> bytes:
    """The answer of a command that was cut; where it has a code already, a line of its own before it tells."""
    if not lowest or not answer.startswith(b"OK "):
        return answer
    code = code_messagelimit(session.services.limits.command_messages_max, lowest)
    if answer.startswith(b"OK ["):
        session.write(response.ok(b"*", "There are more messages; go on below that UID", code))
        return answer
    return b"OK [%b] %b" % (code, answer.removeprefix(b"OK "))


def too_many(session: ImapSession, count: int) -> bytes | None:
    """The refusal of a command that does all or nothing."""
    most = session.services.limits.command_messages_max
    return refusal(session) if most and count > most else None


def refusal(session: ImapSession) -> bytes:
    code = code_messagelimit(session.services.limits.command_messages_max)
    return b"NO [%b] Too many messages for one command, nothing was done; name fewer" % code
