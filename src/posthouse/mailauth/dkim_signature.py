"""The DKIM-Signature field (RFC 6376 §3.5), read."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from msgspec import Struct

from posthouse.core.address import parse_domain
from posthouse.core.errors import Invalid
from posthouse.mailauth.canonical import RELAXED, SIMPLE
from posthouse.mailauth.tags import BadTags, parse_tags, without_blanks

SIGNATURE_BYTES_MAX: Final = 16 * 1024
"""Length of one DKIM-Signature field; a longer one is not read."""
SIGNED_NAMES_MAX: Final = 256
"""Names in h=."""

_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_LONG_NUMBER: Final = re.compile(r"[0-9]{1,76}")
_SELECTOR: Final = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)
_B_VALUE: Final = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_REQUIRED: Final = ("v", "a", "b", "bh", "d", "h", "s")


class BadSignature(Exception):
    """The field cannot be verified; `reason` is a key of `verdict.REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Signature(Struct):
    domain: str  # d=, lower case
    selector: str
    algorithm: str  # "rsa-sha256", "ed25519-sha256", or one that is not known
    header_form: str
    body_form: str
    names: tuple[bytes, ...]  # h=, lower case
    body_hash: bytes
    value: bytes
    identity: str  # i=
    length: int | None = None  # l=
    signed_at: int | None = None  # t=
    expires_at: int | None = None  # x=
    dns_queries: bool = True  # q= names the one method there is

    @property
    def key_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"


def parse_signature(value: bytes) -> Signature:
    """From what stands behind the colon.  Raises BadSignature."""
    if len(value) > SIGNATURE_BYTES_MAX:
        raise BadSignature("too_long")
    try:
        tags = parse_tags(value.decode("utf-8"))
    except (BadTags, UnicodeDecodeError):
        raise BadSignature("malformed") from None
    if any(name not in tags for name in _REQUIRED):
        raise BadSignature("incomplete")
    if tags["v"] != "1":
        raise BadSignature("version")
    header_form, body_form = _forms(tags.get("c", SIMPLE))
    domain = _domain(tags["d"])
    selector = tags["s"].lower()
    if len(selector) > 190 or not _SELECTOR.fullmatch(selector):
        raise BadSignature("malformed")
    signed_at = _moment(tags.get("t"))
    expires_at = _moment(tags.get("x"))
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        raise BadSignature("malformed")  # RFC 6376 §3.5: x= must be greater than t=
    methods = [method.strip().lower() for method in tags.get("q", "dns/txt").split(":")]
    return Signature(
        domain=domain,
        selector=selector,
        algorithm=tags["a"].lower(),
        header_form=header_form,
        body_form=body_form,
        names=_names(tags["h"]),
        body_hash=_base64(tags["bh"]),
        value=_base64(tags["b"]),
        identity=_identity(tags.get("i"), domain),
        length=_length(tags.get("l")),
        signed_at=signed_at,
        expires_at=expires_at,
        dns_queries="dns/txt" in methods,
    )


def _forms(text: str) -> tuple[str, str]:
    header, _, body = text.lower().partition("/")
    header, body = header.strip(), body.strip() or SIMPLE
    if header not in (SIMPLE, RELAXED) or body not in (SIMPLE, RELAXED):
        raise BadSignature("canonicalization")
    return header, body


def _domain(text: str) -> str:
    try:
        return parse_domain(without_blanks(text))
    except Invalid:
        raise BadSignature("malformed") from None


def _names(text: str) -> tuple[bytes, ...]:
    if text.count(":") >= SIGNED_NAMES_MAX:
        raise BadSignature("too_long")
    names = tuple(name.strip().lower().encode() for name in text.split(":"))
    if not all(names):
        raise BadSignature("malformed")
    if b"from" not in names:  # RFC 6376 §5.4
        raise BadSignature("from_unsigned")
    return names


def _identity(text: str | None, domain: str) -> str:
    """RFC 6376 §3.5: the domain of i= is d= or below it."""
    if text is None:
        return f"@{domain}"
    local, at, host = without_blanks(text).rpartition("@")
    if not at:
        raise BadSignature("malformed")
    host = _domain(host)
    if host != domain and not host.endswith(f".{domain}"):
        raise BadSignature("identity")
    return f"{local}@{host}"


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(without_blanks(text), validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature("malformed") from None


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise BadSignature("malformed")
    return int(text)


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if not _LONG_NUMBER.fullmatch(text):
        raise BadSignature("malformed")
    return int(text)


def without_value(field: bytes) -> bytes:
    """The whole field with an empty b= and without its line end, as it is hashed itself (RFC 6376 §3.7)."""
    name, colon, value = field.partition(b":")
    return name + colon + _B_VALUE.sub(rb"\1", value, count=1).removesuffix(b"\r\n")
