"""Credentials: kept, found, revoked, and when they were used last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec

from posthouse.core.errors import Conflict, Exists, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.sentence import Sentence
from posthouse.storage.rows import Credential
from posthouse.storage.sqlite.access_requests import (
    DeleteCredential,
    PutCredential,
    RehashPassword,
    UpdateCredential,
    UseCredential,
)
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import AnyRequest

_COLUMNS: Final = (
    "SELECT account, kind, name, secret, scram, protocols, networks, created_at, expires_at, used_at, used_ip,"
    " used_protocol, id, actions, folders FROM credential"
)
_OF_ACCOUNT: Final = f"{_COLUMNS} WHERE account = ? ORDER BY kind DESC, id"
_OF_CERTIFICATE: Final = f"{_COLUMNS} WHERE kind = 'certificate' AND secret = ? ORDER BY id"


_credential: Final[Callable[..., Credential]] = Credential


def put_credential(ledger: Ledger, request: PutCredential) -> None:
    """The password's own keys are replaced; another credential of the same name is refused."""
    one = request.credential
    account = ledger.execute("SELECT password FROM account WHERE id = ?", (one.account,)).fetchone()
    if account is None:
        raise NotFound(f"account {one.account}")
    if one.kind == "password":
        if account[0] != one.secret:
            raise Conflict(f"the password of account {one.account} was changed meanwhile")
        ledger.execute("DELETE FROM credential WHERE account = ? AND kind = ?", (one.account, one.kind))
    elif ledger.execute(
        "SELECT 1 FROM credential WHERE account = ? AND kind = ? AND name = ?",
        (one.account, one.kind, one.name),
    ).fetchone():
        raise Exists(Sentence("app_password.taken", name=repr(one.name)))
    ledger.execute(
        "INSERT INTO credential (account, kind, name, secret, scram, protocols, networks, created_at, expires_at,"
        " actions, folders, used_at, used_ip, used_protocol) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', '')",
        (
            one.account,
            one.kind,
            one.name,
            one.secret,
            msgspec.json.encode(one.scram).decode(),
            " ".join(one.protocols),
            " ".join(one.networks),
            one.created_at,
            one.expires_at,
            one.actions,
            msgspec.json.encode(one.folders).decode(),
        ),
    )
    ledger.hint("directory", one.account)


def delete_credential(ledger: Ledger, request: DeleteCredential) -> None:
    sql = "DELETE FROM credential WHERE account = ? AND kind = ? AND name = ? RETURNING 1"
    if not ledger.execute(sql, (request.account, request.kind, request.name)).fetchall():
        raise NotFound(Sentence("app_password.none", name=repr(request.name)))
    ledger.hint("directory", request.account)


def use_credential(ledger: Ledger, request: UseCredential) -> None:
    ledger.execute(
        "UPDATE credential SET used_at = ?, used_ip = ?, used_protocol = ? WHERE id = ?",
        (request.at, request.ip, request.protocol, request.id),
    )


def update_credential(ledger: Ledger, request: UpdateCredential) -> bool:
    sql = "UPDATE credential SET secret = ?1 WHERE id = ?2 AND account = ?3 AND secret = ?4 RETURNING 1"
    if request.secret is None:
        sql = (
            "DELETE FROM credential WHERE ?1 IS NULL AND id = ?2 AND account = ?3 AND secret = ?4 RETURNING 1"
        )
    row = (request.secret, request.id, request.account, request.known)
    done = bool(ledger.execute(sql, row).fetchall())
    if done:
        ledger.hint("directory", request.account)
    return done


def rehash_password(ledger: Ledger, request: RehashPassword) -> bool:
    sql = "UPDATE account SET password = ? WHERE id = ? AND password = ? RETURNING 1"
    done = bool(ledger.execute(sql, (request.better, request.account, request.known)).fetchall())
    if done:
        ledger.forget_states()
        ledger.hint("directory", request.account)
    return done


class SqliteCredentials:
    """`ports.Credentials`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def of_account(self, account: AccountId) -> list[Credential]:
        return self._read(_OF_ACCOUNT, account)

    async def of_certificate(self, fingerprint: str) -> list[Credential]:
        return self._read(_OF_CERTIFICATE, fingerprint)

    def _read(self, sql: str, value: int | str) -> list[Credential]:
        return [
            _credential(
                *row[:4],
                tuple(msgspec.json.decode(row[4])),
                tuple(row[5].split()),
                tuple(row[6].split()),
                *row[7:-1],
                tuple(msgspec.json.decode(row[-1])),
            )
            for row in self._reader.rows(sql, (value,))
        ]

    async def put(self, credential: Credential) -> None:
        await self._submit(PutCredential(credential))

    async def revoke(self, account: AccountId, kind: str, name: str) -> None:
        await self._submit(DeleteCredential(account, kind, name))

    async def replace(self, account: AccountId, credential: int, known: str, secret: str | None) -> bool:
        done: bool = await self._submit(UpdateCredential(account, credential, known, secret))
        return done

    async def rehash(self, account: AccountId, known: str, better: str) -> bool:
        done: bool = await self._submit(RehashPassword(account, known, better))
        return done

    async def used(self, credential: int, at: float, ip: str, protocol: str) -> None:
        await self._submit(UseCredential(credential, at, ip, protocol))
