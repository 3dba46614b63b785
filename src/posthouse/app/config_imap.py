"""The settings of IMAP."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from posthouse.core.address import parse_address, parse_domain
from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence


class ImapClientConfig(Struct, forbid_unknown_fields=True):
    """Mail programs that get on badly with a capability are not offered it; they name themselves by ID (RFC 2971)."""

    name: Annotated[str, Meta(description="Beginning of the name that ID tells, in any case.")]
    off: Annotated[
        list[str], Meta(min_length=1, description="Capabilities, such as `COMPRESS=DEFLATE`, `QRESYNC`.")
    ]
    version: Annotated[str, Meta(description="Beginning of the version; empty: all.")] = ""


class ImapConfig(Struct, forbid_unknown_fields=True):
    """IMAP."""

    administrators: Annotated[
        list[str],
        Meta(description="Accounts that may see and set the quotas of all others by IMAP (RFC 9208)."),
    ] = []
    command_messages: Annotated[
        int,
        Meta(
            ge=0,
            description="Messages that one command may touch or name (MESSAGELIMIT, RFC 9738); SORT and THREAD of"
            " more are refused. 0: any number.",
        ),
    ] = 0
    clients: Annotated[list[ImapClientConfig], Meta(description="Programs with their peculiarities.")] = []
    moved: Annotated[
        dict[str, str],
        Meta(
            description="Addresses or domains whose mail is on another IMAP server now, each with the name of that"
            " server (`host` or `host:port`); who signs in here is told (RFC 2221)."
        ),
    ] = {}


def normal_of(who: str) -> str:
    """The key of an address, or a domain in its normal form.  Raises Invalid."""
    return parse_address(who).key if "@" in who else parse_domain(who)


def verify_moved(moved: dict[str, str]) -> None:
    """Raises Invalid."""
    for who, server in moved.items():
        host, _, port = server.partition(":")
        try:
            normal_of(who)
            parse_domain(host)
            if port and not 0 < int(port) < 65536:
                raise ValueError
        except (Invalid, ValueError) as error:
            raise Invalid(Sentence("config.moved", who=who, server=repr(server))) from error
