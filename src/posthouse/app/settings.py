"""From the configuration to the settings of each layer; nothing here opens or starts anything."""

from __future__ import annotations

from typing import Final

from posthouse.app.config import Config, ConfigError, RouteConfig, read_secret
from posthouse.app.config_imap import normal_of
from posthouse.app.config_listeners import IMPLICIT_TLS, Listener
from posthouse.client.device_grant import DeviceClient, office365
from posthouse.client.resolver import Resolver, ResolverSettings, load_static_zone
from posthouse.client.routes import Route, Routes
from posthouse.client.smtp import ClientSettings
from posthouse.core.address import parse_address, parse_network
from posthouse.core.errors import Invalid
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence, reason
from posthouse.openssl.tickets import SECRET_BYTES
from posthouse.servers.host import Limits
from posthouse.servers.listen_address import Address, parse_listen_address
from posthouse.servers.tls import Certificate, ClientTrust, TlsSettings
from posthouse.services.contacts import ContactLimits
from posthouse.services.delivery import DeliverySettings
from posthouse.services.oauth.settings import OAuthSettings
from posthouse.services.queue import QueueSettings
from posthouse.services.resolve import ResolveSettings
from posthouse.services.rules import RuleSettings
from posthouse.services.sender_check import CheckSettings
from posthouse.sessions.imap import ClientSwitch, ImapLimits
from posthouse.sessions.jmap.services import JmapLimits
from posthouse.sessions.managesieve import ManageSieveSettings
from posthouse.sessions.pop3 import Pop3Settings
from posthouse.sessions.smtp import SmtpSettings

_NODE_FULL: Final = "too many connections; try again in a few minutes"
_ADDRESS_FULL: Final = "too many connections from your address; close some, or try again later"


def refusal_texts(listener: str, hostname: str) -> tuple[bytes, bytes]:
    """What a client is told that is one too many for the node, for its address."""
    form = {
        # RFC 5321 §3.8: 421 may be the greeting of a server that closes; X.7.0 and X.3.2 of RFC 3463.
        "smtp": "421 4.3.2 {host} {text}",
        # RFC 2449 §8.1.2 has no code of its own for this; RFC 3206 §4: SYS/TEMP.
        "pop3": "-ERR [SYS/TEMP] {text}",
        # RFC 9051 §7.1.5: BYE as the greeting; RFC 5530 §3: UNAVAILABLE.
        "imap": "* BYE [UNAVAILABLE] {text}",
        # RFC 5804 §1.2: BYE as the greeting.
        "managesieve": 'BYE (TRYLATER) "{text}"',
    }[_FAMILY[listener]]
    node, address = (
        f"{form.format(host=hostname, text=t)}\r\n".encode() for t in (_NODE_FULL, _ADDRESS_FULL)
    )
    return node, address


_FAMILY: Final = {
    "smtp": "smtp",
    "submission": "smtp",
    "submissions": "smtp",
    "lmtp": "smtp",
    "pop3": "pop3",
    "pop3s": "pop3",
    "imap": "imap",
    "imaps": "imap",
    "managesieve": "managesieve",
}


def is_implicit_tls(listener: str) -> bool:
    return listener in IMPLICIT_TLS


def listen_addresses(config: Config) -> dict[str, list[Address]]:
    """Per enabled listener, in the order of the file."""
    return {
        name: [address for text in listener.addresses for address in parse_listen_address(text)]
        for name, listener in config.listeners.items()
        if listener.enabled
    }


def limits(config: Config) -> Limits:
    return Limits(config.limits.connections, config.limits.connections_per_ip)


def tls_settings(config: Config) -> TlsSettings:
    return TlsSettings(
        tuple(
            Certificate(tuple(c.names), config.path(c.certificate), config.path(c.key))
            for c in config.tls.certificates
        ),
        tuple(
            (name, _client_trust(config, listener))
            for name, listener in config.listeners.items()
            if listener.enabled and listener.client_certificates != "off"
        ),
    )


def ticket_file(config: Config) -> bytes:
    """What nodes share for their session tickets; empty when nothing is configured.  Raises ConfigError."""
    if not config.tls.ticket_secret_file:
        return b""
    path = config.path(config.tls.ticket_secret_file)
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        setting = "tls.ticket_secret_file"
        raise ConfigError(
            Sentence("config.file", setting=setting, path=path, reason=reason(error))
        ) from error
    if len(secret) < SECRET_BYTES:
        raise ConfigError(Sentence("config.ticket_secret", path=path, wanted=SECRET_BYTES))
    return secret


def _client_trust(config: Config, listener: Listener) -> ClientTrust:
    return ClientTrust(
        config.path(listener.client_ca_file),
        listener.client_certificates == "required",
        config.path(listener.client_crl_file) if listener.client_crl_file else None,
    )


def delivery_settings(config: Config) -> DeliverySettings:
    return DeliverySettings(
        hostname=config.hostname,
        max_message_bytes=config.limits.message_bytes,
        max_received=config.limits.received_headers,
        hide_client_address=config.hide_client_address,
        queue_lifetime_s=config.queue.lifetime_s,
        relay_networks=tuple(config.relay_networks),
        language=config.language,
        authserv_id=config.mailauth.authserv_id,
    )


