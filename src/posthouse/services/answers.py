"""What rules send in the name of an account: vacation answers (RFC 5230) and notices (RFC 5436)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from posthouse.core.address import try_address
from posthouse.core.errors import MailError
from posthouse.core.flags import SYSTEM_FLAGS
from posthouse.core.messages import say
from posthouse.mime.address import format_mailbox
from posthouse.mime.compose import Letter, build
from posthouse.mime.dates import format_date
from posthouse.mime.facts import facts_of
from posthouse.mime.header import Header, fold, header_text
from posthouse.mime.threads import answer_to
from posthouse.mime.words import decode_words, encode_words
from posthouse.sieve.actions import Fcc, Notify, Vacation
from posthouse.storage.rows import Account, Delivery, LocalCopy

if TYPE_CHECKING:
    from posthouse.services.delivery import DeliveryService

log = logging.getLogger("posthouse.rules")


class Answers:
    """Of one account.  Nothing here raises: the letter that caused it is stored already."""

    def __init__(self, service: DeliveryService, account: Account) -> None:
        self._service = service
        self._account = account

    async def vacation(self, action: Vacation, header: bytes) -> None:
        """RFC 5230 §5, RFC 3834 §3: to the envelope sender, from nobody's envelope, marked as automatic."""
        original = Header(header_text(header))
        in_reply_to, references = answer_to(original)
        extra = [("Auto-Submitted", "auto-replied (vacation)"), ("X-Auto-Response-Suppress", "All")]
        letter = Letter(
            sender=(self._account.name, action.sender or self._account.address),
            to=[("", action.to)],
            subject=action.subject or say("vacation.subject", self._account.language),
            text=action.text,
            in_reply_to=in_reply_to,
            references=references,
            extra=extra,
        )
        content = self._entity(letter, action.text) if action.mime else self._built(letter)
        await self._send(content, (action.to,), action.fcc)

    async def notice(self, action: Notify, header: bytes) -> None:
        """RFC 5436 §2.7."""
        original = Header(header_text(header))
        sender = decode_words(original.first("from") or "")
        subject = decode_words(original.first("subject") or "")
        language = self._account.language
        extra = [
            ("Auto-Submitted", f"auto-notified; owner-email={self._account.address}"),
            *action.extra,
        ]
        if action.importance != "2":
            extra.append(("Importance", "high" if action.importance == "1" else "low"))
        letter = Letter(
            sender=(self._account.name, action.sender or self._account.address),
            to=[("", one) for one in action.to],
            subject=action.subject or say("notify.subject", language, sender=sender),
            text=action.text or say("notify.text", language, sender=sender, subject=subject),
            extra=extra,
        )
        await self._send(self._built(letter), action.to, action.fcc)

    def _id(self) -> str:
        return f"{self._service.ids.trace()}@{self._service.settings.hostname}"

    def _built(self, letter: Letter) -> bytes:
        return build(letter, now=self._service.clock.now(), message_id=self._id())

    def _entity(self, letter: Letter, entity: str) -> bytes:
        """RFC 5230 §4.4: the text is a MIME entity, its fields go among ours."""
        fields = [
            ("From", format_mailbox(*letter.sender)),
            ("To", letter.to[0][1]),
            ("Subject", encode_words(letter.subject)),
            ("Date", format_date(self._service.clock.now())),
            ("Message-ID", f"<{self._id()}>"),
            ("MIME-Version", "1.0"),
            *letter.extra,
        ]
        if letter.in_reply_to:  # RFC 5230 §5.8
            fields.append(("In-Reply-To", f"<{letter.in_reply_to}>"))
            fields.append(("References", " ".join(f"<{one}>" for one in letter.references)))
        head = "".join(fold(name, value) for name, value in fields)
        body = entity.replace("\r\n", "\n").replace("\n", "\r\n")
        return (head + body).encode("utf-8", "replace")

    async def _send(self, content: bytes, to: tuple[str, ...], fcc: Fcc | None) -> None:
        for one in to:
            address = try_address(one)
            if address is None:
                continue
            try:
                await self._service.post(content, address)
            except MailError as error:
                log.info("an answer of %s to %s was not sent: %s", self._account.address, one, error)
        if fcc is not None:
            await self._file(content, fcc)

    async def _file(self, content: bytes, fcc: Fcc) -> None:
        """RFC 8580 §3: a copy for the account; in the inbox when the mailbox is not there."""
        store = self._service.store
        mailboxes = await store.mailboxes.list(self._account.id)
        target = next(
            (one for one in mailboxes if one.role is not None and one.role == fcc.role),
            next((one for one in mailboxes if one.name == fcc.mailbox), None),
        )
        flags = sum(SYSTEM_FLAGS[name] for name in fcc.flags if name in SYSTEM_FLAGS)
        keywords = tuple(name for name in fcc.flags if name not in SYSTEM_FLAGS)
        copy = LocalCopy(
            self._account.id,
            None if target is None else target.id,
            "sent" if target is None else target.role or "inbox",
            flags,
            keywords,
            self._service.clock.now(),
        )
        draft = store.contents.draft(content)
        try:
            await store.messages.deliver(
                [Delivery(self._service.ids.trace(), draft, facts_of(content), [copy])]
            )
        except MailError as error:
            log.info("a copy for %s was not filed: %s", self._account.address, error)
