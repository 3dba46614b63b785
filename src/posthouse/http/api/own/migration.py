"""Moving in from a mailbox elsewhere: what is there, and migrations that run by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Final, Literal, TypeVar

from msgspec import UNSET, Meta, UnsetType

from posthouse.client.device_grant import Pending
from posthouse.core.errors import Forbidden, Invalid, OverQuota, Unavailable
from posthouse.core.sentence import unpacked
from posthouse.http.api.operation import ACCOUNT, Answer, Body, Call, Created, Listing, Operation, instant
from posthouse.http.api.problem import Problem, reason_of
from posthouse.http.limits import Limiter
from posthouse.services.migrations import Migration, Migrations, State, Where

T = TypeVar("T")
TAG: Final = "self: migration"
CHECK_S: Final = 60.0
"""For signing in elsewhere and counting."""
POLLS: Final = 400
"""Questions of one account in ten minutes whether it has signed in over there."""
CHECKS: Final = 20
"""Of one account in ten minutes: nobody's password is guessed through us."""

Name = Annotated[str, Meta(min_length=1, max_length=320)]
Host = Annotated[str, Meta(max_length=253, pattern=r"^[A-Za-z0-9.:-]*$")]
Key = Annotated[str, Meta(min_length=1, max_length=12_000)]
Provider = Literal["", "qq", "exmail", "163", "126", "gmail", "office365"]


class Elsewhere(Body):
    user: Annotated[str, Meta(min_length=1, max_length=320, description="Mostly the address over there.")]
    password: Annotated[
        str,
        Meta(max_length=12_000, description="An app password; or, with by_token, an access token of OAuth."),
    ]
    provider: Annotated[Provider, Meta(description="Empty: host and port say where.")] = ""
    host: Host = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="Of IMAP by TLS.")] = 993
    by_token: Annotated[bool, Meta(description="Sign in by XOAUTH2.")] = False
    signed_in: Annotated[
        bool, Meta(description="password is `granted` of a sign-in at the provider's own page.")
    ] = False


class NewMigration(Elsewhere):
    folders: Annotated[list[Annotated[str, Meta(max_length=1000)]], Meta(max_length=500)] | UnsetType = UNSET


class MigrationChange(Body):
    wish: Annotated[
        Literal["run", "pause", "cancel"],
        Meta(description="run: go on; of one that is over, again, for what is new: then with its password."),
    ]
    password: Key | UnsetType = UNSET


class SignInWanted(Body):
    provider: Provider


class SignInStarted(Answer):
    url: Annotated[str, Meta(description="The provider's page, where the code is typed.")]
    code: str
    handle: Annotated[str, Meta(description="For asking whether it is done.")]
    interval: Annotated[int, Meta(description="Seconds between two questions.")]
    expires_in: int


class SignInHandle(Body):
    handle: Key


class SignInState(Answer):
    granted: Annotated[str, Meta(description="In place of the password, with signed_in; empty: not yet.")]
    slower: Annotated[bool, Meta(description="Ask five seconds less often from now on.")]


class SignInProvider(Answer):
    provider: str


class FolderThere(Answer):
    id: Annotated[str, Meta(description="For `folders`.")]
    name: str
    role: Annotated[str, Meta(description="inbox, sent, drafts, junk, trash, archive, or empty.")]
    letters: Annotated[int, Meta(description="-1: it does not say.")]


class MovedFolder(Answer):
    name: str
    total: int
    copied: int
    known: Annotated[int, Meta(description="There before.")]
    failed: int
    at: Annotated[float, Meta(description="How far, from 0 to 1.")]


class NotMoved(Answer):
    folder: str
    reason: Annotated[
        str, Meta(description="too-large; gone: removed there meanwhile; folder: it cannot be opened.")
    ]
    subject: str
    size: int


