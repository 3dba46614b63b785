"""What exactly was refused, in Chinese, where it has no sentence or its sentence names a command instead of a page."""

from __future__ import annotations

import re
from typing import Final

_ROWS: Final = (
    # --- what the shape of a request says (msgspec) ---
    (r"Object missing required field `(\w+)`", r"缺少字段 \1"),
    (r"Object contains unknown field `(.*)`", r"没有字段 \1"),
    (r"Expected `(.*)`, got `(.*)`", r"应为 \1，收到的是 \2"),
    (r"Expected `str` of length >= (\d+)", r"至少要 \1 个字符"),
    (r"Expected `str` of length <= (\d+)", r"最多 \1 个字符"),
    (r"Expected `array` of length <= (\d+)", r"最多 \1 项"),
    (r"Expected `array` of length >= (\d+)", r"至少要 \1 项"),
    (r"Expected `(?:int|float)` >= (.+)", r"不能小于 \1"),
    (r"Expected `(?:int|float)` <= (.+)", r"不能大于 \1"),
    (r"Expected `str` matching regex .*", "写法不对"),
    (r"Invalid enum value (.*)", r"没有 \1 这个选项"),
    (r"Invalid RFC3339 encoded datetime", "时间的写法不对，例如 2030-01-01T00:00:00Z"),
    (r"this address takes no parameters", "这个地址不接受参数"),
    # --- accounts and domains ---
    (r"the domain (.*) exists already", r"域名 \1 已经存在"),
    (r"the account (.*) exists already", r"账户 \1 已经存在"),
    (r"a team has no password: its members sign in with their own", "团队没有密码，成员用自己的密码登录"),
    (r"nobody signs in as a team, so it has no (.*)", r"没有人以团队的名义登录，所以不能设置 \1"),
    (r"nobody signs in as a team; .*", "没有人以团队的名义登录，请设置在成员自己的账户上"),
    (r"a password has at most (\d+) bytes", r"密码最多 \1 字节"),
    (r"a password needs at least (\d+) characters", r"密码至少要 \1 个字符"),
    (r"an alias has 1 to (\d+) targets", r"别名可以有 1 到 \1 个目标"),
    (r"the alias (.*) would lead to itself only", r"别名 \1 只会指向它自己"),
    (r"(.*) is no full domain; write it with a dot, as in example.org", r"\1 不是完整的域名，要写成 example.org 这样"),
    (r"language (.*): use one of (.*)", r"没有语言 \1，可用：\2"),
    (r"protocol (.*): a domain switches off some of (.*)", r"没有协议 \1，域名可以关闭的有：\2"),
    (r"protocol (.*): use some of (.*)", r"没有协议 \1，可用：\2"),
    (r"an account administrates at most (\d+) domains by name", r"一个账户最多逐个管理 \1 个域名"),
    (r"a quota is a number of bytes or messages, 0 for none", "配额是字节数或邮件数，0 表示不限"),
    (r"pop3_delete is delete, trash, or keep:DAYS", "pop3_delete 只能是 delete、trash 或 keep:天数"),
    (r"(.*): use one of (.*)", r"没有 \1，可用：\2"),
    (r"use one of (.*)", r"可用：\1"),
    (r"(.*) expands to more than (\d+) addresses", r"\1 展开后超过 \2 个地址"),
    (r"you cannot lock your own account; let another administrator do it", "不能停用自己的账户，请让其他管理员操作"),
    (r"you cannot delete your own account; let another administrator do it", "不能删除自己的账户，请让其他管理员操作"),
    (r"let another administrator take your own rights away", "不能取消自己的权限，请让其他管理员操作"),
    (r"(.*) is a team itself; add its members", r"\1 本身是团队，请逐个添加它的成员"),
    (r"a member has some rights; .*", "成员至少要有一项权限；要全部取消，请移除成员"),
    # --- bans, queue ---
    (r"you cannot ban yourself", "不能封禁自己"),
    (r"use due or held", "只能是 due 或 held"),
    (r"say to which HOST:PORT", "请写明改投到哪里，例如 mail.example.org:25"),
    (r"only reroute takes a route", "只有改道时才填写目的地"),
    # --- what opens an account ---
    (r"send password or passkey", "请提交密码或通行密钥"),
    (r"the name of a token has 1 to (\d+) printable characters", r"令牌的名称要有 1 到 \1 个可见字符"),
    (r"an account has at most (\d+) tokens; revoke one first", r"一个账户最多 \1 个令牌，请先吊销一个"),
    (r"the (?:token|app password) would have expired already; choose a later time", "这个时间已经过去，请选更晚的时间"),
    (r"two-step sign-in is on already; .*", "两步验证已经开启；要换验证器，请先关闭"),
    (r"two-step sign-in is off for (.*); see .*", r"域名 \1 没有启用两步验证，请联系管理员"),
    (r"protocols: use some of (.*)", r"没有这个协议，可用：\1"),
    (r"actions of an app password: use some of (.*)", r"没有这个权限，可用：\1"),
    (r"an app password has at most (\d+) mailboxes", r"一个授权码最多限定 \1 个文件夹"),
    (r"an app password has at most (\d+) networks", r"一个授权码最多限定 \1 个网络"),
    (r".*; write a network as 192.0.2.0/24 or 2001:db8::/32", "网络的写法不对，请写成 192.0.2.0/24 或 2001:db8::/32"),
    (r"this certificate is registered to the account already", "这张证书已经登记在该账户上"),
    (r"the certificate has ended, .*", "证书已过期或尚未生效，请登记正在使用的证书"),
    (r"the file holds no certificate.*", "文件里没有能读出的证书，要 PEM 或 DER 格式"),
    # --- migrations ---
    (r"provider or host is needed", "请选择服务商，或填写服务器名"),
)  # fmt: skip
_COMPILED: Final = tuple((re.compile(pattern, re.DOTALL), words) for pattern, words in _ROWS)
REASON_MAX: Final = 600
"""Longer ones are as they are: nothing here says as much."""


def in_chinese(reason: str) -> str:
    """As it is, where there is no row for it."""
    if len(reason) <= REASON_MAX:
        for pattern, words in _COMPILED:
            if (found := pattern.fullmatch(reason)) is not None:
                return found.expand(words)
    return reason
