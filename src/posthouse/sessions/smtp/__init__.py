"""SMTP, submission and LMTP policy: who may do what, when, and what is answered.

`table.COMMANDS` has one row per command: its handler and the states that refuse it.  Bytes are `wire.smtp`'s,
delivery is `services.delivery`'s, passwords are `services.signin`'s.  A listener's name decides the mode: mail
from other servers (mx), from our users (submission), or handed over for final delivery (lmtp).

Handlers that need no store answer at once; the others return a coroutine, which the session base runs before it
takes the next event, so answers are in the order of commands however many were pipelined.
"""

from posthouse.sessions.smtp.session import SmtpSession
from posthouse.sessions.smtp.settings import Mode, SmtpSettings

__all__ = ["Mode", "SmtpSession", "SmtpSettings"]
