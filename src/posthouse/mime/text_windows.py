"""Text parts too long to be held whole: decoded and folded in windows, in which searches look.

What is found is what `search_text` would find in the whole text.  Octets are asked for in slices, so a message may
stay in its file; the octets of one part pass twice, first to learn in which charset they really are.
"""

from __future__ import annotations

import binascii
import codecs
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from posthouse.mime.charset import CharsetProbe
from posthouse.mime.page_windows import page_windows
from posthouse.mime.scan import LEAF, Part
from posthouse.mime.search_text import CUT_WITHIN, Sliced, fold, fold_cut
from posthouse.mime.section import decode_transfer, join_soft_ends, pure_base64

WINDOW_BYTES: Final = 1 << 20
LONG_BYTES: Final = 2 << 20
"""Parts longer than this are searched in windows."""
LINE_MAX_BYTES: Final = 4 << 20
"""Octets of a line of quoted-printable that wait for their end."""


def is_long(part: Part) -> bool:
    """Whether `held_of` is for this part."""
    text = part.kind == LEAF and part.maintype.lower() in {"text", ""}
    return text and part.body_end - part.body_start > LONG_BYTES


def held_of(content: Sliced, part: Part, needles: Collection[str]) -> set[str]:
    """Those of the folded needles that the text of the part holds."""
    left = {needle for needle in needles if needle}
    found: set[str] = set(needles) - left
    keep = max(map(len, left), default=0) - 1
    tail = ""
    texts = _decoded(lambda: _octets(content, part), part.charset)
    for window in _folded(page_windows(texts) if part.subtype.lower() == "html" else texts):
        text = tail + window
        now = {needle for needle in left if needle in text}
        found |= now
        left -= now
        if not left:
            break
        tail = text[-keep:] if keep > 0 else ""
    return found


def _decoded(octets: Callable[[], Iterator[bytes]], label: str) -> Iterator[str]:
    probe = CharsetProbe(label)
    for window in octets():
        probe.feed(window)
    name, errors = probe.verdict()
    decoder = codecs.getincrementaldecoder(name)(errors)
    for window in octets():
        yield decoder.decode(window)
    yield decoder.decode(b"", final=True)


def _folded(texts: Iterable[str]) -> Iterator[str]:
    held = ""
    for window in texts:
        text = held + window
        at = fold_cut(text)
        yield fold(text[:at])
        held = text[at:]
    yield fold(held)


def _octets(content: Sliced, part: Part) -> Iterator[bytes]:
    """The body with its transfer encoding undone, as `decode_transfer` does it."""
    windows = (
        content[at : min(at + WINDOW_BYTES, part.body_end)]
        for at in range(part.body_start, part.body_end, WINDOW_BYTES)
    )
    match (part.encoding or "").lower():
        case "base64":
            return _base64(windows)
        case "quoted-printable":
            return _quoted_printable(windows)
        case _:
            return windows


def _base64(windows: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for window in windows:
        *ended, rest = window.split(b"=")
        for stretch in ended:  # each padded stretch ends for itself
            yield decode_transfer(held + stretch, "base64")
            held = b""
        clean = held + pure_base64(rest)
        whole = len(clean) - len(clean) % 4
        yield binascii.a2b_base64(clean[:whole])
        held = clean[whole:]
    yield decode_transfer(held, "base64")


def _quoted_printable(windows: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for window in windows:
        held += window
        end = held.rfind(b"\n") + 1 or _inside_line(held)
        yield binascii.a2b_qp(join_soft_ends(held[:end]))
        held = held[end:]
    yield binascii.a2b_qp(join_soft_ends(held))


def _inside_line(text: bytes) -> int:
    """Where a line may be cut: before an escape that may be broken, and before blanks that may end it."""
    if len(text) > LINE_MAX_BYTES:
        return len(text)
    # Behind "=" and a bare CR nothing counts up to the end of the line.
    text = text.partition(b"=\r")[0]
    rest = text[-CUT_WITHIN:]
    while rest != (shorter := rest.rstrip(b"= \t\r")) or shorter[-2:-1] == b"=":
        rest = shorter[:-2] if shorter[-2:-1] == b"=" else shorter
    return max(0, len(text) - CUT_WITHIN) + len(rest)
