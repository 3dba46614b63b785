"""What people may read in status responses, in Chinese.  RFC 5255 §3: LANGUAGE chooses; English is the default.

The English texts stand where they are said; `translate` puts the Chinese one in the place of each that this
catalogue knows.  Every refusal says what to do next, in both.
"""

from __future__ import annotations

import re
from typing import Final

LANGUAGES: Final = ("en", "zh", "i-default")
DEFAULT_LANGUAGE: Final = "i-default"
CHINESE: Final = "zh"

# The status word and the code stay as they are.
_SHAPE: Final = re.compile(rb"((?:(?:OK|NO|BAD|BYE) )?(?:\[[^\]]*\] )?)(.*)", re.DOTALL)
_COMPLETED: Final = re.compile(rb"([A-Z]+) completed")

ZH: Final[dict[str, str]] = {
    "Logged in": "登录成功",
    "You are logged out; log in again": "已退出登录；请重新登录",
    "Until next time": "再见",
    "Log in first: LOGIN or AUTHENTICATE": "请先登录：LOGIN 或 AUTHENTICATE",
    "Select a mailbox first: SELECT or EXAMINE": "请先选择邮箱：SELECT 或 EXAMINE",
    "You are logged in already; LOGOUT to change the account": "已经登录；如需更换账号请先 LOGOUT",
    "This server does not know the command; see CAPABILITY": "服务器不支持该命令；请查看 CAPABILITY",
    "There is no message with that number; look at the last EXISTS": "没有该编号的邮件；请以最近的 EXISTS 为准",
    "This language is not spoken here; send LANGUAGE alone for the list": (
        "不支持该语言；发送不带参数的 LANGUAGE 命令可查看列表"
    ),
    "DEFLATE is active already": "压缩已启用",
    "This server compresses with DEFLATE only": "服务器只支持 DEFLATE 压缩",
    # sign-in
    "The channel binding does not fit this connection; use a mechanism that CAPABILITY lists": (
        "信道绑定与此连接不符；请使用 CAPABILITY 列出的认证机制"
    ),
    "A password needs encryption; use STARTTLS, or the port for TLS": (
        "密码须加密传输；请使用 STARTTLS 或 TLS 端口"
    ),
    "Wrong address or password; use the full address as the name": (
        "邮箱地址或密码错误；用户名请使用完整邮箱地址"
    ),
    "This token is not good here, or not any more; get a new one": "此令牌无效或已失效；请重新获取令牌",
    "This app password has expired; make a new one": "此应用专用密码已过期；请生成新的密码",
    "DONE ends IDLE, and none is running": "DONE 用于结束 IDLE，但当前没有 IDLE",
    "IMAP is switched off for this account; ask the administrator": "此账号未开启 IMAP；请联系管理员",
    "What you signed in with is not for IMAP; use one that is": "当前登录凭据不能用于 IMAP；请使用允许 IMAP 的凭据",
    "This device waits for the owner's approval": "此设备尚待账号主人批准",
    "This device is new; approve it by the letter you were sent, then sign in again": (
        "这是一台新设备；请按通知邮件批准后重新登录"
    ),
    "What you signed in with does not allow this; use a password that does": (
        "当前登录凭据不允许此操作；请使用允许该操作的凭据"
    ),
    "You cannot act for somebody else; leave the authorization identity empty": (
        "只能以自己的身份登录；请将授权身份留空"
    ),
    "This server does not offer the mechanism; CAPABILITY lists the ones it does": (
        "不支持该认证机制；CAPABILITY 列出了支持的机制"
    ),
    "The exchange was cancelled": "已取消登录",
    "Too many failed logins; check the address and the password, then connect again": (
        "登录失败次数过多；请核对邮箱地址和密码后重新连接"
    ),
    # mailboxes
    "There is no JMAP here for what you signed in with": "当前登录凭据没有对应的 JMAP",
    "There is no such mailbox; LIST shows the ones that exist": "没有这个邮箱文件夹；LIST 可列出现有的文件夹",
    "There is no mailbox of that name; CREATE it first": "没有这个名称的文件夹；请先用 CREATE 创建",
    "A mailbox of that name exists already; choose another name": "同名文件夹已存在；请换一个名称",
    "A mailbox of the new name exists already; choose another name": "同名文件夹已存在；请换一个名称",
    "This name cannot be used; avoid empty levels, % and *, and control characters": (
        "该名称不可用；请勿包含空层级、% 、* 或控制字符"
    ),
    "The account has as many mailboxes as it may; delete some first": "文件夹数量已达上限；请先删除一些",
    "The mailbox has mailboxes below it; delete those first": "该文件夹含有子文件夹；请先删除子文件夹",
    "INBOX cannot be deleted; delete its messages": "收件箱不能删除；可删除其中的邮件",
    "Another mailbox has this special use already": "已有其他文件夹具有此特殊用途",
    "The mailbox was opened read-only; SELECT it to change it": "文件夹以只读方式打开；请用 SELECT 打开后再修改",
    "The mailbox was deleted; connect again and select another": "该文件夹已被删除；请重新连接并选择其他文件夹",
    "There is no quota of that name; GETQUOTAROOT tells which there are": "没有该配额；GETQUOTAROOT 可列出现有配额",
    "Quotas are set by the administrator; ask for more space": "配额由管理员设置；如需更多空间请联系管理员",
    # messages
    "Some of the messages were expunged meanwhile; NOOP tells which": "部分邮件已被清除；NOOP 可得知是哪些",
    "The messages were expunged meanwhile; NOOP tells which": "邮件已被清除；NOOP 可得知是哪些",
    "There is no such flag; only keywords without a backslash can be made up": (
        "没有该标志；自定义关键字不能以反斜线开头"
    ),
    "There is no message with that UID; NOOP tells what was expunged": "没有该 UID 的邮件；NOOP 可得知哪些已被清除",
    "The URL names no message here; nothing was stored": "该 URL 没有指向此处的邮件；未保存任何内容",
    "An empty message cannot be stored": "不能保存空邮件",
    "There are NUL octets where they cannot be kept; encode the message and append it again": (
        "邮件中有无法保存的 NUL 字节；请编码后重新提交"
    ),
    "After ENABLE UTF8=ACCEPT a search is in UTF-8; leave CHARSET out": (
        "ENABLE UTF8=ACCEPT 之后搜索使用 UTF-8；请去掉 CHARSET"
    ),
    "ENABLE QRESYNC before VANISHED": "使用 VANISHED 之前请先 ENABLE QRESYNC",
    "Too much for one APPEND, nothing was stored; send it as several commands": (
        "单个 APPEND 过大，未保存任何邮件；请分多个命令发送"
    ),
    "Too many messages for one command, nothing was done; name fewer": "单个命令涉及的邮件过多，未执行；请减少邮件数量",
    "Not all mailboxes were searched, too many messages match; name fewer mailboxes": (
        "匹配的邮件过多，部分文件夹未搜索；请减少文件夹数量"
    ),
    "There are more messages; go on below that UID": "还有更多邮件；请从该 UID 以下继续",
    "The message is larger than this server takes; see APPENDLIMIT": "邮件超出服务器允许的大小；请查看 APPENDLIMIT",
    "A message could not be read; please tell the administrator": "有邮件无法读取；请联系管理员",
    "STORE completed, some messages had changed": "STORE 已完成，部分邮件此前已被修改",
    "Too many mailboxes to watch; name fewer of them": "要监视的文件夹过多；请减少数量",
    "Too many mailboxes to watch; NOTIFY again with fewer of them": "要监视的文件夹过多；请减少数量后重新发送 NOTIFY",
    "Only STORAGE and MESSAGE can be limited": "只能限制 STORAGE 和 MESSAGE",
    "A limit is at least 1; leave the resource out for no limit": "限额至少为 1；不限请省略该项",
    # access control
    "You may no longer read this mailbox; connect again and select another": (
        "您已无权读取该文件夹；请重新连接并选择其他文件夹"
    ),
    "The identifier, or one of the rights, is none; rights are of lrswipkxtecda": (
        "标识符或权限字符无效；权限字符为 lrswipkxtecda 之一"
    ),
    "The access control list is full; remove entries first": "访问控制列表已满；请先删除一些条目",
    "There is no account of that address here; use the full address, anyone, or owner": (
        "此处没有该地址的账号；请使用完整地址、anyone 或 owner"
    ),
    "The owner, and members of a team, keep the rights they have as such": "所有者和团队成员始终保有其固有权限",
    "A mailbox stays with its owner; CREATE one there and COPY the messages": (
        "文件夹不能移交给其他所有者；请在目标处用 CREATE 新建，再用 COPY 复制邮件"
    ),
    "INBOX of another user cannot be renamed": "不能重命名其他用户的收件箱",
    "Mailboxes of other users have no special use here": "其他用户的文件夹不能设置特殊用途",
    "Private and shared annotations of another user's mailbox need two commands": (
        "对其他用户的文件夹，私有注释和共享注释须分两个命令设置"
    ),
    # searches
    "This tag is that of a search which is kept up to date; CANCELUPDATE it first": (
        "该标签属于一个持续更新的搜索；请先用 CANCELUPDATE 取消"
    ),
    "No search with such a tag is kept up to date; the others ended": "没有带此标签的持续更新搜索；其余的已结束",
    "Too many searches are kept up to date; CANCELUPDATE one": "持续更新的搜索过多；请先用 CANCELUPDATE 取消一个",
    "Too many results to keep up to date; search for less": "结果过多，无法持续更新；请缩小搜索范围",
    "An order by RELEVANCY is not kept up to date; sort again": "按相关度的排序不能持续更新；请重新排序",
    "Results of OLDER and YOUNGER change by themselves; search again": (
        "OLDER 与 YOUNGER 的结果会随时间变化；请重新搜索"
    ),
    "There is no such filter; GETMETADATA lists them": "没有这个过滤器；GETMETADATA 可列出现有的",
    "The filters go too deep into each other; simplify them": "过滤器嵌套过深；请简化",
    "The filters make a search of too many keys; simplify them": "过滤器展开后的搜索条件过多；请简化",
    "The name of a filter holds no slash, blank or special character": "过滤器名称不能含斜线、空格或特殊字符",
    # errors of any command
    "You may not do this; ask the administrator of this server": "没有权限；请联系服务器管理员",
    "The mailbox is full; delete messages and expunge, or ask for more space": (
        "邮箱已满；请删除并清除邮件，或申请更多空间"
    ),
    "Somebody else changed this at the same time; try again": "同时有其他修改；请重试",
    "Another session holds this mailbox; try again in a minute": "邮箱正被另一会话占用；请稍后重试",
    "The server is out of disk space; nothing was changed, try again later": "服务器磁盘已满，未作更改；请稍后重试",
    "The storage does not answer now; nothing was changed, try again in a minute": (
        "存储暂时无法响应，未作更改；请稍后重试"
    ),
    "The command failed; please tell the administrator the time of this message": (
        "命令失败；请将出错时间告知管理员"
    ),
    "Nothing heard for too long; connect again": "长时间没有收到数据；请重新连接",
    "The server ends this connection; connect again in a moment": "服务器结束了这个连接；请稍后重新连接",
    "Something went wrong here, it was logged; connect again": "服务器出错，已记录；请重新连接",
    "Too many commands in a row that make no sense; this is an IMAP server": (
        "连续收到过多无法识别的命令；这是 IMAP 服务器"
    ),
}

NAMESPACES_ZH: Final = {"Other Users": "其他用户", "Shared": "共享邮箱"}

_TEXTS: Final = {english.encode(): chinese.encode() for english, chinese in ZH.items()}


def translate(answer: bytes, language: str) -> bytes:
    """A status word, code and text, or a part of that, with the text in the language."""
    if language != CHINESE:
        return answer
    head, text = _SHAPE.fullmatch(answer).groups()  # type: ignore[union-attr]  # matches everything
    if (known := _TEXTS.get(text)) is None and (done := _COMPLETED.fullmatch(text)):
        known = done[1] + " 已完成".encode()
    return head + (known or text)


def match_language(wanted: str) -> str | None:
    """RFC 4647 §3.4: the tag we have for a language range, cut at "-" from the right until one matches."""
    tag = wanted.lower()
    while tag:
        if tag in LANGUAGES:
            return tag
        tag = tag.rpartition("-")[0]
    return None
