"""A mail address as SMTP means it: local part and domain, from the text of RFC 5321 §4.1.2.

Domains are kept in one form, the lower-case A-label (or an address literal in brackets), so that equal
addresses compare equal; local parts are kept as written, without quoting.  Both may hold UTF-8
(RFC 6531 §3.3).
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

LOCAL_PART_MAX: Final = 256
"""Octets.  RFC 5321 §4.5.3.1.1 asks for at least 64; VERP and SRS senders are longer."""
DOMAIN_MAX: Final = 255
"""Octets, RFC 5321 §4.5.3.1.2."""
LABEL_MAX: Final = 63

_ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_PLAIN: Final = re.compile(rf"([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@([A-Za-z0-9.\-]+)")
# perf: sets of what is not meant compile in a tenth of the time of ranges up to U+10FFFF.
_UTEXT: Final = r"""[^\x00-\x20"(),.:;<>@\[\\\]\x7f]"""  # atext, or what is not ASCII
_DOT_STRING: Final = re.compile(rf"{_UTEXT}+(?:\.{_UTEXT}+)*")
# RFC 5321 §4.1.2: Quoted-string = DQUOTE *(qtextSMTP / quoted-pairSMTP) DQUOTE
_QUOTED: Final = re.compile(r'"((?:[^\x00-\x1f"\\\x7f]|\\[ -~])*)"')
_QUOTED_PAIR: Final = re.compile(r"\\(.)")
_NEEDS_ESCAPE: Final = re.compile(r'(["\\])')
# quirk(Windows hosts): underscores in names of hosts that send mail.
_LDH: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]*[a-z0-9_])?")
_GENERAL_LITERAL: Final = re.compile(r"([A-Za-z0-9\-]*[A-Za-z0-9]):[!-Z^-~]+")
# RFC 3490 §3.1: characters that separate labels like a dot.
_DOTS: Final = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})


@dataclass(slots=True, frozen=True)
class Address:
    """`local` is unquoted; `domain` is normalised, "" only for the bare <Postmaster> of RFC 5321 §4.5.1."""

    local: str
    domain: str

    def __str__(self) -> str:
        """The form of SMTP, quoted where needed."""
        local = self.local
        if not _DOT_STRING.fullmatch(local):
            local = '"' + _NEEDS_ESCAPE.sub(r"\\\1", local) + '"'
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def key(self) -> str:
        """For look-ups: local part in NFC and folded case, as our own mailboxes are named."""
        local = (
            self.local.lower()
            if self.local.isascii()
            else unicodedata.normalize("NFC", self.local.casefold())
        )
        return str(Address(local, self.domain))

    @property
    def is_ascii(self) -> bool:
        """False when it can travel with SMTPUTF8 only; the domain can always be written in ASCII."""
        return self.local.isascii()

    @property
    def unicode(self) -> str:
        """For people to read: the domain with U-labels."""
        return str(Address(self.local, unicode_domain(self.domain)))

    @property
    def is_literal(self) -> bool:
        return self.domain.startswith("[")


def parse_address(text: str) -> Address:
    """Local-part "@" ( Domain / address-literal ); raises Invalid."""
    if match := _PLAIN.fullmatch(text):
        local, domain = match[1], match[2]
    else:
        local, at, domain = text.rpartition("@")
        if not at:
            raise Invalid(Sentence("address.at"))
        local = parse_local_part(local)
    if len(local) > LOCAL_PART_MAX or (not local.isascii() and len(local.encode()) > LOCAL_PART_MAX):
        raise Invalid(Sentence("address.local.long"))
    return Address(local, parse_literal(domain) if domain.startswith("[") else parse_domain(domain))


def try_address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except Invalid:
        return None


def parse_local_part(text: str) -> str:
    """Dot-string / Quoted-string, without the quoting; raises Invalid."""
    # RFC 6532 §3.1: UTF-8 that cannot be encoded (a lone surrogate) and C1 controls are no text.
    if any(0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in text):
        raise Invalid(Sentence("address.local.control"))
    if _DOT_STRING.fullmatch(text):
        return text
    if match := _QUOTED.fullmatch(text):
        return _QUOTED_PAIR.sub(r"\1", match[1])
    raise Invalid(Sentence("address.local"))


def parse_domain(text: str) -> str:
    """Normalise a domain to lower-case A-labels; raises Invalid."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_DOTS)
    if len(text) > DOMAIN_MAX:
        raise Invalid(Sentence("address.domain.long"))
    labels = [_a_label(label) for label in text.lower().split(".")]
    domain = ".".join(labels)
    if len(domain) > DOMAIN_MAX:
        raise Invalid(Sentence("address.domain.long"))
    return domain


def _a_label(label: str) -> str:
    if not label.isascii():
        # RFC 5890 §2.3.2.1: an A-label is the Punycode of a U-label in NFC; letters, marks and digits only.
        label = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", label).lower())
        if not all(c in "-\u30fb" or unicodedata.category(c)[0] in "LMN" for c in label):
            raise Invalid(Sentence("address.domain.character"))
        label = "xn--" + label.encode("punycode").decode("ascii")
    if len(label) > LABEL_MAX or not _LDH.fullmatch(label):
        raise Invalid(Sentence("address.domain"))
    return label


def unicode_domain(domain: str) -> str:
    """A-labels as U-labels where they decode to something that encodes back to the same."""
    if "xn--" not in domain:
        return domain
    return ".".join(_u_label(label) for label in domain.split("."))


def _u_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        text = label[4:].encode("ascii").decode("punycode")
        return text if _a_label(text) == label else label
    except (UnicodeError, Invalid):
        return label


def parse_literal(text: str) -> str:
    """address-literal = "[" ( IPv4 / "IPv6:" IPv6 / Standardized-tag ":" 1*dcontent ) "]"; raises Invalid."""
    inner = text[1:-1]
    if not text.endswith("]") or not inner.isascii():
        raise Invalid(Sentence("address.literal"))
    try:
        if inner[:5].lower() == "ipv6:":
            if "%" in inner:  # a zone means nothing outside its host
                raise Invalid(Sentence("address.literal"))
            return f"[IPv6:{ipaddress.IPv6Address(inner[5:])}]"
        if ":" not in inner:
            return f"[{ipaddress.IPv4Address(inner)}]"
    except ValueError as error:
        raise Invalid(Sentence("address.literal")) from error
    if len(inner) > DOMAIN_MAX or not _GENERAL_LITERAL.fullmatch(inner):
        raise Invalid(Sentence("address.literal"))
    return f"[{inner}]"


def parse_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address, a network, or whole octets (192.0.2.) or groups (2001:db8:) at its start; raises ValueError."""
    if text.endswith("."):
        octets = text[:-1].split(".")
        return ipaddress.ip_network(".".join(octets + ["0"] * (4 - len(octets))) + f"/{8 * len(octets)}")
    if text.endswith(":") and not text.endswith("::"):
        return ipaddress.ip_network(f"{text}:/{16 * text.count(':')}")
    return ipaddress.ip_network(text)


def customer_of(ip: str) -> str:
    """Who is counted as one: an IPv4 address, or the /64 of an IPv6 one, as its customer has them all (RFC 6177 §2)."""
    if ":" not in ip:
        return ip
    address = ipaddress.IPv6Address(ip.partition("%")[0])
    return str(address.ipv4_mapped or ipaddress.IPv6Address(int(address) >> 64 << 64))
