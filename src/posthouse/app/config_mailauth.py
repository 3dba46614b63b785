"""The settings of `[mailauth]` and `[dns]`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field


class MailAuth(Struct, forbid_unknown_fields=True):
    """Who really sent a message: signing what leaves, checking what comes from outside (DKIM, SPF, DMARC)."""

    sign: Annotated[
        bool, Meta(description="Sign outgoing mail with the keys of its domain (`posthouse dkim`).")
    ] = True
    check: Annotated[
        bool,
        Meta(
            description="Check the sender of mail that other servers bring to `smtp`; the verdicts go into "
            "`Authentication-Results` and into the letter's journal."
        ),
    ] = True
    trusted_networks: Annotated[
        list[str],
        Meta(description="Clients whose mail is not checked, besides those in `relay_networks`."),
    ] = field(default_factory=lambda: ["127.0.0.0/8", "::1"])
    dmarc_reject: Annotated[
        Literal["reject", "junk", "note"],
        Meta(
            description="What happens to a forgery that the author's domain asks to reject: 550, to Junk, or only "
            "a note in the header."
        ),
    ] = "reject"
    dmarc_quarantine: Annotated[
        Literal["reject", "junk", "note"], Meta(description="The same, where it asks for quarantine.")
    ] = "junk"
    spf_fail: Annotated[
        Literal["reject", "junk", "note"],
        Meta(description="The same, where SPF fails and the author's domain has no DMARC policy."),
    ] = "note"
    temporary: Annotated[
        Literal["accept", "defer"],
        Meta(
            description="While DNS does not answer: take the mail, or put it off (451). It is never refused."
        ),
    ] = "accept"
    authserv_id: Annotated[
        str, Meta(description="Our name in `Authentication-Results`; empty: `hostname`.")
    ] = ""


class Dns(Struct, forbid_unknown_fields=True):
    """Asking DNS. Every worker has one cache for sending and for checks."""

    servers: Annotated[
        list[str],
        Meta(
            description="Addresses of resolvers, each with `:PORT` if it is not 53; empty: those of `/etc/resolv.conf`."
        ),
    ] = []
    validating: Annotated[
        list[str],
        Meta(
            description="Networks of resolvers that validate DNSSEC, to which the way is as safe as inside this "
            "machine: what they say of it (the AD bit) is believed, if all of `servers` are in these networks."
        ),
    ] = field(default_factory=lambda: ["127.0.0.0/8", "::1/128"])
    timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="For one question; then it counts as a temporary failure.")
    ] = 10.0
    static_file: Annotated[
        str,
        Meta(
            description="File with lines such as `example.org. IN A 192.0.2.1` that are answered instead of asking; "
            "everything below a name with a SOA record there is answered from it. For tests and split horizon."
        ),
    ] = ""
