"""Aliases and teams: where mail goes that is not for one person."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta

from posthouse.core.address import parse_address, try_address
from posthouse.core.errors import NotFound
from posthouse.core.rights import ADMINISTER, ALL, LOOKUP, READ, SEEN
from posthouse.http.api.admin.accounts import AccountInfo, Address, find, told
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
    Text,
    page_of,
)
from posthouse.http.api.problem import Problem
from posthouse.services.accounts import ALIAS_TARGETS_MAX
from posthouse.services.teams import Teams
from posthouse.storage.rows import Account, Alias

TAG: Final = "aliases and teams"
ROLES: Final = {"owner": ALL, "member": ALL & ~ADMINISTER, "reader": LOOKUP | READ | SEEN}
"""Owners say who may do what with its mailboxes; members read, sort and answer; readers read."""
Role = Literal["owner", "member", "reader"]


class AliasInfo(Answer):
    address: str
    targets: list[str]


class AliasQuery(PageQuery):
    domain: Annotated[str, Meta(max_length=255)] = ""
    search: Annotated[str, Meta(max_length=200, description="Part of the address or of a target.")] = ""


class AliasTargets(Body):
    targets: Annotated[list[Address], Meta(min_length=1, max_length=ALIAS_TARGETS_MAX)]


class NewTeam(Body):
    address: Address
    name: Text = ""
    language: Literal["zh", "en"] = "zh"


class MemberInfo(Answer):
    address: str
    role: Annotated[str, Meta(description="owner, member, reader, or custom")]


class MemberRole(Body):
    role: Role = "member"


class SeenMode(Body):
    seen: Annotated[
        Literal["all", "each"],
        Meta(
            description="all: what one has read all have read; each: everybody has unread mail of their own."
        ),
    ]


class SeenState(Answer):
    seen: Annotated[str, Meta(description="all, each, or mixed: it differs between mailboxes")]


# --- aliases ---


async def aliases(call: Call, query: AliasQuery) -> Listing[AliasInfo]:
    directory = call.api.store.directory
    if query.domain:
        found = await directory.aliases(query.domain) if call.realm.covers(query.domain.lower()) else []
    elif call.only is None:
        found = await directory.aliases()
    else:
        found = [one for name in call.only for one in await directory.aliases(name)]
    sought = query.search.casefold()
    chosen = [
        one for one in found if sought in one.address or any(sought in to.casefold() for to in one.targets)
    ]
    page = page_of(sorted(chosen, key=lambda one: one.address), query, lambda one: one.address)
    return Listing(items=[_alias(one) for one in page.items], next=page.next)


def _alias(one: Alias) -> AliasInfo:
    return AliasInfo(address=one.address, targets=list(one.targets))


async def _own_alias(call: Call) -> str:
    """Mail of somebody who may more is not for the caller to lead elsewhere.  Raises Problem."""
    parsed = try_address(call.path["address"])
    if parsed is None:
        raise Problem("not-found")
    call.need_domain(parsed.domain)
    account = await call.api.store.directory.account_by_address(parsed.key)
    if account is not None:
        call.need_not_above(account)
    return parsed.key


async def put_alias(call: Call, body: AliasTargets) -> AliasInfo:
    return _alias(await call.api.accounts.put_alias(await _own_alias(call), body.targets))


async def delete_alias(call: Call) -> None:
    await call.api.accounts.delete_alias(await _own_alias(call))


# --- teams ---


async def teams(call: Call, query: PageQuery) -> Listing[AccountInfo]:
    return await find(call, query, call.only, kind="teams")


async def create_team(call: Call, body: NewTeam) -> Created:
    call.need_domain(parse_address(body.address).domain)
    made = await call.api.accounts.create_account(
        body.address, None, name=body.name, language=body.language, team=True
    )
    return Created(told(made), f"/teams/{made.address}/members")


async def _team(call: Call) -> Account:
    account = await call.need_account(call.path["address"])
    if not account.team:
        raise NotFound(f"{account.address} is no team")
    return account


def _role(rights: int) -> str:
    return next((name for name, bits in ROLES.items() if bits == rights), "custom")


async def members(call: Call) -> Listing[MemberInfo]:
    found = await Teams(call.api.store).members((await _team(call)).address)
    return Listing(items=[MemberInfo(address=one.address, role=_role(one.rights)) for one in found])


async def put_member(call: Call, body: MemberRole) -> Listing[MemberInfo]:
    team = await _team(call)
    person = await call.need_account(call.path["member"])
    call.notes["account"] = team.address
    await Teams(call.api.store).add(team.address, person.address, ROLES[body.role])
    return await members(call)


async def remove_member(call: Call) -> None:
    """A member of another domain may be taken away by who administrates the team."""
    team = await _team(call)
    call.notes["account"] = team.address
    if try_address(call.path["member"]) is None:
        raise Problem("not-found")
    await Teams(call.api.store).remove(team.address, call.path["member"])


async def seen(call: Call) -> SeenState:
    return SeenState(seen=await Teams(call.api.store).seen((await _team(call)).address))


async def set_seen(call: Call, body: SeenMode) -> None:
    team = await _team(call)
    call.notes["account"] = team.address
    await Teams(call.api.store).set_seen(team.address, each=body.seen == "each")


OPERATIONS: Final = (
    Operation(
        method="GET", path="/aliases", name="listAliases", tag=TAG, scope=READS, run=aliases, query=AliasQuery,
        answer=Listing[AliasInfo], says=("别名", "Aliases"),
    ),
    Operation(
        method="PUT", path="/aliases/{address}", name="putAlias", tag=TAG, scope=CHANGES, run=put_alias,
        body=AliasTargets, answer=AliasInfo, says=("设置别名的去向", "Say where an alias leads"),
    ),
    Operation(
        method="DELETE", path="/aliases/{address}", name="deleteAlias", tag=TAG, scope=CHANGES, run=delete_alias,
        says=("删除别名", "Delete an alias"),
    ),
    Operation(
        method="GET", path="/teams", name="listTeams", tag=TAG, scope=READS, run=teams, query=PageQuery,
        answer=Listing[AccountInfo], says=("团队邮箱", "Team mailboxes"),
    ),
    Operation(
        method="POST", path="/teams", name="createTeam", tag=TAG, scope=CHANGES, run=create_team, body=NewTeam,
        answer=AccountInfo, status=201, says=("新建团队邮箱", "Make a team mailbox"),
    ),
    Operation(
        method="GET", path="/teams/{address}/members", name="listMembers", tag=TAG, scope=READS, run=members,
        answer=Listing[MemberInfo], says=("团队成员", "Members of a team"),
    ),
    Operation(
        method="PUT", path="/teams/{address}/members/{member}", name="putMember", tag=TAG, scope=CHANGES,
        run=put_member, body=MemberRole, answer=Listing[MemberInfo],
        says=("加入成员或更改角色", "Add a member, or give another role"),
    ),
    Operation(
        method="DELETE", path="/teams/{address}/members/{member}", name="removeMember", tag=TAG, scope=CHANGES,
        run=remove_member, says=("移除成员", "Remove a member"),
    ),
    Operation(
        method="GET", path="/teams/{address}/seen", name="getTeamSeen", tag=TAG, scope=READS, run=seen,
        answer=SeenState, says=("已读状态共用还是各自", "Whether what one has read all have read"),
    ),
    Operation(
        method="PUT", path="/teams/{address}/seen", name="setTeamSeen", tag=TAG, scope=CHANGES, run=set_seen,
        body=SeenMode, says=("设置已读状态共用还是各自", "Say whether what one has read all have read"),
    ),
)  # fmt: skip
