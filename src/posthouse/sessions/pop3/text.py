"""Every sentence a POP3 client may see, in English and Chinese.  RFC 6856 §3: LANG chooses.

Before LANG the English text is used, since RFC 1939 allows only ASCII.  Each refusal says what to do next.
"""

from __future__ import annotations

import enum
from typing import Final

LANGUAGES: Final = {"zh": "中文", "en": "English"}
"""Tag -> what the language calls itself."""
DEFAULT_LANGUAGE: Final = "en"


class Text(enum.Enum):
    """Members are (English, Chinese)."""

    READY = ("{hostname} POP3 server ready", "{hostname} POP3 服务器就绪")
    BYE = ("Goodbye", "再见")
    BYE_DELETED = ("{count} message(s) deleted, goodbye", "已删除 {count} 封邮件，再见")
    NOTHING_DONE = ("Nothing to do", "无操作")
    NEED_PASSWORD = ("Now send PASS with the password", "请用 PASS 命令发送密码")
    CAPABILITIES = ("Capability list follows", "功能列表如下")
    MECHANISMS = ("Mechanism list follows", "认证机制列表如下")
    LISTING = ("{count} message(s), {size} octets", "{count} 封邮件，共 {size} 字节")
    UNIQUE_IDS = ("Unique-id listing follows", "唯一标识列表如下")
    TOP_FOLLOWS = ("Top of message follows", "邮件开头如下")
    OCTETS = ("{size} octets", "{size} 字节")
    DELETED = ("Message {number} will be deleted at QUIT", "邮件 {number} 将在 QUIT 时删除")
    RESTORED = (
        "{count} message(s), {size} octets; no deletions pending",
        "{count} 封邮件，共 {size} 字节；已取消全部删除标记",
    )
    BEGIN_TLS = ("Begin TLS negotiation", "请开始 TLS 协商")
    UTF8_ON = ("UTF-8 mode is on", "已启用 UTF-8 模式")
    LANGUAGE_LIST = ("Language listing follows", "语言列表如下")
    LANGUAGE_SET = ("Language changed", "语言已切换")

    UNKNOWN_LANGUAGE = (
        "This language is not offered; send LANG without argument for the list",
        "不支持该语言；发送不带参数的 LANG 命令可查看列表",
    )
    NO_SUCH_MESSAGE = (
        "No such message; send LIST to see the numbers",
        "没有这封邮件；发送 LIST 命令可查看编号",
    )
    IS_DELETED = (
        "Message {number} is marked as deleted; RSET restores it",
        "邮件 {number} 已标记删除；RSET 命令可恢复",
    )
    GONE = (
        "Message {number} was deleted by another program; sign in again for the new list",
        "邮件 {number} 已被其他程序删除；请重新登录以获取新列表",
    )
    READ_ONLY = (
        "What you signed in with is for reading only; set the mail program to leave messages on the server",
        "当前登录凭据只允许读取；请在邮件程序中选择“在服务器上保留邮件”",
    )
    NEEDS_UTF8 = (
        "This message has addresses that need UTF-8 mode; use a client that sends UTF8, or read it by "
        "IMAP or webmail",
        "这封邮件含国际化地址，需要 UTF-8 模式；请使用支持 UTF8 命令的客户端，或用 IMAP、网页邮箱阅读",
    )
    APOP_OFF = (
        "APOP is not offered, as it needs passwords stored in clear text; use USER and PASS, or AUTH, "
        "over TLS",
        "不提供 APOP，因为它要求明文保存密码；请在 TLS 下使用 USER 和 PASS，或 AUTH",
    )
    NEEDS_TLS = (
        "A password is taken only over TLS; switch on SSL/TLS (port 995) or STARTTLS in your mail program",
        "仅在 TLS 下接受密码；请在邮件程序中启用 SSL/TLS（995 端口）或 STARTTLS",
    )
    TLS_ACTIVE = ("TLS is active already; go on with USER or AUTH", "TLS 已启用；请继续使用 USER 或 AUTH")
    TLS_NOT_OFFERED = (
        "This server has no certificate here; use port 995, or ask the administrator",
        "此端口未配置证书；请使用 995 端口，或联系管理员",
    )
    TLS_AFTER_UTF8 = ("STLS has to come before UTF8; connect again", "STLS 必须在 UTF8 之前；请重新连接")
    USER_FIRST = ("Send USER with the full address first", "请先用 USER 命令发送完整邮箱地址")
    BAD_UTF8 = ("The name or password is not valid UTF-8", "用户名或密码不是有效的 UTF-8")
    UNKNOWN_MECHANISM = (
        "This mechanism is not offered; send AUTH without argument for the list",
        "不支持该认证机制；发送不带参数的 AUTH 命令可查看列表",
    )
    AUTH_CANCELLED = ("Sign-in cancelled", "已取消登录")
    AUTH_MALFORMED = (
        "The answer is not what the mechanism wants; check the mail program's authentication setting",
        "应答不符合认证机制的要求；请检查邮件程序的认证设置",
    )
    AUTH_BAD_BINDING = (
        "The channel binding does not fit this connection; use a mechanism that CAPA lists",
        "信道绑定与此连接不符；请使用 CAPA 列出的认证机制",
    )
    AUTH_AS_OTHER = (
        "One may only sign in as oneself; leave the authorization identity empty",
        "只能以自己的身份登录；请将授权身份留空",
    )
    TOO_MANY_FAILURES = (
        "Too many failed sign-ins on this connection; check name and password, then connect again",
        "此连接登录失败次数过多；请核对用户名和密码后重新连接",
    )
    LOGIN_DELAY = (
        "Signed in too recently; wait {seconds} second(s), or check for mail less often",
        "登录过于频繁；请等待 {seconds} 秒，或降低收信频率",
    )
    TOO_MANY_ERRORS = ("Too many errors; closing the connection", "错误过多；连接即将关闭")
    SHUTTING_DOWN = ("The server is restarting; connect again in a moment", "服务器正在重启；请稍后重新连接")
    NOTHING_DELETED = (
        "The deletions could not be stored, nothing was deleted; sign in later and delete again",
        "删除未能保存，没有邮件被删除；请稍后登录并重新删除",
    )

    ONLY_AUTHORIZATION = ("{verb} is only possible before sign-in", "{verb} 只能在登录之前使用")
    ONLY_TRANSACTION = ("Sign in first: USER and PASS, or AUTH", "请先登录：USER 和 PASS，或 AUTH")

    # One per `wire.pop3.command.Problem`.
    TOO_LONG = (
        "The line is too long; a command has at most 255 octets",
        "命令行过长；一条命令最多 255 字节",
    )
    BARE_LF = ("Lines have to end with CRLF, not with LF alone", "行必须以 CRLF 结尾，不能只有 LF")
    BAD_OCTET = ("The line contains NUL or a stray CR", "命令行中含有 NUL 或多余的 CR")
    UNKNOWN = ("Unknown command; send CAPA for what is offered", "未知命令；发送 CAPA 可查看支持的功能")
    NEEDS_ARGUMENT = ("{verb} needs an argument", "{verb} 缺少参数")
    NO_ARGUMENT = ("{verb} takes no argument", "{verb} 不接受参数")
    BAD_NUMBER = ("{verb} needs a message number from LIST", "{verb} 需要 LIST 所列的邮件编号")
    BAD_COUNT = ("{verb} needs a message number and a number of lines", "{verb} 需要邮件编号和行数")

    # One per row of `errors.ANSWERS`.
    BAD_TOKEN = (
        "This token is not good here, or not any more; get a new one",
        "此令牌无效或已失效；请重新获取令牌",
    )
    EXPIRED = "This app password has expired; make a new one", "此应用专用密码已过期；请生成新的密码"
    SIGN_IN_FAILED = (
        "Wrong address or password; use the full address and check the password",
        "邮箱地址或密码错误；请使用完整地址并核对密码",
    )
    FORBIDDEN = (
        "POP3 is switched off for this account; use IMAP or webmail, or ask the administrator",
        "此账号未开启 POP3；请使用 IMAP 或网页邮箱，或联系管理员",
    )
    NOT_APPROVED = (
        "This device is new; approve it by the letter you were sent, then sign in again",
        "这是一台新设备；请按通知邮件批准后重新登录",
    )
    SCOPE_EXCEEDED = (
        "What you signed in with is not for reading mail by POP3; use an app password that is",
        "当前登录凭据不能用于 POP3 收信；请使用允许 POP3 的授权码",
    )
    IN_USE = (
        "The mailbox is open in another POP3 session; close that program or wait until it is done",
        "邮箱正被另一个 POP3 会话使用；请关闭该程序或等待其完成",
    )
    NOT_FOUND = ("The mailbox or message is gone; sign in again", "邮箱或邮件已不存在；请重新登录")
    OVER_QUOTA = (
        "The account is over its quota; delete mail by IMAP or webmail, then try again",
        "账号已超出配额；请用 IMAP 或网页邮箱删除邮件后重试",
    )
    CONFLICT = (
        "The mailbox changed meanwhile; sign in again and repeat",
        "邮箱已发生变化；请重新登录后重试",
    )
    TOO_LARGE = (
        "This is larger than the server allows; ask the administrator",
        "超出服务器允许的大小；请联系管理员",
    )
    INVALID = (
        "The account is set up in a way the server cannot follow; ask the administrator",
        "账号设置有误；请联系管理员",
    )
    EXISTS = ("Something of that name exists already; ask the administrator", "同名对象已存在；请联系管理员")
    STORAGE_FULL = (
        "The server's disk is full, nothing was changed; try again later",
        "服务器磁盘已满，未作任何更改；请稍后再试",
    )
    UNAVAILABLE = (
        "The server cannot do this just now, nothing was changed; try again in a minute",
        "服务器暂时无法处理，未作任何更改；请稍后再试",
    )
    UNCERTAIN = (
        "The server was interrupted; all of it was done or nothing, sign in again to see",
        "服务器被中断；更改已全部完成或完全未作，请重新登录查看",
    )
    INTERNAL = ("Internal error; try again later", "内部错误；请稍后再试")


def text_of(message: Text, language: str, **values: object) -> str:
    text = message.value[1 if language == "zh" else 0]
    return text.format(**values) if values else text


def match_language(wanted: str) -> str | None:
    """The tag we have for a language range, which is cut at "-" from the right until one matches."""
    tag = wanted.lower()
    while tag:
        if tag in LANGUAGES:
            return tag
        tag = tag.rpartition("-")[0]
    return None
