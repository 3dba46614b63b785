"""Values of the port of contacts: address books, cards, what is asked about them.

A card is in one or more books of its account.  `modseq` is the account's, as with mail; each card that is written gets
one of its own, so that /changes can be told in pieces.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from posthouse.cards.keys import CardFacts, Sought
from posthouse.core.ids import AccountId, BlobId
from posthouse.storage.rows import ContentDraft


class AddressBook(Struct):
    account: AccountId
    id: int  # 0: to be given
    name: str
    description: str | None = None
    sort_order: int = 0
    subscribed: bool = True
    is_default: bool = False
    collects: bool = False  # people written to are put here
    path: str = ""  # the name of its collection in CardDAV; "" : made of the id
    modseq: int = 0  # of its properties
    created: int = 0
    contents: int = 0  # modseq of what last happened to a card in it


BOOK_READ: Final = 1
"""The cards in a book are fetched."""
BOOK_WRITE: Final = 2
"""They are made, changed, removed, moved into the book and out of it."""
BOOK_SHARE: Final = 4
"""Others are given the book."""
BOOK_DELETE: Final = 8
"""The book is renamed and removed."""
BOOK_ALL: Final = BOOK_READ | BOOK_WRITE | BOOK_SHARE | BOOK_DELETE


class BookRight(Struct, array_like=True, frozen=True):
    """What somebody who is not its owner may do with an address book; `rights` 0: it was taken back."""

    account: AccountId
    book: int
    grantee: AccountId  # a team: its members
    rights: int
    modseq: int = 0  # of the owner's account, when they were last changed


class CardMedia(Struct, array_like=True):
    """A picture of a card.  `content`: None when the account has it already."""

    id: int  # of its bytes: the same for the same
    size: int
    type: str
    content: ContentDraft | None = None


class CardOriginal(Struct, array_like=True):
    """A vCard as it was sent.  `blob` 0: `content` is to be kept."""

    version: str  # of vCard
    size: int
    blob: BlobId = BlobId(0)
    content: ContentDraft | None = None


class CardWrite(Struct, array_like=True):
    """One card to be made (`card` 0), changed or removed (`value` None)."""

    card: int
    uid: str = ""
    value: bytes | None = None  # JSContact as JSON, without what JMAP adds
    facts: CardFacts | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    books: dict[
        int, str
    ] = {}  # book -> the name of its resource in CardDAV; "": made of the id, or as it was
    media: list[CardMedia] = []
    if_modseq: int | None = None  # only when the card is at this one; 0: only when there is none of that uid
    original: CardOriginal | None = (
        None  # of what `value` was made; a value without one drops that of the card
    )


class CardWritten(Struct, array_like=True):
    error: str = ""  # a domain error class
    detail: str = ""
    card: int = 0
    modseq: int = 0
    kept: bool = False  # the original is there: it is no more than an account may have


class CardsWritten(Struct, array_like=True):
    cards: list[CardWritten]
    modseq: int
    old_modseq: int


class CardLimits(Struct, array_like=True, frozen=True):
    """What the writer holds an account to."""

    cards_max: int
    media_max_bytes: int


class StoredCard(Struct, array_like=True):
    id: int
    modseq: int
    created: int
    uid: str
    created_at: float
    updated_at: float
    value: bytes
    books: dict[int, str] = {}


class CardChanges(Struct):
    modseq: int
    history: int
    created: list[int]
    changed: list[int]
    gone: list[int]
    more: bool = False


class BookChanges(Struct):
    """For one book: cards that came into it or changed, and the names of resources that left it."""

    modseq: int
    history: int
    changed: list[tuple[int, str, int]]  # card, resource, modseq
    gone: list[str]
    more: bool = False


class Use(Struct, array_like=True):
    """Somebody was written to; `card` is made when no card has the address."""

    email: str  # folded
    card: CardWrite | None = None


# --- conditions on a card ---


class Joined(Struct, frozen=True):
    operator: str  # AND, OR, NOT
    parts: tuple[CardCondition, ...]


class InBook(Struct, frozen=True):
    book: int


class HasMember(Struct, frozen=True):
    uid: str


class Is(Struct, frozen=True):
    column: str  # "uid", "kind"
    value: str


class When(Struct, frozen=True):
    column: str  # "created_at", "updated_at"
    operator: str  # "<", ">="
    value: float


class Contains(Struct, frozen=True):
    """All that is sought stands in the sections of `cards.keys` from `first` up to `last`."""

    sought: tuple[Sought, ...]
    first: int = 0
    last: int = 0  # 0: all


class Reachable(Struct, frozen=True):
    """It has an address, or is a group."""


CardCondition = Joined | InBook | HasMember | Is | When | Contains | Reachable
EVERY_CARD: Final = Joined("AND", ())


class CardOrder(Struct, frozen=True):
    column: str  # "created_at", "updated_at", "given", "surname", "surname2", "uses"
    ascending: bool = True
