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
