"""Signs of life during commands that take long.  RFC 9585."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, final

from posthouse.wire.imap.response import format_string

if TYPE_CHECKING:
    from .session import ImapSession

PERIOD_S: Final = 10.0
"""Clients give up on a silent server after half a minute or later."""


@final
class Progress:
    """Tells the client every PERIOD_S seconds that its command is still being worked on, until `stop`."""

    __slots__ = ("_session", "_tag", "_timer")

    def __init__(self, session: ImapSession, tag: bytes) -> None:
        self._session = session
        self._tag = tag
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self.tell)

    def tell(self) -> None:
        peer = self._session.peer
        if not peer.must_drain:
            # RFC 9585: how much there is to do is not known, so the numbers are NIL.
            peer.write(b"* OK [INPROGRESS (%b NIL NIL)] Still working on it\r\n" % format_string(self._tag))
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self.tell)

    def stop(self) -> None:
        self._timer.cancel()
