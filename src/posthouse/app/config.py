"""Every setting of the house: its name, type, default, range and what it means.

This file is the reference: `docs/configuration.md` and the commented file that `posthouse init` writes are
generated from it (`app.reference`).  A file is TOML; a name that is not here is an error, so a typing
mistake is never silent.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from posthouse.app.config_acme import AcmeConfig, verify_acme
from posthouse.app.config_contacts import ContactsConfig
from posthouse.app.config_directory import DirectoryConfig, verify_directory
from posthouse.app.config_explain import explain_toml, explain_value
from posthouse.app.config_imap import ImapConfig, verify_moved
from posthouse.app.config_jmap import JmapConfig
from posthouse.app.config_lens import LensConfig
from posthouse.app.config_listeners import Listeners, verify_listeners
from posthouse.app.config_mailauth import Dns, MailAuth
from posthouse.app.config_migration import MigrationConfig
from posthouse.app.config_oauth import OAuthConfig, verify_oauth
from posthouse.app.config_provider import ProviderConfig, verify_provider
from posthouse.app.config_search import SearchConfig
from posthouse.app.config_signin import SignInConfig
from posthouse.client.networks import REFUSED_NETWORKS, Networks
from posthouse.core.address import parse_domain, parse_network, try_address
from posthouse.core.discreet import Discreet
from posthouse.core.errors import Invalid, StartError
from posthouse.core.sentence import Sentence, reason
from posthouse.extract import missing_library

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]


class ConfigError(StartError):
    """The file cannot be used; the sentence names the file, the setting and what is allowed."""


class CertificateFiles(Struct, forbid_unknown_fields=True):
    """One certificate; the first in the file also serves clients that name no host."""

    names: Annotated[
        list[str],
        Meta(description="Host names it is for (SNI); `*.example.org` covers one label.", min_length=1),
    ]
    certificate: Annotated[str, Meta(description="PEM file with the certificate and its chain.")]
    key: Annotated[str, Meta(description="PEM file with the private key; readable by `user`.")]


class Tls(Struct, forbid_unknown_fields=True):
    """TLS 1.2 and 1.3, forward-secret ciphers only. SIGHUP reads the files again."""

    certificates: Annotated[list[CertificateFiles], Meta(description="One per domain or host name.")] = []
    ticket_secret_file: Annotated[
        str,
        Meta(
            description="A secret of 32 octets or more, the same on all nodes behind one name: TLS sessions are then "
            "resumed at each of them. Empty: the keys of session tickets are in the store, for all workers. "
            "Make it by `head -c 48 /dev/urandom | base64`; readable by the user of the node alone."
        ),
    ] = ""
    ca_file: Annotated[
        str, Meta(description="PEM file with the CAs that sending trusts; empty: those of the system.")
    ] = ""


class Limits(Struct, forbid_unknown_fields=True):
    """What one client, message or account may take. Each limit has an answer that says what to do."""

    connections: Annotated[Positive, Meta(description="Open connections of the node.")] = 10_000
    connections_per_ip: Annotated[
        Positive,
        Meta(description="Open connections of one IPv4 address or one IPv6 /64; loopback is not limited."),
    ] = 50
    message_bytes: Annotated[Positive, Meta(description="Size of a message.")] = 50 * 1024 * 1024
    recipients: Annotated[Positive, Meta(description="Recipients of one SMTP message.")] = 1000
    messages_per_connection: Annotated[
        Positive, Meta(description="Messages in one SMTP connection; then the client has to connect again.")
    ] = 10_000
    received_headers: Annotated[
        Positive, Meta(description="`Received:` fields after which a message is taken to be in a loop.")
    ] = 100
    content_cache_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Memory of the node for messages read a moment ago, at most an eighth of the machine's; "
            "what nobody reads again within a minute is given back.",
        ),
    ] = 384 * 1024 * 1024
    order_cache_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Disk of the node for the answers to SORT and THREAD of whole mailboxes; 0: none are kept.",
        ),
    ] = 256 * 1024 * 1024
    stop_s: Annotated[
        Seconds, Meta(description="How long a stop waits for running commands before it cuts connections.")
    ] = 20.0


class QueueConfig(Struct, forbid_unknown_fields=True):
    """Sending mail out."""

    lifetime_s: Annotated[Seconds, Meta(description="How long to try before a message is returned.")] = (
        5 * 86400.0
    )
    warn_after_s: Annotated[
        Seconds, Meta(description="After this long the sender is told of the delay, once; 0: never.")
    ] = 4 * 3600.0
    concurrency: Annotated[Positive, Meta(description="Deliveries at the same time, per worker.")] = 100
    per_destination: Annotated[
        Positive, Meta(description="Connections to one destination at the same time, per worker.")
    ] = 5
    refused_networks: Annotated[
        list[str],
        Meta(
            description="Networks that DNS and address literals may not send mail to; routes may. Add your private "
            "networks when users must not reach the mail ports in them."
        ),
    ] = field(default_factory=lambda: list(REFUSED_NETWORKS))


class RouteConfig(Discreet, Struct, forbid_unknown_fields=True):
    """Where mail goes instead of to the MX of its domain: smarthosts, other nodes of ours."""

    host: Annotated[str, Meta(min_length=1, description="Name or address of the next hop.")]
    domains: Annotated[
        list[str], Meta(description="For recipients in these; `.example.org`: all below it; `*`: all others.")
    ] = []
    senders: Annotated[
        list[str], Meta(description="For senders in these domains, wherever the mail goes.")
    ] = []
    port: Annotated[int, Meta(ge=1, le=65535, description="Its port.")] = 25
    tls: Annotated[
        Literal["opportunistic", "required", "verified", "implicit", "none"],
        Meta(
            description="`required`: TLS or no delivery; `verified`: and a certificate valid for `host`; "
            "`implicit`: TLS from the first octet, verified."
        ),
    ] = "opportunistic"
    user: Annotated[
        str,
        Meta(
            description="Login name when the next hop asks for one; `tls` must then be verified or implicit."
        ),
    ] = ""
    password: Annotated[str, Meta(description="Its password.")] = ""
    password_file: Annotated[
        str, Meta(description="File that holds the password, instead of `password`.")
    ] = ""


class Log(Struct, forbid_unknown_fields=True):
    """Structured lines on standard error; never a password, never the text of a message."""

    format: Annotated[
        Literal["text", "json"], Meta(description="`text`: key=value; `json`: one object per line.")
    ] = "text"
    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least that is written.")
    ] = "info"


class Config(Struct, forbid_unknown_fields=True, kw_only=True):
    """The configuration of a node."""

    hostname: Annotated[
        str,
        Meta(description="Full name of this host, as other servers see it in greetings and headers."),
    ]
    data: Annotated[
        str, Meta(description="Directory of all data; relative paths start at the configuration file.")
    ] = "/var/lib/posthouse"
    user: Annotated[
        str, Meta(description="Whom the node runs as when it was started as root; empty: stay root.")
    ] = "posthouse"
    workers: Annotated[Count, Meta(description="Worker processes; 0: one per processor core.")] = 0
    language: Annotated[
        Literal["zh", "en"],
        Meta(description="Of notices to senders, and of new accounts when none is given."),
    ] = "zh"
    postmaster: Annotated[
        str,
        Meta(
            description="Address that gets mail for `postmaster` and `abuse` of domains without such an address."
        ),
    ] = ""
    plus_delimiter: Annotated[
        str, Meta(max_length=1, description="`zhang+shop@` is delivered to `zhang@`; empty: off.")
    ] = "+"
    hide_client_address: Annotated[
        bool, Meta(description="Leave the address of submitting users out of `Received:`.")
    ] = False
    relay_networks: Annotated[
        list[str],
        Meta(
            description="Clients that may relay without signing in: an address, a network (`192.0.2.0/24`), or whole "
            "octets at its start (`192.0.2.`)."
        ),
    ] = []
    listeners: Annotated[Listeners, Meta(description="Where to listen.")] = field(default_factory=Listeners)
    tls: Annotated[Tls, Meta(description="Certificates.")] = field(default_factory=Tls)
    limits: Annotated[Limits, Meta(description="Limits.")] = field(default_factory=Limits)
    queue: Annotated[QueueConfig, Meta(description="Sending.")] = field(default_factory=QueueConfig)
    signin: Annotated[SignInConfig, Meta(description="Signing in.")] = field(default_factory=SignInConfig)
    oauth: Annotated[OAuthConfig, Meta(description="Sign-in by token.")] = field(default_factory=OAuthConfig)
    jmap: Annotated[JmapConfig, Meta(description="JMAP.")] = field(default_factory=JmapConfig)
    contacts: Annotated[ContactsConfig, Meta(description="Contacts.")] = field(default_factory=ContactsConfig)
    migration: Annotated[MigrationConfig, Meta(description="Migration.")] = field(
        default_factory=MigrationConfig
    )
    providers: Annotated[list[ProviderConfig], Meta(description="Sign-in by others.")] = []
    acme: Annotated[AcmeConfig, Meta(description="Certificates by ACME.")] = field(default_factory=AcmeConfig)
    directories: Annotated[list[DirectoryConfig], Meta(description="Where passwords are known.")] = []
    routes: Annotated[list[RouteConfig], Meta(description="Static routes and smarthosts.")] = []
    imap: Annotated[ImapConfig, Meta(description="IMAP.")] = field(default_factory=ImapConfig)
    search: Annotated[SearchConfig, Meta(description="Search.")] = field(default_factory=SearchConfig)
    lens: Annotated[LensConfig, Meta(description="The lens.")] = field(default_factory=LensConfig)
    mailauth: Annotated[MailAuth, Meta(description="Authentication of mail.")] = field(
        default_factory=MailAuth
    )
    dns: Annotated[Dns, Meta(description="Asking DNS.")] = field(default_factory=Dns)
    log: Annotated[Log, Meta(description="Logging.")] = field(default_factory=Log)
    base: Annotated[str, Meta(extra={"internal": True})] = ""  # directory that relative paths start from

    def path(self, text: str) -> Path:
        return Path(self.base) / Path(text).expanduser()

    @property
    def data_path(self) -> Path:
        return self.path(self.data)


def load_config(path: Path) -> Config:
    """Read and verify a configuration file.  Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # quirk(Windows Notepad): a byte order mark
    except FileNotFoundError as error:
        raise ConfigError(Sentence("config.missing", file=path)) from error
    except IsADirectoryError as error:
        raise ConfigError(Sentence("config.directory", file=path)) from error
    except OSError as error:
        raise ConfigError(Sentence("config.unreadable", file=path, reason=reason(error))) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Sentence("config.not_utf8", file=path)) from error
    return parse_config(text, path.absolute().parent, name=str(path))


