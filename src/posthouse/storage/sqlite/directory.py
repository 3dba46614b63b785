"""Domains, accounts, aliases, settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from posthouse.core.errors import Conflict, Exists, Invalid, NotFound
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.sentence import Sentence
from posthouse.storage.ports import Search
from posthouse.storage.rows import Account, Alias, Domain
from posthouse.storage.sqlite.acl import drop_grants
from posthouse.storage.sqlite.claim import release_all
from posthouse.storage.sqlite.contact_write import drop_contacts
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.mailbox import make_mailbox, remove_mailbox
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import (
    AnyRequest,
    CreateAccount,
    DeleteAccount,
    DeleteAlias,
    DeleteDomain,
    PutAlias,
    PutDomain,
    PutSetting,
    UpdateAccount,
)
from posthouse.storage.sqlite.shared import drop_blobs
from posthouse.storage.sqlite.token import drop_account
from posthouse.storage.sqlite.versions import DIRECTORY, Remembered, VersionsView

SELECT_DOMAIN: Final = (
    "SELECT name, catch_all, enabled, created_at, two_step, protocols_off, oauth_only, dmarc,"
    " redirects FROM domain"
)
SELECT_ACCOUNT: Final = (
    "SELECT id, address, name, language, password, enabled, protocols, quota_bytes, quota_messages, used_bytes,"
    " used_messages, modseq, pop3_delete, created_at, two_step, new_device, second_address, team, app_only, admin,"
    " (SELECT protocols_off FROM domain d WHERE d.name = account.domain) FROM account"
)
SELECT_ALIAS: Final = "SELECT address, targets FROM alias"
_CHANGEABLE: Final = frozenset(
    (
        "address",
        "name",
        "language",
        "password",
        "enabled",
        "protocols",
        "app_only",
        "quota_bytes",
        "quota_messages",
        "pop3_delete",
        "two_step",
        "new_device",
        "second_address",
        "admin",
    )
)
_LISTED: Final = ("protocols", "app_only", "admin")
"""Columns of words with blanks between them."""


_KINDS: Final = {
    "": "",
    "people": " AND NOT team",
    "teams": " AND team",
    "disabled": " AND NOT enabled",
    "administrators": " AND admin <> ''",
    "full": " AND ((quota_bytes > 0 AND used_bytes >= 0.9 * quota_bytes)"
    " OR (quota_messages > 0 AND used_messages >= 0.9 * quota_messages))",
}

_account: Final[Callable[..., Account]] = Account


def domain_from(row: tuple[Any, ...]) -> Domain:
    name, catch_all, enabled, created_at, two_step, off, oauth_only, dmarc, redirects = row
    return Domain(
        name,
        catch_all,
        bool(enabled),
        created_at,
        two_step,
        tuple(off.split()),
        bool(oauth_only),
        dmarc,
        redirects,
    )


def account_from(row: tuple[Any, ...]) -> Account:
    own = tuple(row[6].split())
    off = row[20].split() if row[20] else ()
    return _account(
        *row[:5],
        bool(row[5]),
        tuple(one for one in own if one not in off) if off else own,
        *row[7:14],
        tuple(row[18].split()),
        bool(row[14]),
        *row[15:17],
        bool(row[17]),
        tuple(row[19].split()),
        own,
    )


def alias_from(row: tuple[Any, ...]) -> Alias:
    return Alias(row[0], tuple(msgspec.json.decode(row[1])))


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def put_domain(ledger: Ledger, request: PutDomain) -> None:
    domain = request.domain
    ledger.execute(
        "INSERT INTO domain (name, catch_all, enabled, created_at, two_step, protocols_off, oauth_only, dmarc,"
        " redirects) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET catch_all = excluded.catch_all, enabled = excluded.enabled,"
        " two_step = excluded.two_step, protocols_off = excluded.protocols_off, oauth_only = excluded.oauth_only,"
        " dmarc = excluded.dmarc, redirects = excluded.redirects",
        (
            domain.name,
            domain.catch_all,
            domain.enabled,
            domain.created_at or ledger.clock.now(),
            domain.two_step,
            " ".join(domain.protocols_off),
            domain.oauth_only,
            domain.dmarc,
            domain.redirects,
        ),
    )
    ledger.hint("directory")


def delete_domain(ledger: Ledger, request: DeleteDomain) -> None:
    name = request.name
    for table in ("account", "alias"):
        if ledger.execute(f"SELECT 1 FROM {table} WHERE domain = ?", (name,)).fetchone():  # noqa: S608
            raise Conflict(
                Sentence("domain.used", domain=name, command="account" if table == "account" else "alias")
            )
    if not ledger.execute("DELETE FROM domain WHERE name = ? RETURNING 1", (name,)).fetchall():
        raise NotFound(Sentence("domain.none", domain=name))
    # Whoever makes the domain anew one day says again who administrates it.
    found = ledger.execute("SELECT id, admin FROM account WHERE admin <> ''").fetchall()
    for number, domains in found:
        left = " ".join(one for one in domains.split() if one != name)
        if left != domains:
            ledger.execute("UPDATE account SET admin = ? WHERE id = ?", (left, number))
    ledger.hint("directory")


def read_account(ledger: Ledger, account: AccountId) -> Account:
    row = ledger.execute(SELECT_ACCOUNT + " WHERE id = ?", (account,)).fetchone()
    if row is None:
        raise NotFound(f"account {account}")
    return account_from(row)


def create_account(ledger: Ledger, request: CreateAccount) -> Account:
    account = request.account
    if ledger.execute("SELECT 1 FROM account WHERE address = ?", (account.address,)).fetchone():
        raise Exists(Sentence("account.exists", address=account.address))
    if not ledger.execute("SELECT 1 FROM domain WHERE name = ?", (_domain_of(account.address),)).fetchone():
        raise NotFound(Sentence("domain.none", domain=_domain_of(account.address)))
    number = ledger.take_id("account")
    ledger.execute(
        "INSERT INTO account (id, modseq, used_bytes, used_messages, quota_bytes, quota_messages, uidvalidity,"
        " address, domain, name, language, password, enabled, protocols, pop3_delete, created_at, app_only,"
        " two_step, new_device, second_address, team, admin)"
        " VALUES (?, 0, 0, 0, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            account.quota_bytes,
            account.quota_messages,
            account.address,
            _domain_of(account.address),
            account.name,
            account.language,
            account.password,
            account.enabled,
            " ".join(account.protocols),
            account.pop3_delete,
            account.created_at or ledger.clock.now(),
            " ".join(account.app_only),
            account.two_step,
            account.new_device,
            account.second_address,
            account.team,
            " ".join(account.admin),
        ),
    )
    state = ledger.account(AccountId(number))
    wanted = list(request.mailboxes)
    if not any(role == "inbox" or name == "INBOX" for name, role in wanted):
        wanted.insert(0, ("INBOX", "inbox"))
    for name, role in wanted:
        real_name, real_role = ("INBOX", "inbox") if name == "INBOX" or role == "inbox" else (name, role)
        make_mailbox(ledger, state, real_name, real_role)
        ledger.execute(
            "INSERT OR IGNORE INTO subscription (account, name) VALUES (?, ?)", (number, real_name)
        )
    ledger.flush()
    ledger.hint("directory")
    return read_account(ledger, AccountId(number))


def update_account(ledger: Ledger, request: UpdateAccount) -> Account:
    changes = dict(request.changes)
    if unknown := changes.keys() - _CHANGEABLE:
        raise Invalid(f"an account has no changeable {', '.join(sorted(unknown))}")
    read_account(ledger, request.account)
    for listed in _LISTED:
        if listed in changes:
            changes[listed] = " ".join(changes[listed])
    if "address" in changes:
        address = changes["address"]
        taken = ledger.execute(
            "SELECT 1 FROM account WHERE address = ? AND id <> ?", (address, request.account)
        )
        if taken.fetchone():
            raise Exists(Sentence("account.exists", address=address))
        changes["domain"] = _domain_of(address)
    if changes:
        assignments = ", ".join(f"{name} = ?" for name in changes)
        ledger.execute(
            f"UPDATE account SET {assignments} WHERE id = ?",  # noqa: S608
            (*changes.values(), request.account),
        )
    ledger.forget_states()
    ledger.hint("directory")
    return read_account(ledger, request.account)


def delete_account(ledger: Ledger, request: DeleteAccount) -> None:
    account = request.account
    read_account(ledger, account)
    for (mailbox,) in ledger.execute("SELECT id FROM mailbox WHERE account = ?", (account,)).fetchall():
        remove_mailbox(ledger, account, MailboxId(mailbox))
    for table in (
        "subscription",
        "keyword",
        "thread_ref",
        "metadata",
        "credential",
        "sieve_script",
        "remembered",
        "sign_in",
        "device",
        "web_session",
        "gone",
        "departed",
        "object",
        "claim",
        "note",
    ):
        ledger.execute(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608
    uploads = ledger.execute("DELETE FROM upload WHERE account = ? RETURNING blob", (account,)).fetchall()
    drop_blobs(ledger, [blob for (blob,) in uploads])
    release_all(ledger, account)
    drop_contacts(ledger, account)
    drop_grants(ledger, account)
    drop_account(ledger, account)
    ledger.execute("UPDATE queue_message SET account = NULL WHERE account = ?", (account,))
    ledger.execute("DELETE FROM account WHERE id = ?", (account,))
    ledger.forget_states()
    ledger.hint("directory")
    ledger.hint("mailboxes", account)


def put_alias(ledger: Ledger, request: PutAlias) -> None:
    alias = request.alias
    ledger.execute(
        "INSERT INTO alias (address, domain, targets) VALUES (?, ?, ?)"
        " ON CONFLICT (address) DO UPDATE SET targets = excluded.targets",
        (alias.address, _domain_of(alias.address), msgspec.json.encode(alias.targets).decode()),
    )
    ledger.hint("directory")


def delete_alias(ledger: Ledger, request: DeleteAlias) -> None:
    sql = "DELETE FROM alias WHERE address = ? RETURNING 1"
    if not ledger.execute(sql, (request.address,)).fetchall():
        raise NotFound(Sentence("alias.none", alias=request.address))
    ledger.hint("directory")


def put_setting(ledger: Ledger, request: PutSetting) -> None:
    ledger.execute(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (request.name, request.value),
    )
    ledger.hint("directory")


class SqliteDirectory:
    """`ports.Directory`."""

    def __init__(
        self,
        reader: Reader,
        submit: Callable[[AnyRequest], asyncio.Future[Any]],
        search: Search,
        versions: VersionsView,
    ) -> None:
        self._reader = reader
        self._submit = submit
        self._search = search
        self._unlimited: Remembered[AccountId, Account] = Remembered(versions, DIRECTORY)
        self._domains: Remembered[str, Domain] = Remembered(versions, DIRECTORY)
        self._signing_in: Remembered[str, tuple[Account | None]] = Remembered(versions, DIRECTORY)

    async def domain(self, name: str) -> Domain | None:
        found = self._domains.get(name)
        if found is None and (row := self._reader.row(SELECT_DOMAIN + " WHERE name = ?", (name,))):
            found = domain_from(row)
            self._domains.keep(name, found)
        return found

    async def domains(self) -> list[Domain]:
        return [domain_from(row) for row in self._reader.rows(SELECT_DOMAIN + " ORDER BY name")]

    async def put_domain(self, domain: Domain) -> None:
        await self._submit(PutDomain(domain))

    async def delete_domain(self, name: str) -> None:
        await self._submit(DeleteDomain(name))

    async def account(self, account: AccountId) -> Account | None:
        row = self._reader.row(SELECT_ACCOUNT + " WHERE id = ?", (account,))
        return row and account_from(row)

    async def quota_of(self, account: AccountId) -> Account | None:
        found = self._unlimited.get(account)
        if found is None:
            found = await self.account(account)
            if found is not None and not (found.quota_bytes or found.quota_messages):
                self._unlimited.keep(account, found)
        return found

    async def account_by_address(self, address: str) -> Account | None:
        row = self._reader.row(SELECT_ACCOUNT + " WHERE address = ?", (address,))
        return row and account_from(row)

    async def account_signing_in(self, address: str) -> Account | None:
        # perf: 6 % of a sign-in.  Who is nobody is remembered too: it should take as long.
        found = self._signing_in.get(address)
        if found is None:
            found = (await self.account_by_address(address),)
            self._signing_in.keep(address, found)
        return found[0]

    async def accounts(self, domain: str | None = None) -> list[Account]:
        sql = SELECT_ACCOUNT + " WHERE ?1 IS NULL OR domain = ?1 ORDER BY domain, address"
        return [account_from(row) for row in self._reader.rows(sql, (domain,))]

    async def find_accounts(
        self, domains: Sequence[str] | None, *, search: str = "", kind: str = "", after: str = "", limit: int
    ) -> list[Account]:
        named = None if domains is None else msgspec.json.encode(list(domains)).decode()
        sql = (
            SELECT_ACCOUNT  # noqa: S608 - of this file
            + " WHERE address > ?1 AND (?2 IS NULL OR domain IN (SELECT value FROM json_each(?2)))"
            " AND (?3 = '' OR instr(address, ?3) OR instr(lower(name), ?3))"
            + _KINDS[kind]
            + " ORDER BY address LIMIT ?4"
        )
        return [account_from(row) for row in self._reader.rows(sql, (after, named, search.lower(), limit))]

    async def count(self, domain: str) -> tuple[int, int]:
        row = self._reader.row(
            "SELECT (SELECT count(*) FROM account WHERE domain = ?1), (SELECT count(*) FROM alias WHERE domain = ?1)",
            (domain,),
        )
        return row[0], row[1]

    async def create_account(self, account: Account, mailboxes: Sequence[tuple[str, str | None]]) -> Account:
        created: Account = await self._submit(CreateAccount(account, list(mailboxes)))
        return created

    async def update_account(self, account: AccountId, changes: dict[str, Any]) -> Account:
        updated: Account = await self._submit(UpdateAccount(account, changes))
        return updated

    async def delete_account(self, account: AccountId) -> None:
        await self._submit(DeleteAccount(account))
        await self._search.forget(account)

    async def alias(self, address: str) -> Alias | None:
        row = self._reader.row(SELECT_ALIAS + " WHERE address = ?", (address,))
        return row and alias_from(row)

    async def aliases(self, domain: str | None = None) -> list[Alias]:
        sql = SELECT_ALIAS + " WHERE ?1 IS NULL OR domain = ?1 ORDER BY domain, address"
        return [alias_from(row) for row in self._reader.rows(sql, (domain,))]

    async def put_alias(self, alias: Alias) -> None:
        await self._submit(PutAlias(alias))

    async def delete_alias(self, address: str) -> None:
        await self._submit(DeleteAlias(address))

    async def setting(self, name: str) -> bytes | None:
        row = self._reader.row("SELECT value FROM setting WHERE name = ?", (name,))
        return None if row is None else bytes(row[0])

    async def put_setting(self, name: str, value: bytes) -> None:
        await self._submit(PutSetting(name, value))
