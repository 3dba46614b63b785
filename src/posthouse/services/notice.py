"""Delivery status notifications: multipart/report as RFC 3464 and RFC 6522 say, for people in Chinese and English.

A notice goes out with the null sender and never because of a message that had the null sender.  `by_action` applies
NOTIFY (RFC 3461 §4.1); `compose` makes the bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from posthouse.core.errors import Forbidden, Invalid, MailError, NotFound, OverQuota, TooLarge
from posthouse.core.messages import LANGUAGES, say, why
from posthouse.services.letter import Recipient
from posthouse.services.trace_header import format_date

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
    received_from: str = ""
    language: str = "zh"


def failed_copy(recipient: Recipient, error: MailError) -> Report:
    """A local recipient who could not be given a copy of a message that others got."""
    status = next((code for kind, code in _LOCAL_STATUS.items() if isinstance(error, kind)), "5.3.0")
    return Report(str(recipient.address), "failed", status, recipient.orcpt, recipient.notify)


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
    """The notice; `original` is the header, or the whole message if it is to be returned in full."""
    boundary = f"=_{trace}"
    international = subject.smtputf8 and not (
        subject.sender.isascii() and all(report.recipient.isascii() for report in reports)
    )
    full = b"\r\n\r\n" in original and not original.endswith(b"\r\n\r\n")
    text = _human(subject, action, reports, full=full)
    parts = (
        _part(
            "text/plain; charset=utf-8", base64.encodebytes(text.encode()).replace(b"\n", b"\r\n"), "base64"
        ),
        _part(
            f"message/{'global-' if international else ''}delivery-status",
            _status(subject, reports, international=international),
            "8bit" if international else "",
        ),
        _part(_original_type(original, full=full), original, "" if original.isascii() else "8bit"),
    )
    title = " / ".join(say(f"dsn.{action}.subject", language) for language in _languages(subject.language))
    head = (
        f"From: Mail Delivery System <MAILER-DAEMON@{subject.hostname}>\r\n"
        f"To: <{subject.sender}>\r\n"
        f"Subject: {_encoded(title)}\r\n"
        f"Date: {format_date(at)}\r\n"
        f"Message-ID: <{trace}@{subject.hostname}>\r\n"
        # RFC 3834 §5: nobody's vacation answers this
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        # RFC 6522 §3
        f'Content-Type: multipart/report; report-type="{"global-" if international else ""}delivery-status";\r\n'
        f'\tboundary="{boundary}"\r\n\r\n'
        "This is a delivery status notification in MIME format.\r\n"
    ).encode()
    delimiter = f"\r\n--{boundary}".encode()
    return head + b"".join(delimiter + b"\r\n" + part for part in parts) + delimiter + b"--\r\n"


def _part(kind: str, body: bytes, encoding: str) -> bytes:
    transfer = f"\r\nContent-Transfer-Encoding: {encoding}" if encoding else ""
    return f"Content-Type: {kind}{transfer}\r\n\r\n".encode() + body


def _original_type(original: bytes, *, full: bool) -> str:
    # RFC 6522 §4, RFC 6533 §4: the third part, and its forms when a header is not ASCII
    header = original.partition(b"\r\n\r\n")[0]
    if full:
        return "message/rfc822" if header.isascii() else "message/global"
    return "text/rfc822-headers" if header.isascii() else "message/global-headers"


def _languages(first: str) -> list[str]:
    return sorted(LANGUAGES, key=lambda language: language != first)


def _encoded(text: str) -> str:
    """RFC 2047 §2: encoded words of at most 75 characters, folded; 45 bytes a word, cut between characters."""
    words: list[str] = []
    run = b""
    for character in text:
        octets = character.encode()
        if len(run) + len(octets) > 42:
            words.append(base64.b64encode(run).decode())
            run = b""
        run += octets
    words.append(base64.b64encode(run).decode())
    return "\r\n ".join(f"=?utf-8?b?{word}?=" for word in words)


def _human(subject: Subject, action: str, reports: list[Report], *, full: bool) -> str:
    until = max((report.retry_until for report in reports), default=0.0)
    sections: list[str] = []
    for language in _languages(subject.language):
        lines = [
            say(
                f"dsn.{action}.intro",
                language,
                hostname=subject.hostname,
                date=format_date(subject.arrived_at),
                until=format_date(until),
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
        lines += ["", say("dsn.returned.full" if full else "dsn.returned.headers", language), ""]
        sections.append("\r\n".join(lines))
    return ("\r\n" + "-" * 60 + "\r\n").join(sections)


def _status(subject: Subject, reports: list[Report], *, international: bool) -> bytes:
    """RFC 3464 §2: per-message fields, then per-recipient fields, in blocks set off by blank lines."""
    fields = [f"Reporting-MTA: dns; {subject.hostname}", f"X-Posthouse-Trace: {subject.trace}"]
    if subject.envid is not None:
        fields.insert(0, f"Original-Envelope-Id: {subject.envid}")
    if subject.received_from:
        fields.append(f"Received-From-MTA: dns; {_line(subject.received_from)}")
    fields.append(f"Arrival-Date: {format_date(subject.arrived_at)}")
    blocks = ["\r\n".join(fields)]
    blocks += ["\r\n".join(_recipient(report, international=international)) for report in reports]
    return ("\r\n\r\n".join(blocks) + "\r\n").encode("utf-8", "replace")


def _recipient(report: Report, *, international: bool) -> list[str]:
    # RFC 6533 §3: the address type utf-8 where the notice can hold it; else its ASCII form with \x{...}
    kind = "rfc822" if report.recipient.isascii() else "utf-8"
    fields = []
    if report.orcpt is not None:
        fields.append(f"Original-Recipient: {_field_text(report.orcpt, international=international)}")
    fields += [
        f"Final-Recipient: {kind}; {_field_text(report.recipient, international=international)}",
        f"Action: {report.action}",
        f"Status: {report.status}",
    ]
    if report.remote:
        fields.append(f"Remote-MTA: dns; {_line(report.remote)}")
    if report.diagnostic:
        fields.append(f"Diagnostic-Code: smtp; {_field_text(report.diagnostic, international=international)}")
    if report.attempted_at:
        fields.append(f"Last-Attempt-Date: {format_date(report.attempted_at)}")
    if report.action == "delayed" and report.retry_until:
        fields.append(f"Will-Retry-Until: {format_date(report.retry_until)}")
    return fields


def _field_text(text: str, *, international: bool) -> str:
    text = _line(text)
    if international or text.isascii():
        return text
    return "".join(c if c.isascii() else rf"\x{{{ord(c):02X}}}" for c in text)


def _line(text: str) -> str:
    """One line: what a remote host said must not start a field of its own."""
    return " ".join(text.split())
