"""My password, and those of my programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta

from posthouse.core.errors import NotFound
from posthouse.core.scope import action_names
from posthouse.http.api.operation import (
    ACCOUNT,
    Answer,
    Body,
    Call,
    Created,
    Listing,
    Operation,
    Secret,
    instant,
)
from posthouse.http.api.own.profile import check_password
from posthouse.http.api.problem import Problem
from posthouse.services.accounts import PASSWORD_MIN
from posthouse.services.credentials import FOLDERS_MAX, NAME_MAX, NETWORKS_MAX
from posthouse.storage.rows import Credential

TAG: Final = "self: passwords"


class PasswordChange(Body):
    current_password: Secret
    new_password: Annotated[
        str, Meta(min_length=1, max_length=1024, description=f"At least {PASSWORD_MIN} characters.")
    ]
    end_others: Annotated[
        bool, Meta(description="Sign out all other programs and browsers that have a token.")
    ] = False


class PasswordChanged(Answer):
    ended: Annotated[int, Meta(description="How many grants were revoked.")]


class AppPassword(Answer):
    id: int
    name: str
    protocols: list[str]
    actions: list[str]
    folders: list[str]
    networks: list[str]
    created_at: datetime | None
    expires_at: datetime | None
    used_at: datetime | None
    used_ip: str
    used_protocol: str


class NewAppPassword(Body):
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX, description="What it is for.")]
    protocols: Annotated[
        tuple[Literal["imap", "pop3", "submission", "jmap"], ...], Meta(min_length=1, max_length=4)
    ] = (
        "imap",
        "pop3",
        "submission",
    )
    actions: Annotated[tuple[Literal["read", "write", "send"], ...], Meta(min_length=1, max_length=3)] = (
        "read",
        "write",
        "send",
    )
    folders: Annotated[tuple[Annotated[str, Meta(max_length=500)], ...], Meta(max_length=FOLDERS_MAX)] = ()
    networks: Annotated[tuple[Annotated[str, Meta(max_length=50)], ...], Meta(max_length=NETWORKS_MAX)] = ()
    expires_at: datetime | None = None


class MadeAppPassword(Answer):
    app_password: AppPassword
    password: Annotated[str, Meta(description="Told once.")]


def told(one: Credential) -> AppPassword:
    return AppPassword(
        id=one.id,
        name=one.name,
        protocols=list(one.protocols),
        actions=list(action_names(one.actions)),
        folders=list(one.folders),
        networks=list(one.networks),
        created_at=instant(one.created_at),
        expires_at=instant(one.expires_at),
        used_at=instant(one.used_at),
        used_ip=one.used_ip,
        used_protocol=one.used_protocol,
    )


async def change(call: Call, body: PasswordChange) -> PasswordChanged:
    if call.account.password is None:
        raise Problem("managed-elsewhere")
    await check_password(call, body.current_password)
    if len(body.new_password) < PASSWORD_MIN:
        raise Problem("password-short", fields={"least": PASSWORD_MIN}, at="/new_password")
    await call.api.accounts.update_account(call.account.address, password=body.new_password)
    if not body.end_others:
        return PasswordChanged(ended=0)
    tokens = call.api.store.tokens
    mine = call.caller.grant.id if not call.caller.is_program else ""
    others = [one.id for one in await tokens.grants(call.account_id) if str(one.id) != mine]
    return PasswordChanged(ended=await tokens.revoke(others) if others else 0)


async def app_passwords(call: Call) -> Listing[AppPassword]:
    found = await call.api.sign_in.credentials.app_passwords(call.account.address)
    return Listing(items=[told(one) for one in found])


async def add(call: Call, body: NewAppPassword) -> Created:
    credentials = call.api.sign_in.credentials
    _, text = await credentials.add(
        call.account.address,
        body.name,
        protocols=body.protocols,
        networks=body.networks,
        expires_at=body.expires_at.timestamp() if body.expires_at is not None else 0.0,
        actions=body.actions,
        folders=body.folders,
    )
    found = await credentials.app_passwords(call.account.address)
    one = told(next(one for one in found if one.name == body.name.strip()))
    grouped = "-".join(text[at : at + 4] for at in range(0, len(text), 4))
    return Created(MadeAppPassword(app_password=one, password=grouped), f"/self/app-passwords/{one.id}")


async def revoke(call: Call) -> None:
    number = call.number()
    for one in await call.api.sign_in.credentials.app_passwords(call.account.address):
        if one.id == number:
            call.notes["name"] = one.name
            return await call.api.sign_in.credentials.revoke(call.account.address, one.name)
    raise NotFound(f"no app password {number}")


OPERATIONS: Final = (
    Operation(
        method="PUT", path="/self/password", name="changePassword", tag=TAG, scope=ACCOUNT, run=change,
        body=PasswordChange, answer=PasswordChanged,
        says=("修改密码（需要旧密码）", "Change the password; the old one is needed"),
    ),
    Operation(
        method="GET", path="/self/app-passwords", name="listAppPasswords", tag=TAG, scope=ACCOUNT, run=app_passwords,
        answer=Listing[AppPassword], says=("列出授权码及最近使用情况", "App passwords, and when they were used last"),
    ),
    Operation(
        method="POST", path="/self/app-passwords", name="addAppPassword", tag=TAG, scope=ACCOUNT, run=add,
        body=NewAppPassword, answer=MadeAppPassword, status=201, fresh=True,
        says=("新建授权码，只显示一次", "Make an app password; it is told once"),
    ),
    Operation(
        method="DELETE", path="/self/app-passwords/{id}", name="revokeAppPassword", tag=TAG, scope=ACCOUNT, run=revoke,
        says=("吊销授权码，立即生效", "Revoke an app password, at once"),
    ),
)  # fmt: skip
