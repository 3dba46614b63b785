"""Delivery status notifications: who is told what (RFC 3461), in Chinese and English.

A notice goes out with the null sender and never because of a message that had the null sender.
`by_action` applies NOTIFY (RFC 3461 §4.1); `compose` words it, `mime.compose` makes the bytes (RFC 3464).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from posthouse.core.errors import Forbidden, Invalid, MailError, NotFound, OverQuota, Refused, TooLarge
from posthouse.core.messages import LANGUAGES, say, why
from posthouse.mime import compose as mime
from posthouse.mime.edit import header_end, header_of
from posthouse.mime.threads import message_id
from posthouse.services.letter import Recipient
from posthouse.services.told_time import told_time

FULL_MAX_BYTES: Final = 1024 * 1024
"""A longer message is returned as its header only, whatever RET says."""
ACTIONS: Final = ("failed", "delayed", "delivered", "relayed", "expanded")

_WANTED_BY: Final = {
    "failed": "FAILURE",
    "delayed": "DELAY",
    "delivered": "SUCCESS",
    "relayed": "SUCCESS",
    "expanded": "SUCCESS",
}
_BY_DEFAULT: Final = ("FAILURE", "DELAY")
"""RFC 3461 §4.1: without NOTIFY we tell of failures, and of delays."""

_LOCAL_STATUS: Final[dict[type[MailError], str]] = {
    NotFound: "5.1.1",
    OverQuota: "5.2.2",
    TooLarge: "5.3.4",
    Invalid: "5.4.6",
    Forbidden: "5.7.1",
}
_MESSAGE_ID: Final = re.compile(r"[!-;=?-~]{1,250}@[!-;=?-~]{1,250}")
"""One that may be written into a field as it is."""


class Report(Struct):
    """One recipient's part of a notice."""

    recipient: str
    action: str
    status: str
    orcpt: str | None = None
    notify: tuple[str, ...] = ()
    remote: str = ""
    diagnostic: str = ""  # what the remote host said: "550 5.1.1 No such user"
    attempted_at: float = 0.0
    retry_until: float = 0.0


class Subject(Struct):
    """The message a notice is about."""

    hostname: str
    sender: str
    trace: str
    arrived_at: float
    envid: str | None = None
    ret: str | None = None
    smtputf8: bool = False
    requiretls: bool = False
    received_from: str = ""
    language: str = "zh"


def failed_copy(recipient: Recipient, error: MailError) -> Report:
    """A local recipient who could not be given a copy of a message that others got."""
    report = Report(str(recipient.address), "failed", local_status(error), recipient.orcpt, recipient.notify)
    if isinstance(error, Refused):
        report.diagnostic = f"550 {report.status} {' '.join(error.text.split())}"
    return report


def local_status(error: MailError) -> str:
    """The enhanced status code of what kept a copy out of a mailbox of ours."""
    return next((code for kind, code in _LOCAL_STATUS.items() if isinstance(error, kind)), "5.3.0")


def delivered_copy(recipient: Recipient, *, expanded: bool) -> Report:
    action = "expanded" if expanded else "delivered"
    return Report(str(recipient.address), action, "2.1.5", recipient.orcpt, recipient.notify)


def is_wanted(report: Report) -> bool:
    return _WANTED_BY[report.action] in (report.notify or _BY_DEFAULT)


def by_action(reports: Iterable[Report]) -> list[tuple[str, list[Report]]]:
    """The reports somebody asked for, in one notice per action: a reader should not meet two kinds in one."""
    wanted = [report for report in reports if is_wanted(report)]
    return [
        (action, chosen)
        for action in ACTIONS
        if (chosen := [report for report in wanted if report.action == action])
    ]


def compose(
    subject: Subject, action: str, reports: list[Report], original: bytes, *, at: float, trace: str
) -> bytes:
    """The notice; `original` is the header with its blank line, or the whole message to return it in full."""
    whole = header_end(original) < len(original)
    report = mime.Report(
        reporting_mta=subject.hostname,
        sender=("Mail Delivery System", f"MAILER-DAEMON@{subject.hostname}"),
        to=subject.sender,
        subject=" / ".join(say(f"dsn.{action}.subject", one) for one in _languages(subject.language)),
        text=_human(subject, action, reports, whole=whole),
        recipients=[
            mime.RecipientStatus(
                address=report.recipient,
                action=report.action,
                status=report.status,
                diagnostic=report.diagnostic,
                original=report.orcpt or "",
                remote=report.remote,
                attempted_at=report.attempted_at or None,
                retry_until=report.retry_until if action == "delayed" else None,
            )
            for report in reports
        ],
        arrived=subject.arrived_at,
        envelope_id=subject.envid or "",
        received_from=subject.received_from,
        extra=_about(original),
    )
    return mime.build_report(
        report, returned=original, whole=whole, now=at, message_id=f"{trace}@{subject.hostname}"
    )


def _about(original: bytes) -> list[tuple[str, str]]:
    """RFC 3834 §3.1.5, §3.1.6: what the notice is about, so that it stands in the same conversation."""
    name = message_id(header_of(original))
    if not _MESSAGE_ID.fullmatch(name):
        return []
    return [("In-Reply-To", f"<{name}>"), ("References", f"<{name}>")]


def _languages(first: str) -> list[str]:
    return sorted(LANGUAGES, key=lambda language: language != first)


def _human(subject: Subject, action: str, reports: list[Report], *, whole: bool) -> str:
    until = max((report.retry_until for report in reports), default=0.0)
    sections: list[str] = []
    for language in _languages(subject.language):
        lines = [
            say(
                f"dsn.{action}.intro",
                language,
                hostname=subject.hostname,
                date=told_time(subject.arrived_at, language),
                until=told_time(until, language),
            ),
            "",
        ]
        for report in reports:
            lines.append(f"    {report.recipient}")
            if action in {"failed", "delayed"}:
                lines.append(f"        {why(report.status, language)}")
            if report.diagnostic:
                said = say(
                    "dsn.said", language, host=report.remote or subject.hostname, text=report.diagnostic
                )
                lines.append(f"        {said}")
        lines += ["", say("dsn.returned.full" if whole else "dsn.returned.headers", language), ""]
        sections.append("\n".join(lines))
    return ("\n" + "-" * 60 + "\n").join(sections)