def parse_config(text: str, base: Path, *, name: str = "configuration") -> Config:
    """The configuration in a TOML text.  Raises ConfigError."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(explain_toml(name, text, str(error))) from error
    if "base" in values:
        raise ConfigError(_within(name, Sentence("config.unknown", setting="base")))
    _fill_listeners(values)
    try:
        config = msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_within(name, explain_value(str(error), values, Config))) from error
    config.base = str(base)
    try:
        _verify(config)
        _verify_extras(config)
    except Invalid as error:
        raise ConfigError(_within(name, error.sentence)) from error
    return config


def _within(file: str, problem: Sentence | None) -> Sentence:
    return Sentence("config.in", file=file, problem=problem)


def _fill_listeners(values: dict[str, object]) -> None:
    """A listener that is only half written down keeps its default addresses."""
    listeners = values.get("listeners")
    if not isinstance(listeners, dict):
        return
    defaults = Listeners()
    for name, listener in listeners.items():
        if isinstance(listener, dict) and hasattr(defaults, name) and name in defaults.__struct_fields__:
            listener.setdefault("addresses", getattr(defaults, name).addresses)


def _verify_addresses(config: Config) -> None:
    if config.mailauth.authserv_id and not re.fullmatch(r"[A-Za-z0-9._-]+", config.mailauth.authserv_id):
        raise Invalid(Sentence("config.authserv_id"))
    if config.postmaster and try_address(config.postmaster) is None:
        raise Invalid(Sentence("config.address", setting="postmaster", given=repr(config.postmaster)))
    verify_moved(config.imap.moved)
    for text in config.imap.administrators:
        if try_address(text) is None:
            raise Invalid(Sentence("config.address", setting="imap.administrators", given=repr(text)))


def _verify_extras(config: Config) -> None:
    if config.search.attachments and (missing := missing_library()):
        raise Invalid(Sentence("config.search.attachments", library=missing))


def _verify(config: Config) -> None:
    """What types cannot say.  Raises Invalid."""
    try:
        config.hostname = parse_domain(config.hostname)
    except Invalid as error:
        given = repr(config.hostname)
        raise Invalid(Sentence("config.hostname", given=given, problem=error.sentence)) from error
    _verify_addresses(config)
    verify_listeners(config.listeners, certificates=bool(config.tls.certificates or config.acme.enabled))
    _verify_sign_in(config)
    for setting, networks in (
        ("relay_networks", config.relay_networks),
        ("mailauth.trusted_networks", config.mailauth.trusted_networks),
        ("migration.networks", config.migration.networks),
        ("dns.validating", config.dns.validating),
    ):
        _verify_networks(setting, networks, parse_network)
    _verify_networks("queue.refused_networks", config.queue.refused_networks, lambda text: Networks([text]))
    for route in config.routes:
        _verify_route(route)


def _verify_networks(setting: str, networks: list[str], parse: Callable[[str], object]) -> None:
    for text in networks:
        try:
            parse(text)
        except ValueError as error:
            raise Invalid(Sentence("config.network", setting=setting, given=repr(text))) from error


def _verify_sign_in(config: Config) -> None:
    verify_oauth(config.oauth)
    for provider in config.providers:
        verify_provider(provider)
    on = config.listeners
    verify_acme(config.acme, challenge=on.challenge.enabled, https=on.https.enabled)
    for directory in config.directories:
        verify_directory(directory)


def _verify_route(route: RouteConfig) -> None:
    if not route.domains and not route.senders:
        raise Invalid(Sentence("config.route.scope", host=route.host))
    if route.password and route.password_file:
        raise Invalid(Sentence("config.route.password", host=route.host))
    if route.user and route.tls not in ("verified", "implicit"):
        raise Invalid(Sentence("config.route.clear", host=route.host))


def read_secret(config: Config, setting: str, file: str) -> str:
    """The one line of a file that a setting names; nothing when it names none.  Raises ConfigError."""
    if not file:
        return ""
    path = config.path(file)
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            Sentence("config.file", setting=setting, path=path, reason=reason(error))
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Sentence("config.file.text", setting=setting, path=path)) from error
