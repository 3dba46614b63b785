"""The text of a message that a search looks at: decoded, and folded by i;unicode-casemap.

The pieces of the header are its fields as `name: value`, encoded words undone, and the lines that are no fields.
The pieces of the body: each text part in its charset, HTML as the words a reader sees, the file name of each part,
and the header of each message inside; where that is wanted, the text of each attached document.  A phrase is found
inside one piece.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final, Protocol, final

from posthouse.core.casemap import casemap
from posthouse.mime.charset import decode_bytes
from posthouse.mime.entities import undone
from posthouse.mime.header import Fields, header_text, parse_fields, unfold
from posthouse.mime.params import param, parse_disposition, parse_media_type
from posthouse.mime.scan import LEAF, MAX_HEADER, MESSAGE, Part, walk
from posthouse.mime.section import decode_transfer
from posthouse.mime.words import decode_words, raw_text

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_FIELD: Final = re.compile(r"^[^:\x00-\x20\x7f]+[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?", re.MULTILINE)
_NAME: Final = re.compile(rb"name[0-9*]*[ \t]*=", re.IGNORECASE)
UNSEEN: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(style|script)\b.*?(?:</\1[^<>]*>|\Z)", re.IGNORECASE | re.DOTALL
)
# Tags inside words: they separate nothing.
INLINE: Final = re.compile(
    r"</?(?:abbr|a|big|b|code|del|em|font|ins|i|mark|small|span|strong|sub|sup|s|tt|u|wbr)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
TAG: Final = re.compile(r"<[/!?a-zA-Z][^<>]*>")


class Sliced(Protocol):
    """Octets that give slices of themselves: a message in memory or in its file."""

    def __getitem__(self, key: slice, /) -> bytes: ...


FOLDED_AT_ONCE: Final = 1 << 20
"""Characters."""
CUT_WITHIN: Final = 4096
"""Characters from the end of a piece among which a place to cut is sought."""
Extract = Callable[[str, bytes], str]
"""(kind of `DOCUMENT_KINDS`, the document) -> its text."""
DOCUMENT_MAX_BYTES: Final = 24 << 20
"""Octets of an attached document, as it is encoded, whose text is searched."""
DOCUMENTS_MAX: Final = 20
"""Documents of one message that are."""
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_ODF: Final = "application/vnd.oasis.opendocument."
DOCUMENT_KINDS: Final[dict[str, str]] = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    _OFFICE + "wordprocessingml.document": "docx",
    _OFFICE + "spreadsheetml.sheet": "xlsx",
    _OFFICE + "presentationml.presentation": "pptx",
    _ODF + "text": "odf",
    _ODF + "spreadsheet": "odf",
    _ODF + "presentation": "odf",
}
_DOCUMENT_ENDS: Final[dict[str, str]] = {
    "pdf": "pdf", "docx": "docx", "docm": "docx", "xlsx": "xlsx", "xlsm": "xlsx", "pptx": "pptx", "pptm": "pptx",
    "odt": "odf", "ods": "odf", "odp": "odf",
}  # fmt: skip


@final
class SearchText:
    """What searches look at, all of it folded; `fields` are (lower-case name, value) in order."""

    __slots__ = ("body", "fields", "other")

    def __init__(self, fields: list[tuple[str, str]], other: str, body: list[str]) -> None:
        self.fields = fields
        self.other = other
        self.body = body

    def header(self) -> list[str]:
        """The pieces of the header."""
        return header_pieces(self.fields, self.other)

    def field_holds(self, name: str, needle: str) -> bool:
        """An empty needle: the field exists."""
        return any(key == name and needle in value for key, value in self.fields)

    def header_holds(self, needle: str) -> bool:
        return any(needle in piece for piece in self.header())

    def body_holds(self, needle: str) -> bool:
        return not needle or any(needle in piece for piece in self.body)


def search_text(content: bytes, root: Part, extract: Extract | None = None) -> SearchText:
    """`root` may come from `unpack_layout`.  `extract`: with the text of attached documents."""
    block = _block(content, root)
    pieces = body_pieces(content, root, extract)
    return SearchText(folded_fields(parse_fields(block)), other_lines(block), pieces)


def fold(text: str) -> str:
    """The form in which text is compared; half characters become U+FFFD."""
    if text.isascii():
        return casemap(text)
    if len(text) > FOLDED_AT_ONCE:
        return "".join(_folded_pieces(text))
    return casemap(_SURROGATE.sub("\ufffd", text))


def _folded_pieces(text: str) -> Iterator[str]:
    """perf: folding takes twelve octets for each character, for as long as it takes."""
    at, length = 0, FOLDED_AT_ONCE
    while at < len(text):
        piece = text[at : at + length]
        end = fold_cut(piece) if at + len(piece) < len(text) else len(piece)
        if not end:
            length *= 2
            continue
        yield casemap(_SURROGATE.sub("\ufffd", piece[:end]))
        at, length = at + end, FOLDED_AT_ONCE


def fold_cut(text: str) -> int:
    """Where a text may be cut so that its parts fold to the parts of the whole: before what begins a character."""
    if text.isascii():
        return len(text)
    for at in range(len(text) - 1, max(0, len(text) - CUT_WITHIN), -1):
        if text[at] < "\x80" or not unicodedata.combining(unicodedata.normalize("NFKD", text[at])[0]):
            return at
    return len(text) if len(text) > CUT_WITHIN else 0


def header_pieces(fields: list[tuple[str, str]], other: str) -> list[str]:
    pieces = [f"{name}: {value}" for name, value in fields]
    if other:
        pieces.append("\n" + other)  # so that it looks like no field
    return pieces


def folded_fields(fields: Fields) -> list[tuple[str, str]]:
    return [
        (fold(name if name.isascii() else raw_text(name)), fold(decode_words(value)))
        for name, value in fields
    ]


def other_lines(block: str) -> str:
    """Lines of a header that are no fields: mbox "From ", garbage."""
    return fold(raw_text(_FIELD.sub("", block).strip()))


def body_pieces(
    content: Sliced,
    root: Part,
    extract: Extract | None = None,
    leave_out: Callable[[Part], bool] = lambda _: False,
) -> list[str]:
    """`leave_out`: text parts that are not looked at."""
    pieces: list[str] = []
    documents = 0
    for part in walk(root):
        name = _file_name(content, part)
        if part.kind == LEAF and part.maintype.lower() in {"text", ""}:
            if not leave_out(part):
                pieces.append(_part_text(content, part))
        elif part.kind == MESSAGE and part.children:
            inner = _block(content, part.children[0])
            pieces += header_pieces(folded_fields(parse_fields(inner)), other_lines(inner))
        elif extract is not None and documents < DOCUMENTS_MAX and (kind := _document_kind(part, name)):
            documents += 1
            if text := extract(
                kind, decode_transfer(content[part.body_start : part.body_end], part.encoding)
            ):
                pieces.append(fold(text))
        if name:
            pieces.append(fold(name))
    return pieces


def _document_kind(part: Part, name: str | None) -> str | None:
    """What kind of document a part says it is, by its type or else by the end of its name."""
    if part.kind != LEAF or part.body_end - part.body_start > DOCUMENT_MAX_BYTES:
        return None
    kind = DOCUMENT_KINDS.get(f"{part.maintype}/{part.subtype}".lower())
    return kind or _DOCUMENT_ENDS.get((name or "").rpartition(".")[2].lower())


def _block(content: Sliced, part: Part) -> str:
    return header_text(_octets(content, part))


def _octets(content: Sliced, part: Part) -> bytes:
    """The header of a part."""
    return content[part.header_start : min(part.body_start, part.header_start + MAX_HEADER)]


def _part_text(content: Sliced, part: Part) -> str:
    raw = decode_transfer(content[part.body_start : part.body_end], part.encoding)
    text = decode_bytes(raw, part.charset)
    return fold(page_text(text) if part.subtype.lower() == "html" else text)


def _file_name(content: Sliced, part: Part) -> str | None:
    """The layout of a stored message leaves it out."""
    if _NAME.search(_octets(content, part)) is None:
        return None
    name = None
    for key, value in parse_fields(_block(content, part)):
        match key.lower():
            case "content-disposition":
                if found := param(parse_disposition(unfold(value))[1], "filename"):
                    return found
            case "content-type":
                name = param(parse_media_type(unfold(value))[2], "name")
    return name


def page_text(page: str) -> str:
    """The words of an HTML page, blanks as a browser shows them.  Linear in the length."""
    text = TAG.sub(" ", INLINE.sub("", UNSEEN.sub(" ", page)))
    return " ".join(undone(text).split())
