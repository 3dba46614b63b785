"""What servers and libraries that are not ours refuse: (Chinese, English).  Sentences explain, then quote them."""

from __future__ import annotations

from typing import Final

ELSEWHERE: Final[dict[str, tuple[str, str]]] = {
    # --- the system, OpenSSL ---
    "os.other": ("系统报告“{said}”", "{said}"),
    "tls.unverified": (
        "它的证书无法核实（OpenSSL：{said}）；请核对主机名，证书由自己的机构签发时请指定该机构的文件",
        "its certificate cannot be verified (OpenSSL: {said}); check the name, and name the file of the authority if "
        "it is an own one",
    ),
    "tls.unfit": (
        "无法建立加密连接（OpenSSL：{said}）；请核对端口，以及那里是否用 TLS",
        "no encrypted connection (OpenSSL: {said}); check the port, and whether TLS is spoken there",
    ),
    # --- mailboxes elsewhere (client.imap_source) ---
    "elsewhere.reason": ("{host}：{reason}", "{host}: {reason}"),
    "elsewhere.slow": ("{host}：太久没有应答", "{host}: too slow"),
    "elsewhere.imap": (
        "{host}：应答的不是 IMAP（{said}）；请核对主机名和端口",
        "{host}: no IMAP answer ({said}); check the name and the port",
    ),
    "elsewhere.refused": (
        "{host} 拒绝登录：{said}；请核对用户名和密码",
        "{host}: {said}; check the user name and the password",
    ),
    "elsewhere.broken": (
        "{host} 中断了连接（它说：{said}）；请稍后再试",
        "{host} broke off ({said}); try again later",
    ),
    "elsewhere.inside": (
        "{host} 不是公网主机；内部的网络要由管理员在 migration.networks 中列出",
        "{host} is no public host; networks inside are named by the administrator in migration.networks",
    ),
    "elsewhere.line": ("用户名和密码都只能是一行", "name and password are one line each"),
    "elsewhere.folder": (
        "文件夹 {name} 在那边打不开；请在那边查看权限",
        "{name} cannot be opened over there; look there for its rights",
    ),
    "elsewhere.folder_large": (
        "文件夹 {name} 超过 {limit} 封；请在那边分成几个",
        "{name} has more than {limit} letters; divide it over there",
    ),
    # --- sign-in at a provider (client.device_grant, client.provider) ---
    "provider.denied": (
        "{host} 没有同意（它说：{said}）；请重新登录，或改用授权码",
        "{host} did not agree ({said}); sign in again, or use an app password",
    ),
    "provider.unclear": (
        "{host} 的答复无法理解；请联系管理员",
        "the answer of {host} cannot be understood; tell the administrator",
    ),
    "provider.clear": (
        "{host} 给出的登录网页不是 https；请联系管理员",
        "the page to sign in at that {host} names is not https; tell the administrator",
    ),
    "provider.no_refresh": (
        "{host} 没有给出刷新令牌；请管理员为这个应用允许 offline_access",
        "{host} gave no refresh token; let the administrator allow offline_access to this application",
    ),
    "provider.over": ("代码已过期；请重新登录", "the code has run out; begin anew"),
    "provider.away": (
        "无法连接 {host}（{said}）；请检查网络，稍后再试",
        "{host} cannot be reached ({said}); check the network, then try again",
    ),
    "provider.http": (
        "{host} 暂时不能应答（HTTP {status}）；请稍后再试",
        "{host} cannot answer now (HTTP {status}); try again later",
    ),
    "provider.unverified": (
        "{name} 没有核实过地址 {address}；请先在那边核实",
        "{name} has not verified {address}; do that over there first",
    ),
    "provider.domain": (
        "{name} 不能为 {address} 的域名登录；请换一个账户，或联系管理员",
        "{name} may not sign in for the domain of {address}; use another account, or tell the administrator",
    ),
    "provider.token": (
        "{name} 给出的身份令牌不能接受（{said}）；请再试，仍不行请联系管理员",
        "the identity token of {name} is not accepted ({said}); try again, then tell the administrator",
    ),
    "provider.issuer": (
        "{name} 在 {issuer} 的说明属于另一个签发者；请管理员核对提供者的设置",
        "{name}: the document at {issuer} is another issuer's; let the administrator check the settings of the "
        "provider",
    ),
    "provider.address": (
        "{given} 不是邮件地址；请管理员核对提供者的设置",
        "{given} is no address; let the administrator check the settings of the provider",
    ),
    "provider.no_account": (
        "这里没有账户 {address}；请管理员建立",
        "there is no account {address} here; let the administrator make it",
    ),
    "provider.no_domain": (
        "不会自动建立 {address} 的账户；请管理员建立",
        "accounts are not made for {address}; let the administrator make it",
    ),
    # --- migrations (services.migrations) ---
    "migration.no_sign_in": (
        "不能从这里登录 {provider}；请改用授权码",
        "nobody signs in at {provider} from here; use an app password",
    ),
    "migration.server": ("这个服务器", "this server"),
    "migration.not_mine": (
        "这次登录不属于这个账户；请重新登录",
        "the sign-in is none of this account; begin anew",
    ),
    "migration.other": (
        "这次登录是在另一个服务商那里；请重新登录",
        "the sign-in is at another provider; begin anew",
    ),
    "migration.port": ("不能连接端口 {port}；可用：{known}", "port {port} is not called; allowed: {known}"),
    "migration.busy": ("正在查看别的邮箱；请稍候再试", "others are being looked at; try again in a moment"),
    "migration.many": (
        "最多保留 {limit} 项搬家；请先移除一项",
        "{limit} migrations are kept; remove one first",
    ),
    "migration.same": ("这个邮箱正在搬家", "this mailbox is being moved already"),
    "migration.over": ("这次搬家已经结束", "it is over"),
    "migration.secret": ("需要重新填写密码", "the password is needed again"),
    "migration.none": ("没有 {number} 号搬家", "there is no migration {number}"),
    "migration.account": ("账户已被删除", "the account is gone"),
    "migration.stopped": ("已停止", "stopped"),
}