class MigrationInfo(Answer):
    id: int
    provider: str
    host: str
    user: str
    state: State
    error: Annotated[str, Meta(description="sign-in, unreachable, address, quota, fault; empty: none.")]
    detail: Annotated[
        str,
        Meta(description="What went wrong, with what the other server said, in the language of the answer."),
    ]
    needs_password: Annotated[bool, Meta(description="To go on.")]
    signed_in: Annotated[bool, Meta(description="By a sign-in at the provider's page, not by a password.")]
    folders: list[MovedFolder]
    missing: Annotated[list[NotMoved], Meta(description="Letters that were not copied, the first 200.")]
    missing_count: int
    started_at: datetime | None
    ended_at: datetime | None


def told(one: Migration, language: str) -> MigrationInfo:
    progress, where = one.progress, one.wanted.where
    fresh = progress.run == one.wanted.run
    sentence = None if progress.sentence is None else unpacked(progress.sentence)
    detail = progress.detail if sentence is None else sentence.text(language)
    return MigrationInfo(
        id=one.id,
        provider=where.provider,
        host=where.host,
        user=where.user,
        state=one.state,
        error=progress.error if fresh else "",
        detail=detail if fresh else "",
        needs_password=not one.wanted.secret,
        signed_in=where.signed_in,
        folders=[
            MovedFolder(name=f.name, total=f.total, copied=f.copied, known=f.known, failed=f.failed, at=f.at)
            for f in (progress.folders if fresh else ())
        ],
        missing=[
            NotMoved(folder=m.folder, reason=m.reason, subject=m.subject, size=m.size)
            for m in (progress.missing if fresh else ())
        ],
        missing_count=progress.missing_count if fresh else 0,
        started_at=instant(one.wanted.at),
        ended_at=instant(progress.ended_at if fresh else 0.0),
    )


def _service(call: Call) -> Migrations:
    if call.api.migrations is None:
        raise Problem("migration-off")
    return call.api.migrations


def _where(body: Elsewhere) -> Where:
    if not body.provider and not body.host:
        raise Problem("invalid", reason="provider or host is needed", at="/host")
    host, port = ("", 993) if body.provider else (body.host, body.port)
    return Where(body.provider, host, port, body.user, body.by_token, body.signed_in)


def _limited(call: Call, name: str, count: int) -> None:
    limit = Limiter(call.api.sign_in.shared.counts, call.api.clock, name, count, 600.0)
    if wait := limit.take(str(call.account_id)):
        seconds = int(wait) + 1
        raise Problem("busy", fields={"seconds": seconds}, headers={"Retry-After": str(seconds)})


async def _elsewhere(work: Awaitable[T]) -> T:
    """What other servers refuse, as problems."""
    try:
        async with asyncio.timeout(CHECK_S):
            return await work
    except OverQuota as error:
        raise Problem("busy", fields={"seconds": 5}, headers={"Retry-After": "5"}) from error
    except Forbidden as error:
        raise Problem("migration-sign-in", reason=reason_of(error)) from error
    except Invalid as error:
        raise Problem("migration-address", reason=reason_of(error)) from error
    except (Unavailable, TimeoutError) as error:
        reason = reason_of(error) if isinstance(error, Unavailable) else ""
        raise Problem("migration-unreachable", reason=reason) from error


async def providers(call: Call) -> Listing[SignInProvider]:
    return Listing(items=[SignInProvider(provider=one) for one in _service(call).providers])


async def begin(call: Call, body: SignInWanted) -> SignInStarted:
    service = _service(call)
    _limited(call, "migration checks", CHECKS)
    codes, handle = await _elsewhere(service.begin(call.account_id, body.provider))
    return SignInStarted(
        url=codes.url,
        code=codes.user_code,
        handle=handle,
        interval=codes.interval_s,
        expires_in=codes.life_s,
    )


async def poll(call: Call, body: SignInHandle) -> SignInState:
    service = _service(call)
    _limited(call, "migration sign-in", POLLS)
    found = await _elsewhere(service.poll(call.account_id, body.handle))
    if isinstance(found, Pending):
        return SignInState(granted="", slower=found.slower)
    return SignInState(granted=found, slower=False)


async def check(call: Call, body: Elsewhere) -> Listing[FolderThere]:
    service, where = _service(call), _where(body)
    _limited(call, "migration checks", CHECKS)
    call.notes["host"] = where.host or where.provider
    found = await _elsewhere(service.folders(call.account_id, where, body.password))
    return Listing(
        items=[
            FolderThere(id=folder.raw, name=folder.name, role=folder.role or "", letters=count)
            for folder, count in found
        ]
    )


