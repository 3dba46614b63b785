"""The MIME scanner: byte offsets of every part, found by search, never by a loop over bytes.

`scan` never raises, copies no body, and is linear: at each nesting depth every byte is searched at most
once.  Each part owns its header `[header_start, body_start)` and body `[body_start, body_end)`; what lies
between the parts of a multipart (boundary lines, preamble, epilogue) belongs to the body of that multipart.
Both line ends are understood.  Where a message is malformed the result follows Dovecot's parser.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass, field
from typing import Final, final

from posthouse.mime.header import Header, header_text
from posthouse.mime.lexer import Cursor
from posthouse.mime.params import Params, param, parse_disposition, parse_media_type

Data = bytes | mmap.mmap

MAX_DEPTH: Final = 64
"""Nesting of multiparts and messages; a container at this depth is a leaf."""
MAX_PARTS: Final = 4096
"""Parts of one message; boundary lines after that many are text of the last part."""
MAX_HEADER: Final = 256 * 1024
"""Bytes of one header that are parsed; the rest of a longer header is kept but not read."""
MAX_BOUNDARY: Final = 80
"""Characters of a boundary that are compared (RFC 2046 §5.1.1 allows 70)."""
MAX_LANGUAGES: Final = 50

_ENCODINGS: Final = frozenset({"7bit", "8bit", "binary", "base64", "quoted-printable"})

LEAF: Final = 0
MULTIPART: Final = 1
MESSAGE: Final = 2

_HEADER_END: Final = re.compile(rb"\n\r?\n")
_FIRST_BLANK: Final = re.compile(rb"\r?\n")


@final
@dataclass(slots=True)
class Part:
    """One part.  Offsets are absolute in the message; text fields are header text as the sender wrote it."""

    header_start: int
    body_start: int
    body_end: int
    kind: int = LEAF
    maintype: str = ""
    subtype: str = ""
    typed: bool = False
    """The sender gave a usable Content-Type; else the default of RFC 2045 §5.2 stands."""
    params: Params = ()
    encoding: str | None = None
    content_id: str | None = None
    description: str | None = None
    disposition: str | None = None
    disposition_params: Params = ()
    language: tuple[str, ...] = ()
    location: str | None = None
    md5: str | None = None
    children: list[Part] = field(default_factory=list)

    @property
    def media_type(self) -> str:
        """Lower case `type/subtype`."""
        return f"{self.maintype}/{self.subtype}".lower()

    @property
    def charset(self) -> str:
        return param(self.params, "charset") or "us-ascii"

    @property
    def filename(self) -> str | None:
        """Decoded; from Content-Disposition, else the `name` of Content-Type."""
        return param(self.disposition_params, "filename") or param(self.params, "name")

    @property
    def size(self) -> int:
        """Octets of the body."""
        return self.body_end - self.body_start


@final
class _Open:
    """A multipart whose boundary is being looked for."""

    __slots__ = ("at", "boundary", "depth", "needle", "part", "upto")

    def __init__(self, part: Part, boundary: bytes, depth: int) -> None:
        self.part = part
        self.boundary = boundary
        self.needle = b"\n--" + boundary
        self.depth = depth
        self.at = -1  # offset of the newline before its next boundary line
        self.upto = 0  # searched up to here (exclusive)

    def refresh(self, data: Data, pos: int, limit: int, size: int) -> int:
        """Find the first boundary line whose newline is in [pos, limit)."""
        if self.at < pos:
            self.upto = max(self.upto, pos)
            if self.upto >= limit:
                return -1
            self.at = data.find(self.needle, self.upto, min(size, limit + len(self.needle) - 1))
            self.upto = limit if self.at < 0 else self.at + 1
        return self.at


def scan(data: Data) -> Part:
    """The part tree of a message.  Never raises."""
    return scan_with_header(data)[0]


def scan_with_header(data: Data) -> tuple[Part, Header]:
    """The part tree and the top header."""
    scanner = _Scanner(data)
    root = scanner.run()
    return root, scanner.top_header


@final
class _Scanner:
    __slots__ = ("blank_at", "blank_end", "count", "data", "open", "path", "size", "top_header")

    def __init__(self, data: Data) -> None:
        self.data = data
        self.size = len(data)
        self.count = 0
        self.blank_at = -1  # the blank line found last: its first line end, and behind it
        self.blank_end = -1
        self.open: list[_Open] = []
        self.path: list[Part] = []  # from the root to the part being read
        self.top_header: Header

    def run(self) -> Part:
        root = self._add_part(0, mime=False)
        pos = self._read_header(root)
        while True:
            found = self._next_boundary(pos)
            if found is None:
                break
            pos = self._cross_boundary(*found)
        self._close_to(0, self.size)
        return root

    def _add_part(self, start: int, *, mime: bool) -> Part:
        part = Part(start, start, self.size, typed=mime)
        if self.path:
            self.path[-1].children.append(part)
        self.path.append(part)
        self.count += 1
        return part

    def _read_header(self, part: Part) -> int:
        """Read the header of `part`, and of the message inside it, and so on; returns where bodies begin."""
        while True:
            part.body_start = self._find_header_end(part.header_start)
            self._describe(part)
            if part.kind != MESSAGE:
                return part.body_start
            part = self._add_part(part.body_start, mime=False)

    def _find_header_end(self, start: int) -> int:
        data = self.data
        if first := _FIRST_BLANK.match(data, start):
            end = first.end()
        else:
            if self.blank_at < start:  # searched once, however many headers have no blank line before it
                match = _HEADER_END.search(data, start)
                self.blank_at, self.blank_end = match.span() if match else (self.size, self.size)
            end = self.blank_end
        if not self.open:
            return end
        # A boundary line ends a header too; the line end before it belongs to the boundary.
        found = self._next_boundary(start, end)
        if found is None or found[0] + 1 >= end:
            return end
        newline = found[0]
        if newline < start:
            return start
        return newline - 1 if newline > start and data[newline - 1 : newline] == b"\r" else newline

    def _next_boundary(self, pos: int, limit: int = -1) -> tuple[int, _Open] | None:
        """The first line at or after `pos` that begins with an open boundary: (newline before it, whose)."""
        if self.count >= MAX_PARTS or not self.open:
            return None
        size = self.size
        bound = size if limit < 0 else limit
        start = max(0, pos - 1)
        best: _Open | None = None
        best_at = -1
        for candidate in self.open:  # outermost first: an outer hit bounds the search for the inner ones
            at = candidate.refresh(self.data, start, bound, size)
            if at < 0 or at >= bound:
                continue
            # At one place the longest boundary wins, then the innermost.
            if best is None or at < best_at or len(candidate.boundary) >= len(best.boundary):
                best, best_at = candidate, at
            bound = at + 1
        return None if best is None else (best_at, best)

    def _cross_boundary(self, newline: int, hit: _Open) -> int:
        end = newline - 1 if newline > 0 and self.data[newline - 1 : newline] == b"\r" else newline
        self._close_to(hit.depth, end)
        after = newline + len(hit.needle)
        index = self.open.index(hit)
        if self.data[after : after + 2] == b"--":
            del self.open[index:]
            return after + 2
        del self.open[index + 1 :]
        line_end = self.data.find(b"\n", after)
        if line_end < 0:
            return self.size
        return self._read_header(self._add_part(line_end + 1, mime=True))

    def _close_to(self, depth: int, end: int) -> None:
        """End the parts below `depth`; a part that began after `end` (an empty one) ends where it began."""
        for part in reversed(self.path[depth:]):
            end = max(part.body_start, end)
            part.body_end = end
        del self.path[depth:]

    def _describe(self, part: Part) -> None:
        """Fill in what the header says and decide what kind of part it is."""
        stop = min(part.body_start, part.header_start + MAX_HEADER)
        header = Header(header_text(self.data[part.header_start : stop]))
        depth = len(self.path)
        if depth == 1:
            self.top_header = header
        boundary = _read_content_fields(part, header, mime=part.typed)
        part.typed = part.maintype != ""
        if not part.typed:
            parent = self.path[-2] if depth > 1 else None
            if parent is not None and parent.kind == MULTIPART and parent.subtype.lower() == "digest":
                part.maintype, part.subtype = "message", "rfc822"  # RFC 2046 §5.1.5
            else:
                part.maintype, part.subtype = "text", "plain"
        if depth >= MAX_DEPTH or self.count >= MAX_PARTS:
            return
        maintype = part.maintype.lower()
        if maintype == "multipart" and boundary is not None:
            part.kind = MULTIPART
            self.open.append(_Open(part, boundary, depth))
        # RFC 6532 §3.7: message/global is message/rfc822 with UTF-8 headers
        elif maintype == "message" and part.subtype.lower() in ("rfc822", "global"):
            # RFC 6532 §3.7: the latter may be encoded, and then what is in it is not to be seen as it stands
            encoded = (part.encoding or "").lower() in ("base64", "quoted-printable")
            if not encoded or part.subtype.lower() == "rfc822":
                part.kind = MESSAGE


def _read_content_fields(part: Part, header: Header, *, mime: bool) -> bytes | None:
    """Content-* fields; without Content-Type or MIME-Version they mean nothing.

    Of fields that came twice the first wins, but the last Content-Disposition, as in Dovecot.
    """
    if not (mime or "content-type" in header.values or "mime-version" in header.values):
        return None
    part.content_id = header.first("content-id")
    part.description = header.first("content-description")
    part.location = header.first("content-location")
    part.md5 = header.first("content-md5")
    if value := header.first("content-transfer-encoding"):
        part.encoding = _token(value)
    if value := header.last("content-disposition"):
        part.disposition, part.disposition_params = parse_disposition(value)
    if value := header.first("content-language"):
        part.language = _languages(value)
    boundary: bytes | None = None
    if (media_type := header.first("content-type")) is not None:
        part.maintype, part.subtype, part.params, good = parse_media_type(media_type)
        # RFC 2045 §5.2: a broken type counts as text/plain; but a type that can be read is used
        if not good and (not part.subtype or part.maintype.lower() == "multipart"):
            part.maintype = ""
        for name, value in part.params:
            if name.lower() == "boundary":
                boundary = value.encode("utf-8", "surrogateescape")[:MAX_BOUNDARY]
                break
    return boundary


def _token(value: str) -> str | None:
    if value.lower() in _ENCODINGS:
        return value
    cursor = Cursor(value)
    out: list[str] = []
    if not cursor.skip_space() or not cursor.token(out) or cursor.pos < cursor.end:
        return None
    return "".join(out) or None


def _languages(value: str) -> tuple[str, ...]:
    """RFC 3282 §2: a list of tags."""
    cursor = Cursor(value)
    found: list[str] = []
    while cursor.skip_space() and len(found) < MAX_LANGUAGES:
        if not cursor.atom(found) or cursor.peek() != ",":
            break
        cursor.pos += 1
    return tuple(found)


def count_lines(data: Data, start: int, end: int) -> int:
    """Line feeds in a range; a map is read in slices."""
    if isinstance(data, bytes):
        return data.count(b"\n", start, end)
    step = 1 << 16
    return sum(data[at : min(at + step, end)].count(b"\n") for at in range(start, end, step))


def walk(part: Part) -> list[Part]:
    """The part and all below it, in the order of the message."""
    found: list[Part] = []
    stack = [part]
    while stack:
        part = stack.pop()
        found.append(part)
        stack.extend(reversed(part.children))
    return found
