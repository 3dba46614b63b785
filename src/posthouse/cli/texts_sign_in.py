"""Texts of the commands about signing in; see `texts`."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "help.app_password.add": ("新建授权码并显示一次", "make one and show it once"),
    "help.app_password.list": ("列出授权码及最近使用情况", "list them, and when they were used last"),
    "help.app_password.revoke": ("吊销授权码，立即生效", "revoke one, at once"),
    "help.arg.app_name": ("授权码名称，如“手机”", "what it is for, such as phone"),
    "help.arg.app_protocols": (
        "允许的协议，逗号分隔（默认 imap,pop3,submission）",
        "protocols it opens, with commas (default: imap,pop3,submission)",
    ),
    "help.arg.app_networks": (
        "允许的网络，逗号分隔，如 192.0.2.0/24（默认不限）",
        "networks it may be used from, with commas, such as 192.0.2.0/24 (default: all)",
    ),
    "help.arg.app_days": ("多少天后失效（默认不失效）", "days until it expires (default: never)"),
    "help.arg.app_only": (
        "只能用授权码登录的协议，逗号分隔；空字符串表示取消",
        "protocols which only app passwords open, with commas; an empty text takes it away",
    ),
    "init.pepper": (
        "密码密钥：{path}。请另存一份，不要与数据放在一起；丢失后所有密码都要重设。",
        "Key of all passwords: {path}. Keep a copy, apart from the data; without it every password has to be set anew.",
    ),
    "help.arg.password_hash": (
        "其他系统生成的密码哈希（bcrypt、crypt、PBKDF2、SSHA 等），- 表示从标准输入读取；首次登录时换成本系统的哈希",
        "a hash made by another system (bcrypt, crypt, PBKDF2, SSHA), - for standard input; it is replaced at sign-in",
    ),
    "help.two-step": ("管理账户的两步验证", "the second step of an account's sign-ins"),
    "help.two-step.enable": (
        "开启：显示二维码，用验证器应用扫描",
        "set it up: shows a QR code for an authenticator app",
    ),
    "help.two-step.confirm": ("用应用显示的验证码确认开启", "switch it on with a code that the app shows"),
    "help.two-step.disable": (
        "关闭，并删除验证器、通行密钥和恢复码",
        "switch it off; app, passkeys and recovery codes go",
    ),
    "help.two-step.status": ("显示是否开启及可用的方式", "whether it is on, and by what"),
    "help.two-step.recovery": ("生成新的恢复码，旧的作废", "new recovery codes; the old ones are void"),
    "help.arg.code": ("验证器应用显示的六位数字", "the six digits that the app shows"),
    "help.arg.app_actions": (
        "允许的操作，逗号分隔：read、write、send（默认全部）",
        "what it may do, with commas: read, write, send (default: all)",
    ),
    "help.arg.app_folders": (
        "只能访问这些文件夹及其下级，逗号分隔（默认全部）",
        "mailboxes it may see, with what is below them, with commas (default: all)",
    ),
    "two_step.scan": (
        "请用验证器应用扫描上面的二维码，或手工输入密钥：{secret}",
        "scan this with an authenticator app, or type the key: {secret}",
    ),
    "two_step.confirm": (
        "然后运行：posthouse two-step confirm {address} 验证码",
        "then run: posthouse two-step confirm {address} CODE",
    ),
    "two_step.on": (
        "{address} 的两步验证已开启；邮件程序今后只能用授权码登录（posthouse account app-password add）。",
        "two-step sign-in of {address} is on; mail programs now need app passwords (`account app-password add`)",
    ),
    "two_step.off": ("{address} 的两步验证已关闭", "two-step sign-in of {address} is off"),
    "two_step.codes": (
        "恢复码（每个只能用一次，请妥善保存，不会再次显示）：",
        "recovery codes, each good once; keep them safe, they are not shown again:",
    ),
    "column.actions": ("操作", "ACTIONS"),
    "column.folders": ("文件夹", "MAILBOXES"),
    "column.method": ("方式", "METHOD"),
    "column.where": ("去处", "WHERE"),
    "help.sign-ins": ("列出账户的登录记录", "list the sign-ins of an account"),
    "help.device": ("管理账户的设备", "what an account is used from"),
    "help.device.list": ("列出设备", "list the devices"),
    "help.device.approve": ("批准设备登录", "let them sign in"),
    "help.device.block": ("阻止设备登录", "let them sign in no more"),
    "help.device.forget": ("忘记设备，下次登录视为新设备", "forget them; they are new when they come again"),
    "help.ban": ("封禁猜测密码的来源", "who is not heard, as they guess passwords"),
    "help.ban.list": ("列出封禁", "list the bans"),
    "help.ban.add": ("添加封禁", "ban somebody"),
    "help.ban.lift": ("解除封禁", "end a ban"),
    "help.arg.device": ("`device list` 所列的编号", "number that `device list` shows"),
    "help.arg.sign_ins": ("最多多少条", "how many at most"),
    "help.arg.ban_kind": ("地址、网络或账户", "an address, a network or an account"),
    "help.arg.ban_subject": (
        "如 192.0.2.1、192.0.2.0/24 或邮箱地址",
        "such as 192.0.2.1, 192.0.2.0/24, or a mail address",
    ),
    "help.arg.ban_hours": (
        "多少小时（默认 24；0 表示直到解除）",
        "for how long (default 24; 0: until it is lifted)",
    ),
    "help.arg.ban_reason": ("原因，供查看", "why, for who reads the list"),
    "help.arg.new_device": (
        "新设备首次登录时：off 不处理，notify 发信通知，hold 拦下等待批准",
        "a new device: off (nothing), notify (a letter), hold (waits until it is approved)",
    ),
    "help.arg.second_address": (
        "接收批准链接的另一个邮箱地址；空字符串表示取消",
        "another mail address, where approvals are asked for; an empty text takes it away",
    ),
    "help.arg.two_step_policy": (
        "账户的两步验证：off 不可用，optional 自选，required 必须（邮件程序只能用授权码）",
        "second factors of its accounts: off, optional, required (then mail programs need app passwords)",
    ),
    "device.none": (
        "{address} 没有这样的设备；请先运行 posthouse device list",
        "{address} has no such device; see `posthouse device list`",
    ),
    "device.approve": ("已批准 {count} 台设备", "approved: {count}"),
    "device.block": ("已阻止 {count} 台设备", "blocked: {count}"),
    "device.forget": ("已忘记 {count} 台设备", "forgotten: {count}"),
    "device.state.known": ("已知", "known"),
    "device.state.held": ("等待批准", "waits"),
    "device.state.blocked": ("已阻止", "blocked"),
    "ban.added": ("已封禁 {subject}", "{subject} is banned"),
    "ban.lifted": ("已解除对 {subject} 的封禁", "{subject} is heard again"),
    "ban.none": (
        "没有对 {subject} 的封禁；posthouse ban list 可列出",
        "there is no such ban of {subject}; see `posthouse ban list`",
    ),
    "sign_in.ok": ("成功", "ok"),
    "sign_in.new": ("成功（新设备）", "ok, new device"),
    "sign_in.held": ("等待批准", "waits"),
    "sign_in.wrong": ("密码错误", "wrong password"),
    "sign_in.travel": ("成功（地点异常）", "ok, from a place too far away"),
    "sign_in.refused": ("被拒绝", "refused"),
    "column.time": ("时间", "TIME"),
    "column.protocol": ("协议", "PROTOCOL"),
    "column.two_step": ("两步验证", "TWO-STEP"),
    "column.number": ("编号", "NUMBER"),
    "column.outcome": ("结果", "OUTCOME"),
    "column.country": ("国家", "COUNTRY"),
    "column.client": ("程序", "PROGRAM"),
    "column.network": ("网络", "NETWORK"),
    "column.subject": ("对象", "SUBJECT"),
    "column.reason": ("原因", "REASON"),
    "app_password.added": (
        "已为 {address} 新建授权码“{name}”，仅显示这一次：",
        "App password {name} of {address} made; it is shown only now:",
    ),
    "app_password.revoked": ("授权码“{name}”已吊销。", "App password {name} is revoked."),
}
