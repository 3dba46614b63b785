"""Write requests about contacts."""

from __future__ import annotations

from posthouse.core.ids import AccountId
from posthouse.storage.contact_rows import AddressBook, BookRight, CardLimits, CardsWritten, CardWrite, Use
from posthouse.storage.sqlite.request_class import Request


class PutBook(Request):
    result = AddressBook
    book: AddressBook
    count_max: int


class DeleteBook(Request):
    account: AccountId
    book: int
    with_cards: bool

    @property
    def light(self) -> bool:
        return False


class GiveBook(Request):
    right: BookRight
    user: AccountId
    count_max: int


class SubscribeBook(Request):
    user: AccountId
    account: AccountId
    book: int
    on: bool


class WriteCards(Request):
    result = CardsWritten
    account: AccountId
    writes: list[CardWrite]
    limits: CardLimits
    if_modseq: int | None = None

    @property
    def light(self) -> bool:
        return len(self.writes) <= 16


class UseCards(Request):
    synced = False  # a lost count changes an order of proposals
    account: AccountId
    uses: list[Use]
    now: float
    limits: CardLimits


ContactWrite = PutBook | DeleteBook | GiveBook | SubscribeBook | WriteCards | UseCards
