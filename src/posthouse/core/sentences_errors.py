"""What refuses a request of a person: (Chinese, English)."""

from __future__ import annotations

from typing import Final

ERRORS: Final[dict[str, tuple[str, str]]] = {
    # --- the store ---
    "store.no_writer": (
        "写入进程没有应答（{socket}）；请看日志，或重新启动 posthouse serve",
        "no writer answers at {socket}; see the log, or start `posthouse serve` again",
    ),
    "store.in_use": (
        "另一个进程正在写 {path}；请等它结束，或停止它",
        "another process writes to {path}; wait until it is done, or stop it",
    ),
    "store.later": (
        "数据由更新的版本写成（结构 {found}，本程序只认识到 {known}）；请升级本程序，或先用那个版本把结构退回",
        "the data was written by a later version (schema {found}, this program knows {known}); use that version, or go "
        "back to schema {known} with it first",
    ),
    # --- addresses ---
    "address.at": (
        "地址中要有 @，如 name@example.org",
        "an address needs an @, as in name@example.org",
    ),
    "address.local.long": ("@ 前面的部分太长", "the local part is too long"),
    "address.local.control": ("@ 前面的部分有控制字符", "the local part holds a control character"),
    "address.local": ("@ 前面的部分不合格式", "the local part is malformed"),
    "address.domain.long": ("域名太长", "the domain is too long"),
    "address.domain.character": (
        "域名中有不能使用的字符",
        "the domain holds a character that no domain may hold",
    ),
    "address.domain": (
        "域名不合格式：各级用点分开，只有字母、数字和连字符",
        "the domain is malformed: letters, digits and hyphens, with dots between its parts",
    ),
    "address.literal": ("方括号中的地址不合格式", "the address literal is malformed"),
    # --- files that letters come from ---
    "import.none": (
        "{path}：其中没有邮件；请选择 mbox、EML、Maildir，或它们的 zip、tar",
        "{path}: there are no letters in it; choose an mbox, EML, a Maildir, or a zip or tar of them",
    ),
    "import.failed": (
        "{path}：其中没有可导入的邮件（{said}）；请选择 mbox、EML、Maildir，或它们的 zip、tar",
        "{path}: there are no letters in it ({said}); choose an mbox, EML, a Maildir, or a zip or tar of them",
    ),
    # --- what was asked for ---
    "asked.nothing": (
        "没有说要改什么；`posthouse {command} -h` 列出可改的",
        "nothing was named to change; `posthouse {command} -h` lists what can be",
    ),
    "asked.terminal": (
        "这里没有终端可以输入密码；请加 --password-stdin，从标准输入给出",
        "there is no terminal to ask for the password at; give it on standard input, with --password-stdin",
    ),
    "domain.exists": ("域名 {domain} 已经存在", "the domain {domain} exists already"),
    "domain.none": (
        "没有域名 {domain}；请先添加：`posthouse domain add {domain}`",
        "no domain {domain}; add it with `posthouse domain add {domain}`",
    ),
    "domain.short": (
        "{given} 不是完整的域名；要有点，如 example.org",
        "{given} is no full domain; write it with a dot, as in example.org",
    ),
    "domain.used": (
        "域名 {domain} 下还有账户或别名；请先删除（见 `posthouse {command} list`）",
        "domain {domain} still has accounts or aliases; delete them first (`posthouse {command} list`)",
    ),
    "team.password": (
        "团队没有密码：成员用各自的密码登录",
        "a team has no password: its members sign in with their own",
    ),
    "team.sign_in": (
        "没有人以团队的身份登录，所以它没有 {what}",
        "nobody signs in as a team, so it has no {what}",
    ),
    "team.nested": ("{address} 本身是团队；请添加它的成员", "{address} is a team itself; add its members"),
    "team.rights": (
        "成员至少要有一项权限；要全部收回，请移除成员",
        "a member has some rights; to take all of them, remove the member",
    ),
    "team.member": (
        "{address} 不是 {team} 的成员；用 `posthouse team list` 查看",
        "{address} is no member of {team}; `posthouse team list` shows them",
    ),
    "team.none": (
        "{address} 不是团队；请用 `posthouse account add --team 地址` 建立",
        "{address} is no team; make one with `posthouse account add --team ADDRESS`",
    ),
    "team.app_password": (
        "没有人以团队的身份登录；请让成员以自己的身份登录",
        "nobody signs in as a team; let its members sign in as themselves",
    ),
    "team.conversation": (
        "{given} 不是会话；用 `posthouse team claims` 或 IMAP 的 THREADID 查看",
        "{given} is no conversation; `posthouse team claims` and THREADID of IMAP name them",
    ),
    "account.exists": (
        "账户 {address} 已经存在；请换一个地址，或用 `posthouse account set` 修改它",
        "the account {address} exists already; choose another address, or change it with `posthouse account set`",
    ),
    "account.key": (
        "账户没有 {given} 可改；可改的有：password, {known}",
        "an account has no {given} to change; there are: password, {known}",
    ),
    "account.none": (
        "没有账户 {address}；用 `posthouse account list` 查看已有的",
        "no account {address}; `posthouse account list` shows those there are",
    ),
    "account.domains": (
        "一个账户最多逐个管理 {limit} 个域名",
        "an account administrates at most {limit} domains by name",
    ),
    "account.quota": (
        "容量是字节数或邮件数，0 为不限，不能是负数",
        "a quota is a number of bytes or messages, 0 for none",
    ),
    "account.pop3_delete": (
        "pop3_delete 只能是 delete、trash 或 keep:天数",
        "pop3_delete is delete, trash, or keep:DAYS",
    ),
    "password.long": (
        "密码最多 {limit} 字节；请用短一些的",
        "a password has at most {limit} bytes; choose a shorter one",
    ),
    "password.short": (
        "密码至少要有 {limit} 个字符；请用长一些的，或加 --generate",
        "a password needs at least {limit} characters; choose a longer one, or use --generate",
    ),
    "password.hash": (
        "这个密码散列不属于：$argon2id$、$2b$（bcrypt）、$6$、$5$、$1$（crypt）、$y$（yescrypt）、$pbkdf2-sha256$、$pbkdf2-sha512$"
        "、pbkdf2_sha256$（Django）、{{SSHA}}、{{SSHA256}}、{{SSHA512}}；或它耗时超过允许的限度",
        "this password hash is none of: $argon2id$, $2b$ (bcrypt), $6$, $5$, $1$ (crypt), $y$ (yescrypt), "
        "$pbkdf2-sha256$, $pbkdf2-sha512$, pbkdf2_sha256$ (Django), {{SSHA}}, {{SSHA256}}, {{SSHA512}}; or it takes "
        "longer than is allowed",
    ),
    "alias.targets": ("别名可以转到 1 至 {limit} 个地址", "an alias has 1 to {limit} targets"),
    "alias.itself": (
        "别名 {alias} 只会转到它自己；请写别的地址",
        "the alias {alias} would lead to itself only; name another address",
    ),
    "alias.none": (
        "没有别名 {alias}；用 `posthouse alias list` 查看已有的",
        "no alias {alias}; `posthouse alias list` shows those there are",
    ),
    "choice.language": ("语言 {given} 不可用；可选：{known}", "language {given}: use one of {known}"),
    "choice.protocol": ("没有协议 {given}；可选：{known}", "protocol {given}: use some of {known}"),
    "choice.domain_protocol": (
        "域名不能关闭协议 {given}；可选：{known}",
        "protocol {given}: a domain switches off some of {known}",
    ),
    "choice": ("不能是 {given}；可选：{known}", "{given}: use one of {known}"),
    "choice.protocols": ("协议只能取自：{known}", "protocols: use some of {known}"),
    "ban.subject": (
        "{given} 不是地址或网络；请写 192.0.2.1，网络写 192.0.2.0/24（斜线后的位数之外须为 0）",
        "{given} is no address or network; write 192.0.2.1, or 192.0.2.0/24 for a network (with zeros behind its bits)",
    ),
    "acl.identifier": (
        "{given} 不能用作共享对象；请写账户地址或 anyone",
        "{given} cannot be an identifier; write the address of an account, or anyone",
    ),
    "acl.whole": (
        "整个账户只能共享给指定的人；单个文件夹才能共享给 anyone",
        "a whole account is shared with people by name; single mailboxes may be with anyone",
    ),
    "acl.fixed": (
        "这些权限不来自共享列表，不能在这里修改",
        "these rights do not come from the list and cannot be changed in it",
    ),
    "acl.owner": ("文件夹的主人始终拥有全部权限", "the owner of a mailbox keeps all rights"),
    "acl.right": ("没有权限 {given}；可用的有 {known}", "{given} is no right; there are: {known}"),
    "token.team": (
        "没有人以团队的身份登录；请为它的成员生成令牌",
        "nobody signs in as a team; make the token for one of its members",
    ),
    "token.name": (
        "令牌名称为 1 至 {limit} 个可显示的字符",
        "the name of a token has 1 to {limit} printable characters",
    ),
    "token.expired": (
        "令牌在生成时就已失效；请选择更晚的时间",
        "the token would have expired already; choose a later time",
    ),
    "token.many": (
        "一个账户最多 {limit} 个令牌；请先吊销一个",
        "an account has at most {limit} tokens; revoke one first",
    ),
    "token.none": (
        "没有 {number} 号令牌；请在令牌列表中查看",
        "there is no token {number}; the list of tokens has their numbers",
    ),
    "token.unknown": (
        "令牌没有范围 {given}；可用的有 {known}（可加 :read、:write）",
        "scope {given} is unknown; a token is for some of {known} (with :read, :write)",
    ),
    "token.scope": (
        "令牌的范围是 account、admin:read、admin:write，后两者可再加 admin:domain:域名",
        "a token is for account, admin:read, admin:write, or admin:domain:NAME beside one of these",
    ),
    "script.none": (
        "没有脚本 {name}；用 `posthouse sieve list` 查看已有的",
        "no script {name}; `posthouse sieve list` shows those there are",
    ),
    "script.long": ("脚本最多 {limit} 字节", "a script has at most {limit} bytes"),
    "script.many": (
        "一个账户最多 {limit} 个脚本；请先删除一个",
        "an account has at most {limit} scripts; delete one first",
    ),
    "script.name": (
        "脚本名称为 1 至 {limit} 个字符，不能有控制字符",
        "the name of a script has 1 to {limit} characters, and no control characters",
    ),
    "script.exists": (
        "脚本 {name} 已经存在；请换一个名称",
        "script {name} exists already; choose another name",
    ),
    "script.active": (
        "脚本 {name} 正在使用；请先停用：`posthouse sieve deactivate`",
        "script {name} is active; deactivate it first (`posthouse sieve deactivate`)",
    ),
    "two_step.domain": (
        "{domain} 没有打开两步验证；见 `posthouse domain set --two-step`",
        "two-step sign-in is off for {domain}; see `posthouse domain set --two-step`",
    ),
    "two_step.on": (
        "两步验证已经打开；要换用别的验证程序，请先关闭",
        "two-step sign-in is on already; disable it first to use another app",
    ),
    "two_step.nothing": (
        "没有要确认的；请先打开两步验证",
        "there is nothing to confirm; enable two-step sign-in first",
    ),
    "two_step.code": (
        "验证码不对，或设备的时钟不准；请用下一个验证码再试",
        "the code is wrong, or the clock of the device is; try the next one",
    ),
    "two_step.off": ("{address} 的两步验证本来就没有打开", "two-step sign-in of {address} is off already"),
    "two_step.many": ("验证码错误次数太多；请等十分钟", "too many wrong codes; wait ten minutes"),
    "app_password.expired": (
        "授权码在生成时就已失效；请选择更晚的时间",
        "the app password would have expired already; choose a later time",
    ),
    "app_password.many": (
        "一个账户最多 {limit} 个授权码和证书；请先吊销一个",
        "an account has at most {limit} app passwords and certificates; revoke one first",
    ),
    "app_password.name": (
        "授权码或证书的名称为 1 至 {limit} 个可显示的字符",
        "the name of an app password or a certificate has 1 to {limit} printable characters",
    ),
    "app_password.actions": (
        "授权码的操作只能取自：{known}",
        "actions of an app password: use some of {known}",
    ),
    "app_password.folders": (
        "一个授权码最多限定 {limit} 个文件夹",
        "an app password has at most {limit} mailboxes",
    ),
    "app_password.networks": (
        "一个授权码最多限定 {limit} 个网络",
        "an app password has at most {limit} networks",
    ),
    "app_password.network": (
        "{given} 不是网络；请写成 192.0.2.0/24 或 2001:db8::/32",
        "{given} is no network; write it as 192.0.2.0/24 or 2001:db8::/32",
    ),
    "app_password.taken": (
        "名称 {name} 已被使用；请先吊销它，或换一个名称",
        "the name {name} is taken; revoke it first, or choose another",
    ),
    "app_password.none": (
        "没有名为 {name} 的授权码、证书或通行密钥；请在列表中查看",
        "no credential {name} (app password, certificate or passkey); their lists have the names",
    ),
    "certificate.ended": (
        "证书已到期或尚未生效；请登记正在使用的那一份",
        "the certificate has ended, or does not hold yet; register the one that is in use",
    ),
    "certificate.exists": ("这份证书已登记在此账户", "this certificate is registered to the account already"),
    "certificate.none": (
        "文件中没有证书；应为 PEM 或 DER 格式",
        "the file holds no certificate; it has to be one in PEM or DER",
    ),
    "mailbox.level": ("名称中有一级是空的；请去掉多余的 /", "a level of the name is empty"),
    "mailbox.others": ("这个名称留给他人的文件夹；请换一个", "the name is that of mailboxes of others"),
    "mailbox.deep": ("名称超过 {limit} 级", "the name has more than {limit} levels"),
    "mailbox.long": ("名称超过 {limit} 字节", "the name is longer than {limit} octets"),
    "mailbox.level_long": (
        "名称中有一级超过 {limit} 字节",
        "a level of the name is longer than {limit} octets",
    ),
    "mailbox.signs": ("名称中不能有 % 或 *，也不能以 # 开头", "the name holds % or *, or starts with #"),
    "mailbox.control": ("名称中有控制字符", "the name holds a control character"),
    "mailbox.none": (
        "没有文件夹 {name}；用 `posthouse mailbox list` 查看已有的",
        "no mailbox {name}; `posthouse mailbox list` shows those there are",
    ),
    "mailbox.exists": (
        "文件夹 {name} 已经存在；请换一个名称",
        "mailbox {name} exists already; choose another name",
    ),
    "mailbox.role": (
        "已有用途为 {role} 的文件夹；一种用途只能有一个",
        "a mailbox with the role {role} exists already; there is one of each",
    ),
    "mailbox.inside": (
        "{name} 会位于它自己之下；请换一个位置",
        "{name} would be inside of itself; choose another place",
    ),
    "mailbox.inbox": ("INBOX 不能删除", "INBOX stays"),
    "mailbox.inferiors": (
        "{name} 之下还有文件夹；请先移走或删除它们",
        "{name} has inferiors; move or delete them first",
    ),
    "dkim.none": (
        "{domain} 没有选择器为 {selector} 的密钥；见 `posthouse dkim list {domain}`",
        "{domain} has no key with the selector {selector}; see `posthouse dkim list {domain}`",
    ),
    "dkim.stored": (
        "已存的 DKIM 密钥读不出来；请从备份恢复数据库",
        "the stored DKIM keys cannot be read; restore the database from a backup",
    ),
    "queue.none": (
        "没有队列编号 {entry}；用 `posthouse queue list` 查看已有的",
        "no queue entry {entry}; `posthouse queue list` shows those there are",
    ),
    "journal.none": (
        "没有 {name} 的记录；不带参数运行 `posthouse trace` 可列出最近的信",
        "nothing is known of {name}; `posthouse trace` lists the newest letters",
    ),
    "lens.none": (
        "没有对话 {name}；用 `posthouse lens list` 查看还保留着的",
        "there is no dialogue {name}; `posthouse lens list` shows those that are kept",
    ),
    "client.uri.long": (
        "重定向地址 {uri}：请写完整的 URI，最多 {limit} 个字符",
        "redirect URI {uri}: write an absolute URI of at most {limit} characters",
    ),
    "client.uri": (
        "重定向地址 {uri} 不合格式（{said}）；请写 https://HOST/...",
        "redirect URI {uri}: {said}; write https://HOST/...",
    ),
    "client.uri.parts": (
        "重定向地址 {uri}：不能有 #、用户名、通配符或 ..",
        "redirect URI {uri}: no fragment, user, wildcard or `..` may be in it",
    ),
    "client.uri.scheme": (
        "重定向地址 {uri}：请用 https://HOST/...；本机可用 http://127.0.0.1、[::1] "
        "或 localhost；或带点的自定义方案（com.example.app:/...）",
        "redirect URI {uri}: use https://HOST/..., http:// with 127.0.0.1, [::1] or localhost, "
        "or a scheme of your own with a dot (com.example.app:/...)",
    ),
    "client.id": (
        "程序标识为 1 至 64 个字母、数字、点、连字符或下划线",
        "a client id has 1 to 64 letters, digits, dots, hyphens and underscores",
    ),
    "client.name": (
        "程序名称为 1 至 {limit} 个可显示的字符",
        "the name of a client has 1 to {limit} printable characters",
    ),
    "client.uri.many": ("一个程序最多 {limit} 个重定向地址", "a client has at most {limit} redirect URIs"),
    "client.grant": (
        "没有授权类型 {given}；可选：{known}",
        "unknown grant type {given}; use some of {known}",
    ),
    "client.uri.none": (
        "通过浏览器登录的程序需要重定向地址；请写上",
        "a client that signs people in through a browser needs a redirect URI",
    ),
    "client.exists": (
        "程序 {client} 已经存在；请换一个标识，或先删除它",
        "client {client} exists already; choose another id, or delete it first",
    ),
    "client.none": (
        "没有程序 {client}；用 `posthouse client list` 查看已有的",
        "no client {client}; `posthouse client list` shows those there are",
    ),
    "route.form": (
        "{given} 不是路由；请写 主机:端口，如 mx.example.org:25",
        "{given} is no route; write HOST:PORT, for example mx.example.org:25",
    ),
    "prep.control": (
        "名称或密码中不能有控制字符或私用字符；请换用其他字符",
        "a name or password may not hold control or private characters; choose others",
    ),
    "prep.new": (
        "密码只能用各种程序写法一致的字符：不能用表情符号",
        "a password may only hold characters every client writes alike: no emoji, please",
    ),
    "prep.direction": (
        "名称或密码不能混用从右向左书写的文字与其他字母",
        "a name or password may not mix writing from right to left with other letters",
    ),
    "init.address": (
        "{address} 不是 {domain} 的地址；第一个账户要在这个域名下",
        "{address} is not an address of {domain}; the first account has to be in that domain",
    ),
    "dns.ip": (
        "--ip {given}：不是 IP 地址；请写服务器的公网地址，如 192.0.2.1",
        "--ip {given}: not an IP address; write the public one of the server, such as 192.0.2.1",
    ),
    "export.exists": ("{path} 已经存在；请换一个文件名", "{path} is there already; choose another name"),
    "export.folder": ("没有目录 {path}；请先建立", "there is no directory {path}; make it first"),
    "migrate.tls": (
        "--no-tls 仅限本机：否则途中的人能读到密码；请去掉它",
        "--no-tls is for this machine only: others on the way would read the password; leave it out",
    ),
}