def check_settings(config: Config) -> CheckSettings:
    mailauth = config.mailauth
    return CheckSettings(
        authserv_id=mailauth.authserv_id or config.hostname,
        trusted_networks=tuple(mailauth.trusted_networks),
        on_reject=mailauth.dmarc_reject,
        on_quarantine=mailauth.dmarc_quarantine,
        on_spf_fail=mailauth.spf_fail,
        on_temporary=mailauth.temporary,
    )


def resolve_settings(config: Config) -> ResolveSettings:
    return ResolveSettings(
        plus_delimiter=config.plus_delimiter,
        administrator=config.postmaster,
        primary_domain=config.postmaster.rpartition("@")[2],
    )


def rule_settings(config: Config) -> RuleSettings:
    return RuleSettings(config.hostname, config.plus_delimiter)


def routes(config: Config) -> Routes:
    """Raises ConfigError when a password file cannot be read."""
    by_domain: dict[str, Route] = {}
    by_sender: dict[str, Route] = {}
    for entry in config.routes:
        route = Route(entry.host.lower(), entry.port, entry.tls, entry.user, _password(config, entry))
        for domain in entry.domains:
            by_domain.setdefault(domain.lower(), route)
        for domain in entry.senders:
            by_sender.setdefault(domain.lower(), route)
    return Routes(by_domain, by_sender)


def _password(config: Config, entry: RouteConfig) -> str:
    return read_secret(config, "routes.password_file", entry.password_file) or entry.password


def sign_in_elsewhere(config: Config) -> dict[str, DeviceClient]:
    """By provider of mail: where people sign in themselves, to move their mail from there."""
    chosen = config.migration
    if not chosen.office365_client_id:
        return {}
    return {"office365": office365(chosen.office365_client_id, chosen.office365_tenant)}


def smtp_settings(config: Config) -> SmtpSettings:
    return SmtpSettings(
        recipients_max=config.limits.recipients, messages_max=config.limits.messages_per_connection
    )


def oauth_settings(config: Config) -> OAuthSettings | None:
    """None: no pages, so no tokens."""
    issuer = config.oauth.issuer or (f"https://{config.hostname}" if config.listeners.https.enabled else "")
    if not config.oauth.enabled or not issuer:
        return None
    return OAuthSettings(
        issuer,
        config.hostname,
        access_s=config.oauth.access_token_s,
        refresh_s=config.oauth.unused_s,
        resources=tuple(config.oauth.resources),
        registration=config.oauth.registration,
        registered_max=config.oauth.registered_max,
    )


def pop3_settings(config: Config) -> Pop3Settings:
    return Pop3Settings(hostname=config.hostname, language=config.language)


def managesieve_settings() -> ManageSieveSettings:
    return ManageSieveSettings(redirects_max=RuleSettings().redirects_max)


def imap_limits(config: Config) -> ImapLimits:
    return ImapLimits(
        append_max_bytes=config.limits.message_bytes,
        command_messages_max=config.imap.command_messages,
        moved={normal_of(who): host for who, host in config.imap.moved.items()},
        administrators=tuple(parse_address(address).key for address in config.imap.administrators),
        client_switches=tuple(
            [ClientSwitch(one.name, tuple(one.off), one.version) for one in config.imap.clients]
        ),
    )


def contact_limits(config: Config) -> ContactLimits:
    chosen = config.contacts
    return ContactLimits(
        books_max=chosen.books,
        cards_max=chosen.cards,
        card_max_bytes=chosen.card_bytes,
        picture_max_bytes=chosen.picture_bytes,
        pictures_max_bytes=chosen.pictures_bytes,
    )


def jmap_limits(config: Config) -> JmapLimits:
    chosen = config.jmap
    return JmapLimits(
        upload_max_bytes=chosen.upload_bytes,
        uploads_at_once=chosen.uploads_at_once,
        request_max_bytes=chosen.request_bytes,
        requests_at_once=chosen.requests_at_once,
        calls_max=chosen.calls,
        get_max=chosen.get_objects,
        set_max=chosen.set_objects,
        message_max_bytes=config.limits.message_bytes,
        recipients_max=config.limits.recipients,
    )


def client_settings(config: Config) -> ClientSettings:
    return ClientSettings(
        hostname=config.hostname,
        per_destination=config.queue.per_destination,
        ca_file=str(config.path(config.tls.ca_file)) if config.tls.ca_file else None,
        refused_networks=tuple(config.queue.refused_networks),
    )


def dns_resolver(config: Config, clock: Clock) -> Resolver:
    """Raises ConfigError when the file of static names cannot be read, or a server is no address."""
    dns = config.dns
    try:
        static = load_static_zone(config.path(dns.static_file)) if dns.static_file else None
        return Resolver(
            ResolverSettings(
                tuple(dns.servers),
                timeout_s=dns.timeout_s,
                validating=tuple(str(parse_network(text)) for text in dns.validating),
            ),
            clock=clock,
            static=static,
        )
    except Invalid as error:
        raise ConfigError(Sentence("config.dns", problem=error.sentence or error.detail)) from error


def queue_settings(config: Config, owner: str) -> QueueSettings:
    return QueueSettings(
        hostname=config.hostname,
        owner=owner,
        delay_warning_s=config.queue.warn_after_s or float("inf"),
        jobs_max=config.queue.concurrency,
        per_destination=config.queue.per_destination,
        language=config.language,
    )
