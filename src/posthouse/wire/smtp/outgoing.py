"""A message as a client offers it: envelope, what it needs of the peer, and its commands."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from posthouse.core.address import Address
from posthouse.wire.smtp.xtext import format_utf8_xtext, format_xtext


class Obstacle(enum.Enum):
    """Why a message cannot go to this peer as it is."""

    NO_8BITMIME = "the peer takes 7-bit messages only; re-code the parts"
    NO_BINARYMIME = "the peer takes no binary messages; re-code the parts"
    NO_SMTPUTF8 = "the peer takes ASCII addresses and headers only"
    NO_REQUIRETLS = "the message requires TLS all the way, which the peer does not promise"
    TOO_LARGE = "the peer announces a smaller limit"


@dataclass(slots=True)
class OutgoingRecipient:
    address: Address
    notify: tuple[str, ...] = ()
    orcpt: str | None = None  # "rfc822;address", decoded


@dataclass(slots=True)
class Outgoing:
    """`body` tells the truth about the content: 7BIT, 8BITMIME or BINARYMIME."""

    sender: Address | None
    recipients: list[OutgoingRecipient] = field(default_factory=list)
    size: int | None = None
    body: str = "7BIT"
    smtputf8: bool = False
    requiretls: bool = False
    ret: str | None = None
    envid: str | None = None


class Capabilities(dict[str, str]):
    """EHLO keyword in capitals -> its parameters."""

    @property
    def size_limit(self) -> int:
        """0: none announced."""
        text = self.get("SIZE", "")
        return int(text) if text.isdecimal() and len(text) <= 20 else 0

    @property
    def mechanisms(self) -> list[str]:
        return self.get("AUTH", "").upper().split()

    def limit(self, name: str) -> int | None:
        """RFC 9422 §3: RCPTMAX, MAILMAX, RCPTDOMAINMAX."""
        for item in self.get("LIMITS", "").upper().split():
            key, _, value = item.partition("=")
            if key == name and value.isdecimal() and len(value) <= 6:
                return int(value)
        return None


def parse_capabilities(lines: list[str]) -> Capabilities:
    """From the lines of an EHLO reply, the first of which is a greeting."""
    found = Capabilities()
    for line in lines[1:]:
        keyword, _, values = line.strip().partition(" ")
        keyword = keyword.upper()
        if keyword.startswith("AUTH="):
            # quirk(Exchange 5.5 and its imitators): AUTH=LOGIN beside or instead of AUTH LOGIN.
            values = f"{found.get('AUTH', '')} {keyword[5:]} {values}"
            keyword = "AUTH"
        found[keyword] = values.strip()
    return found


def find_obstacle(message: Outgoing, peer: Capabilities, *, tls: bool) -> Obstacle | None:
    """The first thing the message needs and the peer lacks."""
    addresses = [message.sender, *(recipient.address for recipient in message.recipients)]
    utf8 = message.smtputf8 or any(address is not None and not address.is_ascii for address in addresses)
    # RFC 8689 §4.2.1: REQUIRETLS counts only when it was announced over TLS.
    if message.requiretls and not (tls and "REQUIRETLS" in peer):
        return Obstacle.NO_REQUIRETLS
    # RFC 6531 §3.5, §3.6: never to a peer that lacks SMTPUTF8.
    if utf8 and "SMTPUTF8" not in peer:
        return Obstacle.NO_SMTPUTF8
    # RFC 3030 §3: BINARYMIME needs both; RFC 6152 §3: 8-bit octets only to those who asked for them.
    if message.body == "BINARYMIME" and not ("BINARYMIME" in peer and "CHUNKING" in peer):
        return Obstacle.NO_BINARYMIME
    if message.body == "8BITMIME" and "8BITMIME" not in peer:
        return Obstacle.NO_8BITMIME
    # RFC 1870 §6.1: do not even try what the peer announced not to take.
    if message.size is not None and 0 < peer.size_limit < message.size:
        return Obstacle.TOO_LARGE
    return None


def format_mail(message: Outgoing, peer: Capabilities) -> bytes:
    parts = [f"MAIL FROM:<{'' if message.sender is None else message.sender}>"]
    if message.size is not None and "SIZE" in peer:
        parts.append(f"SIZE={message.size}")
    if message.body != "7BIT":
        parts.append(f"BODY={message.body}")
    utf8 = message.smtputf8 or (message.sender is not None and not message.sender.is_ascii)
    if utf8 or any(not recipient.address.is_ascii for recipient in message.recipients):
        parts.append("SMTPUTF8")
    if message.requiretls:
        parts.append("REQUIRETLS")
    # RFC 3461 §5.2.2: DSN parameters go only to those who know them; the relay reports for the others.
    if "DSN" in peer:
        if message.ret:
            parts.append(f"RET={message.ret}")
        if message.envid:
            parts.append(f"ENVID={format_xtext(message.envid)}")
    return " ".join(parts).encode() + b"\r\n"


def format_rcpt(recipient: OutgoingRecipient, peer: Capabilities) -> bytes:
    parts = [f"RCPT TO:<{recipient.address}>"]
    if "DSN" in peer:
        if recipient.notify:
            parts.append(f"NOTIFY={','.join(recipient.notify)}")
        if recipient.orcpt:
            parts.append(f"ORCPT={format_orcpt(recipient.orcpt)}")
    return " ".join(parts).encode() + b"\r\n"


def format_orcpt(orcpt: str) -> str:
    kind, _, text = orcpt.partition(";")
    return f"{kind};{format_utf8_xtext(text) if kind.lower() == 'utf-8' else format_xtext(text)}"
