"""Sign-ins, devices, bans and web sessions: written, pruned, read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from posthouse.core.errors import NotFound
from posthouse.core.ids import AccountId
from posthouse.storage.access import (
    DEVICES_KEPT,
    KNOWN,
    SIGN_INS_KEPT,
    Ban,
    Device,
    SignInRecord,
    WebSession,
)
from posthouse.storage.sqlite.access_requests import (
    AddDevice,
    AddWebSession,
    EndWebSessions,
    LiftBan,
    PutBan,
    RecordSignIns,
    SetDevices,
)
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import AnyRequest

_INSERT_SIGN_IN: Final = (
    "INSERT INTO sign_in (account, at, outcome, protocol, ip, client, kind, name, country)"
    " SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM account WHERE id = ?1"
)
_SELECT_SIGN_IN: Final = (
    "SELECT account, at, outcome, protocol, ip, client, kind, name, country FROM sign_in WHERE account = ?"
    " ORDER BY id DESC LIMIT ?"
)
_SELECT_DEVICE: Final = (
    "SELECT account, key, state, protocol, network, client, kind, name, country, created_at, used_at, used_ip, id"
    " FROM device WHERE account = ?"
)
_SELECT_WEB_SESSION: Final = (
    "SELECT account, hash, kind, created_at, expires_at, used_at, used_ip, client, id FROM web_session"
)

_record: Final[Callable[..., SignInRecord]] = SignInRecord
_device: Final[Callable[..., Device]] = Device
_ban: Final[Callable[..., Ban]] = Ban
_web_session: Final[Callable[..., WebSession]] = WebSession


def record_sign_ins(ledger: Ledger, request: RecordSignIns) -> None:
    accounts = set()
    for one in request.records:
        ledger.execute(
            _INSERT_SIGN_IN,
            (
                one.account,
                one.at,
                one.outcome,
                one.protocol,
                one.ip,
                one.client,
                one.kind,
                one.name,
                one.country,
            ),
        )
        accounts.add(one.account)
    for account in accounts:
        ledger.execute(
            "DELETE FROM sign_in WHERE account = ?1 AND id <= (SELECT id FROM sign_in WHERE account = ?1"
            " ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (account, SIGN_INS_KEPT),
        )
    for device, at, ip in request.used:
        ledger.execute("UPDATE device SET used_at = ?, used_ip = ? WHERE id = ?", (at, ip, device))


def add_device(ledger: Ledger, request: AddDevice) -> Device:
    one = request.device
    if ledger.execute("SELECT 1 FROM account WHERE id = ?", (one.account,)).fetchone() is None:
        raise NotFound(f"account {one.account}")
    made = ledger.execute(
        "INSERT INTO device (account, key, state, protocol, network, client, kind, name, country, created_at,"
        " used_at, used_ip) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (
            one.account,
            one.key,
            one.state,
            one.protocol,
            one.network,
            one.client,
            one.kind,
            one.name,
            one.country,
            one.created_at,
            one.used_at,
            one.used_ip,
        ),
    ).fetchall()
    if made:
        ledger.execute(
            "DELETE FROM device WHERE account = ?1 AND state = ?2 AND id IN (SELECT id FROM device WHERE account = ?1"
            " ORDER BY used_at DESC LIMIT -1 OFFSET ?3)",
            (one.account, KNOWN, DEVICES_KEPT),
        )
        ledger.hint("access", one.account)
    row = ledger.execute(_SELECT_DEVICE + " AND key = ?", (one.account, one.key)).fetchone()
    return _device(*row)


def set_devices(ledger: Ledger, request: SetDevices) -> int:
    sql = "UPDATE device SET state = ?1 WHERE id = ?2 AND account = ?3 RETURNING 1"
    if request.state is None:
        sql = "DELETE FROM device WHERE ?1 IS NULL AND id = ?2 AND account = ?3 RETURNING 1"
    rows = [(request.state, device, request.account) for device in request.devices]
    done = sum(len(ledger.execute(sql, row).fetchall()) for row in rows)
    ledger.hint("access", request.account)
    return done


def put_ban(ledger: Ledger, request: PutBan) -> None:
    one = request.ban
    # How long the last one was decides how long the next one is, for a day.
    ledger.execute("DELETE FROM ban WHERE expires_at > 0 AND expires_at <= ? - 86400", (one.created_at,))
    ledger.execute(
        "INSERT OR REPLACE INTO ban (kind, subject, reason, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        (one.kind, one.subject, one.reason, one.created_at, one.expires_at),
    )
    ledger.hint("access")


def lift_ban(ledger: Ledger, request: LiftBan) -> bool:
    sql = "DELETE FROM ban WHERE kind = ? AND subject = ? RETURNING 1"
    lifted = bool(ledger.execute(sql, (request.kind, request.subject)).fetchall())
    ledger.hint("access")
    return lifted


def add_web_session(ledger: Ledger, request: AddWebSession) -> None:
    one = request.session
    ledger.execute(
        "DELETE FROM web_session WHERE account = ? AND expires_at <= ?", (one.account, one.created_at)
    )
    ledger.execute(
        "INSERT INTO web_session (account, hash, kind, created_at, expires_at, used_at, used_ip, client)"
        " SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM account WHERE id = ?1",
        (
            one.account,
            one.hash,
            one.kind,
            one.created_at,
            one.expires_at,
            one.used_at,
            one.used_ip,
            one.client,
        ),
    )


def end_web_sessions(ledger: Ledger, request: EndWebSessions) -> int:
    if request.sessions is None:
        sql = "DELETE FROM web_session WHERE account = ? RETURNING 1"
        return len(ledger.execute(sql, (request.account,)).fetchall())
    sql = "DELETE FROM web_session WHERE account = ? AND id = ? RETURNING 1"
    return sum(
        len(ledger.execute(sql, (request.account, session)).fetchall()) for session in request.sessions
    )


class SqliteAccess:
    """`storage.access.Access`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def record(self, records: Sequence[SignInRecord], used: Sequence[tuple[int, float, str]]) -> None:
        await self._submit(RecordSignIns(list(records), list(used)))

    async def sign_ins(self, account: AccountId, limit: int = SIGN_INS_KEPT) -> list[SignInRecord]:
        return [_record(*row) for row in self._reader.rows(_SELECT_SIGN_IN, (account, limit))]

    async def devices(self, account: AccountId) -> list[Device]:
        return [_device(*row) for row in self._reader.rows(_SELECT_DEVICE + " ORDER BY id", (account,))]

    async def add_device(self, device: Device) -> Device:
        added: Device = await self._submit(AddDevice(device))
        return added

    async def set_devices(self, account: AccountId, devices: Sequence[int], state: str | None) -> int:
        done: int = await self._submit(SetDevices(account, list(devices), state))
        return done

    async def bans(self) -> list[Ban]:
        sql = "SELECT kind, subject, reason, created_at, expires_at FROM ban ORDER BY kind, subject"
        return [_ban(*row) for row in self._reader.rows(sql, ())]

    async def ban(self, ban: Ban) -> None:
        await self._submit(PutBan(ban))

    async def lift(self, kind: str, subject: str) -> bool:
        lifted: bool = await self._submit(LiftBan(kind, subject))
        return lifted

    async def add_web_session(self, session: WebSession) -> None:
        await self._submit(AddWebSession(session))

    async def web_session(self, hash: str) -> WebSession | None:  # noqa: A002 - the port's
        row = self._reader.row(_SELECT_WEB_SESSION + " WHERE hash = ?", (hash,))
        return None if row is None else _web_session(*row)

    async def web_sessions(self, account: AccountId) -> list[WebSession]:
        sql = _SELECT_WEB_SESSION + " WHERE account = ? ORDER BY id"
        return [_web_session(*row) for row in self._reader.rows(sql, (account,))]

    async def end_web_sessions(self, account: AccountId, sessions: Sequence[int] | None = None) -> int:
        request = EndWebSessions(account, None if sessions is None else list(sessions))
        ended: int = await self._submit(request)
        return ended
