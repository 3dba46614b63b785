"""Texts of setting up mail programs, and of bringing mail in and out."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "help.setup": (
        "列出邮件程序要填写的设置，生成手机描述文件",
        "what to enter into mail programs; the profile for phones",
    ),
    "help.arg.setup_profile": (
        "把 iPhone、iPad、Mac 的描述文件写到这里",
        "write the profile for iPhone, iPad and Mac here",
    ),
    "help.import": (
        "把 mbox、EML、Maildir（也可打包为 zip、tar）导入邮箱；重复运行会跳过已有的邮件",
        "mbox, EML, Maildir (in a zip or tar too) into a mailbox; run again, it leaves out what is there",
    ),
    "help.arg.import_files": ("文件，或 Maildir 的目录", "files, or the directory of a Maildir"),
    "help.arg.import_into": (
        "导入到哪个文件夹，没有则新建（默认 INBOX）",
        "the mailbox it goes into, made if it is not there (default: INBOX)",
    ),
    "help.export": (
        "把一个文件夹导出为 mbox，或 zip（每封一个 EML）",
        "a mailbox as an mbox, or as a zip of EML files",
    ),
    "help.arg.export_mailbox": ("文件夹", "the mailbox"),
    "help.arg.export_file": (
        "写到这里；以 .zip 结尾则为 zip，否则为 mbox",
        "written here: a zip if it ends in .zip, else an mbox",
    ),
    "import.done": (
        "{file}：导入 {done} 封，跳过重复 {same} 封，失败 {failed} 封",
        "{file}: {done} imported, {same} were there already, {failed} failed",
    ),
    "export.done": ("已把 {count} 封邮件导出到 {file}", "{count} letters exported to {file}"),
    "help.migrate": (
        "通过 IMAP 从其他邮箱搬来全部邮件；重复运行会接着上次继续",
        "copy a mailbox from a provider by IMAP; run again, it goes on where it broke off",
    ),
    "help.arg.migrate_from": (
        "来源：qq、exmail、163、126、gmail、office365，或 IMAP 服务器的名称",
        "where from: qq, exmail, 163, 126, gmail, office365, or the name of an IMAP server",
    ),
    "help.arg.migrate_port": ("端口（默认 993）", "port (default: 993)"),
    "help.arg.migrate_user": ("在来源处的用户名，通常是完整地址", "user there, mostly the whole address"),
    "help.arg.migrate_password": (
        "从标准输入读取密码或授权码",
        "read the password or app password from standard input",
    ),
    "help.arg.migrate_token": (
        "从标准输入读取 OAuth 访问令牌（XOAUTH2）",
        "read an OAuth access token from standard input (XOAUTH2)",
    ),
    "help.arg.migrate_sign_in": (
        "在服务商的网页上登录，不给密码：office365，需要设置 migration.office365_client_id",
        "sign in at the provider's own page, without a password: office365, with migration.office365_client_id",
    ),
    "migrate.sign_in": (
        "请在浏览器中打开 {url}，输入代码 {code} 并登录；完成后会自动继续。",
        "Open {url} in a browser, type the code {code} and sign in there; it goes on by itself.",
    ),
    "migrate.no_sign_in": (
        "不能在 {provider} 的网页上登录：请用 --from office365，并设置 migration.office365_client_id"
        "（在 Entra ID 注册的公共客户端）；或改用授权码。",
        "nobody signs in at {provider} from here: use --from office365, and set migration.office365_client_id (a public"
        " client that is registered in Entra ID); or use an app password",
    ),
    "help.arg.migrate_ca": ("信任这个 PEM 文件中的证书机构", "trust the authorities in this PEM file"),
    "help.arg.migrate_no_tls": ("不加密，仅限本机", "without TLS, for this machine only"),
    "migrate.password": ("{user} 的密码或授权码：", "Password or app password of {user}: "),
    "migrate.hint.qq": (
        "QQ 邮箱：请在网页版“设置 > 账号”中开启 IMAP 服务并生成授权码。",
        "QQ Mail: switch IMAP on and make an authorization code in Settings > Account of the web page.",
    ),
    "migrate.hint.163": (
        "网易邮箱：请在网页版“设置 > POP3/SMTP/IMAP”中开启 IMAP 并新增授权密码。",
        "NetEase: switch IMAP on and make an authorization password in Settings > POP3/SMTP/IMAP of the web page.",
    ),
    "migrate.hint.gmail": (
        "Gmail：请开启两步验证并在 Google 账号的“安全性”中生成应用专用密码，或使用 --token-stdin。",
        "Gmail: switch 2-Step Verification on and make an app password in your Google Account, or use --token-stdin.",
    ),
    "migrate.hint.office365": (
        "Office 365 只接受 OAuth 令牌：请使用 --sign-in 或 --token-stdin。",
        "Office 365 takes OAuth tokens only: use --sign-in or --token-stdin.",
    ),
    "column.letters": ("邮件", "LETTERS"),
    "column.copied": ("已复制", "COPIED"),
    "column.known": ("已有", "KNOWN"),
    "column.failed": ("失败", "FAILED"),
    "setup.tls": ("TLS/SSL", "TLS/SSL"),
    "setup.starttls": ("STARTTLS", "STARTTLS"),
    "setup.password": (
        "密码请用授权码：posthouse account app-password add 地址 名称",
        "As password use an app password: posthouse account app-password add ADDRESS NAME",
    ),
    "setup.profile": ("描述文件已写入 {file}", "The profile was written to {file}"),
    "column.service": ("服务", "SERVICE"),
    "column.host": ("服务器", "HOST"),
    "column.port": ("端口", "PORT"),
    "column.security": ("加密", "SECURITY"),
    "column.user": ("用户名", "USER"),
}
