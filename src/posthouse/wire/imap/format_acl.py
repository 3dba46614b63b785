"""ACL, LISTRIGHTS and MYRIGHTS responses.  RFC 4314 §3.6 to §3.8."""

from __future__ import annotations

from collections.abc import Iterable

from .response import format_astring, format_mailbox


def format_acl(name: str, entries: Iterable[tuple[str, str]], *, utf8: bool) -> bytes:
    """`entries`: (identifier, rights)."""
    pairs = [
        b" %b %b" % (_text(identifier, utf8=utf8), _text(rights, utf8=utf8)) for identifier, rights in entries
    ]
    return b"* ACL %b%b\r\n" % (format_mailbox(name, utf8=utf8), b"".join(pairs))


def format_listrights(
    name: str, identifier: str, always: str, optional: Iterable[str], *, utf8: bool
) -> bytes:
    """`always`: rights that cannot be taken; `optional`: rights that are granted together, each a text."""
    words = [_text(rights, utf8=utf8) for rights in (always, *optional)]
    head = b"* LISTRIGHTS %b %b" % (format_mailbox(name, utf8=utf8), _text(identifier, utf8=utf8))
    return b"%b %b\r\n" % (head, b" ".join(words))


def format_myrights(name: str, rights: str, *, utf8: bool) -> bytes:
    return b"* MYRIGHTS %b %b\r\n" % (format_mailbox(name, utf8=utf8), _text(rights, utf8=utf8))


def _text(text: str, *, utf8: bool) -> bytes:
    return format_astring(text.encode(), utf8=utf8)
