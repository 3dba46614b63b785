"""A letter as scripts see it: decoded fields that may be edited, addresses, parts.  Never raises on content."""

from __future__ import annotations

from typing import Final, final

from posthouse.mime.address import parse_addresses
from posthouse.mime.charset import decode_bytes
from posthouse.mime.edit import header_end
from posthouse.mime.header import Header, fold, header_bytes, header_text, unfold
from posthouse.mime.scan import LEAF, MAX_HEADER, MULTIPART, Part, scan, walk
from posthouse.mime.search_text import page_text
from posthouse.mime.section import decode_transfer
from posthouse.mime.words import decode_words, encode_words, raw_text
from posthouse.sieve.limits import BODY_MAX_BYTES

_UNTOUCHABLE: Final = frozenset({"received", "auto-submitted"})
"""RFC 5293 §4, §5: fields that scripts may not delete (and Subject may be changed)."""


@final
class Mail:
    """`content`: the header and as much of the body as there is at hand; `size`: octets of the whole letter."""

    __slots__ = ("_content", "_fields", "_root", "edited", "size")

    def __init__(self, content: bytes, size: int | None = None) -> None:
        self._content = content
        self.size = len(content) if size is None else size
        block = content[: min(header_end(content), MAX_HEADER)]
        # (whole field, name in lower case, raw value)
        self._fields = [
            (whole, name.lower(), value) for whole, name, value in Header(header_text(block)).lines
        ]
        self._root: Part | None = None
        self.edited = False

    # --- fields ---

    def raw(self, name: str) -> list[str]:
        """The unfolded values of all fields of that name, in order."""
        name = name.lower()
        return [unfold(value) for _, key, value in self._fields if key == name]

    def values(self, name: str) -> list[str]:
        """RFC 5228 §2.4.2.2: decoded."""
        return [decode_words(value) for value in self.raw(name)]

    def addresses(self, name: str) -> list[list[str]]:
        """The addresses of each field of that name."""
        return [
            [
                raw_text(f"{local}@{host}")
                for _, _, local, host in parse_addresses(value)
                if local is not None and host is not None
            ]
            for value in self.raw(name)
        ]

    def has(self, name: str) -> bool:
        name = name.lower()
        return any(key == name for _, key, _ in self._fields)

    def add(self, name: str, value: str, *, last: bool) -> None:
        """RFC 5293 §4."""
        text = " ".join(value.split("\n")).replace("\r", " ").strip()
        whole = fold(name, encode_words(text))
        row = (whole, name.lower(), whole.split(":", 1)[1].strip())
        if last:
            self._fields.append(row)
        else:
            self._fields.insert(0, row)
        self.edited = True

    def delete(self, name: str, positions: set[int]) -> int:
        """Delete these of the fields of that name (counted from 0); how many there were."""
        name = name.lower()
        if name in _UNTOUCHABLE:
            return 0
        kept, seen = [], -1
        for row in self._fields:
            if row[1] == name:
                seen += 1
                if seen in positions:
                    continue
            kept.append(row)
        deleted = len(self._fields) - len(kept)
        if deleted:
            self._fields = kept
            self.edited = True
        return deleted

    def header(self) -> bytes:
        """The header as it is now, with its blank line."""
        lines = [whole if whole.endswith("\n") else whole + "\r\n" for whole, _, _ in self._fields]
        return header_bytes("".join(lines)) + b"\r\n"

    # --- the body (RFC 5173) ---

    @property
    def root(self) -> Part:
        if self._root is None:
            self._content = self._content[: header_end(self._content) + BODY_MAX_BYTES]
            self._root = scan(self._content)
        return self._root

    def body(self) -> str:
        """RFC 5173 §5.1: as it came."""
        root = self.root
        return decode_bytes(self._content[root.body_start : root.body_end], "utf-8")

    def texts(self) -> list[str]:
        """RFC 5173 §5.3: what a person would read."""
        return [
            page_text(text) if part.subtype.lower() == "html" else text
            for part in walk(self.root)
            if part.kind == LEAF and part.maintype.lower() in {"text", ""}
            for text in [self._decoded(part)]
        ]

    def parts(self, types: list[str]) -> list[str]:
        """RFC 5173 §5.2: decoded contents of the parts of these types ("" is every one, "text" any text)."""
        wanted = [one.lower() for one in types]
        return [self._content_of(part) for part in walk(self.root) if _is_of(part, wanted)]

    def _content_of(self, part: Part) -> str:
        if part.kind == LEAF:
            return self._decoded(part)
        # RFC 5173 §5.2: of a multipart what stands before and behind its parts, of a message its header.
        if part.kind == MULTIPART:
            if not part.children:
                return ""
            first, last = part.children[0], part.children[-1]
            around = (
                self._content[part.body_start : first.header_start]
                + self._content[last.body_end : part.body_end]
            )
            return decode_bytes(around, "utf-8")
        inner = part.children[0] if part.children else part
        return header_text(self._content[inner.header_start : inner.body_start])

    def _decoded(self, part: Part) -> str:
        raw = decode_transfer(self._content[part.body_start : part.body_end], part.encoding)
        return decode_bytes(raw, part.charset)


def _is_of(part: Part, wanted: list[str]) -> bool:
    kind = f"{part.maintype}/{part.subtype}".lower() if part.maintype else "text/plain"
    for one in wanted:
        if not one:
            return True
        if "/" in one:
            if kind == one:
                return True
        elif kind.partition("/")[0] == one:
            return True
    return False
