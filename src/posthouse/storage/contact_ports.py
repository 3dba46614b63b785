"""What may be asked of a store about contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from posthouse.core.ids import AccountId, BlobId
from posthouse.storage.contact_rows import (
    AddressBook,
    BookChanges,
    BookRight,
    CardChanges,
    CardCondition,
    CardLimits,
    CardOrder,
    CardOriginal,
    CardsWritten,
    CardWrite,
    StoredCard,
    Use,
)


class Contacts(Protocol):
    # --- address books ---

    async def books(self, account: AccountId) -> tuple[int, list[AddressBook]]:
        """The account's modseq, and its books by id.  Raises NotFound."""
        ...

    async def put_book(self, book: AddressBook, *, count_max: int) -> AddressBook:
        """Make it (`id` 0) or change it; a book that becomes the default or collects takes that from the other.

        Raises NotFound, Exists (the path), OverQuota.
        """
        ...

    async def delete_book(self, account: AccountId, book: int, *, with_cards: bool) -> None:
        """Cards that are in no other book go with it.  Raises NotFound, InUse (it has cards)."""
        ...

    async def book_changes(
        self, account: AccountId, since: int
    ) -> tuple[int, int, list[AddressBook], list[int]]:
        """The account's modseq, its history, the books whose properties changed since, ids of those that went."""
        ...

    # --- address books of others ---

    async def granted(self, user: AccountId, account: AccountId | None = None) -> list[BookRight]:
        """What others (or one of them) gave to a user or to teams of it, with what they took back."""
        ...

    async def rights(self, account: AccountId, book: int) -> list[BookRight]:
        """Who else has a book, by grantee."""
        ...

    async def give(self, right: BookRight, *, user: AccountId, count_max: int) -> None:
        """Give a book to somebody, or take it back; `user` does it, who is given it is told.

        Raises NotFound (book or grantee), OverQuota."""
        ...

    async def readers_books(self, user: AccountId, account: AccountId) -> set[int]:
        """Books of another account that the user subscribed to."""
        ...

    async def subscribe(self, user: AccountId, account: AccountId, book: int, *, on: bool) -> None: ...

    # --- cards ---

    async def get(self, account: AccountId, ids: Sequence[int]) -> tuple[int, list[StoredCard]]:
        """The account's modseq, and those of the cards that are there, by id.  Raises NotFound (the account)."""
        ...

    async def ids(self, account: AccountId, condition: CardCondition, order: Sequence[CardOrder] = (),
                  *, first: int | None = None) -> list[int]:  # fmt: skip
        """The cards that match, sorted; ties by id.  `first`: so many are enough."""
        ...

    async def by_uids(self, account: AccountId, uids: Sequence[str]) -> dict[str, int]: ...

    async def resources(self, account: AccountId, book: int) -> list[tuple[int, str, int]]:
        """(card, name of its resource, modseq) of all cards in a book."""
        ...

    async def by_resource(self, account: AccountId, book: int, names: Sequence[str]) -> dict[str, int]: ...

    async def changes(self, account: AccountId, since: int, limit: int | None = None) -> CardChanges: ...

    async def changes_of_book(
        self, account: AccountId, book: int, since: int, limit: int | None = None
    ) -> BookChanges: ...

    async def write(
        self,
        account: AccountId,
        writes: Sequence[CardWrite],
        limits: CardLimits,
        *,
        if_modseq: int | None = None,
    ) -> CardsWritten:
        """All in one transaction; each succeeds or fails by itself.

        Errors of one: NotFound (card, book or picture), Exists (the uid, or a resource; `detail` is the other card),
        Conflict, OverQuota.  Raises Conflict when the account is not at `if_modseq`.
        """
        ...

    async def originals(self, account: AccountId, cards: Sequence[int]) -> dict[int, CardOriginal]:
        """By card: the vCards as they were sent, of cards that nobody changed in another way since."""
        ...

    async def cards_with(self, account: AccountId, media: int) -> list[int]:
        """The cards that have this picture."""
        ...

    async def media(self, account: AccountId, media: int) -> tuple[BlobId, int, str] | None:
        """(blob, size, media type) of a picture."""
        ...

    # --- people written to ---

    async def known_emails(self, account: AccountId, emails: Sequence[str]) -> set[str]:
        """Those of the folded addresses that a card has."""
        ...

    async def use(self, account: AccountId, uses: Sequence[Use], now: float, limits: CardLimits) -> None:
        """Count; not awaited on stable storage."""
        ...
