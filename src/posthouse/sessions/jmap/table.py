"""Every method: the capability it belongs to, what the credential must allow, its arguments, its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct

from posthouse.core.scope import READ

from . import arguments as a
from . import core, email, email_query, email_set, mailbox, mailbox_set, thread

CORE: Final = "urn:ietf:params:jmap:core"
MAIL: Final = "urn:ietf:params:jmap:mail"

Handler = Callable[[Any, Any], Awaitable[dict[str, Any]]]


class Method(Struct, frozen=True):
    capability: str
    actions: int  # bits of `core.scope`
    arguments: type[a.Arguments] | None  # None: whatever is given
    handler: Handler


METHODS: Final[dict[str, Method]] = {
    "Core/echo": Method(CORE, 0, None, core.echo),
    "Mailbox/get": Method(MAIL, READ, a.Get, mailbox.get_mailboxes),
    "Mailbox/changes": Method(MAIL, READ, a.Changes, mailbox.mailbox_changes),
    "Mailbox/query": Method(MAIL, READ, mailbox.MailboxQuery, mailbox.query_mailboxes),
    "Mailbox/queryChanges": Method(MAIL, READ, mailbox.MailboxQueryChanges, mailbox.mailbox_query_changes),
    "Mailbox/set": Method(MAIL, READ, mailbox_set.MailboxSet, mailbox_set.set_mailboxes),
    "Thread/get": Method(MAIL, READ, a.Get, thread.get_threads),
    "Thread/changes": Method(MAIL, READ, a.Changes, thread.thread_changes),
    "Email/get": Method(MAIL, READ, email.EmailGet, email.get_emails),
    "Email/changes": Method(MAIL, READ, a.Changes, email.email_changes),
    "Email/query": Method(MAIL, READ, email_query.EmailQuery, email_query.query_emails),
    "Email/queryChanges": Method(MAIL, READ, email_query.EmailQueryChanges, email_query.email_query_changes),
    "Email/set": Method(MAIL, READ, a.Set, email_set.set_emails),
    "Email/copy": Method(MAIL, READ, email_set.EmailCopy, email_set.copy_emails),
    "Email/import": Method(MAIL, READ, email_set.EmailImport, email_set.import_emails),
    "Email/parse": Method(MAIL, READ, email.EmailParse, email.parse_emails),
}
