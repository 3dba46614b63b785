"""Refusals (RFC 9457): each kind has a name that stays, a status, and texts that say what to do."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from starlette.responses import Response

from posthouse.core import errors as e
from posthouse.core.sentence import Sentence
from posthouse.http.api.reasons import REASON_MAX, in_chinese

TYPES: Final = "/api/v1/problems/"
REALM: Final = 'Bearer realm="Posthouse"'

PROBLEMS: Final[dict[str, tuple[int, tuple[str, str], tuple[str, str]]]] = {
    "no-credentials": (
        401,
        ("需要登录", "Sign in first"),
        (
            "请在 Authorization 信头中带上访问令牌：Bearer 令牌。",
            "Send an access token in the header Authorization: Bearer TOKEN.",
        ),
    ),
    "invalid-token": (
        401,
        ("令牌无效", "The token is not good"),
        (
            "令牌不存在、已过期或已被收回。请重新登录，或新建一个令牌。",
            "It is unknown, has expired or was revoked. Sign in again, or make a new one.",
        ),
    ),
    "reauthenticate": (
        401,
        ("请再次确认身份", "Confirm that it is you"),
        (
            "这项更改要求刚刚登录过。请向 /api/v1/self/reauthenticate 提交密码或通行密钥，"
            "并在信头 Posthouse-Proof 中带上所得的凭证。",
            "This change needs a sign-in of a moment ago. Send the password or a passkey to "
            "/api/v1/self/reauthenticate, and its proof in the header Posthouse-Proof.",
        ),
    ),
    "wrong-secret": (
        403,
        ("密码或代码不正确", "The password or the code is wrong"),
        ("请核对后再试；验证码每个只能用一次。", "Check it and try again; each code is good once."),
    ),
    "second-step": (
        403,
        ("还需要第二步验证", "The second step is missing"),
        (
            "该账户开启了两步验证。请在同一请求中再带上 code（验证器代码或恢复码），或改用通行密钥。",
            "The account signs in in two steps. Send `code` (of the authenticator, or a recovery code) as well, or "
            "use a passkey.",
        ),
    ),
    "insufficient-scope": (
        403,
        ("令牌权限不足", "The token is not for this"),
        ("需要权限 {scope} 的令牌。", "A token with the scope {scope} is needed."),
    ),
    "in-clear": (
        403,
        ("必须加密", "Encryption is needed"),
        (
            "令牌不能以明文经过网络。请使用 https 地址。",
            "Tokens must not cross a network in the clear. Use the https address.",
        ),
    ),
    "held": (
        403,
        ("设备等待批准", "The device waits for approval"),
        (
            "账户主人要求先批准新设备。请在已登录的设备上批准。",
            "The owner approves new devices first. Approve it from a device you know.",
        ),
    ),
    "forbidden": (
        403,
        ("不允许", "Not allowed"),
        (
            "该账户不能做这件事，或已停用网页登录。请联系管理员。",
            "The account may not do this, or pages are switched off for it. Ask the administrator.",
        ),
    ),
    "not-administrator": (
        403,
        ("您不是管理员", "You are no administrator"),
        (
            "这个账户没有管理权限。请服务器管理员运行 posthouse account admin {address}。",
            "The account administrates nothing. A server administrator can change that: `posthouse account admin "
            "{address}`.",
        ),
    ),
    "server-only": (
        403,
        ("只有服务器管理员可以", "For administrators of the server"),
        (
            "这项操作涉及整台服务器，域名管理员不能执行。",
            "This concerns the whole server; administrators of single domains cannot do it.",
        ),
    ),
    "above-you": (
        403,
        ("对方的权限高于您", "That account may more than you"),
        (
            "该账户管理着您管理范围之外的东西，只有服务器管理员可以更改。",
            "It administrates things that you do not; only an administrator of the server can change it.",
        ),
    ),
    "second-factor-required": (
        403,
        ("管理员必须开启两步验证", "Administrators need a second step"),
        (
            "请先在网页邮箱的账户设置中开启两步验证，然后重新登录。",
            "Set up two-step sign-in on the account page of the webmail first, then sign in again.",
        ),
    ),
    "person-only": (
        403,
        ("程序令牌不能做这件事", "Not by a program's token"),
        (
            "管理权限和令牌只能由登录的人更改，长期令牌不行。",
            "Who administrates, and tokens, are changed by people who sign in, not by long-lived tokens.",
        ),
    ),
    "not-found": (
        404,
        ("没有找到", "Not found"),
        (
            "没有这个对象，或它不归您管理。请刷新列表后再试。",
            "There is no such thing, or it is not yours to see. Load the list again.",
        ),
    ),
    "method": (
        405,
        ("不支持的方法", "Not a method of this address"),
        ("这个地址支持：{allow}。", "This address knows: {allow}."),
    ),
    "exists": (
        409,
        ("已存在", "It exists already"),
        ("同名的对象已存在。请换一个名称。", "The name is taken. Choose another."),
    ),
    "conflict": (
        409,
        ("状态不允许", "Not in this state"),
        ("它已被处理，或还有别的东西依赖它。", "It was changed meanwhile, or something still depends on it."),
    ),
    "last-factor": (
        409,
        ("这是最后一个第二步", "This is the last second step"),
        (
            "该账户的登录必须有第二步。请先添加另一个验证器或通行密钥。",
            "Signing in to this account takes a second step. Add another authenticator or passkey first.",
        ),
    ),
    "managed-elsewhere": (
        409,
        ("密码由别处管理", "The password is kept elsewhere"),
        (
            "这个账户的密码由外部目录管理，请在那里修改。",
            "A directory outside keeps the password of this account; change it there.",
        ),
    ),
    "no-pages": (
        409,
        ("本机没有网页地址", "This server has no address for pages"),
        (
            "通行密钥属于一个网页地址。请管理员设置 oauth.issuer 或启用 https。",
            "Passkeys belong to an address of pages. Ask the administrator to set oauth.issuer or enable https.",
        ),
    ),
    "over-quota": (
        409,
        ("数量已达上限", "There are too many"),
        ("已达到允许的数量。请先删除不用的。", "No more of these are allowed. Remove one first."),
    ),
    "changed": (
        412,
        ("内容已被别人修改", "Somebody changed it meanwhile"),
        (
            "您看到的不是最新内容。请刷新后再改。",
            "What you saw is not current. Load it again, then change it.",
        ),
    ),
    "too-large": (
        413,
        ("请求过大", "The request is too large"),
        ("请求正文最多 {limit} 字节。", "The body of a request has at most {limit} bytes."),
    ),
    "media-type": (
        415,
        ("内容类型不对", "Not JSON"),
        ("请求正文须为 application/json。", "The body of a request is application/json."),
    ),
    "malformed": (
        400,
        ("请求无法读懂", "The request cannot be read"),
        ("正文不是 JSON，或参数重复。", "The body is not JSON, or a parameter was sent twice."),
    ),
    "invalid": (
        422,
        ("请求内容不符合要求", "The request is not acceptable"),
        ("请按 reason 的说明改正后再提交。", "Mend what `reason` names, and send it again."),
    ),
    "password-short": (
        422,
        ("密码太短", "The password is too short"),
        ("密码至少要有 {least} 个字符。", "A password needs at least {least} characters."),
    ),
    "busy": (
        429,
        ("请求过于频繁", "Too many requests"),
        ("请 {seconds} 秒后再试。", "Try again in {seconds} seconds."),
    ),
    "migration-sign-in": (
        403,
        ("对方服务器不接受这个密码", "The other server does not take the password"),
        (
            "多数邮箱要用授权码（应用专用密码），不是登录密码，并且要先在那边开启 IMAP。请在对方的设置里生成后再试。",
            "Most providers want an app password rather than the one you sign in with, and IMAP has to be switched on "
            "there first. Make one in the settings over there and try again.",
        ),
    ),
    "migration-unreachable": (
        502,
        ("连不上对方服务器", "The other server cannot be reached"),
        (
            "请核对服务器名和端口，稍后再试。只使用加密的连接（IMAPS）。",
            "Check its name and port, and try again later. Only encrypted connections (IMAPS) are used.",
        ),
    ),
    "migration-address": (
        403,
        ("不能连接这个服务器", "That server is not called"),
        (
            "只能从公网上的服务器搬家。如果它在内部网络里，请管理员加入配置 migration.networks 和 migration.ports。",
            "Mail is moved from servers on the public network only. For one inside, an administrator adds it to "
            "migration.networks and migration.ports of the configuration.",
        ),
    ),
    "migration-off": (
        403,
        ("这台服务器不提供搬家", "Migration is switched off here"),
        (
            "管理员关闭了从别处搬家的功能（migration.enabled）。",
            "An administrator switched it off (migration.enabled).",
        ),
    ),
    "fault": (
        500,
        ("服务器内部错误", "A fault of ours"),
        (
            "请求没有完成，原因已记入日志。请联系管理员。",
            "The request was not done; the log says why. Tell the administrator.",
        ),
    ),
    "unavailable": (
        503,
        ("暂时不可用", "Not available now"),
        ("什么也没有改变，请稍后再试。", "Nothing was changed; try again in a moment."),
    ),
    "uncertain": (
        503,
        ("不确定是否完成", "It may have been done, or not"),
        (
            "服务中断时请求正在执行。请刷新查看后再决定是否重试。",
            "The service broke off while it was at it. Look first, then try again.",
        ),
    ),
}
"""Name -> (status, title, what to do), in Chinese and English.  Names are constant."""

_OF_ERROR: Final[tuple[tuple[type[e.MailError], str], ...]] = (
    # The most telling first: NotApproved is a Forbidden.
    (e.SignInFailed, "wrong-secret"),
    (e.NotApproved, "held"),
    (e.Forbidden, "forbidden"),
    (e.Uncertain, "uncertain"),
    (e.Unavailable, "unavailable"),
    (e.NotFound, "not-found"),
    (e.Exists, "exists"),
    (e.OverQuota, "over-quota"),
    (e.InUse, "conflict"),
    (e.Conflict, "conflict"),
    (e.TooLarge, "too-large"),
    (e.Invalid, "invalid"),
)
_TELLING: Final = (e.Invalid, e.Conflict, e.Exists, e.OverQuota)
"""Whose detail is for the one who asked; that of the others may tell of other people's things."""


