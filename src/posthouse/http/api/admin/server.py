"""The server: who I am to it, its health, certificates, the flow of mail, what it asks of administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, structs

from posthouse.http.api.operation import (
    CHANGES,
    READS,
    Answer,
    Body,
    Call,
    Listing,
    Operation,
    Query,
    instant,
)
from posthouse.services.admin_policy import AdminPolicy, read_policy, write_policy
from posthouse.services.flow import HOUR_S, WHAT

TAG: Final = "server"
HOURS_MAX: Final = 24 * 400


class Me(Answer):
    address: str
    name: str
    language: str
    server: Annotated[bool, Meta(description="Administrates the server.")]
    domains: Annotated[list[str], Meta(description="That it administrates; of the server all there are.")]
    may_change: Annotated[bool, Meta(description="The token is for changes too.")]
    two_step: bool


class Warned(Answer):
    level: Annotated[str, Meta(description="ok, warning, problem")]
    subject: str
    text: str
    advice: Annotated[str, Meta(description="What to do.")]


class Health(Answer):
    version: str
    hostname: str
    started_at: datetime | None
    workers: int
    connections: dict[str, int]
    disk_free_bytes: int
    disk_total_bytes: int
    checks: list[Warned]


class CertificateInfo(Answer):
    names: list[str]
    issuer: str
    source: Annotated[str, Meta(description="file, or acme")]
    not_before: datetime | None
    not_after: datetime | None
    days_left: int
    renewal: Annotated[str, Meta(description="What ACME is at; empty for a file.")]


class FlowQuery(Query):
    hours: Annotated[int, Meta(ge=1, le=HOURS_MAX, description="Back from now.")] = 48
    step: Annotated[int, Meta(ge=1, le=24 * 7, description="Hours that are one point.")] = 1


class FlowPoint(Answer):
    at: datetime | None
    received: int
    submitted: int
    refused: int
    delivered: int
    deferred: int
    failed: int


class Policy(Answer):
    two_step_required: bool


class PolicyChange(Body):
    two_step_required: Annotated[bool, Meta(description="Of every administrator.")]


async def me(call: Call) -> Me:
    account, part = call.account, call.caller.scopes.parts["admin"]
    domains = call.only
    if domains is None:
        domains = [one.name for one in await call.api.store.directory.domains()]
    return Me(
        address=account.address,
        name=account.name,
        language=account.language,
        server=call.realm.domains is None,
        domains=domains,
        may_change=part.actions & 2 != 0,
        two_step=account.two_step,
    )


async def health(call: Call) -> Health:
    found = await call.api.node.health(call.language)
    return Health(
        version=found["version"],
        hostname=found["hostname"],
        started_at=instant(found["started_at"]),
        workers=found["workers"],
        connections=found["connections"],
        disk_free_bytes=found["disk_free_bytes"],
        disk_total_bytes=found["disk_total_bytes"],
        checks=[Warned(**one) for one in found["checks"]],
    )


async def certificates(call: Call) -> Listing[CertificateInfo]:
    now = call.api.clock.now()
    return Listing(
        items=[
            CertificateInfo(
                names=one["names"],
                issuer=one["issuer"],
                source=one["source"],
                not_before=instant(one["not_before"]),
                not_after=instant(one["not_after"]),
                days_left=int((one["not_after"] - now) // 86400),
                renewal=one["renewal"],
            )
            for one in await call.api.node.certificates()
        ]
    )


async def flow(call: Call, query: FlowQuery) -> Listing[FlowPoint]:
    """Every point there is, those without letters too; the oldest first."""
    last = int(call.api.clock.now()) // HOUR_S
    count = -(-query.hours // query.step)
    first = last - count * query.step + 1
    sums = [dict.fromkeys(WHAT, 0) for _ in range(count)]
    for one in await call.api.store.flow.read(first, call.only):
        point = (one.hour - first) // query.step
        if one.what in WHAT and point < count:
            sums[point][one.what] += one.count
    return Listing(
        items=[
            FlowPoint(at=instant((first + number * query.step) * HOUR_S), **found)
            for number, found in enumerate(sums)
        ]
    )


async def policy(call: Call) -> Policy:
    return Policy(two_step_required=(await read_policy(call.api.store)).two_step_required)


async def change_policy(call: Call, body: PolicyChange) -> Policy:
    await write_policy(call.api.store, AdminPolicy(**structs.asdict(body)))
    return await policy(call)


OPERATIONS: Final = (
    Operation(
        method="GET", path="/me", name="getMe", tag=TAG, scope=READS, run=me, answer=Me,
        says=("我能管理什么", "What I administrate"),
    ),
    Operation(
        method="GET", path="/server/health", name="getHealth", tag=TAG, scope=READS, run=health, answer=Health,
        server=True, says=("运行状况，以及该怎么做", "How the server is, and what to do"),
    ),
    Operation(
        method="GET", path="/server/certificates", name="listCertificates", tag=TAG, scope=READS, run=certificates,
        answer=Listing[CertificateInfo], server=True, says=("证书和续期", "Certificates and their renewal"),
    ),
    Operation(
        method="GET", path="/server/flow", name="getFlow", tag=TAG, scope=READS, run=flow, query=FlowQuery,
        answer=Listing[FlowPoint], says=("邮件流量，按小时", "Letters by the hour"),
    ),
    Operation(
        method="GET", path="/server/policy", name="getPolicy", tag=TAG, scope=READS, run=policy, answer=Policy,
        server=True, says=("对管理员的要求", "What is asked of administrators"),
    ),
    Operation(
        method="PUT", path="/server/policy", name="setPolicy", tag=TAG, scope=CHANGES, run=change_policy,
        body=PolicyChange, answer=Policy, server=True, fresh=True, person=True, etag="getPolicy",
        says=("更改对管理员的要求", "Change what is asked of administrators"),
    ),
)  # fmt: skip
