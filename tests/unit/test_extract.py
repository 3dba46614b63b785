"""Text of documents, and documents made to do harm: the process that reads them is confined, and replaced."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.extract import Extractor, process
from posthouse.extract.documents import TEXT_MAX
from tests.unit.office import docx, odt, pdf, pptx, xlsx, zipped


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    extractor = Extractor()
    yield extractor
    extractor.close()


@pytest.mark.parametrize(
    ("kind", "document", "expected"),
    [
        ("pdf", pdf("The answer is 42"), ["The answer is 42"]),
        ("docx", docx("驿站来信", "second line"), ["驿站来信\n", "second line\n"]),
        ("xlsx", xlsx(["Umsatz", "大写金额"], [17.25, 4711]), ["Umsatz\n", "大写金额\n", "17.25", "4711"]),
        ("pptx", pptx("Agenda", "Questions"), ["Agenda\n", "Questions\n"]),
        ("odf", odt("Größe", "zweite Zeile"), ["Größe\n", "zweite Zeile\n"]),
        ("docx", docx("un", "broken", runs=True), ["unbroken"]),  # a word in two runs
    ],
)
def test_texts(extractor: Extractor, kind: str, document: bytes, expected: list[str]) -> None:
    text = extractor.text(kind, document)
    assert all(piece in text for piece in expected), text


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%b">' % (98 + at, (b"&%c;" % (97 + at)) * 10) for at in range(9))
    + b"]><x><t>&j;</t></x>"
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x><t>&a;</t></x>'


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("pdf", b"%PDF-1.4\nnothing"),
        ("pdf", pdf("x")[:-200]),
        ("docx", b"PK\x03\x04 broken"),
        ("docx", zipped({"word/document.xml": BOMB})),
        ("docx", zipped({"word/document.xml": OUTSIDE})),
        ("docx", zipped({"word/document.xml": b"<t>" + b"x" * (80 << 20) + b"</t>"})),  # unpacks to 80 MiB
        ("docx", zipped({"word/document.xml": b"<a>" * 300_000})),
        ("xlsx", zipped({f"xl/worksheets/sheet{n}.xml": b"<row><c" for n in range(3000)})),
        ("odf", b""),
    ],
)
def test_documents_made_to_do_harm(extractor: Extractor, kind: str, document: bytes) -> None:
    assert len(extractor.text(kind, document)) <= TEXT_MAX
    assert "42" in extractor.text("pdf", pdf("42"))


def test_a_text_without_end_is_cut(extractor: Extractor) -> None:
    text = extractor.text("docx", docx(*["some words of a line"] * 80_000))
    assert len(text) == TEXT_MAX


CHILD = """
import encodings.idna, os, resource, socket, sys
from posthouse.extract import child
child.confine()
def tries(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"
def connect():
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=2).close()
def write():
    with open(sys.argv[2], "w") as file:
        file.write("x" * 10)
memory = resource.getrlimit(resource.RLIMIT_AS)[0]
print(os.geteuid(), tries(connect), tries(write), tries(lambda: os.setuid(0)), memory)
"""


def test_the_process_is_confined(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        out = subprocess.run(
            [sys.executable, "-c", CHILD, str(port), str(tmp_path / "file")],
            capture_output=True, text=True, check=True, timeout=30,
        ).stdout  # fmt: skip
    uid, network, files, root, memory = out.split()
    assert files != "done"
    assert int(memory) == 512 << 20
    if os.geteuid() == 0:
        assert (uid, root) == ("65534", "PermissionError")
        assert network != "done"


def test_a_document_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ANSWER_S", 0.0)
    extractor = Extractor()
    try:
        assert extractor.text("pdf", pdf("x")) == ""
        assert extractor.failures == 1
        monkeypatch.undo()
        assert "back" in extractor.text("pdf", pdf("back"))
        first = extractor._process
        assert first is not None
        first.kill()  # it may end at any moment, as after a minute without work
        assert "again" in extractor.text("pdf", pdf("again"))
        assert extractor.failures == 1
    finally:
        extractor.close()


def test_a_process_serves_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SERVED_MAX", 2)
    extractor = Extractor()
    try:
        pids = set()
        for _ in range(4):
            assert "x" in extractor.text("docx", docx("x"))
            assert extractor._process is not None
            pids.add(extractor._process.pid)
        assert len(pids) == 2
    finally:
        extractor.close()
