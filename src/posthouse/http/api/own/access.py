"""What my account is used from: devices, sign-ins, programs that have tokens, browsers, and what is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from posthouse.core.errors import NotFound
from posthouse.core.ids import AccountId
from posthouse.http.api.operation import ACCOUNT, Answer, Call, Listing, Operation, PageQuery, instant
from posthouse.services.oauth.clients import BUILT_IN, FIRST_PARTY
from posthouse.storage.access import BLOCKED, HELD, KNOWN

TAG: Final = "self: devices and sessions"


class DeviceInfo(Answer):
    id: int
    state: Annotated[str, Meta(description="known, held (waits for approval), blocked")]
    protocol: str
    network: str
    client: str
    credential: Annotated[str, Meta(description="What it signs in with: password, app, token, passkey ...")]
    credential_name: str
    country: str
    created_at: datetime | None
    used_at: datetime | None
    used_ip: str


class DeviceQuery(PageQuery):
    state: Annotated[str, Meta(max_length=10, description="Only of this state.")] = ""


class SignInInfo(Answer):
    at: datetime | None
    outcome: Annotated[str, Meta(description="ok, new, travel, held, wrong, refused")]
    protocol: str
    ip: str
    client: str
    credential: str
    credential_name: str
    country: str


class GrantInfo(Answer):
    id: int
    client: str
    client_name: str
    ours: Annotated[bool, Meta(description="A page or a program of this installation.")]
    current: Annotated[bool, Meta(description="That of the token of this request.")]
    scope: str
    created_at: datetime | None
    expires_at: datetime | None
    used_at: datetime | None
    used_ip: str
    used_protocol: str
    used_client: Annotated[str, Meta(description="The browser or program, as it names itself.")]


class SessionInfo(Answer):
    id: int
    kind: Annotated[str, Meta(description="password, two-step, passkey")]
    client: str
    ip: str
    created_at: datetime | None
    expires_at: datetime | None


class Ended(Answer):
    ended: int


class FolderSize(Answer):
    name: str
    role: str | None
    messages: int
    bytes: int


class StorageUse(Answer):
    used_bytes: int
    used_messages: int
    quota_bytes: Annotated[int, Meta(description="0: no limit.")]
    quota_messages: int
    folders: Annotated[
        list[FolderSize],
        Meta(
            description="The largest first. A message in two mailboxes counts in both, and once in used_bytes."
        ),
    ]


# --- devices ---


async def devices(call: Call, query: DeviceQuery) -> Listing[DeviceInfo]:
    found = await call.api.store.access.devices(call.account_id)
    chosen = sorted(
        (one for one in found if not query.state or one.state == query.state), key=lambda one: -one.used_at
    )
    start = next((at for at, one in enumerate(chosen, 1) if str(one.id) == query.after), 0)
    page = chosen[start : start + query.limit]
    return Listing(
        items=[
            DeviceInfo(
                id=one.id,
                state=one.state,
                protocol=one.protocol,
                network=one.network,
                client=one.client,
                credential=one.kind,
                credential_name=one.name,
                country=one.country,
                created_at=instant(one.created_at),
                used_at=instant(one.used_at),
                used_ip=one.used_ip,
            )
            for one in page
        ],
        next=str(page[-1].id) if start + query.limit < len(chosen) else "",
    )


async def _set_device(call: Call, state: str | None) -> None:
    if not await call.api.sign_in.devices.set_state(call.account_id, [call.number()], state):
        raise NotFound(f"no device {call.number()}")


async def approve(call: Call) -> None:
    await _set_device(call, KNOWN)


async def block(call: Call) -> None:
    await _set_device(call, BLOCKED)


async def forget(call: Call) -> None:
    await _set_device(call, None)


async def sign_ins(call: Call, query: PageQuery) -> Listing[SignInInfo]:
    return await sign_ins_of(call, call.account_id, query)


async def sign_ins_of(call: Call, account: AccountId, query: PageQuery) -> Listing[SignInInfo]:
    found = await call.api.store.access.sign_ins(account)
    start = int(query.after) if query.after.isdecimal() and len(query.after) < 10 else 0
    page = found[start : start + query.limit]
    return Listing(
        items=[
            SignInInfo(
                at=instant(one.at),
                outcome=one.outcome,
                protocol=one.protocol,
                ip=one.ip,
                client=one.client,
                credential=one.kind,
                credential_name=one.name,
                country=one.country,
            )
            for one in page
        ],
        next=str(start + query.limit) if start + query.limit < len(found) else "",
    )


# --- programs with tokens, browsers ---


def _current(call: Call) -> int:
    """The grant behind this request; 0 for a long-lived token."""
    return 0 if call.caller.is_program else int(call.caller.grant.id)


async def grants(call: Call) -> Listing[GrantInfo]:
    names = {one.id: one.name for one in await call.api.store.tokens.clients()}
    names |= {one.id: one.name for one in BUILT_IN.values()}
    now = call.api.clock.now()
    return Listing(
        items=[
            GrantInfo(
                id=one.id,
                client=one.client,
                client_name=names.get(one.client, FIRST_PARTY.get(one.client, one.client)),
                ours=one.client in FIRST_PARTY or one.client in BUILT_IN,
                current=one.id == _current(call),
                scope=one.scope,
                created_at=instant(one.created_at),
                expires_at=instant(one.expires_at),
                used_at=instant(one.used_at),
                used_ip=one.used_ip,
                used_protocol=one.used_protocol,
                used_client=one.used_client,
            )
            for one in await call.api.store.tokens.grants(call.account_id)
            if one.expires_at > now
        ]
    )


async def revoke_grant(call: Call) -> None:
    number = call.number()
    if number not in [one.id for one in await call.api.store.tokens.grants(call.account_id)]:
        raise NotFound(f"no grant {number}")
    await call.api.store.tokens.revoke([number])


async def revoke_others(call: Call) -> Ended:
    found = [
        one.id for one in await call.api.store.tokens.grants(call.account_id) if one.id != _current(call)
    ]
    return Ended(ended=await call.api.store.tokens.revoke(found) if found else 0)


async def sessions(call: Call) -> Listing[SessionInfo]:
    return Listing(
        items=[
            SessionInfo(
                id=one.id,
                kind=one.kind,
                client=one.client,
                ip=one.used_ip,
                created_at=instant(one.created_at),
                expires_at=instant(one.expires_at),
            )
            for one in await call.api.sessions.of_account(call.account_id)
        ]
    )


async def end_session(call: Call) -> None:
    if not await call.api.sessions.end(call.account_id, [call.number()]):
        raise NotFound(f"no session {call.number()}")


async def end_sessions(call: Call) -> Ended:
    return Ended(ended=await call.api.sessions.end(call.account_id))


async def storage(call: Call) -> StorageUse:
    account = await call.api.store.directory.account(call.account_id) or call.account
    found = await call.api.store.mailboxes.list(account.id)
    folders = [
        FolderSize(name=one.name, role=one.role, messages=one.messages, bytes=one.size_bytes)
        for one in sorted(found, key=lambda one: (-one.size_bytes, one.name))
    ]
    return StorageUse(
        used_bytes=account.used_bytes,
        used_messages=account.used_messages,
        quota_bytes=account.quota_bytes,
        quota_messages=account.quota_messages,
        folders=folders,
    )


OPERATIONS: Final = (
    Operation(
        method="GET", path="/self/devices", name="listDevices", tag=TAG, scope=ACCOUNT, run=devices, query=DeviceQuery,
        answer=Listing[DeviceInfo], says=(f"设备列表，{HELD} 为等待批准", f"Devices; those that are {HELD} wait"),
    ),
    Operation(
        method="POST", path="/self/devices/{id}/approve", name="approveDevice", tag=TAG, scope=ACCOUNT, run=approve,
        fresh=True, says=("批准设备登录", "Let a device sign in"),
    ),
    Operation(
        method="POST", path="/self/devices/{id}/block", name="blockDevice", tag=TAG, scope=ACCOUNT, run=block,
        says=("阻止设备登录", "Let a device sign in no more"),
    ),
    Operation(
        method="DELETE", path="/self/devices/{id}", name="forgetDevice", tag=TAG, scope=ACCOUNT, run=forget,
        says=("忘记设备，下次登录视为新设备", "Forget a device; it is new when it comes again"),
    ),
    Operation(
        method="GET", path="/self/sign-ins", name="listSignIns", tag=TAG, scope=ACCOUNT, run=sign_ins, query=PageQuery,
        answer=Listing[SignInInfo], says=("登录记录，最新的在前", "Sign-ins, the newest first"),
    ),
    Operation(
        method="GET", path="/self/grants", name="listGrants", tag=TAG, scope=ACCOUNT, run=grants,
        answer=Listing[GrantInfo], says=("持有令牌的程序和页面", "Programs and pages that have a token"),
    ),
    Operation(
        method="DELETE", path="/self/grants/{id}", name="revokeGrant", tag=TAG, scope=ACCOUNT, run=revoke_grant,
        says=("收回一个程序的令牌", "Take a program's tokens back"),
    ),
    Operation(
        method="POST", path="/self/grants/revoke-others", name="revokeOtherGrants", tag=TAG, scope=ACCOUNT,
        run=revoke_others, answer=Ended, says=("收回除本次以外的全部令牌", "Take all tokens back but this one"),
    ),
    Operation(
        method="GET", path="/self/sessions", name="listSessions", tag=TAG, scope=ACCOUNT, run=sessions,
        answer=Listing[SessionInfo], says=("已登录的浏览器", "Browsers that are signed in"),
    ),
    Operation(
        method="DELETE", path="/self/sessions/{id}", name="endSession", tag=TAG, scope=ACCOUNT, run=end_session,
        says=("注销一个浏览器", "Sign a browser out"),
    ),
    Operation(
        method="POST", path="/self/sessions/end-all", name="endSessions", tag=TAG, scope=ACCOUNT, run=end_sessions,
        answer=Ended, says=("注销全部浏览器", "Sign all browsers out"),
    ),
    Operation(
        method="GET", path="/self/storage", name="getStorage", tag=TAG, scope=ACCOUNT, run=storage, answer=StorageUse,
        says=("空间使用情况", "What the account holds"),
    ),
)  # fmt: skip
