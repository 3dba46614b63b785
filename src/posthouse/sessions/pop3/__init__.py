"""POP3 policy: what each command may do, in which state, and what it answers.

`table.COMMANDS` has one row per command: the states it is valid in and its handler, one file per subject.
The maildrop itself (lock, view, deletion policy) is `services.maildrop`; bytes are `wire.pop3`'s.  Handlers
that need no store answer at once; the others return a coroutine, which the session base runs before it takes
the next command, so answers are in the order of the commands however many were pipelined.
"""

from posthouse.sessions.pop3.delay import LoginDelay
from posthouse.sessions.pop3.session import Pop3Session
from posthouse.sessions.pop3.settings import Pop3Settings

__all__ = ["LoginDelay", "Pop3Session", "Pop3Settings"]
