"""Who is connected, who is not heard, and who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from posthouse.core.errors import NotFound
from posthouse.http.api.operation import (
    CHANGES,
    READS,
    Answer,
    Body,
    Call,
    Listing,
    Operation,
    PageQuery,
    Query,
    Text,
    instant,
    page_of,
)
from posthouse.http.api.problem import Problem
from posthouse.services.bans import normal_subject
from posthouse.storage.access import Ban

TAG: Final = "sessions, bans, audit log"
Kind = Literal["address", "network", "account"]


class LiveSessionInfo(Answer):
    id: str
    protocol: str
    account: Annotated[str, Meta(description="Empty: nobody has signed in.")]
    ip: str
    client: str
    credential: str
    credential_name: str
    tls: Annotated[str, Meta(description="Version and cipher; empty: in the clear.")]
    since: datetime | None


class LiveQuery(Query):
    account: Annotated[str, Meta(max_length=320)] = ""
    protocol: Annotated[str, Meta(max_length=20)] = ""


class BanInfo(Answer):
    kind: str
    subject: str
    reason: str
    created_at: datetime | None
    expires_at: Annotated[datetime | None, Meta(description="None: until it is lifted.")]


class NewBan(Body):
    kind: Kind
    subject: Annotated[str, Meta(min_length=1, max_length=320)]
    hours: Annotated[float, Meta(ge=0, le=87_600, description="0: until it is lifted.")] = 24
    reason: Text = ""


class BanSubject(Body):
    kind: Kind
    subject: Annotated[str, Meta(min_length=1, max_length=320)]


class AuditInfo(Answer):
    id: int
    at: datetime | None
    actor: Annotated[str, Meta(description="An address; of the command line a user of the system.")]
    action: str
    text: Annotated[str, Meta(description="What a change by this API was, in words; else empty.")]
    account: str
    mailbox: str
    facts: dict[str, Any]


class AuditQuery(PageQuery):
    account: Annotated[str, Meta(max_length=320, description="Done to it, or by it.")] = ""


def _covers(call: Call, address: str) -> bool:
    return call.realm.covers(address.rpartition("@")[2])


# --- sessions ---


async def sessions(call: Call, query: LiveQuery) -> Listing[LiveSessionInfo]:
    found = [
        one
        for one in await call.api.live.listed()
        if (call.realm.domains is None or (one.account and _covers(call, one.account)))
        and query.account in ("", one.account)
        and query.protocol in ("", one.protocol)
    ]
    return Listing(
        items=[
            LiveSessionInfo(
                id=one.id,
                protocol=one.protocol,
                account=one.account,
                ip=one.peer_ip,
                client=one.client,
                credential=one.credential,
                credential_name=one.credential_name,
                tls=one.tls,
                since=instant(one.opened_at),
            )
            for one in found
        ]
    )


async def end_session(call: Call) -> None:
    number = call.path["session"]
    for one in await call.api.live.listed():
        if one.id == number and (call.realm.domains is None or _covers(call, one.account)):
            call.notes["account"] = one.account
            return await call.api.live.end(number)
    raise NotFound(f"no session {number}")


# --- bans ---


def _ban(one: Ban) -> BanInfo:
    return BanInfo(
        kind=one.kind,
        subject=one.subject,
        reason=one.reason,
        created_at=instant(one.created_at),
        expires_at=instant(one.expires_at),
    )


async def bans(call: Call, query: PageQuery) -> Listing[BanInfo]:
    now = call.api.clock.now()
    found = [
        one
        for one in await call.api.store.access.bans()
        if (not one.expires_at or one.expires_at > now)
        and (call.realm.domains is None or (one.kind == "account" and _covers(call, one.subject)))
    ]
    found.sort(key=lambda one: f"{one.kind} {one.subject}")
    page = page_of(found, query, lambda one: f"{one.kind} {one.subject}")
    return Listing(items=[_ban(one) for one in page.items], next=page.next)


async def _subject(call: Call, kind: str, subject: str) -> str:
    normal = normal_subject(kind, subject)
    if call.realm.domains is not None:
        if kind != "account":
            raise Problem("server-only")
        call.need_domain(normal.rpartition("@")[2])
        account = await call.api.store.directory.account_by_address(normal)
        if account is not None:
            call.need_not_above(account)
    return normal


async def add_ban(call: Call, body: NewBan) -> BanInfo:
    subject = await _subject(call, body.kind, body.subject)
    if body.kind == "account" and subject == call.account.address:
        raise Problem("conflict", reason="you cannot ban yourself")
    now = call.api.clock.now()
    ban = Ban(body.kind, subject, body.reason, now, now + body.hours * 3600 if body.hours else 0.0)
    await call.api.store.access.ban(ban)
    return _ban(ban)


async def lift_ban(call: Call, body: BanSubject) -> None:
    subject = await _subject(call, body.kind, body.subject)
    if not await call.api.store.access.lift(body.kind, subject):
        raise NotFound(f"no ban of {subject}")


# --- audit log ---


async def audit(call: Call, query: AuditQuery) -> Listing[AuditInfo]:
    before = int(query.after) if query.after.isdecimal() and len(query.after) <= 18 else 0
    found = await call.api.store.audit.page(before, query.limit + 1, account=query.account, domains=call.only)
    items = [
        AuditInfo(
            id=number,
            at=instant(one.at),
            actor=one.actor,
            action=one.action,
            text=call.api.words(one.facts.get("operation"), call.language) if one.action == "api" else "",
            account=one.account,
            mailbox=one.mailbox,
            facts=one.facts,
        )
        for number, one in found[: query.limit]
    ]
    return Listing(items=items, next=str(items[-1].id) if len(found) > query.limit else "")


OPERATIONS: Final = (
    Operation(
        method="GET", path="/sessions", name="listLiveSessions", tag=TAG, scope=READS, run=sessions, query=LiveQuery,
        answer=Listing[LiveSessionInfo], says=("当前连接", "Who is connected now"),
    ),
    Operation(
        method="DELETE", path="/sessions/{session}", name="endLiveSession", tag=TAG, scope=CHANGES, run=end_session,
        says=("断开一个连接", "Disconnect one"),
    ),
    Operation(
        method="GET", path="/bans", name="listBans", tag=TAG, scope=READS, run=bans, query=PageQuery,
        answer=Listing[BanInfo], says=("封禁列表", "Who is not heard"),
    ),
    Operation(
        method="POST", path="/bans", name="addBan", tag=TAG, scope=CHANGES, run=add_ban, body=NewBan, answer=BanInfo,
        status=201, says=("添加封禁", "Ban somebody"),
    ),
    Operation(
        method="POST", path="/bans/lift", name="liftBan", tag=TAG, scope=CHANGES, run=lift_ban, body=BanSubject,
        says=("解除封禁", "End a ban"),
    ),
    Operation(
        method="GET", path="/audit", name="listAudit", tag=TAG, scope=READS, run=audit, query=AuditQuery,
        answer=Listing[AuditInfo], says=("审计日志，最新的在前", "Who did what, the newest first"),
    ),
)  # fmt: skip
