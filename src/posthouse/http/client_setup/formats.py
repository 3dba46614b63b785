"""The services of the node as programs want them told: Mozilla autoconfig, Microsoft autodiscover, Apple profiles."""

from __future__ import annotations

import plistlib
import uuid
from html import escape
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct, field

IMAP: Final = "imap"
POP3: Final = "pop3"
SMTP: Final = "smtp"
SIEVE: Final = "managesieve"
TLS: Final = "tls"
STARTTLS: Final = "starttls"
_OUTLOOK: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_AUTODISCOVER: Final = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_SPACE: Final = uuid.UUID("5f0f1c55-9f5c-4b0b-8f7e-0d0c5b1f7a11")
"""Profiles of one address have the same identity each time, so that a new one replaces the old."""


class Service(Struct, frozen=True):
    kind: str  # IMAP, POP3, SMTP, SIEVE
    port: int
    security: str  # TLS from the first octet, or STARTTLS


class Services(Struct, frozen=True):
    """Those that are on, the best of each kind first (RFC 8314 §3: TLS from the first octet)."""

    hostname: str
    url: str  # of the pages, without a slash at the end; "" when there are none
    services: tuple[Service, ...] = field(default_factory=tuple)

    def best(self, kind: str) -> Service | None:
        return next((one for one in self.services if one.kind == kind), None)


def autoconfig(found: Services, domain: str) -> bytes:
    """Mozilla's config-v1.1.xml."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<clientConfig version="1.1">',
        f'  <emailProvider id="{escape(domain)}">',
        f"    <domain>{escape(domain)}</domain>",
        f"    <displayName>{escape(domain)}</displayName>",
        f"    <displayShortName>{escape(domain)}</displayShortName>",
    ]
    for one in found.services:
        if one.kind == SIEVE:
            continue
        tag = "outgoingServer" if one.kind == SMTP else "incomingServer"
        lines += [
            f'    <{tag} type="{one.kind}">',
            f"      <hostname>{escape(found.hostname)}</hostname>",
            f"      <port>{one.port}</port>",
            f"      <socketType>{'SSL' if one.security == TLS else 'STARTTLS'}</socketType>",
            "      <authentication>password-cleartext</authentication>",
            "      <username>%EMAILADDRESS%</username>",
            f"    </{tag}>",
        ]
    lines.append("  </emailProvider>")
    if found.url:
        lines += ["  <webMail>", f'    <loginPage url="{escape(found.url)}/mail/"/>', "  </webMail>"]
    lines.append("</clientConfig>")
    return "\n".join([*lines, ""]).encode()


def autodiscover(found: Services, address: str) -> bytes:
    """Microsoft's plain old XML, for Outlook."""
    parts = []
    for kind in (IMAP, POP3, SMTP):
        one = found.best(kind)
        if one is None:
            continue
        parts.append(
            f"<Protocol><Type>{kind.upper()}</Type><Server>{escape(found.hostname)}</Server><Port>{one.port}</Port>"
            f"<LoginName>{escape(address)}</LoginName><SPA>off</SPA><SSL>on</SSL>"
            f"<Encryption>{'SSL' if one.security == TLS else 'TLS'}</Encryption>"
            "<AuthRequired>on</AuthRequired></Protocol>"
        )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<Autodiscover xmlns="{_AUTODISCOVER}"><Response xmlns="{_OUTLOOK}">'
        f"<Account><AccountType>email</AccountType><Action>settings</Action>{''.join(parts)}</Account>"
        "</Response></Autodiscover>\n"
    ).encode()


def autodiscover_refusal(code: int, message: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<Autodiscover xmlns="{_AUTODISCOVER}"><Response>'
        f"<Error><ErrorCode>{code}</ErrorCode><Message>{escape(message)}</Message><DebugData/></Error>"
        "</Response></Autodiscover>\n"
    ).encode()


def profile(found: Services, address: str) -> bytes | None:
    """Apple's configuration profile (.mobileconfig), without a password; None: it needs IMAP or POP3, and SMTP."""
    incoming, outgoing = found.best(IMAP) or found.best(POP3), found.best(SMTP)
    if incoming is None or outgoing is None:
        return None
    identity = f"mail.{found.hostname}.{address}"
    mail: dict[str, Any] = {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identity}.account",
        "PayloadUUID": str(uuid.uuid5(_SPACE, f"account {address}")).upper(),
        "PayloadDisplayName": address,
        "EmailAccountDescription": address,
        "EmailAccountType": "EmailTypeIMAP" if incoming.kind == IMAP else "EmailTypePOP",
        "EmailAddress": address,
        "OutgoingPasswordSameAsIncomingPassword": True,
        "SMIMEEnabled": False,
    }
    for way, one in (("Incoming", incoming), ("Outgoing", outgoing)):
        mail |= {
            f"{way}MailServerAuthentication": "EmailAuthPassword",
            f"{way}MailServerHostName": found.hostname,
            f"{way}MailServerPortNumber": one.port,
            f"{way}MailServerUseSSL": True,
            f"{way}MailServerUsername": address,
        }
    return plistlib.dumps(
        {
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadIdentifier": identity,
            "PayloadUUID": str(uuid.uuid5(_SPACE, f"profile {address}")).upper(),
            "PayloadDisplayName": address,
            "PayloadOrganization": address.rpartition("@")[2],
            "PayloadDescription": f"{address} ({found.hostname})",
            "PayloadRemovalDisallowed": False,
            "PayloadContent": [mail],
        }
    )


def plain(found: Services, address: str) -> dict[str, Any]:
    """For our own page and for `posthouse setup --json`."""
    domain = address.rpartition("@")[2]
    records = [
        (name, found.best(kind), security)
        for name, kind, security in (
            ("_imaps", IMAP, TLS), ("_submissions", SMTP, TLS), ("_pop3s", POP3, TLS),
        )
    ]  # fmt: skip
    return {
        "address": address,
        "hostname": found.hostname,
        "services": [
            {"kind": one.kind, "port": one.port, "security": one.security} for one in found.services
        ],
        "urls": {
            "webmail": f"{found.url}/mail/",
            "jmap": f"{found.url}/.well-known/jmap",
            "profile": f"{found.url}/mail/setup/profile.mobileconfig?address={quote(address)}",
        }
        if found.url
        else {},
        # RFC 6186 §3.1.
        "records": [
            f"{name}._tcp.{domain}. SRV 0 1 {one.port} {found.hostname}."
            for name, one, security in records
            if one is not None and one.security == security
        ],
    }
