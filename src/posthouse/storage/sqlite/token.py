"""Clients, grants, access tokens and pending requests of the authorization server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from posthouse.core.errors import Conflict, Exists, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.core.sentence import Sentence
from posthouse.storage.sqlite import token_requests as rq
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.tokens import AccessToken, TokenClient, TokenGrant, TokenRequest

SPENT_S: Final = 3600.0
"""How long a spent code is remembered beyond its own life."""
_CLIENT: Final = "SELECT id, name, secret, redirects, scope, grants, registered, created_at FROM oauth_client"
_GRANT_COLUMNS: Final = (
    "account, client, scope, audience, refresh, generation, signed_in_at, created_at, expires_at, used_at, used_ip,"
    " used_protocol, used_client"
)
_GRANT: Final = f"SELECT {_GRANT_COLUMNS}, id FROM oauth_grant"  # noqa: S608 - of this file
_ADD_ACCESS: Final = (
    "INSERT INTO oauth_token (hash, scope, audience, expires_at, grant_id) VALUES (?, ?, ?, ?, ?)"
)
_decode_request: Final = msgspec.json.Decoder(TokenRequest).decode
_decode_list: Final = msgspec.json.Decoder(tuple[str, ...]).decode


def _list(values: Iterable[str]) -> str:
    return msgspec.json.encode(list(values)).decode()


def client_from(row: tuple[Any, ...]) -> TokenClient:
    return TokenClient(
        row[0],
        row[1],
        bytes(row[2]),
        _decode_list(row[3]),
        row[4],
        tuple(row[5].split()),
        bool(row[6]),
        row[7],
    )


def grant_from(row: tuple[Any, ...]) -> TokenGrant:
    account, client, scope, audience, refresh, *rest = row
    return TokenGrant(AccountId(account), client, scope, _decode_list(audience), bytes(refresh), *rest)


def put_client(ledger: Ledger, request: rq.PutClient) -> None:
    one = request.client
    if ledger.execute("SELECT 1 FROM oauth_client WHERE id = ?", (one.id,)).fetchone():
        raise Exists(Sentence("client.exists", client=one.id))
    if one.registered:
        [(count,)] = ledger.execute("SELECT count(*) FROM oauth_client WHERE registered").fetchall()
        if count >= request.registered_max:
            raise OverQuota(f"{count} clients have registered themselves already")
    ledger.execute(
        "INSERT INTO oauth_client (id, name, secret, redirects, scope, grants, registered, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            one.id,
            one.name,
            one.secret,
            _list(one.redirects),
            one.scope,
            " ".join(one.grants),
            one.registered,
            one.created_at,
        ),
    )


def delete_client(ledger: Ledger, request: rq.DeleteClient) -> None:
    if not ledger.execute("DELETE FROM oauth_client WHERE id = ? RETURNING 1", (request.id,)).fetchall():
        raise NotFound(Sentence("client.none", client=request.id))
    _drop_grants(ledger, "client = ?", (request.id,))


def _drop_grants(ledger: Ledger, where: str, values: tuple[Any, ...]) -> int:
    """Grants with their access tokens."""
    gone = ledger.execute(
        f"DELETE FROM oauth_grant WHERE {where} RETURNING id, account",  # noqa: S608 - of this file
        values,
    ).fetchall()
    for grant, account in gone:
        ledger.execute("DELETE FROM oauth_token WHERE grant_id = ?", (grant,))
        ledger.hint("directory", account)
    return len(gone)


def drop_account(ledger: Ledger, account: int) -> None:
    _drop_grants(ledger, "account = ?", (account,))
    ledger.execute("DELETE FROM oauth_request WHERE account = ?", (account,))


def ask(ledger: Ledger, request: rq.Ask) -> None:
    one = request.request
    ledger.execute("DELETE FROM oauth_request WHERE expires_at <= ?", (request.now,))
    [(waiting,)] = ledger.execute("SELECT count(*) FROM oauth_request WHERE kind <> 'spent'").fetchall()
    if waiting >= request.waiting_max:
        raise OverQuota(f"{waiting} requests for a grant are waiting")
    if (
        one.user_code
        and ledger.execute("SELECT 1 FROM oauth_request WHERE user_code = ?", (one.user_code,)).fetchone()
    ):
        raise Exists("the user code is taken")
    _keep_request(ledger, one)


def _keep_request(ledger: Ledger, one: TokenRequest) -> None:
    ledger.execute(
        "INSERT OR REPLACE INTO oauth_request (hash, kind, user_code, account, expires_at, facts)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            one.hash,
            "spent" if one.state == "spent" else one.kind,
            one.user_code or None,
            one.account,
            one.expires_at,
            msgspec.json.encode(one).decode(),
        ),
    )


def _request(ledger: Ledger, code: bytes) -> TokenRequest:
    row = ledger.execute("SELECT facts FROM oauth_request WHERE hash = ?", (code,)).fetchone()
    if row is None:
        raise NotFound("no such request for a grant")
    return _decode_request(row[0])


def answer_device(ledger: Ledger, request: rq.AnswerDevice) -> None:
    found = _request(ledger, request.request.hash)
    if found.state != "waiting":
        raise Conflict("the device was answered already")
    if not ledger.execute("SELECT 1 FROM account WHERE id = ?", (request.request.account,)).fetchone():
        raise NotFound(f"account {request.request.account}")
    _keep_request(ledger, request.request)


def poll_device(ledger: Ledger, request: rq.PollDevice) -> TokenRequest:
    found = _request(ledger, request.code)
    # RFC 8628 §3.5: who polls faster than the interval is told to slow down, and the interval grows for good.
    early = bool(found.polled_at) and request.now - found.polled_at < found.interval_s
    found = msgspec.structs.replace(
        found,
        polled_at=request.now,
        too_fast=early,
        interval_s=found.interval_s + (request.slower_s if early else 0.0),
    )
    _keep_request(ledger, found)
    return found


def redeem(ledger: Ledger, request: rq.Redeem) -> int:
    found, grant = _request(ledger, request.code), request.grant
    if found.state == "spent":
        _drop_grants(ledger, "id = ?", (found.grant,))
        return 0
    if found.state != "granted" or found.account != grant.account:
        raise NotFound("the request was not granted")
    if not ledger.execute("SELECT 1 FROM account WHERE id = ?", (grant.account,)).fetchone():
        raise NotFound(f"account {grant.account}")
    _drop_grants(
        ledger,
        "id IN (SELECT id FROM oauth_grant WHERE account = ? ORDER BY max(used_at, created_at) DESC LIMIT -1 OFFSET ?)",
        (grant.account, request.grants_max - 1),
    )
    number = ledger.take_id("oauth_grant")
    ledger.execute(
        f"INSERT INTO oauth_grant ({_GRANT_COLUMNS}, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            grant.account,
            grant.client,
            grant.scope,
            _list(grant.audience),
            grant.refresh,
            grant.generation,
            grant.signed_in_at,
            grant.created_at,
            grant.expires_at,
            grant.used_at,
            grant.used_ip,
            grant.used_protocol,
            grant.used_client,
            number,
        ),
    )
    _put_token(ledger, number, request.token)
    # Remembered for longer than it was good, so that a later use is known for what it is.
    spent = msgspec.structs.replace(
        found, state="spent", grant=number, expires_at=found.expires_at + SPENT_S, user_code=""
    )
    _keep_request(ledger, spent)
    return number


def _put_token(ledger: Ledger, grant: int, token: AccessToken) -> None:
    ledger.execute(_ADD_ACCESS, (token.hash, token.scope, _list(token.audience), token.expires_at, grant))


def refresh_grant(ledger: Ledger, request: rq.RefreshGrant) -> None:
    old, grant = request.old, request.grant
    changed = ledger.execute(
        "UPDATE oauth_grant SET refresh = ?, generation = ?, expires_at = ?, used_at = ?, used_ip = ?"
        " WHERE id = ? AND refresh = ? AND generation = ? RETURNING 1",
        (
            grant.refresh,
            grant.generation,
            grant.expires_at,
            grant.used_at,
            grant.used_ip,
            old.id,
            old.refresh,
            old.generation,
        ),
    ).fetchall()
    if not changed:
        raise Conflict(f"grant {old.id} was refreshed or revoked meanwhile")
    ledger.execute(
        "DELETE FROM oauth_token WHERE grant_id = ? AND expires_at <= ?", (old.id, request.grant.used_at)
    )
    _put_token(ledger, old.id, request.token)


def revoke_grants(ledger: Ledger, request: rq.RevokeGrants) -> int:
    return sum(_drop_grants(ledger, "id = ?", (grant,)) for grant in request.grants)


def revoke_access(ledger: Ledger, request: rq.RevokeAccess) -> None:
    ledger.execute("DELETE FROM oauth_token WHERE hash = ?", (request.token,))


def use_grant(ledger: Ledger, request: rq.UseGrant) -> None:
    ledger.execute(
        "UPDATE oauth_grant SET used_at = ?, used_ip = ?, used_protocol = ?, used_client = ? WHERE id = ?",
        (request.at, request.ip, request.protocol, request.client, request.grant),
    )


class SqliteTokens:
    """`storage.tokens.Tokens`."""

    def __init__(self, reader: Reader, submit: Callable[[Any], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def client(self, client: str) -> TokenClient | None:
        row = self._reader.row(_CLIENT + " WHERE id = ?", (client,))
        return row and client_from(row)

    async def clients(self) -> list[TokenClient]:
        return [client_from(row) for row in self._reader.rows(_CLIENT + " ORDER BY id")]

    async def put_client(self, client: TokenClient, *, registered_max: int = 0) -> None:
        await self._submit(rq.PutClient(client, registered_max))

    async def delete_client(self, client: str) -> None:
        await self._submit(rq.DeleteClient(client))

    async def grants(self, account: AccountId | None = None, client: str | None = None) -> list[TokenGrant]:
        sql = f"{_GRANT} WHERE (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR client = ?2) ORDER BY id DESC"
        return [grant_from(row) for row in self._reader.rows(sql, (account, client))]

    async def grant(self, grant: int) -> TokenGrant | None:
        row = self._reader.row(_GRANT + " WHERE id = ?", (grant,))
        return row and grant_from(row)

    async def access(self, token: bytes) -> tuple[AccessToken, TokenGrant] | None:
        sql = "SELECT hash, scope, audience, expires_at, grant_id FROM oauth_token WHERE hash = ?"
        row = self._reader.row(sql, (token,))
        if row is None:
            return None
        grant = await self.grant(row[4])
        if grant is None:
            return None
        return AccessToken(bytes(row[0]), row[1], _decode_list(row[2]), row[3], row[4]), grant

    async def ask(self, request: TokenRequest, now: float, *, waiting_max: int) -> None:
        await self._submit(rq.Ask(request, now, waiting_max))

    async def request(self, code: bytes) -> TokenRequest | None:
        return self._found("hash = ?", code)

    async def device(self, user_code: str) -> TokenRequest | None:
        return self._found("user_code = ?", user_code)

    def _found(self, where: str, value: bytes | str) -> TokenRequest | None:
        row = self._reader.row(f"SELECT facts FROM oauth_request WHERE {where}", (value,))  # noqa: S608
        return None if row is None else _decode_request(row[0])

    async def answer(self, request: TokenRequest) -> None:
        await self._submit(rq.AnswerDevice(request))

    async def poll(self, code: bytes, now: float, slower_s: float) -> TokenRequest:
        found: TokenRequest = await self._submit(rq.PollDevice(code, now, slower_s))
        return found

    async def redeem(self, code: bytes, grant: TokenGrant, token: AccessToken, *, grants_max: int) -> int:
        number: int = await self._submit(rq.Redeem(code, grant, token, grants_max))
        return number

    async def refresh(self, old: TokenGrant, grant: TokenGrant, token: AccessToken) -> None:
        await self._submit(rq.RefreshGrant(old, grant, token))

    async def revoke(self, grants: Sequence[int]) -> int:
        count: int = await self._submit(rq.RevokeGrants(list(grants)))
        return count

    async def revoke_access(self, token: bytes) -> None:
        await self._submit(rq.RevokeAccess(token))

    async def used(self, grant: int, at: float, ip: str, protocol: str, client: str) -> None:
        await self._submit(rq.UseGrant(grant, at, ip, protocol, client))
