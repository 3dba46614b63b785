"""What is wrong with a configuration: (Chinese, English).  Names of settings are the same in both."""

from __future__ import annotations

from typing import Final

CONFIG: Final[dict[str, tuple[str, str]]] = {
    # --- the file ---
    "config.in": ("{file}：{problem}", "{file}: {problem}"),
    "config.none": (
        "没有配置文件：{places} 都不存在；请用 -c FILE 或 {variable} 指定，或用 `posthouse init` 生成一个",
        "no configuration: none of {places} exists; name one with -c FILE or in {variable}, or make one with "
        "`posthouse init`",
    ),
    "config.missing": (
        "{file}：没有这个文件；请核对路径，或用 `posthouse init` 生成一个",
        "{file}: No such file or directory; check the path, or let `posthouse init` write a first one",
    ),
    "config.unreadable": (
        "{file}：{reason}；请以 root 或驿站的用户运行，或修改文件的权限",
        "{file}: {reason}; run this as root or as the node's user, or change the permissions of the file",
    ),
    "config.directory": (
        "{file}：这是目录；请写其中配置文件的路径，如 {file}/posthouse.toml",
        "{file}: this is a directory; name the file in it, such as {file}/posthouse.toml",
    ),
    "config.not_utf8": (
        "{file}：文件必须是 UTF-8 文本；请在编辑器中另存为 UTF-8",
        "{file}: the file must be UTF-8 text; save it as UTF-8 in your editor",
    ),
    # --- TOML ---
    "config.toml": (
        "{file}：第 {line} 行第 {column} 列不合 TOML 语法：{problem}",
        "{file}: line {line}, column {column}: not valid TOML: {problem}",
    ),
    "config.toml.end": (
        "{file}：到文件末尾仍不合 TOML 语法：{problem}",
        "{file}: not valid TOML up to the end of the file: {problem}",
    ),
    "toml.wide": (
        "这一行有全角符号 {sign}；请改为半角（英文）的",
        "the line has the full-width sign {sign}; write the ASCII one",
    ),
    "toml.value": (
        '= 后面的值不对；文本要加引号（"..."），数字和 true、false 不加',
        'the value behind = cannot be read; text stands in quotes ("..."), numbers, true and false do not',
    ),
    "toml.statement": (
        "这里要写 名称 = 值、[节名] 或以 # 开头的注释",
        "write NAME = VALUE, [SECTION], or a comment that begins with #",
    ),
    "toml.equals": ("名称后面要有 =", "a name is followed by ="),
    "toml.newline": (
        "一行只写一项；值后面多出了内容，注释要以 # 开头",
        "one setting to a line; there is more behind the value (a comment begins with #)",
    ),
    "toml.section": (
        "节名要写全括号：[节名]，可重复的节写 [[节名]]",
        "close the brackets of the section: [NAME], or [[NAME]] for one that may be repeated",
    ),
    "toml.string": (
        "文本没有结束，或其中有不能用的字符；请检查引号，\\ 要写成 \\\\",
        "the text does not end, or holds a character that it cannot; check the quotes, and write \\\\ for \\",
    ),
    "toml.open": (
        "列表或表没有结束；请补上 ] 或 }}，各项之间用逗号分隔",
        "a list or table is not closed; add ] or }}, and put commas between its items",
    ),
    "toml.twice": (
        "同一名称或同一节写了两次；请合并为一处",
        "the same name or section is written twice; keep one of them",
    ),
    "toml.date": ("日期不对；若是文本，请加引号", "no such date; put it into quotes if it is text"),
    "toml.other": ("{said}", "{said}"),
    # --- names and types ---
    "config.unknown": (
        "{setting}：没有这个设置；全部设置见 docs/configuration.md",
        "{setting}: there is no such setting; docs/configuration.md has them all",
    ),
    "config.unknown.near": (
        "{setting}：没有这个设置；是不是 {near}？",
        "{setting}: there is no such setting; did you mean {near}?",
    ),
    "config.unknown.few": (
        "{setting}：没有这个设置；这里可用的有 {known}",
        "{setting}: there is no such setting; here there are {known}",
    ),
    "config.required": (
        "{setting}：必须设置；请加上 {name} = ...（含义见 docs/configuration.md）",
        "{setting}: has to be set; add {name} = ... (docs/configuration.md says what it means)",
    ),
    "config.type": ("{setting}：应为{wanted}，而不是{given}", "{setting}: must be {wanted}, and is {given}"),
    "config.at_least": ("{setting}：不能小于 {limit}", "{setting}: must be {limit} or more"),
    "config.at_most": ("{setting}：不能大于 {limit}", "{setting}: must be {limit} or less"),
    "config.more_than": ("{setting}：必须大于 {limit}", "{setting}: must be more than {limit}"),
    "config.less_than": ("{setting}：必须小于 {limit}", "{setting}: must be less than {limit}"),
    "config.shortest": (
        "{setting}：至少要有 {limit} 个字符",
        "{setting}: must be at least {limit} characters long",
    ),
    "config.longest": ("{setting}：最多 {limit} 个字符", "{setting}: must not be longer than {limit}"),
    "config.fewest": (
        "{setting}：至少要写 {limit} 项",
        "{setting}: must not be empty; write at least {limit}",
    ),
    "config.pattern": (
        "{setting}：形式不对；要符合 {pattern}",
        "{setting}: not of the right form; it has to match {pattern}",
    ),
    "config.choice": (
        "{setting}：不能是 {given}；可选：{known}",
        "{setting}: cannot be {given}; use one of {known}",
    ),
    "config.other": (
        "{setting}：{said}；说明见 docs/configuration.md",
        "{setting}: {said}; see docs/configuration.md",
    ),
    "type.str": ("文本（加引号）", "text in quotes"),
    "type.int": ("整数", "a whole number"),
    "type.float": ("数", "a number"),
    "type.bool": (" true 或 false ", "true or false"),
    "type.array": ("列表（[...]）", "a list ([...])"),
    "type.object": ("一节（[...]）", "a section ([...])"),
    "type.date": ("日期", "a date"),
    "type.other": ("{name}", "{name}"),
    # --- single settings ---
    "config.hostname": (
        "hostname：{given}：{problem}；请写本机的完整名称，如 mail.example.org",
        "hostname: {given}: {problem}; write the full name of this host, such as mail.example.org",
    ),
    "config.address": (
        "{setting}：{given} 不是完整的地址；请写成 name@example.org",
        "{setting}: {given} is no full address; write it as name@example.org",
    ),
    "config.authserv_id": (
        "mailauth.authserv_id：应是像 mail.example.org 这样的名称",
        "mailauth.authserv_id: must be a name such as mail.example.org",
    ),
    "config.network": (
        "{setting}：{given} 不是网络；请写 192.0.2.1、192.0.2.0/24 或 2001:db8::/32（斜线后的位数之外须为 0）",
        "{setting}: {given} is no network; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32 (with zeros behind its bits)",
    ),
    "config.moved": (
        "imap.moved：{who} = {server}：左边应是地址或域名，右边应是主机或 主机:端口",
        "imap.moved: {who} = {server}: must be an address or a domain, and host or host:port",
    ),
    "config.search.attachments": (
        "search.attachments：需要 {library}；请运行 pip install 'posthouse[attachments]'，或改为 false",
        "search.attachments: needs {library}; run: pip install 'posthouse[attachments]', or set it to false",
    ),
    # --- listeners ---
    "config.listener": ("listeners.{listener}：{problem}", "listeners.{listener}: {problem}"),
    "listen.unix": (
        "{given}：Unix 套接字要写绝对路径，如 unix:/run/posthouse/imap",
        "{given}: the path of a Unix socket is absolute, such as unix:/run/posthouse/imap",
    ),
    "listen.form": (
        "{given}：请写 地址:端口，IPv6 写 [地址]:端口，或 unix:/路径",
        "{given}: write ADDRESS:PORT, for IPv6 [ADDRESS]:PORT, or unix:/PATH",
    ),
    "listen.brackets": (
        "{given}：IPv6 地址要加方括号，如 [::1]:25",
        "{given}: put the IPv6 address in brackets, as [::1]:25",
    ),
    "config.proxy.source": (
        'listeners.{listener}.proxy_from：{given} 不是网络；请写均衡器的地址或网络，Unix 套接字写 "unix"',
        'listeners.{listener}.proxy_from: {given} is no network; write the address or network of the balancer, "unix" '
        "for Unix sockets",
    ),
    "config.proxy.http": (
        "listeners.{listener}.proxy_from：HTTP 不接受 PROXY 头；请删去，让均衡器直接转发 TCP",
        "listeners.{listener}.proxy_from: HTTP takes no PROXY header; take it out, and let the balancer pass TCP on",
    ),
    "config.clear_text": (
        "listeners.{listener}.clear_text_auth：{address} 可从外部访问，密码不得以明文过网；请只在 127.0.0.1 或 [::1] "
        "监听，或关闭此项",
        "listeners.{listener}.clear_text_auth: {address} can be reached from outside; passwords must not cross a "
        "network in clear text, so listen on 127.0.0.1 or [::1] only, or switch it off",
    ),
    "config.no_certificate": (
        "listeners.{listener}：需要证书；请在 tls.certificates 中添加，打开 acme.enabled，"
        "或设 listeners.{listener}.enabled = false",
        "listeners.{listener}: needs a certificate; add one to tls.certificates, switch acme.enabled on, or set "
        "listeners.{listener}.enabled = false",
    ),
    "config.clients.off": (
        'listeners.{listener}：没有打开客户端证书；请设 client_certificates = "optional"，或删去 client_ca_file 和 '
        "client_crl_file",
        'listeners.{listener}: client certificates are off; set client_certificates = "optional", or take out '
        "client_ca_file and client_crl_file",
    ),
    "config.clients.listener": (
        "listeners.{listener}.client_certificates：只有 {known} 接受客户端证书；请删去",
        "listeners.{listener}.client_certificates: only {known} take client certificates; take it out",
    ),
    "config.clients.authorities": (
        "listeners.{listener}.client_ca_file：请写签发客户端证书的机构的 PEM 文件",
        "listeners.{listener}.client_ca_file: name the PEM file of the authorities whose certificates count",
    ),
    # --- signing in ---
    "config.url": ("{setting}：{given}：请写 {wanted}", "{setting}: {given}: write {wanted}"),
    "config.issuer.path": (
        "oauth.issuer：{given}：不能有路径，末尾也不能有斜线；请写 https://HOST",
        "oauth.issuer: {given}: it has no path, and no slash at its end; write https://HOST",
    ),
    "config.issuer.clear": (
        "oauth.issuer：{given}：密码不得以明文过网；请用 https://",
        "oauth.issuer: {given}: passwords must not cross a network in clear text; use https://",
    ),
    "config.provider.name": (
        "providers.name：{given}：只用小写字母、数字和连字符，最多 32 个",
        "providers.name: {given}: use small letters, digits and hyphens, 32 at most",
    ),
    "config.provider.tenant": (
        "providers.issuer：请写明一个租户；否则任何人都能另建租户，在其中填写任意地址",
        "providers.issuer: name one tenant; anybody can make another and write any address into it",
    ),
    "config.provider.agent": (
        "providers.agent_id：企业微信需要应用的 id（AgentId）；请填写",
        "providers.agent_id: WeCom needs the id of the application (AgentId); add it",
    ),
    "config.directory.sql": (
        'directories：kind = "sql" 还需要 database 和 query',
        'directories: kind = "sql" needs `database` and `query`',
    ),
    "config.directory.clear": (
        "directories.start_tls：{given}：密码不得以明文过网；请打开 start_tls，或用 ldaps://",
        "directories.start_tls: {given}: passwords must not cross a network in clear text; switch it on, or use ldaps://",
    ),
    "config.directory.entry": (
        "directories：请说明如何找到条目：user_dn 或 search_base",
        "directories: say how to find an entry: `user_dn`, or `search_base`",
    ),
    "config.directory.fields": (
        "directories.{name}：只能用 {{address}}、{{local}} 和 {{domain}}",
        "directories.{name}: only {{address}}, {{local}} and {{domain}} are known",
    ),
    "config.directory.same": (
        "directories.{name}：{given} 对所有人都一样；请用 {{local}} 或 {{address}}",
        "directories.{name}: {given} is the same for everybody; use {{local}} or {{address}}",
    ),
    "config.directory.database": (
        "directories.database：请写 SQLite 文件的路径，或 postgresql://USER@HOST/DATABASE",
        "directories.database: write the path of an SQLite file, or postgresql://USER@HOST/DATABASE",
    ),
    "config.directory.postgres": (
        "directories.database：请写 postgresql://USER@HOST/DATABASE",
        "directories.database: write postgresql://USER@HOST/DATABASE",
    ),
    "config.directory.secret": (
        "directories.database：密码请放在 database_password_file 指定的文件里",
        "directories.database: put the password into `database_password_file`",
    ),
    "config.directory.domain": (
        "directories.domains：{given}：{problem}；请写像 example.org 这样的域名",
        "directories.domains: {given}: {problem}; write a domain such as example.org",
    ),
    "config.directory.ldap": (
        "directories：kind = \"ldap\" 需要另装的库；请运行 pip install 'posthouse[ldap]'",
        "directories: kind `ldap` needs a library; run: pip install 'posthouse[ldap]'",
    ),
    "config.directory.driver": (
        "directories：PostgreSQL 需要另装的库；请运行 pip install 'posthouse[postgres]'",
        "directories: PostgreSQL needs a library; run: pip install 'posthouse[postgres]'",
    ),
    # --- certificates by ACME ---
    "config.acme.http": (
        "acme.challenge：http-01 需要 listeners.challenge.enabled = true，在 80 端口",
        "acme.challenge: http-01 needs listeners.challenge.enabled = true, on port 80",
    ),
    "config.acme.alpn": (
        "acme.challenge：tls-alpn-01 需要 listeners.https.enabled = true，在 443 端口",
        "acme.challenge: tls-alpn-01 needs listeners.https.enabled = true, on port 443",
    ),
    "config.acme.dns": (
        "acme.challenge：dns-01 需要 acme.dns_hook；请写出会增删 TXT 记录的程序",
        "acme.challenge: dns-01 needs acme.dns_hook, the program that adds and removes TXT records",
    ),
    "config.acme.wildcard": (
        'acme.names：带 * 的名称只能通过 DNS 证明；请设 challenge = "dns-01"',
        'acme.names: names with * are proven in DNS only; set challenge = "dns-01"',
    ),
    "config.acme.eab": (
        "acme：eab_key_id 与 eab_key_file 要一起设置，或都不设",
        "acme: eab_key_id and eab_key_file belong together; set both, or none",
    ),
    # --- routes, DNS ---
    "config.route.scope": (
        'routes：请说明 {host} 用于哪些 domains 或 senders；"*" 表示全部',
        'routes: say for which `domains` or `senders` {host} is; "*" is all',
    ),
    "config.route.password": (
        "routes：{host}：password 与 password_file 只能写一个",
        "routes: {host}: give `password` or `password_file`, not both",
    ),
    "config.route.clear": (
        'routes：给 {host} 的密码只能交给它本身；请设 tls = "verified" 或 "implicit"',
        'routes: the password for {host} must go to that host only; set tls = "verified" or "implicit"',
    ),
    "config.dns": ("dns：{problem}", "dns: {problem}"),
    # --- files that settings name ---
    "config.file": (
        "{setting}：{path}：{reason}；请核对路径，以及驿站的用户能否读它",
        "{setting}: {path}: {reason}; check the path, and that the node's user may read it",
    ),
    "config.file.text": (
        "{setting}：{path}：不是 UTF-8 文本；请重新写入其中的密码或密钥",
        "{setting}: {path}: this is no UTF-8 text; write the password or key into it again",
    ),
    "config.file.authorities": (
        "{setting}：{path}：{reason}；请写含有机构证书的 PEM 文件",
        "{setting}: {path}: {reason}; name a PEM file with the certificates of the authorities",
    ),
    "config.ticket_secret": (
        "tls.ticket_secret_file：{path} 不足 {wanted} 字节；请用 `head -c 48 /dev/urandom | base64` 生成",
        "tls.ticket_secret_file: {path} has fewer than {wanted} octets; make it by `head -c 48 /dev/urandom | base64`",
    ),
    "config.pepper.missing": (
        "signin.pepper_file：{path}：{reason}；请从备份恢复这个文件，没有它就无法核对密码",
        "signin.pepper_file: {path}: {reason}; restore the file, as passwords cannot be checked without it",
    ),
    "config.pepper": ("signin.pepper_file：{problem}", "signin.pepper_file: {problem}"),
    "pepper.mode": (
        "{path}：其他用户能读这个密钥；请运行 `chmod 600 {path}`",
        "{path}: others may read this key; run `chmod 600 {path}`",
    ),
    "pepper.form": (
        "{path}：密钥应是十六进制数字；请从备份恢复这个文件",
        "{path}: the key is written in hexadecimal digits; restore the file from its copy",
    ),
    "pepper.length": (
        "{path}：密钥有 {given} 字节，需要 {wanted} 字节；请从备份恢复这个文件",
        "{path}: the key has {given} bytes, {wanted} are needed; restore the file from its copy",
    ),
    "config.countries": (
        "signin.country_file：{path}：{problem}；请放入 DB-IP 等发布的 CSV 文件，并让驿站的用户能读，"
        "或把这项设为空。在此之前，登录没有国家",
        "signin.country_file: {path}: {problem}; put the CSV file there that DB-IP and others publish, readable for "
        "the node's user, or leave the setting empty. Until then sign-ins have no country",
    ),
    "countries.line": ("第 {line} 行不是“首地址,末地址,国家”", "line {line} is not FIRST,LAST,COUNTRY"),
    "countries.text": ("不是 CSV 文本", "this is no CSV text"),
    "static.read": (
        "static_file：{path}：{reason}；请核对路径",
        "static_file: {path}: {reason}; check the path",
    ),
    "static.line": (
        '{path}：第 {line} 行：{said}；请写成：example.org. IN TXT "v=spf1 -all"',
        '{path}: line {line}: {said}; write lines such as: example.org. IN TXT "v=spf1 -all"',
    ),
    "static.text": (
        "{path}：不是 UTF-8 文本；请另存为 UTF-8",
        "{path}: this is no UTF-8 text; save it as UTF-8",
    ),
    "dns.server": (
        "servers：{given}：请写 192.0.2.1、192.0.2.1:5353 或 [2001:db8::1]:5353",
        "servers: {given}: write 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353",
    ),
}
