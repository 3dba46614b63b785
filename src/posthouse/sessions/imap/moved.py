"""LOGIN-REFERRALS: people whose mail is on another server now are told so when they sign in.  RFC 2221."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from posthouse.core.address import parse_address
from posthouse.storage.rows import Account

from .text import CHINESE

if TYPE_CHECKING:
    from .session import ImapSession


def referral(session: ImapSession, account: Account) -> bytes | None:
    """The answer to somebody who proved who he is (RFC 2221 §6: to nobody else); None for people of this server."""
    moved, address = session.services.limits.moved, account.address
    if not moved:
        return None
    name = parse_address(address)
    host = moved.get(name.key) or moved.get(name.domain)
    if host is None:
        return None
    # RFC 2221 §3: AUTH=* lest a client signs in there as anonymous; RFC 5092 §3.2: the name is percent-encoded.
    url = f"imap://{quote(address, safe='')};AUTH=*@{host}/"
    text = f"Your mail is on another server now; set your program to {host}"
    if session.language == CHINESE:
        text = f"您的邮箱已迁移到其他服务器；请将客户端的服务器改为 {host}"
    return f"NO [REFERRAL {url}] {text}".encode()
