"""Who I am, and proof of it: the account itself, and signing in again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, UnsetType, structs

from posthouse.core.errors import SignInFailed
from posthouse.http.api.operation import ACCOUNT, Answer, Api, Body, Call, Operation, Secret, Text, instant
from posthouse.http.api.problem import Problem
from posthouse.services.api_access import FRESH_S
from posthouse.storage.rows import Account

TAG: Final = "self"
_FACTORS: Final = ("totp", "passkey", "recovery")
"""Second steps that this API takes; codes by mail are for the sign-in page."""


class Self(Answer):
    address: str
    name: str
    language: str
    two_step: bool
    two_step_required: Annotated[bool, Meta(description="The domain requires a second step.")]
    new_device: str
    second_address: str
    protocols: list[str]
    app_only: list[str]
    administrates: Annotated[bool, Meta(description="The pages at /admin/ are for this account.")]
    lens: Annotated[bool, Meta(description="The pages at /lens/ have something to show.")]
    has_password: Annotated[bool, Meta(description="False: a directory outside keeps it.")]
    created_at: datetime | None


class SelfChange(Body):
    name: Text | UnsetType = UNSET
    language: Literal["zh", "en"] | UnsetType = UNSET


class DevicePolicy(Body):
    new_device: Annotated[
        Literal["off", "notify", "hold"],
        Meta(
            description="A device that signs in first: nothing, a letter about it, or it waits for approval."
        ),
    ]
    second_address: Annotated[
        str, Meta(max_length=320, description="Where approvals are asked for; empty: nowhere.")
    ]


class Proof(Answer):
    proof: Annotated[str, Meta(description="For the header Posthouse-Proof, with the same token.")]
    expires_in: Annotated[int, Meta(description="Seconds.")]


class SignInAgain(Body):
    password: Secret | UnsetType = UNSET
    code: (
        Annotated[str, Meta(max_length=40, description="Of the authenticator, or a recovery code.")]
        | UnsetType
    ) = UNSET
    passkey: (
        Annotated[dict[str, Any], Meta(description="What navigator.credentials.get() answered, as JSON.")]
        | UnsetType
    ) = UNSET


class PasskeyOptions(Answer):
    options: Annotated[
        dict[str, Any], Meta(description="For navigator.credentials, as JSON (WebAuthn Level 3).")
    ]


async def _described(api: Api, account: Account) -> Self:
    domain = await api.store.directory.domain(account.address.rpartition("@")[2])
    return Self(
        address=account.address,
        name=account.name,
        language=account.language,
        two_step=account.two_step,
        two_step_required=domain is not None and domain.two_step == "required",
        new_device=account.new_device,
        second_address=account.second_address,
        protocols=list(account.protocols),
        app_only=list(account.app_only),
        administrates=bool(account.admin),
        lens=api.lens.enabled and (api.lens.users or api.lens.everybody or bool(account.admin)),
        has_password=account.password is not None,
        created_at=instant(account.created_at),
    )


async def show(call: Call) -> Self:
    return await _described(call.api, call.account)


async def change(call: Call, body: SelfChange) -> Self:
    chosen = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    return await _described(call.api, await call.api.accounts.update_account(call.account.address, **chosen))


async def change_device_policy(call: Call, body: DevicePolicy) -> Self:
    changed = await call.api.accounts.update_account(call.account.address, **structs.asdict(body))
    return await _described(call.api, changed)


async def sign_in_again(call: Call, body: SignInAgain) -> Proof:
    api, account = call.api, call.account
    if body.passkey is not UNSET:
        if api.passkeys is None:
            raise Problem("no-pages")
        # It asked for a finger, a face or a PIN: both steps at once.
        if (await api.passkeys.check(body.passkey)).id != account.id:
            raise SignInFailed("a passkey of another account")
    elif body.password is not UNSET:
        await check_password(call, body.password)
        await _second_step(call, "" if body.code is UNSET else body.code)
    else:
        raise Problem("invalid", reason="send password or passkey")
    return Proof(proof=await api.access.prove(call.caller), expires_in=int(FRESH_S))


async def check_password(call: Call, password: str) -> None:
    """The account's own, that is: one of a program opens nothing here.  Counted as a sign-in.  Raises SignInFailed."""
    origin = structs.replace(call.origin, first_step=True)
    grant = await call.api.sign_in.verify_password(call.account.address, password, origin)
    if grant.kind != "password":
        raise SignInFailed("an app password")


async def _second_step(call: Call, code: str) -> None:
    methods = [one for one in await call.api.two_step.wanted(call.account) if one in _FACTORS]
    if not methods:
        return
    if not code:
        raise Problem("second-step", methods=methods)
    await call.api.two_step.check(call.account, code)


async def passkey_options(call: Call) -> PasskeyOptions:
    if call.api.passkeys is None:
        raise Problem("no-pages")
    return PasskeyOptions(options=await call.api.passkeys.options())


OPERATIONS: Final = (
    Operation(
        method="GET", path="/self", name="getSelf", tag=TAG, scope=ACCOUNT, run=show, answer=Self,
        says=("我的账户", "My account"),
    ),
    Operation(
        method="PATCH", path="/self", name="changeSelf", tag=TAG, scope=ACCOUNT, run=change, body=SelfChange,
        answer=Self, etag="getSelf", says=("修改姓名和语言", "Change name and language"),
    ),
    Operation(
        method="PUT", path="/self/device-policy", name="setDevicePolicy", tag=TAG, scope=ACCOUNT,
        run=change_device_policy, body=DevicePolicy, answer=Self, fresh=True,
        says=("设置新设备登录的处理方式", "What happens when a new device signs in"),
    ),
    Operation(
        method="POST", path="/self/reauthenticate", name="reauthenticate", tag=TAG, scope=ACCOUNT, run=sign_in_again,
        body=SignInAgain, answer=Proof,
        says=("再次确认身份（密码或通行密钥）", "Sign in again, by password or passkey"),
    ),
    Operation(
        method="POST", path="/self/reauthenticate/passkey", name="reauthenticateOptions", tag=TAG, scope=ACCOUNT,
        run=passkey_options, answer=PasskeyOptions, noted=False,
        says=("用通行密钥确认身份所需的参数", "What the browser needs to ask for a passkey"),
    ),
)  # fmt: skip
