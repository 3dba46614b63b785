"""The text of a document.  Whatever a broken one leads to is an exception; the caller says that it has no text."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, Final
from xml.parsers import expat

TEXT_MAX: Final = 1 << 20
"""Characters taken out of one document; what follows is not searched."""
PAGES_MAX: Final = 1000
UNPACKED_MAX: Final = 64 << 20
"""Octets unpacked of one document, all of its parts together."""
PARTS_MAX: Final = 1000
_CHUNK: Final = 1 << 16


class TooMuch(Exception):
    """The document was made to be too much."""


class _Text:
    """Collects text up to the limit."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._room = TEXT_MAX

    @property
    def full(self) -> bool:
        return self._room <= 0

    def add(self, text: str) -> None:
        if self._room > 0:
            self._pieces.append(text[: self._room])
            self._room -= len(text)

    def get(self) -> str:
        return "".join(self._pieces)


# --- PDF ---


def pdf(data: bytes) -> str:
    import pypdf  # noqa: PLC0415  # an extra, wanted by this process alone

    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        return ""
    text = _Text()
    for number, page in enumerate(reader.pages):
        if number == PAGES_MAX or text.full:
            break
        text.add(page.extract_text() + "\n")
    return text.get()


# --- Office: zipped XML ---


class _Unpacker:
    """Reads parts of a zip file; what is unpacked is bounded, whatever its directory says."""

    def __init__(self, data: bytes) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._room = UNPACKED_MAX

    def names(self, pattern: str) -> list[str]:
        """Parts whose names match, in the order of their numbers."""
        found = [name for name in self._zip.namelist() if re.fullmatch(pattern, name)]
        return sorted(found, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])[:PARTS_MAX]

    def chunks(self, name: str) -> Iterator[bytes]:
        with self._zip.open(name) as file:
            while chunk := file.read(_CHUNK):
                self._room -= len(chunk)
                if self._room < 0:
                    raise TooMuch("unpacked")
                yield chunk


def _parse(
    chunks: Iterator[bytes], start: Callable[..., Any], end: Callable[..., Any], data: Callable[[str], Any]
) -> None:
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        # Office writes no DTD; who does wants entities to grow, or to point elsewhere.
        raise TooMuch("a DTD")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    for chunk in chunks:
        parser.Parse(chunk, False)  # noqa: FBT003
    parser.Parse(b"", True)  # noqa: FBT003


def _elements(
    unpacker: _Unpacker, name: str, text: _Text, shown: frozenset[str], ends: frozenset[str]
) -> None:
    """The characters inside of `shown` elements, a line for each of `ends`; names without their prefix."""
    depth = 0

    def start(element: str, _attributes: object) -> None:
        nonlocal depth
        local = element.rpartition(":")[2]
        depth += local in shown
        if local in {"tab", "br", "line-break", "s"}:
            text.add(" ")

    def end(element: str) -> None:
        nonlocal depth
        local = element.rpartition(":")[2]
        depth -= local in shown
        if local in ends:
            text.add("\n")

    def data(characters: str) -> None:
        if depth:
            text.add(characters)

    _parse(unpacker.chunks(name), start, end, data)


def _parts(*patterns: str, shown: tuple[str, ...], ends: tuple[str, ...]) -> Callable[[bytes], str]:
    def extract(document: bytes) -> str:
        unpacker, text = _Unpacker(document), _Text()
        for pattern in patterns:
            for name in unpacker.names(pattern):
                if not text.full:
                    _elements(unpacker, name, text, frozenset(shown), frozenset(ends))
        return text.get()

    return extract


def xlsx(document: bytes) -> str:
    """The texts, then the numbers of each sheet: cells of the kind `s` are references to the texts."""
    unpacker, text = _Unpacker(document), _Text()
    for name in unpacker.names(r"xl/sharedStrings\.xml"):
        _elements(unpacker, name, text, frozenset(("t",)), frozenset(("si",)))
    for name in unpacker.names(r"xl/worksheets/sheet\d+\.xml"):
        if not text.full:
            _cells(unpacker, name, text)
    return text.get()


def _cells(unpacker: _Unpacker, name: str, text: _Text) -> None:
    kind, inside = "", False

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal kind, inside
        local = element.rpartition(":")[2]
        if local == "c":
            kind = attributes.get("t", "n")
        inside = local in {"v", "t"} and kind != "s"

    def end(element: str) -> None:
        nonlocal inside
        if inside:
            text.add(" ")
        inside = False
        if element.rpartition(":")[2] == "row":
            text.add("\n")

    def data(characters: str) -> None:
        if inside:
            text.add(characters)

    _parse(unpacker.chunks(name), start, end, data)


KINDS: Final[dict[str, Callable[[bytes], str]]] = {
    "pdf": pdf,
    "docx": _parts(
        r"word/document\.xml", r"word/(?:header|footer|footnotes|endnotes|comments)\d*\.xml",
        shown=("t",), ends=("p",),
    ),
    "xlsx": xlsx,
    "pptx": _parts(
        r"ppt/slides/slide\d+\.xml", r"ppt/notesSlides/notesSlide\d+\.xml", shown=("t",), ends=("p",)
    ),
    "odf": _parts(r"content\.xml", shown=("body",), ends=("p", "h")),
}  # fmt: skip
"""What `mime.search_text.DOCUMENT_KINDS` names."""
