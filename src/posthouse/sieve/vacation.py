"""RFC 5230: whether a letter gets an answer, and which.  Whether one was sent lately is the caller's to know."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from posthouse.core.address import try_address
from posthouse.sieve.actions import Fcc, Vacation
from posthouse.sieve.check import Step

if TYPE_CHECKING:
    from posthouse.sieve.machine import Machine

DAYS_DEFAULT: Final = 7
DAYS_MAX: Final = 30
SECONDS_MIN: Final = 60
"""RFC 6131 §3: a site may have a minimum."""
TEXT_MAX: Final = 64 * 1024

# RFC 5230 §4.6, RFC 3834 §2: senders that are no person.
_ROBOT: Final = re.compile(
    r"(?:owner-.*|.*-request|.*-owner|.*-bounces?(?:\+.*)?|bounces?[+-].*|mailer-daemon|mailer|listserv|majordomo|"
    r"no-?reply|do-?not-?reply|postmaster)",
    re.IGNORECASE,
)
_LIST_FIELDS: Final = (
    "List-Id", "List-Help", "List-Subscribe", "List-Unsubscribe", "List-Post", "List-Owner", "List-Archive",
)  # fmt: skip
_RECIPIENT_FIELDS: Final = ("To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc")
_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_OF_OTHERS: Final = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_REPLY: Final = re.compile(r"\s*(?:re|auto|aw|回复|答复|自动回复)\s*[:：]\s*", re.IGNORECASE)


def vacation(machine: Machine, step: Step, fcc: Fcc | None) -> None:
    tags = step.tags
    text = machine.text(step.arguments[0])[:TEXT_MAX]
    subject = _line(machine.text(tags.get("subject", "")))
    sender = machine.text(tags.get("from", ""))
    mime = "mime" in tags
    own = [*machine.context.addresses, *machine.texts(tags.get("addresses", []))]
    why = _why_not(machine, own)
    if why:
        machine.say("vacation.not", why=why)
        return
    machine.act(
        Vacation(
            machine.context.sender,
            text,
            _handle(machine.text(tags.get("handle", "")), subject, sender, text, mime),
            _seconds(step),
            subject or _subject(machine),
            sender if _is_own(sender, own) else "",
            mime,
            fcc,
        ),
        cancels=False,
    )
    machine.say("vacation", to=machine.context.sender)


def _handle(handle: str, *parts: object) -> str:
    """RFC 5230 §4.2: without a :handle, answers that differ are different answers."""
    source = handle or repr(parts)
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _seconds(step: Step) -> int:
    """RFC 5230 §4.1, RFC 6131 §2: how long the same sender gets no second answer."""
    seconds = step.tags.get("seconds")
    if isinstance(seconds, int):
        return min(max(seconds, SECONDS_MIN), DAYS_MAX * 86400)
    days = step.tags.get("days", DAYS_DEFAULT)
    assert isinstance(days, int)
    return min(max(days, 1), DAYS_MAX) * 86400


def _why_not(machine: Machine, own: list[str]) -> str:
    """RFC 5230 §4.5 and §4.6; "" when an answer is due."""
    mail, context = machine.mail, machine.context
    sender = try_address(context.sender)
    if sender is None:
        return "null"
    if _ROBOT.fullmatch(sender.local):
        return "robot"
    mine = {key.key for one in own if (key := try_address(one)) is not None}
    if sender.key in mine:
        return "self"
    if any(mail.has(name) for name in _LIST_FIELDS) or any(
        value.lower() in {"bulk", "list", "junk"} for value in mail.raw("Precedence")
    ):
        return "list"
    # RFC 3834 §2: what is automatic gets no automatic answer.
    if any(value.partition(";")[0].strip().lower() != "no" for value in mail.raw("Auto-Submitted")):
        return "automatic"
    if any(value.lower() in {"all", "oof", "autoreply"} for value in mail.raw("X-Auto-Response-Suppress")):
        return "automatic"
    for name in _RECIPIENT_FIELDS:
        for addresses in mail.addresses(name):
            for text in addresses:
                address = try_address(text)
                if (
                    address is not None
                    and _plain(address.key, context.delimiter) in mine | {address.key} & mine
                ):
                    return ""
    return "not.named"


def _plain(key: str, delimiter: str) -> str:
    """Without the detail: mail for user+detail is mail for the user."""
    local, _, domain = key.rpartition("@")
    return f"{local.partition(delimiter)[0] if delimiter else local}@{domain}"


def _is_own(sender: str, own: list[str]) -> bool:
    """RFC 5230 §5.1: an answer speaks in the name of the account."""
    address = try_address(sender)
    return address is not None and any(
        other is not None and other.key == address.key for other in map(try_address, own)
    )


def _subject(machine: Machine) -> str:
    """RFC 5230 §5.3; before a subject in Chinese the word is Chinese as well."""
    values = machine.mail.values("Subject")
    if not values:
        return ""
    subject = _REPLY.sub("", _line(values[0]), count=1)
    return ("自动回复：" if _is_chinese(subject) else "Auto: ") + subject


def _is_chinese(text: str) -> bool:
    """One character of eight, as where the webmail quotes; with kana or hangul it is another language."""
    han = len(_HAN.findall(text))
    return han * 8 > len(text.replace(" ", "")) and not _OF_OTHERS.search(text)


def _line(text: str) -> str:
    return " ".join(text.split())[:500]
