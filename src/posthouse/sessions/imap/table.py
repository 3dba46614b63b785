"""The one table of commands: in which states each may run, who runs it, and when EXPUNGE may be announced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from . import (
    acl,
    append,
    capability,
    compress,
    context,
    copy,
    esearch,
    expunge,
    fetch,
    idle,
    jmap_access,
    language,
    login,
    mailbox,
    metadata,
    notify,
    quota,
    search,
    select,
    status,
    store,
)
from . import list as list_command
from . import sort as sort_command
from . import thread as thread_command
from .answer import Answers
from .state import ANY_STATE, LOGGED_IN, NOT_AUTHENTICATED, SELECTED

Handler = Callable[[Any, Any], Awaitable[bytes | None]]
"""(session, command) -> what follows the tag in the answer, or None when the command has answered or goes on."""


@dataclass(slots=True, frozen=True)
class Entry:
    """`expunge`: RFC 9051 §7.5.1, not during FETCH, STORE and SEARCH, but during their UID forms.

    `slow`: may take long and sends nothing of its own meanwhile, so signs of life are sent (RFC 9585).
    """

    states: int
    handler: Handler
    errors: Answers | None = None
    expunge: bool = True
    expunge_by_uid: bool = True
    slow: bool = False


COMMANDS: Final[dict[str, Entry]] = {
    # RFC 9051 §6.1
    "CAPABILITY": Entry(ANY_STATE, capability.capability),
    "NOOP": Entry(ANY_STATE, capability.noop),
    "LOGOUT": Entry(ANY_STATE, capability.logout),
    "ID": Entry(ANY_STATE, capability.identify),  # RFC 2971
    # RFC 9051 §6.2
    "STARTTLS": Entry(NOT_AUTHENTICATED, login.start_tls),
    "AUTHENTICATE": Entry(NOT_AUTHENTICATED, login.authenticate, login.ERRORS),
    "LOGIN": Entry(NOT_AUTHENTICATED, login.login, login.ERRORS),
    "COMPRESS": Entry(LOGGED_IN, compress.compress),  # RFC 4978
    "LANGUAGE": Entry(ANY_STATE, language.language),  # RFC 5255
    "GETJMAPACCESS": Entry(LOGGED_IN, jmap_access.get_jmap_access),  # RFC 9698
    "UNAUTHENTICATE": Entry(LOGGED_IN, login.unauthenticate),  # RFC 8437
    # RFC 9051 §6.3
    "ENABLE": Entry(LOGGED_IN, capability.enable),
    # What goes while SELECT is answered is told afterwards: a client takes the answer for one picture.
    "SELECT": Entry(LOGGED_IN, select.select, expunge=False),
    "EXAMINE": Entry(LOGGED_IN, select.select, expunge=False),
    "CREATE": Entry(LOGGED_IN, mailbox.create, mailbox.CREATE_ERRORS),
    "DELETE": Entry(LOGGED_IN, mailbox.delete, mailbox.DELETE_ERRORS, slow=True),
    "RENAME": Entry(LOGGED_IN, mailbox.rename, mailbox.RENAME_ERRORS, slow=True),
    "SUBSCRIBE": Entry(LOGGED_IN, mailbox.subscribe),
    "UNSUBSCRIBE": Entry(LOGGED_IN, mailbox.unsubscribe),
    "LIST": Entry(LOGGED_IN, list_command.list_),
    "LSUB": Entry(LOGGED_IN, list_command.lsub),  # RFC 3501 §6.3.9
    "NAMESPACE": Entry(LOGGED_IN, mailbox.namespace),
    "STATUS": Entry(LOGGED_IN, status.status),
    "APPEND": Entry(LOGGED_IN, append.catenate, append.ERRORS),  # RFC 4469, of URLs alone; others stream
    "GETMETADATA": Entry(LOGGED_IN, metadata.get_metadata),  # RFC 5464
    "SETMETADATA": Entry(LOGGED_IN, metadata.set_metadata, metadata.ERRORS),
    "GETACL": Entry(LOGGED_IN, acl.get_acl),  # RFC 4314
    "SETACL": Entry(LOGGED_IN, acl.set_acl, acl.ERRORS),
    "DELETEACL": Entry(LOGGED_IN, acl.delete_acl, acl.ERRORS),
    "LISTRIGHTS": Entry(LOGGED_IN, acl.list_rights, acl.ERRORS),
    "MYRIGHTS": Entry(LOGGED_IN, acl.my_rights),
    "GETQUOTA": Entry(LOGGED_IN, quota.get_quota, quota.ERRORS),  # RFC 9208
    "GETQUOTAROOT": Entry(LOGGED_IN, quota.get_quota_root),
    "SETQUOTA": Entry(LOGGED_IN, quota.set_quota, quota.ERRORS),
    "ESEARCH": Entry(LOGGED_IN, esearch.esearch, slow=True),  # RFC 7377
    "IDLE": Entry(LOGGED_IN, idle.idle),
    "NOTIFY": Entry(LOGGED_IN, notify.notify),  # RFC 5465
    # RFC 9051 §6.4
    "CHECK": Entry(SELECTED, capability.check),  # RFC 3501 §6.4.1
    "CLOSE": Entry(SELECTED, select.close, slow=True),
    "UNSELECT": Entry(SELECTED, select.unselect),
    "EXPUNGE": Entry(SELECTED, expunge.expunge, slow=True),
    "SEARCH": Entry(SELECTED, search.search, expunge=False, slow=True),
    "SORT": Entry(SELECTED, sort_command.sort, expunge=False, slow=True),  # RFC 5256
    "CANCELUPDATE": Entry(SELECTED, context.cancel_update),  # RFC 5267
    "THREAD": Entry(SELECTED, thread_command.thread, expunge=False, slow=True),  # RFC 5256
    "FETCH": Entry(SELECTED, fetch.fetch, fetch.ERRORS, expunge=False),
    "STORE": Entry(SELECTED, store.store, expunge=False, slow=True),
    "COPY": Entry(SELECTED, copy.copy, copy.ERRORS, slow=True),
    "MOVE": Entry(SELECTED, copy.move, copy.ERRORS, slow=True),
}
