"""What an operation of the API is, and what the function behind it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, Protocol, TypeVar

from msgspec import Meta, Struct, field

from posthouse.core.address import try_address
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.http.api.problem import Problem
from posthouse.services.accounts import Accounts
from posthouse.services.api_access import ApiAccess, Caller
from posthouse.services.grant import Origin
from posthouse.services.lens_view import LensView
from posthouse.services.live import LiveSessions
from posthouse.services.migrations import Migrations
from posthouse.services.passkeys import Passkeys
from posthouse.services.signin import SignIn
from posthouse.services.two_step import TwoStep
from posthouse.services.web_sessions import WebSessions
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Domain

if TYPE_CHECKING:
    from posthouse.services.practice import Practice  # what few nodes use

T = TypeVar("T")
ACCOUNT: Final = "account"
READS: Final = "admin:read"
CHANGES: Final = "admin:write"
PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 500

Text = Annotated[str, Meta(max_length=200)]
Secret = Annotated[str, Meta(min_length=1, max_length=1024)]
Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class Body(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a request carries."""


class Answer(Struct, kw_only=True):
    """What is answered; times are UTC, None means never."""


class Query(Struct, forbid_unknown_fields=True, kw_only=True):
    """Parameters behind the question mark."""


class PageQuery(Query):
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX, description="How many at most.")] = PAGE_DEFAULT
    after: Annotated[str, Meta(max_length=400, description="`next` of the page before.")] = ""


class Created(Struct):
    """An answer that says where what was made can be found, below the API."""

    value: Any
    path: str


class LensAccess(Struct):
    """`users`: whether people see their own dialogues; `everybody`: whether they see all of them."""

    view: LensView
    enabled: bool
    users: bool
    everybody: bool
    practice: Practice | None


class NodeView(Protocol):
    """What only the composition root knows."""

    async def records(self, domain: Domain, language: str) -> list[dict[str, str]]: ...
    async def check(self, domain: Domain, language: str) -> list[dict[str, Any]]: ...
    async def certificates(self) -> list[dict[str, Any]]: ...
    async def health(self, language: str) -> dict[str, Any]: ...


class Realm(Struct, frozen=True):
    """What somebody administrates."""

    domains: frozenset[str] | None  # None: the server, and every domain

    def covers(self, domain: str) -> bool:
        return self.domains is None or domain in self.domains


class Api(Struct):
    """What operations are made of; one per worker, made anew by a reload."""

    store: Store
    clock: Clock
    sign_in: SignIn
    accounts: Accounts
    access: ApiAccess
    two_step: TwoStep
    sessions: WebSessions
    passkeys: Passkeys | None  # None: there are no pages, so no origin they could belong to
    language: str
    lens: LensAccess
    node: NodeView
    live: LiveSessions
    migrations: Migrations | None = None  # None: switched off
    says: dict[str, tuple[str, str]] = field(default_factory=dict)  # of each operation, by name

    def words(self, operation: object, language: str) -> str:
        chinese, english = self.says.get(str(operation), ("", ""))
        return chinese if language == "zh" else english


class Call(Struct):
    """One request, as far as it was understood."""

    api: Api
    caller: Caller
    origin: Origin
    language: str
    path: dict[str, str]
    proof: str = ""
    realm: Realm = Realm(frozenset())
    notes: dict[str, Any] = field(default_factory=dict)  # what else the audit log is to tell

    @property
    def account(self) -> Account:
        return self.caller.account

    @property
    def account_id(self) -> AccountId:
        return self.caller.account.id

    @property
    def only(self) -> list[str] | None:
        """The domains to look at; None: all."""
        return None if self.realm.domains is None else sorted(self.realm.domains)

    def need_domain(self, domain: str) -> str:
        """The domain, if the caller administrates it; what others have is not there.  Raises Problem."""
        if not self.realm.covers(domain):
            raise Problem("not-found")
        return domain

    async def need_account(self, address: str, *, change: bool = False) -> Account:
        """An account of the realm; `change`: one that may not more than the caller.  Raises Problem, NotFound."""
        parsed = try_address(address)
        if parsed is None:
            raise Problem("not-found")
        self.need_domain(parsed.domain)
        account = await self.api.accounts.account(parsed.key)
        if change:
            self.need_not_above(account)
            self.notes["account"] = account.address
        return account

    def need_not_above(self, account: Account) -> None:
        """Whoever resets somebody's password can be them.  Raises Problem."""
        if self.realm.domains is not None and not set(account.admin) <= self.realm.domains:
            raise Problem("above-you")

    def number(self, name: str = "id") -> int:
        """Raises Problem: no number is nobody's."""
        text = self.path[name]
        if not (text.isascii() and text.isdecimal() and len(text) <= 18):
            raise Problem("not-found")
        return int(text)


class Operation(Struct, frozen=True, kw_only=True):
    """`run` is given the call, then `query` and `body`, those that are declared."""

    method: str
    path: str  # below /api/v1
    name: str  # constant: clients are generated by it
    says: tuple[str, str]
    scope: str
    run: Callable[..., Awaitable[Any]]
    answer: Any = None  # None: 204, nothing to say
    body: Any = None
    query: Any = None
    status: int = 0
    server: bool = False  # only for those who administrate the server
    person: bool = False  # not by a long-lived token
    noted: bool = True  # in the audit log, if it changes something
    fresh: bool = False  # the person has to have been asked for a password or a passkey a moment ago
    etag: str = ""  # name of the operation that reads what this one changes, for If-Match
    tag: str = ""

    @property
    def success(self) -> int:
        return self.status or (200 if self.answer is not None else 204)

    @property
    def changes(self) -> bool:
        return self.method != "GET"


def instant(seconds: float) -> datetime | None:
    """0 is never."""
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


class Listing(Answer, Generic[T]):
    """`next` is "" on the last page."""

    items: list[T]
    next: str = ""


def page_of(found: Sequence[T], query: PageQuery, key: Callable[[T], str]) -> Listing[T]:
    """A page of what is sorted by `key` already, ascending."""
    rest = [one for one in found if key(one) > query.after] if query.after else list(found)
    items = rest[: query.limit]
    return Listing(items=items, next=key(items[-1]) if len(rest) > len(items) else "")