async def listed(call: Call) -> Listing[MigrationInfo]:
    return Listing(items=[told(one, call.language) for one in await _service(call).listed(call.account_id)])


async def show(call: Call) -> MigrationInfo:
    return told(await _service(call).one(call.account_id, call.number()), call.language)


async def start(call: Call, body: NewMigration) -> Created:
    where = _where(body)
    folders = None if isinstance(body.folders, UnsetType) else body.folders
    try:
        made = await _service(call).start(call.account_id, where, body.password, folders)
    except Invalid as error:
        raise Problem("migration-address", reason=reason_of(error)) from error
    return Created(told(made, call.language), f"/self/migrations/{made.id}")


async def change(call: Call, body: MigrationChange) -> MigrationInfo:
    secret = "" if body.password is UNSET else body.password
    try:
        found = await _service(call).wish(call.account_id, call.number(), body.wish, secret)
    except (Forbidden, Invalid) as error:
        raise Problem("invalid", reason=reason_of(error), at="/password") from error
    return told(found, call.language)


async def remove(call: Call) -> None:
    await _service(call).remove(call.account_id, call.number())


OPERATIONS: Final = (
    Operation(
        method="GET", path="/self/migration-sign-in", name="listMigrationSignIns", tag=TAG, scope=ACCOUNT,
        run=providers, answer=Listing[SignInProvider],
        says=("可在其自己的网页上登录的服务商", "Providers at whose own pages people sign in"),
    ),
    Operation(
        method="POST", path="/self/migration-sign-in", name="beginMigrationSignIn", tag=TAG, scope=ACCOUNT, run=begin,
        body=SignInWanted, answer=SignInStarted,
        says=("在服务商的网页上登录：得到网址和代码", "Sign in at a provider's own page: its address, and a code"),
    ),
    Operation(
        method="POST", path="/self/migration-sign-in/poll", name="pollMigrationSignIn", tag=TAG, scope=ACCOUNT,
        run=poll, body=SignInHandle, answer=SignInState,
        says=("是否已登录；登录后得到代替密码的内容", "Whether that is done; then what stands for the password"),
    ),
    Operation(
        method="POST", path="/self/migrations/check", name="checkMigration", tag=TAG, scope=ACCOUNT, run=check,
        body=Elsewhere, answer=Listing[FolderThere],
        says=("登录别处的邮箱，列出文件夹和邮件数", "Sign in to a mailbox elsewhere; its folders and their letters"),
    ),
    Operation(
        method="GET", path="/self/migrations", name="listMigrations", tag=TAG, scope=ACCOUNT, run=listed,
        answer=Listing[MigrationInfo], says=("搬家任务，最新的在前", "Migrations, newest first"),
    ),
    Operation(
        method="POST", path="/self/migrations", name="startMigration", tag=TAG, scope=ACCOUNT, run=start,
        body=NewMigration, answer=MigrationInfo, status=201,
        says=(
            "开始搬家：在服务器上运行，关闭网页也继续；密码加密保存，结束即删",
            "Start one: it runs in the server, whoever watches; the password is kept sealed and forgotten at the end",
        ),
    ),
    Operation(
        method="GET", path="/self/migrations/{id}", name="getMigration", tag=TAG, scope=ACCOUNT, run=show,
        answer=MigrationInfo, says=("一项搬家任务的进度", "How far one is"),
    ),
    Operation(
        method="PATCH", path="/self/migrations/{id}", name="changeMigration", tag=TAG, scope=ACCOUNT, run=change,
        body=MigrationChange, answer=MigrationInfo,
        says=("暂停、继续、取消，或再次运行（只取新邮件）", "Pause, go on, cancel, or run again for what is new"),
    ),
    Operation(
        method="DELETE", path="/self/migrations/{id}", name="removeMigration", tag=TAG, scope=ACCOUNT, run=remove,
        says=("删除任务记录；搬来的邮件保留", "Forget one; what was copied stays"),
    ),
)  # fmt: skip
