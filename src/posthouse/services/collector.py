"""People written to: counted, and collected into an address book when no card has them.

Happens when the submission is stored and answered; nobody waits for it.  Each account can switch it off
(`collectContacts` of its `Settings`), an administrator for all (`contacts.collect`).  Letters to many are announcements
and are not looked at.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.cards.jscontact import Card, CardError
from posthouse.core.address import Address
from posthouse.core.casemap import casemap
from posthouse.mime.address import parse_mailboxes
from posthouse.mime.header import Header, header_text
from posthouse.services.background import Background
from posthouse.services.contacts import ContactService, prepare
from posthouse.services.letter import Envelope
from posthouse.storage.contact_rows import CardWrite, Use
from posthouse.storage.rows import Account

RECIPIENTS_MAX: Final = 20
"""A letter to more people collects nobody."""
WAITING_MAX: Final = 100
"""Letters that are being looked at; more are left out."""
NAME_MAX: Final = 200
_NAMESPACE: Final = uuid.UUID("b0f3c4b2-7a57-5d1c-9a0e-2f7d6f0f4c11")
_MACHINES: Final = re.compile(
    r"(no[-_.]?reply|do[-_.]?not[-_.]?reply|mailer-daemon|bounces?|postmaster)([-+=].*)?"
)


class _Chosen(Struct, rename="camel"):
    """What of the account's settings concerns us."""

    collect_contacts: bool = True


class Collector:
    """One per worker."""

    def __init__(self, contacts: ContactService, *, enabled: bool = True) -> None:
        self.contacts = contacts
        self.enabled = enabled
        self._background = Background("collecting contacts")
        self._waiting = 0

    def note(self, account: Account, envelope: Envelope, header: bytes) -> None:
        """A submission was stored."""
        few = 0 < len(envelope.recipients) <= RECIPIENTS_MAX
        if self.enabled and few and envelope.sender is not None and self._waiting < WAITING_MAX:
            self._waiting += 1
            self._background.run(self._collect(account, [one.address for one in envelope.recipients], header))

    async def settled(self) -> None:
        await self._background.settled()

    def close(self) -> None:
        self._background.close()

    async def _collect(self, account: Account, recipients: list[Address], header: bytes) -> None:
        try:
            people = {casemap(str(one)): one for one in recipients if one.key != account.address}
            if not people or not await self._wanted(account):
                return
            contacts = self.contacts.contacts
            known = await contacts.known_emails(account.id, list(people))
            strangers = [email for email in people if email not in known and not _is_machine(people[email])]
            cards: dict[str, CardWrite] = {}
            if strangers:
                book = await self.contacts.collecting_book(account)
                names = _names(header)
                for email in strangers:
                    if (
                        card := self._card(email, str(people[email]), names.get(email, ""), book.id)
                    ) is not None:
                        cards[email] = card
            uses = [Use(email, cards.get(email)) for email in people]
            await contacts.use(account.id, uses, self.contacts.clock.now(), self.contacts.limits.stored)
        finally:
            self._waiting -= 1

    async def _wanted(self, account: Account) -> bool:
        _, rows = await self.contacts.store.objects.get(account.id, "Settings")
        return all(msgspec.json.decode(row.value or b"{}", type=_Chosen).collect_contacts for row in rows)

    def _card(self, email: str, address: str, name: str, book: int) -> CardWrite | None:
        card: Card = {
            "uid": f"urn:uuid:{uuid.uuid5(_NAMESPACE, email)}",
            "emails": {"e1": {"address": address}},
        }
        if name:
            card["name"] = {"full": name}
        try:
            return prepare(card, {book: ""}, self.contacts.limits, self.contacts.clock.now()).write
        except CardError:
            return None


def _is_machine(address: Address) -> bool:
    return _MACHINES.fullmatch(str(address).rpartition("@")[0].lower()) is not None


def _names(header: bytes) -> dict[str, str]:
    """Folded address -> how the sender's program calls it."""
    found: dict[str, str] = {}
    values = Header(header_text(header)).values
    for field in ("to", "cc", "bcc"):
        for value in values.get(field, ()):
            for box in parse_mailboxes(value):
                name = " ".join((box.name or "").split())[:NAME_MAX]
                if name and casemap(name) != casemap(box.address):
                    found.setdefault(casemap(box.address), name)
    return found
