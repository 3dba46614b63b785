"""My second step: authenticator app, recovery codes, passkeys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta

from posthouse.core.errors import NotFound
from posthouse.core.lazy import lazy
from posthouse.http.api.operation import ACCOUNT, Answer, Body, Call, Listing, Operation, instant
from posthouse.http.api.own.profile import PasskeyOptions
from posthouse.http.api.problem import Problem
from posthouse.services.passkeys import NAME_MAX, Passkeys
from posthouse.services.two_step import FACTORS

if TYPE_CHECKING:
    import segno
else:
    segno = lazy("segno")

TAG: Final = "self: second step"


class TwoStepState(Answer):
    on: bool
    required: Annotated[bool, Meta(description="By the domain.")]
    totp: bool
    passkeys: int
    recovery_codes: Annotated[int, Meta(description="How many are left.")]
    email: Annotated[str, Meta(description="Where codes can be sent to, hidden but for its ends; or empty.")]


class Enrolment(Answer):
    secret: Annotated[str, Meta(description="To be typed, where no picture can be taken.")]
    uri: Annotated[str, Meta(description="otpauth://...")]
    qr: Annotated[
        list[str], Meta(description="The QR code of the uri, row by row, 1 is dark; without a margin.")
    ]


class Code(Body):
    code: Annotated[str, Meta(min_length=6, max_length=20, description="Six digits that the app shows.")]


class RecoveryCodes(Answer):
    codes: Annotated[list[str], Meta(description="Each is good once. Told once.")]


class PasskeyInfo(Answer):
    id: int
    name: str
    backed_up: Annotated[bool, Meta(description="Kept by its maker too, so that it survives the device.")]
    created_at: datetime | None


class NewPasskey(Body):
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
    passkey: Annotated[
        dict[str, Any], Meta(description="What navigator.credentials.create() answered, as JSON.")
    ]


async def state(call: Call) -> TwoStepState:
    api, account = call.api, call.account
    methods = await api.two_step.methods(account)
    found = await api.store.credentials.of_account(account.id)
    return TwoStepState(
        on=account.two_step,
        required=await _is_required(call),
        totp="totp" in methods,
        passkeys=sum(one.kind == "passkey" for one in found),
        recovery_codes=sum(one.kind == "recovery" for one in found),
        email=methods.get("email", ""),
    )


async def _is_required(call: Call) -> bool:
    domain = await call.api.store.directory.domain(call.account.address.rpartition("@")[2])
    return domain is not None and domain.two_step == "required"


async def enrol(call: Call) -> Enrolment:
    made = await call.api.two_step.enrol(call.account)
    rows = segno.make(made.uri, error="m", micro=False).matrix
    return Enrolment(secret=made.secret, uri=made.uri, qr=["".join(map(str, row)) for row in rows])


async def confirm(call: Call, body: Code) -> RecoveryCodes:
    return RecoveryCodes(codes=await call.api.two_step.confirm(call.account, body.code))


async def renew_codes(call: Call) -> RecoveryCodes:
    if not set(await call.api.two_step.methods(call.account)) & set(FACTORS):
        raise NotFound("no second step is set up")
    return RecoveryCodes(codes=await call.api.two_step.new_recovery_codes(call.account))


async def disable(call: Call) -> None:
    if await _is_required(call):
        raise Problem("last-factor")
    await call.api.two_step.disable(call.account)


# --- passkeys ---


def _passkeys(call: Call) -> Passkeys:
    if call.api.passkeys is None:
        raise Problem("no-pages")
    return call.api.passkeys


async def passkeys(call: Call) -> Listing[PasskeyInfo]:
    if call.api.passkeys is None:
        return Listing(items=[])
    return Listing(
        items=[
            PasskeyInfo(id=one.id, name=one.name, backed_up=key.backed_up, created_at=instant(one.created_at))
            for one, key in await call.api.passkeys.of_account(call.account_id)
        ]
    )


async def begin_passkey(call: Call) -> PasskeyOptions:
    return PasskeyOptions(options=await _passkeys(call).registration(call.account))


async def add_passkey(call: Call, body: NewPasskey) -> PasskeyInfo:
    keys = _passkeys(call)
    await keys.register(call.account, body.name, body.passkey)
    one, key = next(
        pair for pair in await keys.of_account(call.account_id) if pair[0].name == body.name.strip()
    )
    return PasskeyInfo(id=one.id, name=one.name, backed_up=key.backed_up, created_at=instant(one.created_at))


class PasskeyName(Body):
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]


async def rename_passkey(call: Call, body: PasskeyName) -> PasskeyInfo:
    keys, number = _passkeys(call), call.number()
    before = next((one for one, _ in await keys.of_account(call.account_id) if one.id == number), None)
    if before is None:
        raise NotFound(f"no passkey {number}")
    await keys.rename(call.account_id, before.name, body.name)
    one, key = next(
        pair for pair in await keys.of_account(call.account_id) if pair[0].name == body.name.strip()
    )
    return PasskeyInfo(id=one.id, name=one.name, backed_up=key.backed_up, created_at=instant(one.created_at))


async def remove_passkey(call: Call) -> None:
    """The last factor of an account of two steps stays."""
    number, account = call.number(), call.account
    found = [one for one, _ in await _passkeys(call).of_account(account.id)]
    chosen = next((one for one in found if one.id == number), None)
    if chosen is None:
        raise NotFound(f"no passkey {number}")
    needed = account.two_step or await _is_required(call)
    if needed and len(found) == 1 and "totp" not in await call.api.two_step.methods(account):
        raise Problem("last-factor")
    call.notes["name"] = chosen.name
    await call.api.store.credentials.revoke(account.id, "passkey", chosen.name)


OPERATIONS: Final = (
    Operation(
        method="GET", path="/self/two-step", name="getTwoStep", tag=TAG, scope=ACCOUNT, run=state, answer=TwoStepState,
        says=("两步验证的状态", "Whether it is on, and by what"),
    ),
    Operation(
        method="POST", path="/self/two-step/totp", name="enrolTotp", tag=TAG, scope=ACCOUNT, run=enrol,
        answer=Enrolment, fresh=True,
        says=("添加验证器应用：密钥和二维码", "Add an authenticator app: its key, and a QR code"),
    ),
    Operation(
        method="POST", path="/self/two-step/totp/confirm", name="confirmTotp", tag=TAG, scope=ACCOUNT, run=confirm,
        body=Code, answer=RecoveryCodes,
        says=("用验证码确认，开启两步验证", "Switch it on with a code that the app shows"),
    ),
    Operation(
        method="POST", path="/self/two-step/recovery-codes", name="renewRecoveryCodes", tag=TAG, scope=ACCOUNT,
        run=renew_codes, answer=RecoveryCodes, fresh=True,
        says=("换一组恢复码，旧的作废", "New recovery codes; the old ones are void"),
    ),
    Operation(
        method="DELETE", path="/self/two-step", name="disableTwoStep", tag=TAG, scope=ACCOUNT, run=disable, fresh=True,
        says=(
            "关闭两步验证，删除验证器、通行密钥和恢复码",
            "Switch it off; app, passkeys and recovery codes go",
        ),
    ),
    Operation(
        method="GET", path="/self/passkeys", name="listPasskeys", tag=TAG, scope=ACCOUNT, run=passkeys,
        answer=Listing[PasskeyInfo], says=("列出通行密钥", "Passkeys"),
    ),
    Operation(
        method="POST", path="/self/passkeys/options", name="beginPasskey", tag=TAG, scope=ACCOUNT, run=begin_passkey,
        answer=PasskeyOptions, fresh=True,
        says=("新建通行密钥所需的参数", "What the browser needs to make a passkey"),
    ),
    Operation(
        method="POST", path="/self/passkeys", name="addPasskey", tag=TAG, scope=ACCOUNT, run=add_passkey,
        body=NewPasskey, answer=PasskeyInfo, status=201, fresh=True, says=("登记通行密钥", "Register a passkey"),
    ),
    Operation(
        method="PATCH", path="/self/passkeys/{id}", name="renamePasskey", tag=TAG, scope=ACCOUNT, run=rename_passkey,
        body=PasskeyName, answer=PasskeyInfo, says=("给通行密钥改名", "Rename a passkey"),
    ),
    Operation(
        method="DELETE", path="/self/passkeys/{id}", name="removePasskey", tag=TAG, scope=ACCOUNT, run=remove_passkey,
        fresh=True, says=("删除通行密钥", "Remove a passkey"),
    ),
)  # fmt: skip
