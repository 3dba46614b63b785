"""What IMAP sessions are given, once per worker."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from msgspec import Struct

from posthouse.core.ports import Clock, Ids
from posthouse.services.acl import AclService
from posthouse.services.mailboxes import MailboxHub, MailboxService
from posthouse.services.rights import Rights
from posthouse.sessions.authentication import SignIn
from posthouse.storage.ports import Store

from .clients import ClientSwitch, Silenced


class ImapLimits(Struct, frozen=True):
    login_timeout_s: float = 180.0
    """A client that has not logged in by then is told BYE."""
    idle_timeout_s: float = 1800.0
    """RFC 9051 §5.4: the inactivity timer is at least 30 minutes."""
    login_failures_max: int = 5
    """Failed logins of one connection; then it is closed."""
    append_max_bytes: int = 50 * 1024 * 1024
    command_messages_max: int = 0
    """Messages that one command may touch (RFC 9738); 0: any number."""
    multiappend_max_messages: int = 5000
    """Messages of one APPEND (RFC 3502); they are committed together."""
    multiappend_max_bytes: int = 128 * 1024 * 1024
    """Octets of the messages of one APPEND together."""
    metadata_max_bytes: int = 32 * 1024
    """Octets of one annotation (RFC 5464)."""
    metadata_max_entries: int = 1000
    """Annotations of one account, over all of its mailboxes."""
    moved: dict[str, str] = {}
    """Addresses, or domains, whose mail is on another IMAP server, and its name (RFC 2221)."""
    client_switches: tuple[ClientSwitch, ...] = ()
    """Capabilities that are not offered to clients that name themselves by ID (RFC 2971)."""
    administrators: tuple[str, ...] = ()
    """Addresses of accounts that may see and set the quotas of all (RFC 9208 §4.1.3)."""
    literal_minus: bool = False
    """RFC 7888 §5: offer LITERAL- in place of LITERAL+, so that long literals wait for our word."""
    bad_commands_max: int = 50
    """Commands of one connection that could not be understood in a row; then it is closed."""
    unseen_scan_max: int = 2000
    """Messages of a mailbox up to which SELECT looks for the first unseen one (RFC 3501 §6.3.1)."""
    notify_mailboxes_max: int = 1000
    """Mailboxes one session may watch by NOTIFY (RFC 5465); with more it is told NOTIFICATIONOVERFLOW."""
    contexts_max: int = 8
    """Searches of one session that are kept up to date (RFC 5267)."""
    context_results_max: int = 200_000
    """Results of a search that is kept up to date."""
    inline_facts_max_bytes: int = 32 * 1024
    """Appended messages up to this size are read on the event loop, larger ones in a thread."""


@dataclass(slots=True)
class ImapServices:
    store: Store
    signin: SignIn
    hub: MailboxHub
    mailboxes: MailboxService
    clock: Clock
    ids: Ids
    hostname: str
    limits: ImapLimits = field(default_factory=ImapLimits)
    jmap: str = ""
    """Address of the session resource of JMAP; "": there is none."""
    silenced: Silenced = field(default_factory=Silenced)
    long_text: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """For whoever reads a long message whole."""
    rights: Rights = field(init=False)
    acl: AclService = field(init=False)

    def __post_init__(self) -> None:
        self.rights = Rights(self.store)
        self.acl = AclService(self.store)
