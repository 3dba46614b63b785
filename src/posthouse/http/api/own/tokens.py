"""Long-lived tokens for my programs that use this API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from posthouse.http.api.operation import ACCOUNT, Answer, Body, Call, Created, Listing, Operation, instant
from posthouse.http.api.problem import Problem
from posthouse.services.api_tokens import scopes_of, token_scopes
from posthouse.services.credentials import NAME_MAX, NETWORKS_MAX
from posthouse.storage.rows import Credential

TAG: Final = "self: tokens"


class TokenInfo(Answer):
    id: int
    name: str
    scope: str
    networks: list[str]
    created_at: datetime | None
    expires_at: datetime | None
    used_at: datetime | None
    used_ip: str


class NewToken(Body):
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX, description="What it is for.")]
    scope: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2000,
            description="account, admin:read, admin:write; beside it admin:domain:NAME. Not more than this token has.",
        ),
    ]
    expires_at: datetime | None = None
    networks: Annotated[tuple[Annotated[str, Meta(max_length=50)], ...], Meta(max_length=NETWORKS_MAX)] = ()


class MadeToken(Answer):
    info: TokenInfo
    token: Annotated[str, Meta(description="Told once.")]


def told(one: Credential) -> TokenInfo:
    return TokenInfo(
        id=one.id,
        name=one.name,
        scope=str(scopes_of(one)),
        networks=list(one.networks),
        created_at=instant(one.created_at),
        expires_at=instant(one.expires_at),
        used_at=instant(one.used_at),
        used_ip=one.used_ip,
    )


async def listed(call: Call) -> Listing[TokenInfo]:
    return Listing(items=[told(one) for one in await call.api.access.long_lived.of_account(call.account_id)])


async def add(call: Call, body: NewToken) -> Created:
    wanted = token_scopes(body.scope)
    if not wanted.within(call.caller.scopes):
        raise Problem("insufficient-scope", fields={"scope": str(wanted)}, scope=str(wanted))
    tokens = call.api.access.long_lived
    until = body.expires_at.timestamp() if body.expires_at is not None else 0.0
    made, text = await tokens.add(
        call.account, body.name, str(wanted), expires_at=until, networks=body.networks
    )
    one = next(one for one in await tokens.of_account(call.account_id) if one.name == made.name)
    return Created(MadeToken(info=told(one), token=text), f"/self/tokens/{one.id}")


async def revoke(call: Call) -> None:
    call.notes["name"] = (await call.api.access.long_lived.revoke(call.account_id, call.number())).name


OPERATIONS: Final = (
    Operation(
        method="GET", path="/self/tokens", name="listTokens", tag=TAG, scope=ACCOUNT, run=listed,
        answer=Listing[TokenInfo], says=("程序的长期令牌", "Long-lived tokens of programs"),
    ),
    Operation(
        method="POST", path="/self/tokens", name="addToken", tag=TAG, scope=ACCOUNT, run=add, body=NewToken,
        answer=MadeToken, status=201, fresh=True, person=True,
        says=("新建令牌，只显示一次", "Make one; it is told once"),
    ),
    Operation(
        method="DELETE", path="/self/tokens/{id}", name="revokeToken", tag=TAG, scope=ACCOUNT, run=revoke,
        says=("吊销令牌，立即生效", "Revoke one, at once"),
    ),
)  # fmt: skip
