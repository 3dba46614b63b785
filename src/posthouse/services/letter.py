"""What a letter on its way is: envelope, origin, outcome.  Shared by delivery, its steps and the queue."""

from __future__ import annotations

from msgspec import Struct, field

from posthouse.core.address import Address
from posthouse.core.errors import MailError
from posthouse.storage.rows import Account


class Origin(Struct):
    """Where a message came from, for its Received field and its journal."""

    listener: str
    protocol: str  # RFC 3848, RFC 6531 §4.3: SMTP, ESMTP, ESMTPSA, LMTP, UTF8SMTPSA, ...
    helo: str
    peer_ip: str
    tls: str = ""  # "TLSv1.3 TLS_AES_256_GCM_SHA384", or ""
    account: Account | None = None
    connection: str = ""
    by: str = ""  # who acted in the account, if not its owner


class Recipient(Struct):
    address: Address
    orcpt: str | None = None
    notify: tuple[str, ...] = ()


class Envelope(Struct):
    sender: Address | None
    recipients: list[Recipient]
    body: str = "7BIT"
    smtputf8: bool = False
    requiretls: bool = False
    ret: str | None = None
    envid: str | None = None
    not_before: float = 0.0

    @property
    def sender_text(self) -> str:
        return "" if self.sender is None else str(self.sender)


class Outcome(Struct):
    recipient: Address
    error: MailError | None = None


class Receipt(Struct):
    trace: str
    outcomes: list[Outcome] = field(default_factory=list)
