"""Texts about signing keys and DNS records; see `cli.texts`."""

from __future__ import annotations

from typing import Any, Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    # --- posthouse dkim ---
    "help.dkim": ("管理域名的签名密钥（DKIM）", "signing keys of a domain (DKIM)"),
    "help.dkim.list": ("列出密钥和状态", "list the keys and their states"),
    "help.dkim.rotate": (
        "生成新密钥；DNS 中出现后自动启用，旧密钥停用",
        "make new keys; once DNS shows them they are used, and the old ones retire",
    ),
    "help.dkim.export": (
        "列出要发布的 DNS 记录，或导出一个私钥",
        "print the DNS records to publish, or write out a private key",
    ),
    "help.arg.dkim_now": (
        "不等 DNS，立即启用（记录已发布时）",
        "use them at once, without waiting for DNS (when the records are published already)",
    ),
    "help.arg.dkim_selector": ("选择器（见 dkim list）", "selector (see dkim list)"),
    "help.arg.dkim_private": (
        "把私钥写入此新文件（权限 0600），用于迁移到别的服务器",
        "write the private key into this new file (mode 0600), to move it to another server",
    ),
    "dkim.none": (
        "{domain} 还没有密钥；生成：posthouse dkim rotate {domain}",
        "{domain} has no keys; make them: posthouse dkim rotate {domain}",
    ),
    "dkim.publish": (
        "请在 DNS 中发布新密钥的记录；出现后几分钟内自动启用。查看：posthouse dns {domain}",
        "Publish the records of the new keys; they are used some minutes after DNS shows them."
        " Look: posthouse dns {domain}",
    ),
    "dkim.used": ("新密钥已启用。", "The new keys are in use."),
    "dkim.which": (
        "--private 需要用 --selector 指明密钥（见 posthouse dkim list {domain}）",
        "--private needs --selector to name the key (see posthouse dkim list {domain})",
    ),
    "dkim.file_exists": ("{path} 已存在；换一个文件名", "{path} exists; choose another name"),
    "dkim.written": (
        "私钥已写入 {path}。请妥善保管，用后删除。",
        "Private key written to {path}. Keep it safe, delete it after use.",
    ),
    "dkim.state.next": ("待发布", "waits for DNS"),
    "dkim.state.active": ("使用中", "in use"),
    "dkim.state.retired": ("已停用", "retired"),
    "column.selector": ("选择器", "SELECTOR"),
    "column.kind": ("类型", "KIND"),
    "column.activated": ("启用时间", "IN USE SINCE"),
    "column.retired": ("停用时间", "RETIRED"),
    # --- the records ---
    "dns.address": ("服务器的地址", "where the server is"),
    "dns.address_missing": (
        "另外为服务器的主机名发布 A（和 AAAA）记录，指向它的公网地址",
        "besides, an A (and AAAA) record of the server's name with its public address",
    ),
    "dns.mx": ("别人把信送到这里", "where others bring our mail"),
    "dns.spf": ("只有 MX 主机可以代表本域名发信", "only the MX may send for the domain"),
    "dns.dkim.next": (
        "新的签名密钥；DNS 中出现后几分钟内自动启用",
        "new signing key; put to use by itself some minutes after DNS shows it",
    ),
    "dns.dkim.active": ("正在使用的签名密钥", "the signing key in use"),
    "dns.dkim.retired": (
        "已停用的密钥；它签过的邮件可能还在路上，停用满 14 天后可删除此记录",
        "retired key; mail it signed may still be on its way, so keep this record for 14 days after it was retired",
    ),
    "dns.dmarc": ("冒名信件如何处理；先只收报告", "what to do with forgeries; reports only, to begin with"),
    "dns.srv": ("客户端由此找到服务", "how clients find the services"),
    "dns.srv_off": ("不提供的服务", "a service that is not offered"),
    # --- posthouse dns ---
    "help.dns": (
        "列出域名要发布的 DNS 记录，并检查已发布的",
        "print the DNS records to publish for a domain, and check what is published",
    ),
    "help.arg.dns_offline": ("只列出，不查询 DNS", "only print them, ask no DNS"),
    "dns.subject.host": ("服务器的地址", "Address of the server"),
    "dns.subject.ptr": ("反向解析", "Reverse names"),
    "dns.subject.mx": ("收信（MX）", "Incoming mail (MX)"),
    "dns.subject.spf": ("可代表本域名发信的主机（SPF）", "Who may send (SPF)"),
    "dns.subject.dkim": ("签名密钥（DKIM）", "Signing keys (DKIM)"),
    "dns.subject.dmarc": ("对冒名信件的要求（DMARC）", "What to do with forgeries (DMARC)"),
    "dns.subject.srv": ("供客户端查找的服务（SRV）", "Services for clients (SRV)"),
    "dns.found": ("DNS 中有：{record}", "DNS has: {record}"),
    "dns.wanted": ("应发布：", "to publish:"),
    "dns.fine": ("没有问题。", "Fine."),
    "dns.all_fine": ("一切正常。", "All is well."),
    "dns.summary": (
        "{problems} 个问题，{warnings} 个提醒，{unknown} 项暂时查不到。",
        "{problems} problem(s), {warnings} warning(s), {unknown} that could not be looked up now.",
    ),
    "dns.not_ours": (
        "{domain} 不在本服务器上；添加：posthouse domain add {domain}",
        "{domain} is not a domain of this server; add it: posthouse domain add {domain}",
    ),
    "dns.fault.unknown": (
        "暂时查不到 {name} 的 {kind} 记录（{reason}），请稍后再试",
        "the {kind} records of {name} cannot be looked up now ({reason}); try again later",
    ),
    "dns.fault.host.none": (
        "{host} 没有 A 或 AAAA 记录，别人找不到这台服务器；请发布它的公网地址",
        "{host} has neither A nor AAAA record, so nobody finds this server; publish its public address",
    ),
    "dns.fault.host.missing": ("{host} 没有指向 {address} 的记录", "{host} has no record with {address}"),
    "dns.fault.host.other": (
        "{host} 还指向 {address}，而它不在您给出的地址之中",
        "{host} also leads to {address}, which is not among the addresses you gave",
    ),
    "dns.fault.host.private": (
        "{host} 指向 {address}，从互联网上无法到达",
        "{host} leads to {address}, which cannot be reached from the Internet",
    ),
    "dns.fault.host.cname": (
        "{host} 是 {target} 的别名（CNAME）；MX 不能指向别名，请改为 A/AAAA 记录",
        "{host} is an alias (CNAME) of {target}; an MX must not name an alias, use A/AAAA records",
    ),
    "dns.fault.ptr.none": (
        "{address} 没有反向解析（PTR），许多系统会因此拒收您的信；请让地址的提供者把它设为 {host}",
        "{address} has no reverse name (PTR), so many systems will refuse your mail; "
        "ask whoever provides the address to set it to {host}",
    ),
    "dns.fault.ptr.other": (
        "{address} 的反向解析是 {names}，而不是 {host}；请让地址的提供者改正",
        "the reverse name of {address} is {names}, not {host}; ask whoever provides the address to change it",
    ),
    "dns.fault.mx.no_domain": (
        "{domain} 在 DNS 中不存在；请先注册域名并设置它的域名服务器",
        "{domain} does not exist in DNS; register it and set its name servers first",
    ),
    "dns.fault.mx.none": (
        "{domain} 没有 MX 记录，来信到不了这台服务器",
        "{domain} has no MX record, so mail for it does not reach this server",
    ),
    "dns.fault.mx.null": (
        "{domain} 的 MX 是“.”，声明不收信；请换成上面的记录",
        'the MX of {domain} is ".", which says that it takes no mail; replace it with the record above',
    ),
    "dns.fault.mx.other": (
        "{domain} 的 MX 是 {hosts}，其中没有 {host}：来信不会到这台服务器",
        "the MX of {domain} is {hosts}, without {host}: its mail does not come to this server",
    ),
    "dns.fault.mx.later": (
        "{first} 排在 {host} 之前，来信先到那里",
        "{first} comes before {host}, so mail goes there first",
    ),
    "dns.fault.mx.cname": (
        "MX 指向别名 {host}（CNAME 到 {target}），这是不允许的；请直接写 {target}",
        "the MX names the alias {host} (CNAME of {target}), which is not allowed; name {target} instead",
    ),
    "dns.fault.mx.domain_cname": (
        "{domain} 本身是 {target} 的别名（CNAME），因此不能有 MX、TXT 记录；请去掉这个 CNAME",
        "{domain} itself is an alias (CNAME) of {target}, so it cannot have MX and TXT records; remove the CNAME",
    ),
    "dns.fault.mx.address": (
        "MX 里写的是地址 {host}；要写主机名",
        "the MX holds the address {host}; it has to be a host name",
    ),
    "dns.fault.mx.nowhere": ("MX 主机 {host} 没有地址", "the MX host {host} has no address"),
    "dns.fault.spf.none": (
        "{domain} 没有 SPF 记录，您的信容易被当作垃圾邮件",
        "{domain} has no SPF record, so your mail is easily taken for spam",
    ),
    "dns.fault.spf.several": (
        "{domain} 有 {count} 条 SPF 记录，结果是全部作废；请合并成一条",
        "{domain} has {count} SPF records, which makes all of them void; merge them into one",
    ),
    "dns.fault.spf.syntax": (
        "SPF 记录在“{term}”处有语法错误，整条作废",
        'the SPF record has a syntax error at "{term}", which makes all of it void',
    ),
    "dns.fault.spf.error": ("SPF 记录作废：{reason} {term}", "the SPF record is void: {reason} {term}"),
    "dns.fault.spf.temporary": (
        "暂时无法判断 SPF 是否允许 {address}，请稍后再试",
        "whether SPF allows {address} cannot be said now; try again later",
    ),
    "dns.fault.spf.fails": (
        "SPF 不允许本服务器的地址 {address}（{result}）；请加上 mx 或 ip4:/ip6: 一项",
        "SPF does not allow this server's address {address} ({result}); add mx, or an ip4:/ip6: term",
    ),
    "dns.fault.spf.open": (
        "SPF 记录没有说其他主机怎么办；请以 -all 结尾",
        "the SPF record does not say what about all other hosts; end it with -all",
    ),
    "dns.fault.spf.everybody": (
        "+all 允许所有人冒用本域名；请改为 -all",
        "+all lets everybody send as this domain; use -all",
    ),
    "dns.fault.spf.neutral": (
        "?all 等于什么都没说；请改为 -all（或 ~all）",
        "?all says nothing; use -all (or ~all)",
    ),
    "dns.fault.spf.soft": (
        "以 ~all 结尾：其他主机只算可疑。确认所有发信主机都已列出后，可改为 -all",
        "ends with ~all: other hosts are only suspicious. When all your senders are listed, -all is stricter",
    ),
    "dns.fault.spf.ptr": (
        "ptr 又慢又不可靠，标准不建议使用；请改用 ip4:/ip6:",
        "ptr is slow and unreliable, and the standard advises against it; use ip4:/ip6:",
    ),
    "dns.fault.spf.lookups": (
        "SPF 记录用了 {count} 次 DNS 查询，上限是 {limit}；再多就作废了",
        "the SPF record takes {count} DNS look-ups, the limit is {limit}; with more it becomes void",
    ),
    "dns.fault.dkim.none": (
        "没有签名密钥；生成：posthouse dkim rotate {domain}",
        "there are no signing keys; make them: posthouse dkim rotate {domain}",
    ),
    "dns.fault.dkim.waits": (
        "新密钥 {selector} 还未发布；发布后自动启用",
        "the new key {selector} is not published yet; it will be used once it is",
    ),
    "dns.fault.dkim.missing": (
        "使用中的密钥 {selector} 不在 DNS 中，签名无法核对；请发布 {name}",
        "the key in use {selector} is not in DNS, so its signatures cannot be verified; publish {name}",
    ),
    "dns.fault.dkim.other": (
        "{name} 处是另一把密钥（或记录残缺）；请换成上面的记录，长记录要分段完整填写",
        "{name} holds another key (or a part of it); replace it with the record above, long records have to be whole",
    ),
    "dns.fault.dkim.several": (
        "{name} 处有多条记录，收信方可能取错；只留一条",
        "{name} has several records, and receivers may take the wrong one; leave one",
    ),
    "dns.fault.dkim.testing": (
        "{name} 标着 t=y（测试），签名可能不被采信；请去掉",
        "{name} says t=y (testing), so signatures may not count; remove it",
    ),
    "dns.fault.dkim.old": (
        "密钥 {selector} 停用已满 14 天，可从 DNS 中删除 {name}",
        "the key {selector} was retired more than 14 days ago; {name} can be removed from DNS",
    ),
    "dns.fault.dmarc.none": (
        "{domain} 没有 DMARC 记录，冒名信件无人拦截；请发布上面的记录",
        "{domain} has no DMARC record, so nobody stops forgeries; publish the record above",
    ),
    "dns.fault.dmarc.several": (
        "{domain} 有多条 DMARC 记录，结果是全部作废；只留一条",
        "{domain} has several DMARC records, which makes all of them void; leave one",
    ),
    "dns.fault.dmarc.syntax": (
        "DMARC 记录有错（{term}），因此作废",
        "the DMARC record is faulty ({term}), so it is void",
    ),
    "dns.fault.dmarc.other": (
        "DNS 中的策略是 {policy}，而本机为该域名设置的是 {wanted}",
        "DNS says {policy}, and the domain is set to {wanted} here",
    ),
    "dns.fault.dmarc.watching": (
        "p=none 只观察；报告中看不到自己的信失败后，改为 p=quarantine，再改为 p=reject",
        "p=none only watches; once the reports show no failures of your own mail, use p=quarantine, then p=reject",
    ),
    "dns.fault.dmarc.foreign": (
        "报告寄往 {address}，但对方没有发布 {name}（v=DMARC1），因此收不到报告",
        "reports go to {address}, whose domain has not published {name} (v=DMARC1), so none will come",
    ),
    "dns.fault.srv.none": (
        "没有 {name}，客户端不能自动找到该服务",
        "no {name}: clients do not find this service",
    ),
    "dns.fault.srv.other": (
        "{name} 指向 {found}，应为 {wanted}",
        "{name} leads to {found}, it should be {wanted}",
    ),
    "dns.fault.srv.off": (
        "{name} 公布了本服务器不提供的服务",
        "{name} announces a service that this server does not offer",
    ),
}


def say(key: str, language: str, **fields: Any) -> str:
    return TEXTS[key][0 if language == "zh" else 1].format(**fields)


def words(finding: str, fields: dict[str, Any], language: str) -> str:
    """Of a finding of `app.dns_check`."""
    if "reason" in fields:
        from posthouse.mailauth.verdict import why  # noqa: PLC0415 - `posthouse --help` needs none of it

        fields = {**fields, "reason": why(fields["reason"], language) or "-"}
    return say(f"dns.fault.{finding}", language, **fields)
