"""Texts of setting up mail programs, and of bringing mail in and out."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "help.setup": (
        "列出邮件程序要填写的设置，生成手机描述文件",
        "what to enter into mail programs; the profile for phones",
    ),
    "help.arg.setup_profile": (
        "把 iPhone、iPad、Mac 的描述文件写到这里",
        "write the profile for iPhone, iPad and Mac here",
    ),
    "help.import": (
        "把 mbox、EML、Maildir（也可打包为 zip、tar）导入邮箱；重复运行会跳过已有的邮件",
        "mbox, EML, Maildir (in a zip or tar too) into a mailbox; run again, it leaves out what is there",
    ),
    "help.arg.import_files": ("文件，或 Maildir 的目录", "files, or the directory of a Maildir"),
    "help.arg.import_into": (
        "导入到哪个文件夹，没有则新建（默认 INBOX）",
        "the mailbox it goes into, made if it is not there (default: INBOX)",
    ),
    "help.export": (
        "把一个文件夹导出为 mbox，或 zip（每封一个 EML）",
        "a mailbox as an mbox, or as a zip of EML files",
    ),
    "help.arg.export_mailbox": ("文件夹", "the mailbox"),
    "help.arg.export_file": (
        "写到这里；以 .zip 结尾则为 zip，否则为 mbox",
        "written here: a zip if it ends in .zip, else an mbox",
    ),
    "import.done": (
        "{file}：导入 {done} 封，跳过重复 {same} 封，失败 {failed} 封",
        "{file}: {done} imported, {same} were there already, {failed} failed",
    ),
    "export.done": ("已把 {count} 封邮件导出到 {file}", "{count} letters exported to {file}"),
    "setup.tls": ("TLS/SSL", "TLS/SSL"),
    "setup.starttls": ("STARTTLS", "STARTTLS"),
    "setup.password": (
        "密码请用授权码：posthouse account app-password add 地址 名称",
        "As password use an app password: posthouse account app-password add ADDRESS NAME",
    ),
    "setup.profile": ("描述文件已写入 {file}", "The profile was written to {file}"),
    "column.service": ("服务", "service"),
    "column.host": ("服务器", "host"),
    "column.port": ("端口", "port"),
    "column.security": ("加密", "security"),
    "column.user": ("用户名", "user"),
}
