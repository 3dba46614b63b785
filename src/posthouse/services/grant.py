"""What a sign-in gives: not an account, but what one credential may do with it.

A session keeps its `Grant` and asks it; nothing else remembers how somebody came in.
"""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct

from posthouse.core.errors import Forbidden, ScopeExceeded
from posthouse.core.scope import READ, SEND, Scope
from posthouse.storage.rows import Account, Credential

JMAP: Final = "jmap"
"""What an app password is for that opens JMAP."""
NEEDS: Final = {"imap": 0, "pop3": READ, "submission": SEND}
"""Protocol -> what a scope has to allow for it to be of any use; IMAP asks at each command."""


class Origin(Struct, frozen=True):
    """Where a sign-in comes from."""

    protocol: str  # of `storage.rows.PROTOCOLS`
    connection: str  # its id in the log
    peer_ip: str  # "" for a Unix socket
    client: str = ""  # what the program says it is
    first_step: bool = False  # who asks will ask for a second step, if the account has one
    program: str = ""  # what an app password has to be for, where `protocol` is also that of pages for people


class Books(Struct, frozen=True):
    """Address books of somebody else: bits of `storage.contact_rows` by book, and the modseq of their last change."""

    rights: dict[int, int]
    since: int = 0

    def any(self, right: int) -> bool:
        """Whether there is this right on one of them."""
        return any(bits & right for bits in self.rights.values())


class Grant(Struct, frozen=True):
    """`name` tells which credential of its kind it was, `id` is its number or "" (the password has neither)."""

    account: Account
    kind: str  # "password", "app", "token", "certificate"
    scope: Scope
    name: str = ""
    id: str = ""
    expires_at: float = 0.0  # 0: never
    rights: dict[int, int] | None = None
    """In an account of somebody else: bits of `core.rights` by mailbox, 0 for what concerns no single one."""
    books: Books | None = None
    """None: all address books, as far as the scope goes."""

    @property
    def maker(self) -> str:
        """What is noted of who uploads: which credential for some mailboxes it is, "" for one that sees all of them."""
        return f"{self.kind} {self.id or self.name}" if self.scope.folders else ""

    def require(self, actions: int) -> None:
        """Raises ScopeExceeded."""
        if not self.scope.allows(actions):
            raise ScopeExceeded(f"{self.account.address}: {self.kind} {self.name!r} lacks {actions:#b}")


class TokenVerifier(Protocol):
    """Judges the access tokens of OAUTHBEARER and XOAUTH2."""

    discovery: str
    """Address of the OpenID configuration that a refused client is told, or ""."""

    async def verify(self, username: str, token: str, origin: Origin) -> Grant:
        """The grant of a token that is `username`'s ("": whose it is).

        Raises SignInFailed, ScopeExceeded when the token is good for something else, Unavailable.
        """
        ...


def of_password(account: Account) -> Grant:
    return Grant(account, "password", Scope(account.protocols))


def of_credential(account: Account, one: Credential) -> Grant:
    if one.kind == "password":
        return of_password(account)
    # JMAP is switched on and off together with the pages, which app passwords do not open.
    protocols = tuple("http" if protocol == JMAP else protocol for protocol in one.protocols)
    scope = Scope(protocols, one.actions, one.folders)
    return Grant(account, one.kind, scope, one.name, str(one.id), one.expires_at)


def of_certificate(account: Account, name: str, ends_at: float) -> Grant:
    """One that names the account; what is registered has its own scope."""
    return Grant(account, "certificate", Scope(account.protocols), name, "", ends_at)


def permitted(grant: Grant, protocol: str) -> Grant:
    """The grant, if it opens the protocol.  Raises Forbidden (switched off), ScopeExceeded."""
    if protocol not in grant.account.protocols:
        raise Forbidden(f"{protocol} is switched off for {grant.account.address}")
    if protocol not in grant.scope.protocols:
        raise ScopeExceeded(f"{grant.account.address}: {grant.kind} {grant.name!r} is not for {protocol}")
    grant.require(NEEDS.get(protocol, 0))
    if protocol == "pop3" and not grant.scope.covers("INBOX"):
        raise ScopeExceeded(f"{grant.account.address}: {grant.kind} {grant.name!r} is not for INBOX")
    return grant
