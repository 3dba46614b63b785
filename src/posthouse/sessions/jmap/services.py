"""What JMAP is given, once per worker, and the limits it keeps to."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from posthouse.core.ports import Clock, Ids
from posthouse.services.contacts import ContactService
from posthouse.services.delivery import DeliveryService
from posthouse.services.email_search import EmailSearch
from posthouse.services.file_links import FileLinks
from posthouse.services.grant import Grant
from posthouse.services.mailbox_counts import MailboxCounts
from posthouse.services.mailboxes import MailboxService
from posthouse.services.pictures import Pictures
from posthouse.services.presence import Presence
from posthouse.services.shared_accounts import SharedAccounts
from posthouse.services.team_work import TeamWorkService
from posthouse.storage.email_rows import Upload
from posthouse.storage.ports import Store
from posthouse.storage.rows import ContentDraft

from .email_known import KnownEmails


class JmapLimits(Struct, frozen=True):
    """The first seven are announced under the names of RFC 8620 §2."""

    upload_max_bytes: int = 50 * 1024 * 1024
    """maxSizeUpload"""
    uploads_at_once: int = 4
    """maxConcurrentUpload, of one account in each worker"""
    request_max_bytes: int = 10_000_000
    """maxSizeRequest"""
    requests_at_once: int = 8
    """maxConcurrentRequests, of one account in each worker"""
    calls_max: int = 32
    """maxCallsInRequest"""
    get_max: int = 1000
    """maxObjectsInGet"""
    set_max: int = 10_000
    """maxObjectsInSet"""
    query_max: int = 5_000
    """Ids in one answer to a query; a client that wants more asks again."""
    changes_max: int = 10_000
    """Ids in one answer to /changes."""
    filter_max: int = 256
    """Conditions and operators of one filter."""
    response_max_bytes: int = 64 * 1024 * 1024
    """Values of bodies and data of blobs in one response."""
    uploaded_max_bytes: int = 1024 * 1024 * 1024
    """Uploads of one account that no message uses yet."""
    uploaded_max: int = 1000
    """Their number."""
    mailbox_depth_max: int = 20
    mailboxes_of_email_max: int = 1000
    """maxMailboxesPerEmail: into more of them JMAP puts no email."""
    message_max_bytes: int = 50 * 1024 * 1024
    recipients_max: int = 1000
    hold_max_s: int = 30 * 86400
    """FUTURERELEASE: how long a submission may be held (RFC 4865)."""
    event_sources_max: int = 100
    """Push connections of one account in each worker."""
    subscriptions_max: int = 50
    """Push subscriptions of one account."""


@dataclass(slots=True)
class JmapServices:
    store: Store
    mailboxes: MailboxService
    counts: MailboxCounts
    search: EmailSearch
    delivery: DeliveryService
    clock: Clock
    ids: Ids
    hostname: str
    contacts: ContactService
    limits: JmapLimits = field(default_factory=JmapLimits)
    pictures: Pictures = field(init=False)
    shared: SharedAccounts = field(init=False)
    links: FileLinks = field(init=False)
    team_work: TeamWorkService = field(init=False)
    presence: Presence = field(init=False)
    known_emails: KnownEmails = field(default_factory=KnownEmails, init=False)

    def __post_init__(self) -> None:
        self.shared = SharedAccounts(self.store)
        self.pictures = Pictures(self.store, self.clock)
        self.links = FileLinks(self.store, self.clock)
        self.team_work = TeamWorkService(self.store)
        self.presence = Presence(self.store, self.clock)

    async def keep_upload(self, keeper: Grant, draft: ContentDraft, kind: str) -> Upload:
        """`keeper`: with whose uploads.  Raises OverQuota; the content is gone then."""
        return await self.store.uploads.add(
            keeper.account.id,
            draft,
            kind,
            maker=keeper.maker,
            bytes_max=self.limits.uploaded_max_bytes,
            count_max=self.limits.uploaded_max,
        )
