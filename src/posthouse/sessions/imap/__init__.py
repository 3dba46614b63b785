"""IMAP sessions: RFC 9051 and RFC 3501 over `wire.imap`, `services.mailboxes` and the storage ports.

Contract
- One file per command or family of commands, named after it; `table.COMMANDS` says who runs what in which state.
- A handler is `async (session, command) -> bytes | None`: it writes untagged data by `session.write`, and returns what
  follows the tag.  It raises domain errors, which `answer` turns into NO.  Then the session looks at the mailbox
  (`ImapSession.sync`), announces what happened, and sends the tagged line: one write for all of it.
- Reads go to the storage ports directly, changes of the mailbox list through `services.mailboxes`.
- An idle session owns no task and no copy of a mailbox: `view.View` refers to the shared snapshot of the hub.

Imports `wire.imap`, `wire.sasl`, `mime`, `storage.ports`, `storage.rows`, `services.mailboxes`; never another protocol.
"""

from .clients import ClientSwitch
from .services import ImapLimits, ImapServices
from .session import ImapSession
from .table import COMMANDS

__all__ = ["COMMANDS", "ClientSwitch", "ImapLimits", "ImapServices", "ImapSession"]
