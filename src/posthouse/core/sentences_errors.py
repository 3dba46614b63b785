"""What refuses a request of a person: (Chinese, English)."""

from __future__ import annotations

from typing import Final

ERRORS: Final[dict[str, tuple[str, str]]] = {
    # --- the store ---
    "store.no_writer": (
        "写入进程没有应答（{socket}）；请看日志，或重新启动 posthouse serve",
        "no writer answers at {socket}; see the log, or start `posthouse serve` again",
    ),
    "store.in_use": (
        "另一个进程正在写 {path}；请等它结束，或停止它",
        "another process writes to {path}; wait until it is done, or stop it",
    ),
    "store.later": (
        "数据由更新的版本写成（结构 {found}，本程序只认识到 {known}）；请升级本程序，或先用那个版本把结构退回",
        "the data was written by a later version (schema {found}, this program knows {known}); use that version, or go "
        "back to schema {known} with it first",
    ),
    # --- addresses ---
    "address.at": (
        "地址中要有 @，如 name@example.org",
        "an address needs an @, as in name@example.org",
    ),
    "address.local.long": ("@ 前面的部分太长", "the local part is too long"),
    "address.local.control": ("@ 前面的部分有控制字符", "the local part holds a control character"),
    "address.local": ("@ 前面的部分不合格式", "the local part is malformed"),
    "address.domain.long": ("域名太长", "the domain is too long"),
    "address.domain.character": (
        "域名中有不能使用的字符",
        "the domain holds a character that no domain may hold",
    ),
    "address.domain": ("域名不合格式", "the domain is malformed"),
    "address.literal": ("方括号中的地址不合格式", "the address literal is malformed"),
}
