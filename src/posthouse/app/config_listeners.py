"""Where the node listens, and how each service meets its clients."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence
from posthouse.servers.listen_address import parse_listen_address
from posthouse.servers.proxy import TrustedSources

TAKES_CERTIFICATES: Final = ("submission", "submissions", "pop3", "pop3s", "imap", "imaps", "managesieve")
IMPLICIT_TLS: Final = frozenset(("submissions", "pop3s", "imaps", "https"))
_LOOPBACK: Final = TrustedSources(["127.0.0.0/8", "::1"])


class Listener(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where one kind of service listens."""

    enabled: Annotated[bool, Meta(description="Whether this service is offered at all.")] = True
    addresses: Annotated[
        list[str],
        Meta(
            description="Any number of `ADDRESS:PORT`, `[IPV6]:PORT`, `*:PORT` (both families) or `unix:/PATH`. "
            "Sockets that systemd passes under the listener's name are used instead."
        ),
    ]
    proxy_from: Annotated[
        list[str],
        Meta(
            description="Addresses or networks (`192.0.2.0/24`, or `unix`) of load balancers whose connections begin "
            "with a PROXY protocol header, version 1 or 2; there it is required, elsewhere it is not understood."
        ),
    ] = []
    clear_text_auth: Annotated[
        bool,
        Meta(
            description="Take passwords without TLS. Only for loopback tests; refused for addresses that others "
            "can reach."
        ),
    ] = False
    client_certificates: Annotated[
        Literal["off", "optional", "required"],
        Meta(
            description="Ask clients for a TLS certificate, with which they may sign in by SASL EXTERNAL. `optional`: "
            "those without one use something else; `required`: they are not served. Only where users sign in by mail "
            "protocols."
        ),
    ] = "off"
    client_ca_file: Annotated[
        str,
        Meta(
            description="PEM file with the authorities whose client certificates count. Whoever they issue a "
            "certificate with a mail address to signs in as that account, so put only authorities into it that you "
            "trust with every account, and nobody's self-signed certificate."
        ),
    ] = ""
    client_crl_file: Annotated[
        str,
        Meta(
            description="PEM file with their revocation lists; SIGHUP reads it again. A list that ran out makes every "
            "client certificate invalid. Empty: revocation is not looked at."
        ),
    ] = ""


def _on(*addresses: str) -> Listener:
    return Listener(addresses=list(addresses))


class Listeners(Struct, forbid_unknown_fields=True):
    """The services of the node."""

    smtp: Annotated[Listener, Meta(description="Mail from other servers (RFC 5321).")] = field(
        default_factory=lambda: _on("*:25")
    )
    submission: Annotated[Listener, Meta(description="Mail from our users, STARTTLS (RFC 6409).")] = field(
        default_factory=lambda: _on("*:587")
    )
    submissions: Annotated[
        Listener, Meta(description="Mail from our users, TLS from the first octet (RFC 8314).")
    ] = field(default_factory=lambda: _on("*:465"))
    lmtp: Annotated[
        Listener, Meta(description="Mail from a trusted relay in front of us (RFC 2033). No authentication.")
    ] = field(default_factory=lambda: Listener(enabled=False, addresses=["127.0.0.1:24"]))
    pop3: Annotated[Listener, Meta(description="POP3 with STLS (RFC 1939, RFC 2595).")] = field(
        default_factory=lambda: _on("*:110")
    )
    pop3s: Annotated[Listener, Meta(description="POP3, TLS from the first octet (RFC 8314).")] = field(
        default_factory=lambda: _on("*:995")
    )
    imap: Annotated[Listener, Meta(description="IMAP with STARTTLS (RFC 9051).")] = field(
        default_factory=lambda: _on("*:143")
    )
    imaps: Annotated[Listener, Meta(description="IMAP, TLS from the first octet (RFC 8314).")] = field(
        default_factory=lambda: _on("*:993")
    )
    managesieve: Annotated[Listener, Meta(description="ManageSieve with STARTTLS (RFC 5804).")] = field(
        default_factory=lambda: _on("*:4190")
    )
    http: Annotated[
        Listener,
        Meta(
            description="Health (`/healthz`, `/readyz`), Prometheus metrics (`/metrics`), JMAP for this machine."
        ),
    ] = field(default_factory=lambda: _on("127.0.0.1:2080"))

    https: Annotated[
        Listener, Meta(description="Pages and endpoints for people and programs: JMAP, sign-in by OAuth 2.0.")
    ] = field(default_factory=lambda: Listener(enabled=False, addresses=["*:443"]))

    challenge: Annotated[
        Listener, Meta(description="Answers ACME (HTTP-01) and sends everything else to https.")
    ] = field(default_factory=lambda: Listener(enabled=False, addresses=["*:80"]))

    def items(self) -> list[tuple[str, Listener]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__]


def verify_listeners(listeners: Listeners, *, certificates: bool) -> None:
    """`certificates`: there are some, or will be.  Raises Invalid."""
    for name, listener in listeners.items():
        try:
            addresses = [a for text in listener.addresses for a in parse_listen_address(text)]
        except Invalid as error:
            raise Invalid(Sentence("config.listener", listener=name, problem=error.sentence)) from error
        _verify_sources(name, listener)
        if listener.clear_text_auth:
            for address in addresses:
                if not address.path and address.host not in _LOOPBACK:
                    raise Invalid(Sentence("config.clear_text", listener=name, address=address))
        _verify_client_certificates(name, listener)
        if listener.enabled and name in IMPLICIT_TLS and not certificates:
            raise Invalid(Sentence("config.no_certificate", listener=name))


def _verify_sources(name: str, listener: Listener) -> None:
    for text in listener.proxy_from:
        try:
            TrustedSources([text])
        except ValueError as error:
            raise Invalid(Sentence("config.proxy.source", listener=name, given=repr(text))) from error
    if listener.proxy_from and name in ("http", "https", "challenge"):
        raise Invalid(Sentence("config.proxy.http", listener=name))


def _verify_client_certificates(name: str, listener: Listener) -> None:
    if listener.client_certificates == "off":
        if listener.client_ca_file or listener.client_crl_file:
            raise Invalid(Sentence("config.clients.off", listener=name))
        return
    if name not in TAKES_CERTIFICATES:
        known = ", ".join(TAKES_CERTIFICATES)
        raise Invalid(Sentence("config.clients.listener", listener=name, known=known))
    if not listener.client_ca_file:
        raise Invalid(Sentence("config.clients.authorities", listener=name))
