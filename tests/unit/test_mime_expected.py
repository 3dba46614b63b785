"""Structures that other projects expect of the corpus messages beside them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from posthouse.mime.scan import LEAF, MULTIPART, Part, scan, walk
from posthouse.mime.section import parse_section, section_bytes
from tests.mail_corpus import corpus_directory

pytestmark = pytest.mark.corpus


def _offsets(parts: list[dict[str, Any]]) -> set[tuple[int, int]]:
    """(body start, body end) of the leaves of a stalwart-mail-parser answer; nested messages opened."""
    found = set()
    for part in parts:
        body = part["body"]
        if isinstance(body, dict) and "Message" in body:
            found |= _offsets(body["Message"]["parts"])
        elif not (isinstance(body, dict) and "Multipart" in body):
            found.add((part["offset_body"], part["offset_end"]))
    return found


def mail_parser_pairs() -> list[tuple[str, Path, Path]]:
    folder = corpus_directory() / "stalwart-mail-parser"
    pairs = [(path.with_suffix(".eml"), path) for path in sorted(folder.rglob("*.json"))]
    return [(str(eml.relative_to(folder)), eml, truth) for eml, truth in pairs if eml.exists()]


# Where we read otherwise than mail-parser, and why.  Dovecot reads all of them as we do, save 007.
MAIL_PARSER_OTHERWISE = {
    "legacy/049.eml": "a last line without line end belongs to the body",
    "malformed/000.eml": "a boundary line ends a header, so those parts are there, and empty",
    "malformed/001.eml": "of two open boundaries that match a line the longer one wins",
    "malformed/002.eml": "text before the first boundary line is preamble, no part",
    "malformed/007.eml": "a boundary line directly after a header opens a part",
    "malformed/009.eml": "the second boundary line of the inner multipart opens its second part",
    "malformed/011.eml": "as 009",
    "malformed/012.eml": "as 009",
    "malformed/013.eml": "a boundary line at the very end opens an empty part",
    "malformed/014.eml": "as 013",
    "malformed/017.eml": "a Content-Type without semicolon is broken: RFC 2045 §5.2 text/plain",
    "malformed/020.eml": "no closing line of the inner multipart: the outer boundary ends it",
    "malformed/021.eml": "as 020",
    "malformed/022.eml": "message/rfc822 is a message even where its text is none",
    "rfc/008.eml": "RFC 2046 §5.2.1: message/rfc822 is never base64; what is inside is not looked into",
    "thirdparty/005.eml": "a boundary counts at the beginning of a line only (RFC 2046 §5.1.1)",
}


def test_mail_parser_offsets() -> None:
    otherwise = set()
    pairs = mail_parser_pairs()
    for name, eml, truth in pairs:
        data = eml.read_bytes().replace(b"\r\n", b"\n")  # the truth is of this form
        expected = _offsets(json.loads(truth.read_text())["parts"])
        if {(part.body_start, part.body_end) for part in walk(scan(data)) if part.kind == LEAF} != expected:
            otherwise.add(name)
    assert len(pairs) > 100
    assert otherwise == set(MAIL_PARSER_OTHERWISE)


_SERVER_SECTION = re.compile(
    rb"^BODY\[([0-9.]*|HEADER|TEXT|HEADER\.FIELDS(?:\.NOT)? \([^)]*\))\] \{(\d+)\}\r\n", re.MULTILINE
)


def test_server_sections() -> None:
    folder = corpus_directory() / "stalwart-server" / "imap"
    compared = 0
    otherwise: dict[str, set[str]] = {}
    for truth in sorted(folder.glob("*.imap")):
        data = truth.with_suffix(".txt").read_bytes()
        root = scan(data)
        dump = truth.read_bytes()
        for match in _SERVER_SECTION.finditer(dump):
            spec = match[1].decode()
            section = parse_section(spec)
            assert section is not None
            ours = section_bytes(data, root, section)
            if ours is None and spec.endswith(".1"):
                continue  # RFC 9051 §6.4.5.1 gives a text part below a multipart no part 1
            compared += 1
            theirs = dump[match.end() : match.end() + int(match[2])]
            if section.names:
                # They rewrite the names of known fields, and end the list of a message of bare LFs in CRLF.
                ours, theirs = (ours or b"").rstrip(b"\r\n").lower(), theirs.rstrip(b"\r\n").lower()
            if ours != theirs:
                otherwise.setdefault(truth.name, set()).add(spec)
    assert compared > 100
    # RFC 2046 §5.2.1: message/rfc822 is never base64, so its parts are not there; they decode it.
    assert otherwise == {"008.imap": {"2.1", "2.2"}}


def _tree(node: dict[str, Any]) -> Any:
    children = node.get("childNodes") or []
    kind = node["parsedHeader"].get("content-type", {}).get("value", "text/plain")
    return (kind, [_tree(child) for child in children]) if node.get("multipart") else kind


def _our_tree(part: Part) -> Any:
    kind = part.media_type
    return (kind, [_our_tree(child) for child in part.children]) if part.kind == MULTIPART else kind


@pytest.mark.parametrize("name", ["mimetorture", "simple"])
def test_wildduck_trees(name: str) -> None:
    folder = corpus_directory() / "wildduck" / "imap-core" / "test" / "fixtures"
    truth = json.loads((folder / f"{name}.json").read_text())
    assert _our_tree(scan((folder / f"{name}.eml").read_bytes())) == _tree(truth)
