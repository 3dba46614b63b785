"""Accounts: made, changed, locked, reset, deleted."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, UnsetType, structs

from posthouse.core.address import parse_address
from posthouse.core.errors import NotFound
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
    instant,
)
from posthouse.http.api.own.access import Ended, SignInInfo, sign_ins_of
from posthouse.http.api.problem import Problem
from posthouse.services.accounts import PASSWORD_MIN
from posthouse.storage.rows import EVERYTHING, KINDS, Account

TAG: Final = "accounts"
BULK_MAX: Final = 500
Address = Annotated[str, Meta(min_length=3, max_length=320)]
Bytes = Annotated[int, Meta(ge=0, le=2**53 - 1, description="0: no limit.")]
AnyProtocol = Literal["smtp", "submission", "pop3", "imap", "http", "carddav"]
Protocols = Annotated[list[AnyProtocol], Meta(max_length=5)]
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"


class AccountInfo(Answer):
    address: str
    name: str
    language: str
    enabled: bool
    team: bool
    protocols: Annotated[list[str], Meta(description="Switched on for the account.")]
    app_only: Annotated[list[str], Meta(description="Protocols which only app passwords open.")]
    two_step: bool
    has_password: bool
    quota_bytes: Bytes
    quota_messages: Bytes
    used_bytes: int
    used_messages: int
    new_device: str
    server_administrator: bool
    administrates: list[str]
    created_at: datetime | None


class AccountDetails(AccountInfo):
    app_passwords: int
    passkeys: int
    tokens: Annotated[int, Meta(description="Of programs, for this API.")]
    grants: Annotated[int, Meta(description="Programs and pages that have a token.")]
    devices_waiting: int
    last_sign_in: datetime | None


class AccountQuery(PageQuery):
    domain: Annotated[str, Meta(max_length=255)] = ""
    search: Annotated[str, Meta(max_length=200, description="Part of the address or the name.")] = ""
    kind: Annotated[str, Meta(max_length=10, description="people, teams, disabled, administrators, full")] = (
        ""
    )


class NewAccount(Body):
    address: Address
    name: Text = ""
    language: Literal["zh", "en"] = "zh"
    password: Annotated[str, Meta(max_length=1024, description="Empty: one is made, and told once.")] = ""
    quota_bytes: Bytes = 0
    quota_messages: Bytes = 0


class MadeAccount(Answer):
    account: AccountInfo
    password: Annotated[str, Meta(description="The one that was made, told once; empty when it was given.")]


class AccountChange(Body):
    name: Text | UnsetType = UNSET
    language: Literal["zh", "en"] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    protocols: Protocols | UnsetType = UNSET
    app_only: Protocols | UnsetType = UNSET
    quota_bytes: Bytes | UnsetType = UNSET
    quota_messages: Bytes | UnsetType = UNSET
    new_device: Literal["off", "notify", "hold"] | UnsetType = UNSET


class BulkChange(Body):
    addresses: Annotated[list[Address], Meta(min_length=1, max_length=BULK_MAX)]
    change: AccountChange


class BulkOutcome(Answer):
    changed: list[str]
    refused: Annotated[dict[str, str], Meta(description="Address -> name of the problem.")]


class NewPassword(Body):
    password: Annotated[str, Meta(max_length=1024, description="Empty: one is made, and told once.")] = ""


class MadePassword(Answer):
    password: str


def told(one: Account) -> AccountInfo:
    return AccountInfo(**_facts(one))


def _facts(one: Account) -> dict[str, Any]:
    return {
        "address": one.address,
        "name": one.name,
        "language": one.language,
        "enabled": one.enabled,
        "team": one.team,
        "protocols": list(one.own_protocols),
        "app_only": list(one.app_only),
        "two_step": one.two_step,
        "has_password": one.password is not None,
        "quota_bytes": one.quota_bytes,
        "quota_messages": one.quota_messages,
        "used_bytes": one.used_bytes,
        "used_messages": one.used_messages,
        "new_device": one.new_device,
        "server_administrator": EVERYTHING in one.admin,
        "administrates": [name for name in one.admin if name != EVERYTHING],
        "created_at": instant(one.created_at),
    }


def _domains(call: Call, domain: str) -> list[str] | None:
    """Those to look at: one of the realm, or all of it."""
    if not domain:
        return call.only
    return [domain.lower()] if call.realm.covers(domain.lower()) else []


async def listed(call: Call, query: AccountQuery) -> Listing[AccountInfo]:
    if query.kind not in ("", *KINDS):
        raise Problem("invalid", at="/kind", reason=f"use one of {', '.join(KINDS)}")
    return await find(call, query, _domains(call, query.domain), search=query.search, kind=query.kind)


async def find(
    call: Call, query: PageQuery, domains: list[str] | None, *, search: str = "", kind: str = ""
) -> Listing[AccountInfo]:
    found = await call.api.store.directory.find_accounts(
        domains, search=search, kind=kind, after=query.after, limit=query.limit + 1
    )
    items = [told(one) for one in found[: query.limit]]
    return Listing(items=items, next=items[-1].address if len(found) > query.limit else "")


async def create(call: Call, body: NewAccount) -> Created:
    parsed = parse_address(body.address)
    call.need_domain(parsed.domain)
    call.notes["account"] = parsed.key
    password = _chosen(body.password)
    account = await call.api.accounts.create_account(
        body.address,
        password,
        name=body.name,
        language=body.language,
        quota_bytes=body.quota_bytes,
        quota_messages=body.quota_messages,
    )
    made = MadeAccount(account=told(account), password="" if body.password else password)
    return Created(made, f"/accounts/{account.address}")


def _chosen(given: str) -> str:
    """The password given, or one of 100 bits."""
    if given and len(given) < PASSWORD_MIN:
        raise Problem("password-short", fields={"least": PASSWORD_MIN}, at="/password")
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
    return given or "-".join(groups)


async def show(call: Call) -> AccountDetails:
    account, store = await call.need_account(call.path["address"]), call.api.store
    kinds = [one.kind for one in await store.credentials.of_account(account.id)]
    recent = await store.access.sign_ins(account.id, 20)
    good = [one.at for one in recent if one.outcome in ("ok", "new", "travel")]
    return AccountDetails(
        **_facts(account),
        app_passwords=kinds.count("app"),
        passkeys=kinds.count("passkey"),
        tokens=kinds.count("api"),
        grants=len(await store.tokens.grants(account.id)),
        devices_waiting=sum(one.state == "held" for one in await store.access.devices(account.id)),
        last_sign_in=instant(max(good, default=0.0)),
    )


async def change(call: Call, body: AccountChange) -> AccountDetails:
    account = await call.need_account(call.path["address"], change=True)
    await call.api.accounts.update_account(account.address, **_chosen_changes(call, account, body))
    return await show(call)


def _chosen_changes(call: Call, account: Account, body: AccountChange) -> dict[str, Any]:
    changes = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    if account.id == call.account_id and changes.get("enabled") is False:
        raise Problem("conflict", reason="you cannot lock your own account; let another administrator do it")
    return changes


async def change_many(call: Call, body: BulkChange) -> BulkOutcome:
    changed: list[str] = []
    refused: dict[str, str] = {}
    for address in body.addresses:
        try:
            account = await call.need_account(address, change=True)
            await call.api.accounts.update_account(
                account.address, **_chosen_changes(call, account, body.change)
            )
            changed.append(account.address)
        except Problem as problem:
            refused[address] = problem.name
        except NotFound:
            refused[address] = "not-found"
    call.notes.pop("account", None)
    call.notes["change"] = str({k: v for k, v in structs.asdict(body.change).items() if v is not UNSET})
    return BulkOutcome(changed=changed, refused=refused)


async def delete(call: Call) -> None:
    account = await call.need_account(call.path["address"], change=True)
    if account.id == call.account_id:
        raise Problem(
            "conflict", reason="you cannot delete your own account; let another administrator do it"
        )
    await call.api.accounts.delete_account(account.address)


async def reset_password(call: Call, body: NewPassword) -> MadePassword:
    account = await call.need_account(call.path["address"], change=True)
    password = _chosen(body.password)
    await call.api.accounts.update_account(account.address, password=password)
    await _sign_out(call, account)
    return MadePassword(password="" if body.password else password)


async def reset_second_step(call: Call) -> None:
    account = await call.need_account(call.path["address"], change=True)
    await call.api.two_step.disable(account)


async def _sign_out(call: Call, account: Account) -> int:
    """Whatever had a token or a session has none; passwords of programs stay."""
    store, tokens = call.api.store, call.api.access.long_lived
    for one in await tokens.of_account(account.id):
        await tokens.revoke(account.id, one.id)
    found = [one.id for one in await store.tokens.grants(account.id)]
    ended = await store.tokens.revoke(found) if found else 0
    return ended + await store.access.end_web_sessions(account.id)


async def sign_out(call: Call) -> Ended:
    return Ended(ended=await _sign_out(call, await call.need_account(call.path["address"], change=True)))


async def sign_ins(call: Call, query: PageQuery) -> Listing[SignInInfo]:
    return await sign_ins_of(call, (await call.need_account(call.path["address"])).id, query)


OPERATIONS: Final = (
    Operation(
        method="GET", path="/accounts", name="listAccounts", tag=TAG, scope=READS, run=listed, query=AccountQuery,
        answer=Listing[AccountInfo], says=("查找账户和团队", "Accounts and teams"),
    ),
    Operation(
        method="POST", path="/accounts", name="createAccount", tag=TAG, scope=CHANGES, run=create, body=NewAccount,
        answer=MadeAccount, status=201, says=("新建账户", "Make an account"),
    ),
    Operation(
        method="POST", path="/accounts/bulk", name="changeAccounts", tag=TAG, scope=CHANGES, run=change_many,
        body=BulkChange, answer=BulkOutcome, says=("批量修改账户", "Change many accounts"),
    ),
    Operation(
        method="GET", path="/accounts/{address}", name="getAccount", tag=TAG, scope=READS, run=show,
        answer=AccountDetails, says=("一个账户", "An account"),
    ),
    Operation(
        method="PATCH", path="/accounts/{address}", name="changeAccount", tag=TAG, scope=CHANGES, run=change,
        body=AccountChange, answer=AccountDetails, etag="getAccount",
        says=("修改：停用、配额、协议开关等", "Lock, quota, protocols and more"),
    ),
    Operation(
        method="DELETE", path="/accounts/{address}", name="deleteAccount", tag=TAG, scope=CHANGES, run=delete,
        fresh=True, says=("删除账户及其全部邮件", "Delete an account with all its mail"),
    ),
    Operation(
        method="POST", path="/accounts/{address}/password", name="resetPassword", tag=TAG, scope=CHANGES,
        run=reset_password, body=NewPassword, answer=MadePassword, fresh=True,
        says=("重设密码并注销各处登录", "Reset the password, and sign out everywhere"),
    ),
    Operation(
        method="DELETE", path="/accounts/{address}/two-step", name="resetTwoStep", tag=TAG, scope=CHANGES,
        run=reset_second_step, fresh=True,
        says=("取消两步验证（验证器、通行密钥、恢复码）", "Take the second step away: app, passkeys, recovery codes"),
    ),
    Operation(
        method="POST", path="/accounts/{address}/sign-out", name="signOutAccount", tag=TAG, scope=CHANGES,
        run=sign_out, answer=Ended, says=("收回令牌并注销浏览器", "Take back tokens and browser sessions"),
    ),
    Operation(
        method="GET", path="/accounts/{address}/sign-ins", name="listAccountSignIns", tag=TAG, scope=READS,
        run=sign_ins, query=PageQuery, answer=Listing[SignInInfo], says=("一个账户的登录记录", "Its sign-ins"),
    ),
)  # fmt: skip
