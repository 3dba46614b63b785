"""Domains: what they are set to, what DNS has to say of them, the keys that sign their mail, who administrates them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, UnsetType, structs

from posthouse.core.address import parse_domain
from posthouse.core.errors import Invalid, NotFound
from posthouse.http.api.operation import (
    CHANGES,
    READS,
    Answer,
    Body,
    Call,
    Created,
    Listing,
    Operation,
    PageQuery,
    instant,
    page_of,
)
from posthouse.http.api.problem import Problem
from posthouse.services.dkim import DkimKeys, PublicKey
from posthouse.storage.rows import EVERYTHING, Domain

TAG: Final = "domains"
ADMINISTRATORS_MAX: Final = 1000
"""That a list of them names."""
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Protocol = Literal["submission", "pop3", "imap", "http", "carddav"]


class DomainInfo(Answer):
    name: str
    enabled: bool
    catch_all: Annotated[str, Meta(description="Takes mail for unknown local parts; empty: nobody.")]
    two_step: Annotated[str, Meta(description="Second step of its people: off, optional, required.")]
    protocols_off: list[str]
    oauth_only: Annotated[bool, Meta(description="Mail programs need tokens; no password opens mail.")]
    dmarc: Annotated[str, Meta(description="What its DMARC record is to say.")]
    redirects: Annotated[str, Meta(description="Where to rules may send mail on: any, confirmed, inside.")]
    accounts: int
    aliases: int
    created_at: datetime | None


class NewDomain(Body):
    name: Name
    catch_all: Annotated[str, Meta(max_length=320)] = ""


class DomainChange(Body):
    enabled: bool | UnsetType = UNSET
    catch_all: Annotated[str, Meta(max_length=320)] | UnsetType = UNSET
    two_step: Literal["off", "optional", "required"] | UnsetType = UNSET
    protocols_off: Annotated[list[Protocol], Meta(max_length=4)] | UnsetType = UNSET
    oauth_only: bool | UnsetType = UNSET
    dmarc: Literal["none", "quarantine", "reject"] | UnsetType = UNSET
    redirects: Literal["any", "confirmed", "inside"] | UnsetType = UNSET


class DnsRecord(Answer):
    name: str
    type: str
    value: str
    purpose: str


class DnsFinding(Answer):
    level: str
    text: str


class DnsChecked(Answer):
    subject: Annotated[str, Meta(description="host, ptr, mx, spf, dkim, dmarc, srv")]
    title: str
    level: Annotated[str, Meta(description="ok, unknown, warning, problem")]
    records: list[DnsRecord]
    found: list[str]
    findings: list[DnsFinding]


class DkimKeyInfo(Answer):
    selector: str
    kind: str
    state: Annotated[
        str, Meta(description="next: waits for DNS; active: signs; retired: its record stays a while.")
    ]
    name: str
    record: str
    created_at: datetime | None
    activated_at: datetime | None


class Rotation(Body):
    now: Annotated[bool, Meta(description="Sign with it at once, without waiting for DNS.")] = False


class Administrator(Answer):
    address: str
    name: str
    server: bool
    domains: list[str]
    two_step: bool


async def told(call: Call, one: Domain) -> DomainInfo:
    accounts, aliases = await call.api.store.directory.count(one.name)
    return DomainInfo(
        name=one.name,
        enabled=one.enabled,
        catch_all=one.catch_all or "",
        two_step=one.two_step,
        protocols_off=list(one.protocols_off),
        oauth_only=one.oauth_only,
        dmarc=one.dmarc,
        redirects=one.redirects,
        accounts=accounts,
        aliases=aliases,
        created_at=instant(one.created_at),
    )


async def _domain(call: Call) -> Domain:
    try:
        name = call.need_domain(parse_domain(call.path["domain"]))
    except Invalid as error:
        raise Problem("not-found") from error
    found = await call.api.store.directory.domain(name)
    if found is None:
        raise NotFound(f"no domain {name}")
    return found


async def listed(call: Call, query: PageQuery) -> Listing[DomainInfo]:
    found = [one for one in await call.api.store.directory.domains() if call.realm.covers(one.name)]
    page = page_of(found, query, lambda one: one.name)
    return Listing(items=[await told(call, one) for one in page.items], next=page.next)


async def create(call: Call, body: NewDomain) -> Created:
    made = await call.api.accounts.create_domain(body.name, catch_all=body.catch_all or None)
    await DkimKeys(call.api.store, call.api.clock).rotate(made.name)
    return Created(await told(call, made), f"/domains/{made.name}")


async def show(call: Call) -> DomainInfo:
    return await told(call, await _domain(call))


async def change(call: Call, body: DomainChange) -> DomainInfo:
    domain = await _domain(call)
    changes: dict[str, Any] = {
        name: value for name, value in structs.asdict(body).items() if value is not UNSET
    }
    if "enabled" in changes and call.realm.domains is not None:
        raise Problem("server-only")
    if "catch_all" in changes:
        changes["catch_all"] = changes["catch_all"] or None
    return await told(call, await call.api.accounts.update_domain(domain.name, **changes))


async def delete(call: Call) -> None:
    await call.api.accounts.delete_domain((await _domain(call)).name)


# --- DNS, keys ---


async def records(call: Call) -> Listing[DnsRecord]:
    found = await call.api.node.records(await _domain(call), call.language)
    return Listing(items=[DnsRecord(**one) for one in found])


async def check(call: Call) -> Listing[DnsChecked]:
    found = await call.api.node.check(await _domain(call), call.language)
    return Listing(
        items=[
            DnsChecked(
                subject=one["subject"],
                title=one["title"],
                level=one["level"],
                records=[DnsRecord(**record) for record in one["records"]],
                found=one["found"],
                findings=[DnsFinding(**finding) for finding in one["findings"]],
            )
            for one in found
        ]
    )


def _key(one: PublicKey) -> DkimKeyInfo:
    return DkimKeyInfo(
        selector=one.selector,
        kind=one.kind,
        state=one.state,
        name=one.name,
        record=one.record,
        created_at=instant(one.created_at),
        activated_at=instant(one.activated_at),
    )


async def keys(call: Call) -> Listing[DkimKeyInfo]:
    found = await DkimKeys(call.api.store, call.api.clock).listed((await _domain(call)).name)
    return Listing(items=[_key(one) for one in found])


async def rotate(call: Call, body: Rotation) -> Listing[DkimKeyInfo]:
    found = await DkimKeys(call.api.store, call.api.clock).rotate((await _domain(call)).name, now=body.now)
    return Listing(items=[_key(one) for one in found])


# --- who administrates ---


async def administrators(call: Call) -> Listing[Administrator]:
    """Those of the server are shown to those of the server only."""
    return Listing(
        items=[
            Administrator(
                address=one.address,
                name=one.name,
                server=EVERYTHING in one.admin,
                domains=[name for name in one.admin if name != EVERYTHING and call.realm.covers(name)],
                two_step=one.two_step,
            )
            for one in await call.api.store.directory.find_accounts(
                None, kind="administrators", limit=ADMINISTRATORS_MAX
            )
            if (call.realm.domains is None or set(one.admin) & call.realm.domains)
        ]
    )


async def name_administrator(call: Call) -> None:
    domain = (await _domain(call)).name
    account = await call.need_account(call.path["address"], change=True)
    if EVERYTHING not in account.admin:
        await call.api.accounts.update_account(account.address, admin=[*account.admin, domain])


async def drop_administrator(call: Call) -> None:
    domain = (await _domain(call)).name
    account = await call.need_account(call.path["address"], change=True)
    if domain not in account.admin:
        raise NotFound(f"{account.address} does not administrate {domain}")
    left = [name for name in account.admin if name != domain]
    await call.api.accounts.update_account(account.address, admin=left)


async def name_server_administrator(call: Call) -> None:
    account = await call.need_account(call.path["address"], change=True)
    await call.api.accounts.update_account(account.address, admin=[EVERYTHING])


async def drop_server_administrator(call: Call) -> None:
    account = await call.need_account(call.path["address"], change=True)
    if account.id == call.account_id:
        raise Problem("conflict", reason="let another administrator take your own rights away")
    await call.api.accounts.update_account(account.address, admin=[])


OPERATIONS: Final = (
    Operation(
        method="GET", path="/domains", name="listDomains", tag=TAG, scope=READS, run=listed, query=PageQuery,
        answer=Listing[DomainInfo], says=("列出域名", "Domains"),
    ),
    Operation(
        method="POST", path="/domains", name="createDomain", tag=TAG, scope=CHANGES, run=create, body=NewDomain,
        answer=DomainInfo, status=201, server=True,
        says=("添加域名并生成签名密钥", "Add a domain, with keys that sign its mail"),
    ),
    Operation(
        method="GET", path="/domains/{domain}", name="getDomain", tag=TAG, scope=READS, run=show, answer=DomainInfo,
        says=("一个域名", "A domain"),
    ),
    Operation(
        method="PATCH", path="/domains/{domain}", name="changeDomain", tag=TAG, scope=CHANGES, run=change,
        body=DomainChange, answer=DomainInfo, etag="getDomain", says=("修改设置和策略", "Settings and policies"),
    ),
    Operation(
        method="DELETE", path="/domains/{domain}", name="deleteDomain", tag=TAG, scope=CHANGES, run=delete,
        server=True, fresh=True,
        says=("删除域名（须先删除其账户和别名）", "Delete a domain that has no accounts or aliases"),
    ),
    Operation(
        method="GET", path="/domains/{domain}/dns", name="listDnsRecords", tag=TAG, scope=READS, run=records,
        answer=Listing[DnsRecord], says=("要发布的 DNS 记录", "The DNS records to publish"),
    ),
    Operation(
        method="POST", path="/domains/{domain}/dns/check", name="checkDns", tag=TAG, scope=READS, run=check,
        noted=False,
        answer=Listing[DnsChecked], says=("现在查询 DNS 并核对", "Ask DNS now, and compare"),
    ),
    Operation(
        method="GET", path="/domains/{domain}/dkim", name="listDkimKeys", tag=TAG, scope=READS, run=keys,
        answer=Listing[DkimKeyInfo], says=("签名密钥", "Keys that sign its mail"),
    ),
    Operation(
        method="POST", path="/domains/{domain}/dkim/rotate", name="rotateDkimKeys", tag=TAG, scope=CHANGES, run=rotate,
        body=Rotation, answer=Listing[DkimKeyInfo],
        says=("更换签名密钥", "New keys; they are used once DNS shows them"),
    ),
    Operation(
        method="PUT", path="/domains/{domain}/administrators/{address}", name="nameDomainAdministrator", tag=TAG,
        scope=CHANGES, run=name_administrator, fresh=True, person=True,
        says=("任命域名管理员", "Let an account administrate the domain"),
    ),
    Operation(
        method="DELETE", path="/domains/{domain}/administrators/{address}", name="dropDomainAdministrator", tag=TAG,
        scope=CHANGES, run=drop_administrator, fresh=True, person=True,
        says=("撤销域名管理员", "Let it administrate the domain no more"),
    ),
    Operation(
        method="GET", path="/administrators", name="listAdministrators", tag=TAG, scope=READS, run=administrators,
        answer=Listing[Administrator], says=("列出管理员", "Who administrates what"),
    ),
    Operation(
        method="PUT", path="/administrators/{address}", name="nameServerAdministrator", tag=TAG, scope=CHANGES,
        run=name_server_administrator, server=True, fresh=True, person=True,
        says=("任命服务器管理员", "Let an account administrate the server"),
    ),
    Operation(
        method="DELETE", path="/administrators/{address}", name="dropAdministrator", tag=TAG, scope=CHANGES,
        run=drop_server_administrator, server=True, fresh=True, person=True,
        says=("撤销一个账户的全部管理权限", "Take all administration from an account"),
    ),
)  # fmt: skip
