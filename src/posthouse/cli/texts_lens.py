"""Texts of `posthouse lens`; see `texts`."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "help.lens": (
        "透镜：逐行查看连接上说了什么、是什么意思",
        "the lens: what connections said, line by line, and what it means",
    ),
    "help.lens.list": ("列出保存的对话", "list the dialogues that are kept"),
    "help.lens.show": ("显示一段对话", "show a dialogue"),
    "help.lens.follow": ("实时显示新的对话，Ctrl-C 结束", "show dialogues as they happen, until Ctrl-C"),
    "help.arg.lens_service": (
        "只看这种服务：smtp、submission、submissions、lmtp、relay、pop3、pop3s、imap、imaps、managesieve、jmap、oauth",
        "only this service: smtp, submission, submissions, lmtp, relay, pop3, pop3s, imap, imaps, managesieve, jmap, "
        "oauth",
    ),
    "help.arg.lens_account": ("只看这个账户的对话", "only dialogues of this account"),
    "help.arg.lens_id": ("对话的编号，见 posthouse lens list", "id of a dialogue, from posthouse lens list"),
    "help.arg.lens_bare": ("不要解释", "without explanations"),
    "lens.off": (
        "透镜没有打开，只能看到以前保存的对话。在配置中写 [lens] enabled = true 并重启即可打开。",
        "The lens is off; only what was kept before is shown. Set `[lens] enabled = true` and restart to turn it on.",
    ),
    "lens.head": (
        "── {id}  {service}  {host}  对方 {peer}  账户 {account}",
        "── {id}  {service}  {host}  peer {peer}  account {account}",
    ),
    "column.began": ("开始", "BEGAN"),
    "column.host": ("主机", "HOST"),
    "column.peer": ("对方", "PEER"),
    "column.lines": ("行数", "LINES"),
    "column.errors": ("错误", "ERRORS"),
}
