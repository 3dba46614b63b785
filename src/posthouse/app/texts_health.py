"""What the health of the server is told in: (Chinese, English), and what to do."""

from __future__ import annotations

from typing import Final

Row = tuple[tuple[str, str], tuple[str, str]]

HEALTH: Final[dict[str, Row]] = {
    "disk": (
        ("磁盘剩余 {free}（{percent}%）", "{free} free on the disk ({percent}%)"),
        (
            "空间用尽后不再接收邮件。请清理或扩容，或为账户设置配额。",
            "Without room no mail is taken. Make room, or give accounts quotas.",
        ),
    ),
    "queue": (
        (
            "队列中有 {count} 个收件人等待，最久的已等 {hours} 小时",
            "{count} recipients wait, the oldest for {hours} hours",
        ),
        (
            "到“队列”查看原因：多半是对方服务器不可达，或本机到外网的 25 端口被封。",
            "Look at the queue for why: mostly the other side is away, or port 25 to the outside is closed here.",
        ),
    ),
    "certificate": (
        ("{names} 的证书还有 {days} 天到期", "The certificate of {names} ends in {days} days"),
        (
            "开启 acme.enabled 让它自动续期，或换上新证书后发送 SIGHUP。",
            "Set acme.enabled and it renews itself, or put in a new one and send SIGHUP.",
        ),
    ),
    "certificate.over": (
        ("{names} 的证书已过期", "The certificate of {names} has ended"),
        ("邮件程序会拒绝连接，请立即更换证书。", "Mail programs refuse to connect. Replace it now."),
    ),
    "acme": (
        ("证书续期失败 {count} 次：{error}", "Renewing the certificate failed {count} times: {error}"),
        (
            "检查域名是否指向本机、80 端口是否可达，然后运行 posthouse tls check。",
            "See that the names lead here and port 80 is open, then run `posthouse tls check`.",
        ),
    ),
    "faults": (
        ("发生过 {count} 次意外错误", "{count} unexpected faults since the start"),
        ("日志中有详情；请报告给开发者。", "The log has them; please report them."),
    ),
    "restarts": (
        ("有进程崩溃并重启过 {count} 次", "Processes crashed and were replaced {count} times"),
        ("日志中有原因；请报告给开发者。", "The log says why; please report it."),
    ),
    "full": (
        ("{address} 的邮箱已用 {percent}%", "The mailbox of {address} is {percent}% full"),
        (
            "满了以后新邮件会被退回。请提高配额，或请其清理。",
            "Full ones get no mail. Raise the quota, or ask for room.",
        ),
    ),
    "dkim": (
        ("{domain} 的信件没有签名", "Mail of {domain} is not signed"),
        (
            "发布该域名页面上列出的 DKIM 记录；出现在 DNS 后自动启用。",
            "Publish the DKIM records that its page lists; they are used once DNS shows them.",
        ),
    ),
    "administrator": (
        ("管理员 {address} 没有开启两步验证", "The administrator {address} has no second step"),
        (
            "在“设置”中可要求所有管理员开启两步验证。",
            "The settings can require one of every administrator.",
        ),
    ),
}
