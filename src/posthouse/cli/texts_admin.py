"""Texts about administrators, tokens of the HTTP API, connections and the flow of mail; see `texts`."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "help.account.admin": (
        "任命或撤销管理员（管理页面和 HTTP 接口）",
        "let an account administrate, by the pages and the HTTP API",
    ),
    "help.account.token": ("管理 HTTP 接口的长期令牌", "long-lived tokens for the HTTP API"),
    "help.token.add": ("新建令牌并显示一次", "make one and show it once"),
    "help.token.list": ("列出令牌及最近使用情况", "list them, and when they were used last"),
    "help.token.revoke": ("吊销令牌，立即生效", "revoke one, at once"),
    "help.arg.token_name": ("令牌用途，如“监控”", "what it is for, such as monitoring"),
    "help.arg.token_scope": (
        "权限：account、admin:read、admin:write；可加 admin:domain:域名 限定域名",
        "what it may do: account, admin:read, admin:write; admin:domain:NAME beside them narrows it to domains",
    ),
    "help.arg.token_number": ("`account token list` 所列的编号", "number that `account token list` shows"),
    "token.added": (
        "已为 {address} 新建令牌“{name}”，仅显示这一次：",
        "Token {name} of {address} made; it is shown only now:",
    ),
    "token.revoked": ("令牌“{name}”已吊销。", "Token {name} is revoked."),
    "help.arg.admin_server": ("管理整台服务器", "the whole server"),
    "help.arg.admin_domains": ("只管理这些域名，逗号分隔", "these domains only, with commas"),
    "help.arg.admin_none": ("不再管理任何东西", "nothing any more"),
    "help.administrator": ("管理员及对他们的要求", "who administrates, and what is asked of them"),
    "help.administrator.list": ("列出管理员", "list them"),
    "help.administrator.policy": ("要求管理员开启两步验证", "ask a second step of them"),
    "help.arg.admin_two_step": (
        "管理员是否必须开启两步验证",
        "whether administrators have to have a second step",
    ),
    "administrator.none": ("{address} 不再是管理员", "{address} administrates nothing any more"),
    "administrator.server": ("{address} 现在管理整台服务器", "{address} administrates the server"),
    "administrator.domains": ("{address} 现在管理：{domains}", "{address} administrates: {domains}"),
    "administrator.two_step.required": (
        "所有管理员都必须开启两步验证。",
        "Every administrator has to have a second step.",
    ),
    "administrator.two_step.optional": (
        "管理员可以不开启两步验证（posthouse administrator policy --two-step required 可要求）。",
        "Administrators need no second step (`posthouse administrator policy --two-step required` asks for one).",
    ),
    "column.administrates": ("管理", "ADMINISTRATES"),
    "column.protocols_off": ("关闭的协议", "OFF"),
    "column.redirects": ("规则转发", "REDIRECTS"),
    "column.oauth_only": ("仅令牌", "TOKENS ONLY"),
    "column.dmarc": ("DMARC", "DMARC"),
    "column.admin": ("管理", "ADMINISTRATES"),
    "help.health": ("需要注意什么，该怎么做", "what needs attention, and what to do about it"),
    "health.one": ("{level}：{text}\n    {advice}", "{level}: {text}\n    {advice}"),
    "health.problem": ("问题", "problem"),
    "health.warning": ("注意", "warning"),
    "health.fine": ("{hostname} 一切正常。", "{hostname}: nothing needs attention."),
    "help.connection": ("服务器上当前的连接", "who is connected to the running server"),
    "help.connection.list": ("列出连接", "list them"),
    "help.connection.end": ("断开连接", "disconnect"),
    "help.arg.connection_account": ("只看这个账户的", "only of this account"),
    "help.arg.connection_id": ("`connection list` 所列的编号", "id that `connection list` shows"),
    "connection.none": (
        "没有连接 {ids}；posthouse connection list 可列出",
        "there is no connection {ids}; see `posthouse connection list`",
    ),
    "connection.no_node": (
        "没有节点在运行，所以没有连接；用 posthouse serve 启动它",
        "no node is running, so nobody is connected; `posthouse serve` starts one",
    ),
    "connection.ended": ("已断开 {count} 个连接", "disconnected: {count}"),
    "help.flow": ("邮件流量，按小时", "how many letters came and went, by the hour"),
    "help.arg.flow_hours": ("最近多少小时（默认 24）", "how many hours back (default: 24)"),
    "column.flow_received": ("收到", "RECEIVED"),
    "column.flow_submitted": ("提交", "SUBMITTED"),
    "column.flow_refused": ("拒收", "REFUSED"),
    "column.flow_delivered": ("送出", "DELIVERED"),
    "column.flow_deferred": ("推迟", "DEFERRED"),
    "column.flow_failed": ("退回", "FAILED"),
    "help.arg.protocols_off": (
        "对该域名全部账户关闭的协议，逗号分隔：{protocols}；空字符串表示都不关闭",
        "protocols switched off for all of its accounts, with commas: {protocols}; empty: none",
    ),
    "help.arg.oauth_only": (
        "邮件程序只能用令牌登录（任何密码都不行）",
        "mail programs sign in by token only, not by any password",
    ),
    "help.arg.dmarc": (
        "DMARC 记录应声明的策略（posthouse dns 会列出并核对）",
        "the policy that the DMARC record is to have (`posthouse dns` lists and checks it)",
    ),
    "help.arg.redirects_policy": (
        "规则可以把邮件转发到哪里：any 任何地址；confirmed 外部地址须先确认；inside 只限本服务器的域名",
        "where to rules may send mail on: any address, outside only to confirmed ones, inside of this server only",
    ),
    "demo.admin": (
        "管理页面：{url}（{address} 管理 {domain}）",
        "Administration: {url} ({address} administrates {domain})",
    ),
}