class ProblemDocument(Struct, kw_only=True, omit_defaults=True):
    """RFC 9457 §3.1."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    reason: Annotated[
        str,
        Meta(
            description="What exactly was refused, in the language of the answer where there are words for it."
        ),
    ] = ""
    at: Annotated[str, Meta(description="JSON Pointer (RFC 6901) to what was refused.")] = ""
    scope: Annotated[str, Meta(description="The scope that is needed.")] = ""
    methods: Annotated[list[str], Meta(description="Second steps that the account has.")] = []


class Problem(Exception):
    """A refusal by name; `fields` fill its text, `more` are members of the document (`reason` may be a Sentence)."""

    def __init__(
        self,
        name: str,
        *,
        fields: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(name)
        self.name = name
        self.fields = fields or {}
        self.headers = headers or {}
        self.more = more


def problem_of(error: e.MailError) -> Problem:
    for cls, name in _OF_ERROR:
        if isinstance(error, cls):
            if isinstance(error, e.TooLarge):
                return Problem(name, fields={"limit": error.limit})
            return Problem(name, reason=reason_of(error) if isinstance(error, _TELLING) else "")
    return Problem("fault")


def reason_of(error: e.MailError) -> Sentence | str:
    return error.detail if error.sentence is None else error.sentence


def _said(reason: Sentence | str, language: str) -> str:
    """In Chinese the words for pages come first: those of the command line name its commands."""
    english = str(reason)[:REASON_MAX]
    if language != "zh":
        return english
    words = in_chinese(english)
    return reason.text(language)[:REASON_MAX] if words == english and isinstance(reason, Sentence) else words


def document(problem: Problem, language: str) -> ProblemDocument:
    status, title, detail = PROBLEMS[problem.name]
    at = 0 if language == "zh" else 1
    text = detail[at].format(**problem.fields) if problem.fields else detail[at]
    more = dict(problem.more)
    if "reason" in more:
        more["reason"] = _said(more["reason"], language)
    return ProblemDocument(type=TYPES + problem.name, title=title[at], status=status, detail=text, **more)


def respond(problem: Problem, language: str) -> Response:
    found = document(problem, language)
    headers = {"Content-Language": language, "Cache-Control": "no-store", **problem.headers}
    if found.status == 401:
        headers["WWW-Authenticate"] = _challenge(problem.name)
    if problem.name == "insufficient-scope":  # RFC 6750 §3.1
        headers["WWW-Authenticate"] = f'{REALM}, error="insufficient_scope", scope="{found.scope}"'
    if found.status == 503:
        headers.setdefault("Retry-After", "2")
    return Response(msgspec.json.encode(found), found.status, headers, "application/problem+json")


def _challenge(name: str) -> str:
    match name:
        case "invalid-token":
            return f'{REALM}, error="invalid_token"'
        case "reauthenticate":  # RFC 9470 §3
            return f'{REALM}, error="insufficient_user_authentication", max_age="600"'
    return REALM
