"""Write requests about emails by account, objects and uploads."""

from __future__ import annotations

from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.email_rows import EmailChange, EmailsChanged, ObjectsPut, StoredObject, Upload
from posthouse.storage.rows import ContentDraft, Mailbox
from posthouse.storage.sqlite.request_class import LIGHT_UIDS, Request


class ChangeEmails(Request):
    result = EmailsChanged
    account: AccountId
    changes: list[EmailChange]
    if_modseq: int | None = None
    user: int = 0  # whose \\Seen is changed in mailboxes that have it for each; 0: that of everybody

    @property
    def light(self) -> bool:
        return len(self.changes) <= LIGHT_UIDS // 4


class ChangeMailbox(Request):
    result = Mailbox
    account: AccountId
    mailbox: MailboxId
    name: str | None = None
    role: str | None = None
    sort_order: int | None = None
    subscribed: bool | None = None

    @property
    def light(self) -> bool:
        return self.name is None


class DeleteMailboxById(Request):
    account: AccountId
    mailbox: MailboxId
    with_emails: bool

    @property
    def light(self) -> bool:
        return False


class PutObjects(Request):
    result = ObjectsPut
    account: AccountId
    objects: list[StoredObject]
    if_modseq: int | None = None
    count_max: int = 1000


class AddUpload(Request):
    result = Upload
    account: AccountId
    content: ContentDraft
    media_type: str
    maker: str
    bytes_max: int
    count_max: int


class ExpireUploads(Request):
    """Drop old ones, a limited number at a time; how many."""

    result = int
    synced = False
    before: float
    limit: int


class CutHistory(Request):
    """Forget what left the mailboxes of an account long ago, but for the last `keep` rows."""

    synced = False
    account: AccountId
    keep: int

    @property
    def light(self) -> bool:
        return False
