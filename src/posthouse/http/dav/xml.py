"""XML of WebDAV: read within bounds, without document types, and written.

A document type is refused outright, so there are no entities to expand and nothing outside to fetch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final
from xml.parsers import expat

from msgspec import Struct, field

BODY_MAX_BYTES: Final = 4 * 1024 * 1024
ELEMENTS_MAX: Final = 50_000
DEPTH_MAX: Final = 64
DAV: Final = "DAV:"
CARD: Final = "urn:ietf:params:xml:ns:carddav"
CS: Final = "http://calendarserver.org/ns/"
_PREFIXES: Final = {DAV: "D", CARD: "C", CS: "CS"}
_SPACE: Final = " "  # between namespace and name in expat's names


class XmlError(Exception):
    """This is no XML, or more than is read."""


class Element(Struct):
    namespace: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    def find(self, namespace: str, name: str) -> Element | None:
        return next((one for one in self.children if one.key == (namespace, name)), None)

    def all(self, namespace: str, name: str) -> Iterator[Element]:
        return (one for one in self.children if one.key == (namespace, name))


def parse_xml(data: bytes) -> Element:
    """The root; raises XmlError."""
    parser = expat.ParserCreate(namespace_separator=_SPACE)
    parser.buffer_text = True
    top = Element("", "")
    stack = [top]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > ELEMENTS_MAX or len(stack) > DEPTH_MAX:
            raise XmlError(f"more than {ELEMENTS_MAX} elements, or deeper than {DEPTH_MAX}")
        namespace, _, local = name.rpartition(_SPACE)
        one = Element(namespace, local, attributes)
        stack[-1].children.append(one)
        stack.append(one)

    def end(_: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    def refuse(*_: object) -> None:
        raise XmlError("a document type is not taken")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes no keywords
    except expat.ExpatError as error:
        raise XmlError(f"this is no XML: {error}") from None
    return top.children[0]


# --- writing ---

Name = tuple[str, str]


def tag(name: Name, content: str = "", **attributes: str) -> str:
    """`content` is XML."""
    namespace, local = name
    prefix = _PREFIXES.get(namespace)
    head = f"{prefix}:{local}" if prefix else local
    words = "".join([f' {key.replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()])
    if not prefix:
        words = f' xmlns="{escape(namespace)}"' + words
    return f"<{head}{words}>{content}</{head}>" if content else f"<{head}{words}/>"


def text_tag(name: Name, text: str) -> str:
    return tag(name, clean(text))


def clean(text: str) -> str:
    """Escaped, without characters that XML cannot hold."""
    return escape(
        "".join([c for c in text if c >= " " or c in "\t\n\r"]).replace("\ufffe", "").replace("\uffff", "")
    )


def href(path: str) -> str:
    return text_tag((DAV, "href"), path)


def document(name: Name, content: str) -> bytes:
    spaces = "".join([f' xmlns:{prefix}="{escape(namespace)}"' for namespace, prefix in _PREFIXES.items()])
    head = f"{_PREFIXES[name[0]]}:{name[1]}"
    whole = f'<?xml version="1.0" encoding="utf-8"?>\n<{head}{spaces}>{content}</{head}>\n'
    return whole.encode("utf-8", "replace")


def response(path: str, found: str, missing: Iterable[Name] = ()) -> str:
    """RFC 4918 §14.24: one resource, with what it has and what it has not."""
    parts = href(path)
    absent = "".join([tag(name) for name in missing])
    if found or not absent:
        parts += _propstat(found, "200 OK")
    if absent:
        parts += _propstat(absent, "404 Not Found")
    return tag((DAV, "response"), parts)


def _propstat(props: str, status: str) -> str:
    return tag((DAV, "propstat"), tag((DAV, "prop"), props) + text_tag((DAV, "status"), f"HTTP/1.1 {status}"))


def status_response(path: str, status: str, error: str = "") -> str:
    parts = href(path) + text_tag((DAV, "status"), f"HTTP/1.1 {status}")
    return tag((DAV, "response"), parts + (tag((DAV, "error"), error) if error else ""))


def multistatus(responses: Iterable[str], more: str = "") -> bytes:
    return document((DAV, "multistatus"), "".join(responses) + more)
