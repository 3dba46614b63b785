"""What a ManageSieve client shows to people: in Chinese and English, the language of the account first."""

from __future__ import annotations

from typing import Final

from posthouse.wire.managesieve.command import Problem

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "ready": ("驿站已就绪", "Posthouse is ready"),
    "done": ("完成", "Done"),
    "bye": ("再见", "Until next time"),
    "starttls": ("请开始 TLS 协商", "Begin TLS now"),
    "no_tls": ("此连接不能使用 STARTTLS", "STARTTLS is not to be had on this connection"),
    "needs_tls": ("请先使用 STARTTLS，密码不能明文传送", "Use STARTTLS first; passwords do not travel in clear text"),
    "sign_in_first": ("请先登录（AUTHENTICATE）", "Sign in first: AUTHENTICATE"),
    "signed_in": ("已登录", "You are signed in"),
    "signed_in_already": ("您已登录", "You are signed in already; UNAUTHENTICATE first"),
    "mechanism": ("不支持该登录方式", "That mechanism is not offered; CAPABILITY lists those that are"),
    "cancelled": ("已取消登录", "Sign-in cancelled"),
    "bad_sasl": ("登录数据有误", "The sign-in data cannot be understood"),
    "failed": ("地址或密码不正确", "The address or the password is wrong"),
    "bad_token": ("此令牌无效或已失效；请重新获取令牌", "This token is not good here, or not any more; get a new one"),
    "too_many": ("登录失败次数过多", "Too many failed sign-ins; connect again"),
    "forbidden": ("此账户不能这样登录", "This account may not sign in here; ask your administrator"),
    "scope": ("此授权码无权修改规则", "This password may not change rules; use one that may do everything"),
    "unavailable": ("暂时不可用，请稍后再试", "Not available at the moment; try again shortly"),
    "missing": ("没有这个脚本", "There is no script of that name"),
    "exists": ("已有同名脚本", "A script of that name exists; choose another name or delete it first"),
    "active": ("脚本正在使用，请先停用", "The script is active; activate another or none (SETACTIVE \"\") first"),
    "name": ("脚本名称须为 1 到 128 个字符，不含控制字符", "A name has 1 to 128 characters, no control characters"),
    "quota_scripts": ("脚本过多，请先删除一些", "Too many scripts; delete one first"),
    "quota_size": ("脚本太大", "The script is too large; split it or make it shorter"),
    "timeout": ("超时未操作", "Nothing came for too long"),
    "shutdown": ("服务器正在停止", "The server is stopping; connect again in a minute"),
    "internal": ("内部错误，已记录", "A fault of ours; it is in the log"),
    "too_many_bad": ("无法理解的命令过多", "Too many commands that could not be understood"),
    Problem.UNKNOWN.name: ("没有这个命令", "There is no such command"),
    Problem.ARGUMENTS.name: ("命令的参数不对", "The command has the wrong arguments"),
    Problem.SYNTAX.name: ("无法理解", "That cannot be understood"),
    Problem.TOO_LONG.name: ("行太长", "The line is too long; send long texts as literals"),
    Problem.TOO_LARGE.name: ("脚本太大", "The script is too large; split it or make it shorter"),
    Problem.BARE_LF.name: ("行必须以 CRLF 结尾", "Lines end with CRLF"),
    Problem.NOT_UTF8.name: ("不是有效的 UTF-8", "That is not valid UTF-8"),
}  # fmt: skip


def say(key: str, language: str) -> str:
    return TEXTS[key][0 if language.startswith("zh") else 1]
