"""Who a message says it is from, as far as checks of senders care: the domains in From."""

from __future__ import annotations

from posthouse.core.address import parse_domain
from posthouse.core.errors import Invalid
from posthouse.mime.address import parse_mailboxes
from posthouse.mime.header import header_text, raw_fields


def author_domains(header: bytes) -> list[str]:
    """Domains of all addresses in all From fields, normalised, without repetition; unusable ones are left out."""
    found: dict[str, None] = {}
    for name, start, end in raw_fields(header):
        if name != b"from":
            continue
        for box in parse_mailboxes(header_text(header[start:end].partition(b":")[2])):
            try:
                found[parse_domain(box.address.rpartition("@")[2])] = None
            except Invalid:
                continue
    return list(found)
