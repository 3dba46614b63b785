"""What an account, its letters and its credentials do not allow: (Chinese, English)."""

from __future__ import annotations

from typing import Final

MAIL: Final[dict[str, tuple[str, str]]] = {
    "store.no_secret": (
        "数据中缺少登录用的密钥；请运行 `posthouse check`，并从备份恢复数据库",
        "the store has no secret for sign-in; run `posthouse check`, and restore the database from a backup",
    ),
    "store.blob": (
        "第 {number} 号内容已不在；请运行 `posthouse check`",
        "blob {number} is gone; run `posthouse check`",
    ),
    "store.full": ("磁盘已满（{said}）；请腾出空间", "the disk is full ({said}); make room"),
    "store.fault": (
        "数据库暂时不能用（{said}）；请稍后再试，仍不行请运行 `posthouse check`",
        "the database cannot be used now ({said}); try again, then run `posthouse check`",
    ),
    "seal.other": (
        "保存的密码是用另一个密钥密封的；请恢复原来的数据，或重新填写密码",
        "what was kept is sealed with another secret; restore the data as they were, or give the password again",
    ),
    "account.full": (
        "{address} 的空间已满；请清理，或用 `posthouse account set {address} --quota-bytes` 增加",
        "{address} is full; make room, or raise its quota with `posthouse account set {address} --quota-bytes`",
    ),
    "account.scram": (
        "账户的 SCRAM 密钥读不出来；请重新设置它的密码",
        "the SCRAM keys of an account cannot be read; set its password anew",
    ),
    "alias.wide": (
        "{address} 展开后超过 {limit} 个地址",
        "{address} expands to more than {limit} addresses",
    ),
    "mailbox.many": (
        "账户已有 {count} 个文件夹，不能再多；请先删除一些",
        "the account has {count} mailboxes, and no more are allowed; delete some first",
    ),
    "contact.card": (
        "名片不能这样写（{said}）；请核对所填的内容",
        "the card cannot be so ({said}); check what was given",
    ),
    "contact.full": (
        "通讯录最多 {limit} 张名片；请先删除一些",
        "there are {limit} cards, and no more are allowed; delete some first",
    ),
    "device.link": (
        "这个链接已经用过，或已过期；请重新登录以得到新的",
        "this link was used already, or is too old; sign in again for a new one",
    ),
    "token.network": (
        "令牌 {name} 不能从 {ip} 使用；请在允许的网络中使用，或另建一个",
        "the token {name} is not for {ip}; use it in its networks, or make another",
    ),
    "two_step.none": (
        "{address} 必须有第二步验证，却一个也没有；请管理员运行 `posthouse two-step disable {address}`",
        "{address} has to have a second step, and has none; an administrator runs "
        "`posthouse two-step disable {address}`",
    ),
    "two_step.way": (
        "不能用 {method} 发送验证码；请选择另一种方式",
        "no code can be sent by {method}; choose another way",
    ),
    "passkey.many": (
        "一个账户最多 {limit} 把通行密钥；请先删除一把",
        "an account has at most {limit} passkeys; remove one first",
    ),
    "passkey.not_made": (
        "通行密钥没有建成（{said}）；请再试一次",
        "the passkey was not made: {said}",
    ),
    "passkey.registered": ("这把通行密钥已经登记过", "this passkey is registered already"),
    "passkey.none": (
        "没有这个名称的通行密钥；请在列表中查看",
        "there is no passkey of that name; the list has the names",
    ),
    "passkey.exists": (
        "已经有名为 {name} 的通行密钥；请换一个名称",
        "a passkey {name} exists already; choose another name",
    ),
    "passkey.slow": ("等待太久；请重新开始", "that took too long; begin anew"),
    "passkey.name": (
        "通行密钥的名称为 1 至 {limit} 个可显示的字符",
        "the name of a passkey has 1 to {limit} printable characters",
    ),
    "note.empty": ("便笺不能是空的", "a note says something"),
    "note.long": ("便笺最多 {limit} 字节", "a note has at most {limit} octets"),
    "note.mentions": ("便笺最多提到 {limit} 名成员", "a note mentions at most {limit} members"),
    "practice.who": (
        "练习信要由能看全部对话的人来寄",
        "practice letters are for those who see all dialogues",
    ),
    "practice.between": ("练习信只在 {known} 之间寄送", "practice letters go between {known}"),
    "practice.none": ("没有练习信 {token}", "there is no practice letter {token}"),
}
