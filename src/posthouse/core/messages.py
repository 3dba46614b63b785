"""What people read, in every language we speak: one row per text, so that no language can lack one.

Fields in braces are the same in every language of a row.  Protocol replies are not here: their
tables stand with the protocols.
"""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("zh", "en")

MESSAGES: Final[dict[str, tuple[str, str]]] = {
    # --- certificates (app.acme) ---
    "certificate.alarm.subject": ("证书未能续期：{names}", "The certificate could not be renewed: {names}"),
    "certificate.alarm": (
        "{names} 的证书即将到期，但自动续期没有成功：\n\n  {error}\n\n"
        "系统会继续尝试。证书到期后，邮件程序将拒绝连接。请检查域名的 DNS 和端口，然后运行 posthouse tls check。",
        "The certificate for {names} ends soon, and renewing it did not work:\n\n  {error}\n\n"
        "Attempts go on. Once it has ended, mail programs will refuse to connect. Check the DNS and the ports of the "
        "names, then run `posthouse tls check`.",
    ),
    # --- notices to senders (services.notice) ---
    "dsn.failed.subject": ("未能投递：您的邮件被退回", "Your message could not be delivered"),
    "dsn.delayed.subject": ("投递延迟：您的邮件尚未送达", "Your message is delayed"),
    "dsn.delivered.subject": ("已送达：您的邮件", "Your message was delivered"),
    "dsn.relayed.subject": ("已转发：您的邮件", "Your message was passed on"),
    "dsn.expanded.subject": ("已分发：您的邮件", "Your message was distributed"),
    "dsn.failed.intro": (
        "这是 {hostname} 邮件系统的通知。您于 {date} 寄出的邮件未能送达下列收件人，系统不会再次尝试。",
        "This is the mail system at {hostname}. Your message of {date} could not be delivered to the "
        "recipients below, and no further attempt will be made.",
    ),
    "dsn.delayed.intro": (
        "这是 {hostname} 邮件系统的通知。您于 {date} 寄出的邮件尚未送达下列收件人。"
        "系统会继续尝试到 {until}，您无需重发。",
        "This is the mail system at {hostname}. Your message of {date} has not reached the recipients below "
        "yet. Attempts go on until {until}; you need not send it again.",
    ),
    "dsn.delivered.intro": (
        "这是 {hostname} 邮件系统的通知。按您的要求回报：您于 {date} 寄出的邮件已送达下列收件人的邮箱。",
        "This is the mail system at {hostname}. As you asked to be told: your message of {date} was "
        "delivered to the mailboxes below.",
    ),
    "dsn.relayed.intro": (
        "这是 {hostname} 邮件系统的通知。您于 {date} 寄出的邮件已转交下一个邮件系统；"
        "该系统不支持送达回报，您可能不会再收到通知。",
        "This is the mail system at {hostname}. Your message of {date} was passed on to a mail system that "
        "does not report deliveries; you may hear nothing further.",
    ),
    "dsn.expanded.intro": (
        "这是 {hostname} 邮件系统的通知。您于 {date} 寄出的邮件已按别名分发给多个收件人。",
        "This is the mail system at {hostname}. Your message of {date} was distributed to the members of "
        "the aliases below.",
    ),
    "dsn.said": ("{host} 的答复：{text}", "{host} said: {text}"),
    "dsn.returned.full": ("原邮件附后。", "Your message is attached."),
    "dsn.returned.headers": ("原邮件的信头附后。", "The header of your message is attached."),
    # --- who may not send (sessions.jmap.submission_send) ---
    "submission.off": (
        "管理员已停用此账户的寄信功能，收信不受影响。如需恢复，请联系管理员。",
        "Sending is switched off for this account; mail still arrives. Ask your administrator to switch it on again.",
    ),
    # --- answers to invitations (sessions.jmap.invitation) ---
    "invitation.accepted.subject": ("已接受：{title}", "Accepted: {title}"),
    "invitation.tentative.subject": ("暂定：{title}", "Tentative: {title}"),
    "invitation.declined.subject": ("已谢绝：{title}", "Declined: {title}"),
    "invitation.accepted": ("{who} 已接受邀请：{title}", "{who} has accepted this invitation: {title}"),
    "invitation.tentative": ("{who} 暂定参加：{title}", "{who} may attend: {title}"),
    "invitation.declined": ("{who} 已谢绝邀请：{title}", "{who} has declined this invitation: {title}"),
    # --- what rules send (services.answers) ---
    "vacation.subject": ("自动回复", "Automatic reply"),
    "notify.subject": ("新邮件：来自 {sender}", "New mail from {sender}"),
    "notify.text": (
        "您收到一封新邮件。\n发件人：{sender}\n主题：{subject}\n",
        "You have new mail.\nFrom: {sender}\nSubject: {subject}\n",
    ),
    # --- why a delivery failed, by enhanced status code (RFC 3463) ---
    "why.5.1.1": (
        "没有这个收件人。请核对地址的拼写。",
        "There is no such recipient. Check the spelling of the address.",
    ),
    "why.5.1.2": (
        "收件人的域名不存在。请核对 @ 后面的部分。",
        "The recipient's domain does not exist. Check the part behind the @.",
    ),
    "why.5.1.10": ("收件人的域名声明不接收邮件。", "The recipient's domain declares that it takes no mail."),
    "why.5.2.2": (
        "收件人的邮箱已满。请稍后再寄，或以其他方式联系对方。",
        "The recipient's mailbox is full. Send again later, or reach the recipient in another way.",
    ),
    "why.5.3.4": (
        "邮件太大，对方不接收。请减小附件后再寄。",
        "The message is too large for the recipient's system. Send it again with smaller attachments.",
    ),
    "why.5.4.6": ("邮件在几个系统之间来回转发。", "The message went round in circles between systems."),
    "why.5.4.7": (
        "在规定的期限内一直未能投递。请稍后再寄，或以其他方式联系对方。",
        "It could not be delivered within the time allowed. Send again later, or reach the recipient in "
        "another way.",
    ),
    "why.5.6.3": (
        "对方系统不接收这种编码的邮件。",
        "The recipient's system does not take messages in this encoding.",
    ),
    "why.5.6.7": (
        "对方系统不支持国际化邮件地址。请使用只含英文字母的地址。",
        "The recipient's system does not support internationalised addresses. Use an ASCII address.",
    ),
    "why.5.7.10": (
        "邮件要求全程加密，而对方系统做不到。",
        "The message must travel encrypted, and the recipient's system cannot do that.",
    ),
    "why.5.7": ("对方系统拒绝了这封邮件。", "The recipient's system refused the message."),
    "why.5": ("对方系统不能接收这封邮件。", "The recipient's system cannot take the message."),
    "why.4.4.1": (
        "暂时连接不上收件人的邮件系统。",
        "The recipient's mail system cannot be reached at the moment.",
    ),
    "why.4.4.3": (
        "暂时查不到收件人的域名。",
        "The recipient's domain cannot be looked up at the moment.",
    ),
    "why.4": (
        "收件人的邮件系统暂时不能接收邮件。",
        "The recipient's mail system cannot take mail at the moment.",
    ),
    "why.2": ("没有问题。", "All is well."),
    # --- the journal of a letter (services.journal) ---
    "journal.received": (
        "收到：来自 {helo} [{ip}]，协议 {protocol}，发件人 <{sender}>，{recipients} 个收件人",
        "Received from {helo} [{ip}] by {protocol}, sender <{sender}>, {recipients} recipient(s)",
    ),
    "journal.submitted": (
        "提交：{account} 登录后寄出，协议 {protocol}，发件人 <{sender}>，{recipients} 个收件人",
        "Submitted by {account} (signed in) by {protocol}, sender <{sender}>, {recipients} recipient(s)",
    ),
    "journal.made": (
        "由本系统生成，收件人 {recipients} 个",
        "Made by this system, {recipients} recipient(s)",
    ),
    "journal.fixed": ("整理信头：{changes}", "Header completed: {changes}"),
    "journal.unforged": (
        "去掉 {fields} 个冒充本机的 Authentication-Results",
        "{fields} Authentication-Results field(s) that claimed to be ours taken out",
    ),
    "journal.refused": ("拒收：{detail}", "Refused: {detail}"),
    "journal.authenticated": (
        "核对发件人：{spf}；{dkim}；{dmarc}。{decision}",
        "Sender checked: {spf}; {dkim}; {dmarc}. {decision}",
    ),
    "check.spf": ("SPF {result}（{identity}）", "SPF {result} ({identity})"),
    "check.dkim": (
        "DKIM {result}（{domain}，选择器 {selector}）",
        "DKIM {result} ({domain}, selector {selector})",
    ),
    "check.dkim.none": ("没有 DKIM 签名", "no DKIM signature"),
    "check.dmarc": ("DMARC {result}（{domain}）", "DMARC {result} ({domain})"),
    "check.dmarc.policy": (
        "DMARC {result}（{domain}，策略 {policy}）",
        "DMARC {result} ({domain}, policy {policy})",
    ),
    "check.mechanism": ("依据 {mechanism}", "by {mechanism}"),
    "check.aligned": ("依据 {aligned}", "by {aligned}"),
    "check.unsigned": ("正文有 {bytes} 字节未签名", "{bytes} bytes of the body are not signed"),
    "check.dns": ("DNS：{line}", "DNS: {line}"),
    "check.result.pass": ("通过", "pass"),
    "check.result.fail": ("失败", "fail"),
    "check.result.softfail": ("多半是假的", "softfail"),
    "check.result.neutral": ("不置可否", "neutral"),
    "check.result.none": ("未设置", "none"),
    "check.result.policy": ("未采用", "not used"),
    "check.result.temperror": ("暂时无法判断", "temporary error"),
    "check.result.permerror": ("设置有误", "permanent error"),
    "check.decision.accept": ("照常接收", "Taken"),
    "check.decision.note": ("接收，只作记录", "Taken, and noted"),
    "check.decision.junk": ("放入垃圾邮件", "Goes to Junk"),
    "check.decision.reject": ("按该域名的要求拒收", "Refused, as the domain asks"),
    "check.decision.defer": ("请对方稍后再送", "Put off until DNS answers"),
    "journal.resolved": ("收件人解析：{recipients}", "Recipients resolved: {recipients}"),
    "journal.resolved.local": (
        "{address} 是本地账户 {accounts}",
        "{address} is the local account {accounts}",
    ),
    "journal.resolved.remote": ("{address} 发往外部 {remote}", "{address} goes out to {remote}"),
    "journal.resolved.both": (
        "{address} 是本地账户 {accounts}，并发往外部 {remote}",
        "{address} is the local account {accounts} and goes out to {remote}",
    ),
    "journal.resolved.error": ("{address} 无法投递（{error}）", "{address} cannot be delivered to ({error})"),
    "journal.stored": (
        "存储：{size} 字节，放入 {copies} 个邮箱",
        "Stored: {size} bytes, in {copies} mailbox(es)",
    ),
    "journal.ruled": ("收件人的规则：{decisions}", "Rules of the recipients: {decisions}"),
    "journal.queued": ("排队等待发送：{recipients}", "Queued for: {recipients}"),
    "journal.attempt": (
        "尝试发送到 {destination}（第 {attempt} 次）：{recipient}",
        "Attempt {attempt} to send to {destination}: {recipient}",
    ),
    "journal.delivered": (
        "已送达 {recipient}：{remote} 答复 {status}",
        "Delivered to {recipient}: {remote} said {status}",
    ),
    "journal.delivered.signed": (
        "已送达 {recipient}：{remote} 答复 {status}；DKIM 签名域 {signed}",
        "Delivered to {recipient}: {remote} said {status}; signed (DKIM) as {signed}",
    ),
    "journal.deferred": (
        "暂未送达 {recipient}：{remote} {status}；下次尝试 {next_attempt}",
        "Deferred for {recipient}: {remote} {status}; next attempt {next_attempt}",
    ),
    "journal.failed": (
        "投递失败 {recipient}：{remote} {status}",
        "Failed for {recipient}: {remote} {status}",
    ),
    "journal.notified": (
        "已通知发件人 <{to}>（{action}，通知编号 {notice}）：{for}",
        "Sender <{to}> notified ({action}, notice {notice}) about: {for}",
    ),
    "journal.controlled": ("管理员操作 {action}：{recipients}", "Administrator: {action} for {recipients}"),
    "journal.other": ("{step}：{facts}", "{step}: {facts}"),
    # --- times in letters of our own (services.told_time) ---
    "time.utc": ("{clock}（UTC，格林尼治时间）", "{clock} (UTC, Greenwich time)"),
    "time.zone": ("{clock}（{zone}，{offset}）", "{clock} ({zone}, {offset})"),
    # --- letters about sign-ins (services.alerts) ---
    "alert.sender": ("邮件系统", "Mail system"),
    "alert.new.subject": ("新设备登录：{client}", "New sign-in: {client}"),
    "alert.held.subject": ("有新设备等待您批准：{client}", "A new device waits for your approval: {client}"),
    "alert.new": (
        "账号 {address} 刚刚在一台新设备上登录：",
        "Somebody signed in to {address} from a new device:",
    ),
    "alert.held": (
        "有人用正确的密码从新设备登录账号 {address}，已被拦下，等待您批准：",
        "Somebody with the right password tried to sign in to {address} from a new device and waits for your approval:",
    ),
    "alert.travel.subject": ("异地登录：{client}", "Sign-in from far away: {client}"),
    "alert.travel": (
        "账号 {address} 刚刚从 {country} 登录，而不久之前的登录来自 {before}，两地之间来不及往返：",
        "Somebody signed in to {address} from {country}, a short time after one from {before}; nobody travels so fast:",
    ),
    "alert.code.subject": ("登录验证码", "Your code to sign in"),
    "alert.code": (
        "登录账号 {address} 的验证码：\n\n  {code}\n\n十分钟内有效，只能使用一次。"
        "如果不是您本人在登录，请立即修改密码；不要把验证码告诉任何人。",
        "Your code to sign in to {address}:\n\n  {code}\n\nIt is good once, for ten minutes. If you are not "
        "signing in, change your password at once; tell the code to nobody.",
    ),
    "forward.code.subject": ("{address} 想把邮件转发给您", "{address} would like to forward mail to you"),
    "forward.code": (
        "{address} 的用户想把收到的邮件自动转发到这个地址。如果您同意，请把下面的确认码告诉对方，或自行填入：\n\n"
        "    {code}\n\n"
        "确认码三天内有效。如果您不认识对方或不同意，请忽略这封邮件：没有确认码就不会转发。",
        "The user of {address} would like mail to be forwarded to this address automatically. If you agree, give them "
        "this code, or enter it yourself:\n\n    {code}\n\nThe code is good for three days. If you do not know them or "
        "do not agree, ignore this letter: without the code nothing is forwarded.",
    ),
    "alert.time": ("时间：", "Time: "),
    "alert.protocol": ("协议：", "Protocol: "),
    "alert.client": ("程序：", "Program: "),
    "alert.credential": ("凭据：", "Signed in with: "),
    "alert.from": ("来源：", "From: "),
    "alert.kind.password": ("账号密码", "the password of the account"),
    "alert.kind.app": ("授权码", "an app password"),
    "alert.kind.token": ("授权令牌", "an access token"),
    "alert.kind.certificate": ("客户端证书", "a certificate"),
    "alert.kind.passkey": ("通行密钥", "a passkey"),
    "alert.kind.two-step": ("密码和验证码", "the password and a second step"),
    "alert.approve.link": (
        "如果是您本人，请打开下面的链接批准；如果不是，请在同一页面阻止，并立即修改密码。\n\n{link}\n",
        "If this was you, approve it by the link below. If it was not, block it there and change your password at once."
        "\n\n{link}\n",
    ),
    "alert.approve": (
        "如果是您本人，请在服务器上运行下面的命令批准（或请管理员代为操作）；如果不是，请立即修改密码。\n\n{approve}\n{block}\n",
        "If this was you, approve it on the server, or ask the administrator to. If it was not, change your password "
        "at once.\n\n{approve}\n{block}\n",
    ),
    "alert.not_you": (
        "如果是您本人，无需处理。如果不是，请立即修改密码、吊销授权码，并阻止此设备：\n\n{block}\n",
        "If this was you, there is nothing to do. If it was not, change your password, revoke the app password and "
        "block the device:\n\n{block}\n",
    ),
}


def say(key: str, language: str, **fields: object) -> str:
    """The text of `key`; an unknown language gets English."""
    text = MESSAGES[key][0 if language.startswith("zh") else 1]
    return text.format(**fields) if fields else text


def why(status: str, language: str) -> str:
    """What an enhanced status code means to a sender, by its longest prefix in the table."""
    parts = status.split(".")
    for length in range(len(parts), 0, -1):
        if (key := "why." + ".".join(parts[:length])) in MESSAGES:
            return say(key, language)
    return say("why.4" if status.startswith("4") else "why.5", language)
