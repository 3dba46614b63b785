"""What the commands for sign-in by token say: (Chinese, English)."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "help.client": (
        "管理可用令牌登录的程序（OAuth 客户端）",
        "programs that may sign people in by token (OAuth clients)",
    ),
    "help.client.add": ("登记一个程序", "make a program known"),
    "help.client.list": ("列出已登记的程序", "list the programs"),
    "help.client.remove": ("删除程序并收回它的全部授权", "remove a program, and all that was granted to it"),
    "help.client.rotate-keys": ("换用新的身份令牌签名密钥", "begin to use a new key for identity tokens"),
    "help.grant": ("查看和收回授权", "what people allowed to programs"),
    "help.grant.list": ("列出授权", "list the grants"),
    "help.grant.revoke": ("收回授权，立即生效", "take grants back, at once"),
    "help.device-login": (
        "以设备授权登录任意邮件服务，并输出访问令牌；供 mutt、msmtp、mbsync 等程序使用",
        "sign in at a mail service by device code and print an access token, for mutt, msmtp, mbsync and scripts",
    ),
    "help.arg.client_id": ("程序标识（client_id）", "client id"),
    "help.arg.client_name": ("显示给用户的名称", "name that people are shown"),
    "help.arg.redirect": (
        "答复地址，可重复：https://…、http://127.0.0.1/（端口任意）或 com.example.app:/…",
        "where answers go, any number: https://..., http://127.0.0.1/ (any port), or com.example.app:/...",
    ),
    "help.arg.preset": ("常见程序的名称和答复地址", "name and redirect URIs of a usual program"),
    "help.arg.client_scope": ("最多可申请的权限", "the most it may ask for"),
    "help.arg.confidential": (
        "有能力保密的程序（服务器上），发给密钥",
        "a program on a server, which can keep a secret",
    ),
    "help.arg.grants": ("授权方式，逗号分隔", "grant types, separated by commas"),
    "help.arg.grant_account": ("只列这个账户的", "of this account only"),
    "help.arg.grant_client": ("只限这个程序的", "of this program only"),
    "help.arg.grant_id": ("授权编号", "number of the grant"),
    "help.arg.grant_all": ("收回所选账户（和程序）的全部授权", "all of the account (and program)"),
    "help.arg.issuer": (
        "服务的地址，如 https://mail.example.org",
        "address of the service, such as https://mail.example.org",
    ),
    "help.arg.login_scope": ("要申请的权限", "what to ask for"),
    "help.arg.login_client": ("客户端标识", "client id to use"),
    "help.arg.token_file": (
        "保存刷新令牌的文件（权限 0600）；下次直接续期，不再询问",
        "file for the refresh token (mode 0600): the next call renews without asking",
    ),
    "help.arg.ca_file": ("信任的证书机构（PEM）", "PEM file of the CA to trust"),
    "column.client": ("程序", "CLIENT"),
    "column.client_name": ("名称", "NAME"),
    "column.secret": ("密钥", "SECRET"),
    "column.redirects": ("答复地址", "REDIRECTS"),
    "column.scope": ("权限", "SCOPE"),
    "column.registered": ("自行登记", "REGISTERED"),
    "column.number": ("编号", "NUMBER"),
    "client.added": ("已登记 {client}（{name}）。", "{client} ({name}) is known now."),
    "client.secret": ("密钥，仅显示这一次：{secret}", "Secret, shown only now: {secret}"),
    "client.removed": (
        "已删除 {client}，它的授权全部收回。",
        "{client} is removed; all that was granted to it is taken back.",
    ),
    "client.rotated": (
        "新密钥已公布，一天后开始签名；旧密钥再保留一天。",
        "A new key is published; it signs from tomorrow on, and the old one stays published for another day.",
    ),
    "grant.revoked": ("已收回 {count} 项授权。", "{count} grants taken back."),
    "grant.which": (
        "请给出授权编号（posthouse grant list），或账户加 --all。",
        "name a grant by number (`posthouse grant list`), or an account with --all",
    ),
    "help.tls": ("检查证书和加密", "certificates and encryption"),
    "help.tls.check": (
        "像客户端一样连接每个加密端口：证书、名称、证书链、期限、协议版本",
        "connect to every encrypted port as a client does: certificate, names, chain, end, versions",
    ),
    "help.tls.list": (
        "列出证书，以及自动续期的情况",
        "the certificates there are, and how their renewal goes",
    ),
    "column.tls_names": ("主机名", "NAMES"),
    "column.tls_source": ("来源", "SOURCE"),
    "column.tls_renewal": ("续期", "RENEWAL"),
    "help.arg.tls_name": (
        "只检查这个主机名，可重复",
        "check this host name, not the configured ones; any number",
    ),
    "column.tls_name": ("主机名", "NAME"),
    "column.tls_version": ("TLS", "TLS"),
    "column.issuer": ("签发者", "ISSUER"),
    "column.tls_state": ("结果", "STATE"),
    "tls.fine": ("正常，还有 {days} 天", "fine, {days} days left"),
    "tls.soon": ("{days} 天后到期", "ends in {days} days"),
    "tls.expired": ("已过期 {days} 天", "ended {days} days ago"),
    "tls.name": ("证书不含这个名称，只有：{names}", "not for this name, only for: {names}"),
    "tls.chain": (
        "客户端不会信任它：{error}（自签名，或证书文件缺少中间证书）",
        "clients will not trust it: {error} (self-signed, or the file lacks the intermediate certificates)",
    ),
    "tls.old": ("仍接受已淘汰的 {version}", "still speaks {version}, which is obsolete"),
    "tls.unreachable": ("无法建立加密连接：{error}", "no encrypted connection: {error}"),
    "tls.bad": ("有问题，见下", "see below"),
    "tls.complaint": ("{problem}\n  {where}", "{problem}\n  {where}"),
    "tls.result": ("检查了 {count} 项，{bad} 项有问题。", "{count} looked at, {bad} with problems."),
    "login.visit": (
        "请在浏览器打开 {uri}\n并输入代码：{code}",
        "Open in a browser: {uri}\nand enter the code: {code}",
    ),
    "login.refused": ("请求被拒绝。", "the request was refused"),
    "login.expired": ("代码已过期，请重新运行。", "the code has expired; run this again"),
    "login.no_device": (
        "{issuer} 不支持设备授权（没有 device_authorization_endpoint）",
        "{issuer} does not offer the device grant (no device_authorization_endpoint)",
    ),
    "login.mixed": (
        "{issuer} 的发现文档自称是 {found}，未继续",
        "the discovery document of {issuer} says it is {found}; nothing was sent",
    ),
    "login.away": ("无法访问 {issuer}：{error}", "{issuer} cannot be reached: {error}"),
    "login.answer": ("{issuer} 答复：{error}", "{issuer} answered: {error}"),
    "login.insecure": (
        "{issuer} 不是 https 地址；令牌不能明文传输",
        "{issuer} is no https address; tokens must not cross a network in clear text",
    ),
}
