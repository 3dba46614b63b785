"""Texts of the commands about teams and access control lists; see `texts`."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "help.team": ("管理团队邮箱的成员", "members of a team mailbox"),
    "help.team.list": ("列出成员及其权限", "list the members and their rights"),
    "help.team.add": ("添加成员，或修改成员的权限", "add a member, or change a member's rights"),
    "help.team.remove": ("移除成员", "remove a member"),
    "help.team.set": ("设置已读状态各人分开还是全队共用", "whether each member has its own read mail"),
    "help.arg.seen": (
        "each：各成员的已读状态互不影响；all：全队共用（改回时各人的状态丢失）",
        "each: members read without the others' mail becoming read; all: one state (what was told apart is lost)",
    ),
    "help.arg.seen_mailbox": ("只设置这个文件夹（默认全部）", "only this mailbox (default: all of them)"),
    "team.seen_each": (
        "各成员分别记录已读：{mailboxes}",
        "each member has its own read mail in: {mailboxes}",
    ),
    "team.seen_all": ("全队共用已读状态：{mailboxes}", "what is read is read for all in: {mailboxes}"),
    "help.audit": (
        "谁对别人的邮箱、或作为管理员做了什么",
        "who did what in mailboxes of others, and as an administrator",
    ),
    "help.arg.audit_account": ("只看对该账户做的和由它做的", "only what was done to this account, or by it"),
    "help.arg.audit_limit": ("显示最近多少条", "how many of the newest entries"),
    "audit.administrator": ("管理员", "administrator"),
    "audit.flags": ("修改标志", "flags"),
    "audit.expunge": ("清除邮件", "expunge"),
    "audit.copy": ("复制邮件", "copy"),
    "audit.move": ("移动邮件", "move"),
    "audit.append": ("存入邮件", "append"),
    "audit.create": ("新建文件夹", "create mailbox"),
    "audit.rename": ("重命名文件夹", "rename mailbox"),
    "audit.delete": ("删除文件夹", "delete mailbox"),
    "audit.rights": ("修改权限", "rights"),
    "audit.api": ("接口", "API"),
    "audit.command": ("管理命令", "command"),
    "column.actor": ("操作者", "WHO"),
    "column.action": ("操作", "DID"),
    "column.account": ("账户", "ACCOUNT"),
    "column.details": ("详情", "DETAILS"),
    "help.acl": ("管理文件夹的访问权限", "who may do what with a mailbox"),
    "help.acl.list": ("列出访问权限", "list the rights"),
    "help.acl.set": ("授予或收回权限", "grant rights, or take them"),
    "help.acl.remove": ("删除一个条目", "remove an entry"),
    "help.arg.team": ("团队邮箱的地址", "address of the team"),
    "help.arg.member": ("成员账户的地址", "address of the member's account"),
    "help.arg.team_account": (
        "团队邮箱：没有密码，成员用 posthouse team 添加",
        "a team mailbox: it has no password; add members with posthouse team",
    ),
    "help.arg.member_rights": (
        "权限字符（RFC 4314，默认全部；含 p 可用团队地址发信）",
        "rights (RFC 4314; default: all); with p, mail may be sent as the team",
    ),
    "help.arg.identifier": (
        "账户或团队的地址，或 anyone（所有人）",
        "address of an account or team, or anyone",
    ),
    "help.arg.deny": ("这些权限不许有，即使别处授予", "the rights are withheld, whatever grants them"),
    "help.arg.rights": (
        "权限字符（RFC 4314），如 lrs；+lrs 为增加",
        "rights (RFC 4314) such as lrs; +lrs adds to what is there",
    ),
    "help.arg.less": ("收回这些权限，其余不变", "take these rights away and leave the rest"),
    "column.member": ("成员", "MEMBER"),
    "column.identifier": ("谁", "WHO"),
    "column.rights": ("权限", "RIGHTS"),
    "account.team_added": (
        "已添加团队邮箱 {address}；用 posthouse team add 添加成员",
        "added the team {address}; add members with posthouse team add",
    ),
    "team.added": (
        "{member} 是 {team} 的成员，权限 {rights}",
        "{member} is a member of {team} with the rights {rights}",
    ),
    "team.removed": ("{member} 不再是 {team} 的成员", "{member} is no longer a member of {team}"),
}
