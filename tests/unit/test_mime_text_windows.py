"""Searching a long part in windows finds what searching the whole finds."""

from __future__ import annotations

import base64
import quopri
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mime import search_text, text_windows
from posthouse.mime.charset import CharsetProbe, decode_bytes
from posthouse.mime.page_windows import page_windows
from posthouse.mime.scan import Part, scan
from posthouse.mime.search_text import body_pieces, fold, page_text
from posthouse.mime.text_windows import held_of, is_long

TEXTS = st.text(
    st.sampled_from("aAbz é\u0301\u0323ßẞﬁ中文が\u3099ＡＢ가İΣς=\r\n\t .~\ud83d\ude00\u0344")
    | st.characters(exclude_categories=["Cs"]),
    max_size=80,
)
CHARSETS = [
    "",
    "utf-8",
    "us-ascii",
    "gb2312",
    "big5",
    "iso-2022-jp",
    "utf-16",
    "utf-7",
    "windows-1252",
    "no-such",
    "hz",
]


def message(body: bytes, charset: str, encoding: str = "8bit") -> tuple[bytes, Part]:
    head = f"Content-Type: text/plain; charset={charset or 'x-unknown'}\r\n"
    content = f"{head}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body
    return content, scan(content)


@pytest.fixture(params=[1, 3, 64])
def window_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(text_windows, "WINDOW_BYTES", request.param)
    return int(request.param)


@pytest.mark.usefixtures("window_bytes")
@given(
    text=TEXTS,
    charset=st.sampled_from(CHARSETS),
    encoding=st.sampled_from(["8bit", "base64", "qp"]),
    data=st.data(),
)
def test_the_same_is_found_as_in_the_whole(
    text: str, charset: str, encoding: str, data: st.DataObject
) -> None:
    try:
        raw = text.encode(charset or "utf-8", "replace")
    except LookupError:
        raw = text.encode("gb18030")
    if encoding == "base64":
        raw, encoding = base64.encodebytes(raw).replace(b"\n", b"\r\n"), "base64"
    elif encoding == "qp":
        raw, encoding = quopri.encodestring(raw), "quoted-printable"
    content, root = message(raw, charset, encoding)
    [whole] = body_pieces(content, root)
    at = data.draw(st.integers(0, max(len(whole) - 1, 0)))
    needles = [
        whole[at : at + 3],
        whole[at : at + 20],
        fold(text[:4]),
        "",
        "absent",
        *data.draw(st.lists(TEXTS.map(fold), max_size=2)),
    ]
    assert held_of(content, root, needles) == {needle for needle in needles if needle in whole}


@given(
    raw=st.binary(max_size=60) | TEXTS.map(lambda text: text.encode("gb18030")),
    label=st.sampled_from(CHARSETS),
)
def test_pieces_are_decoded_as_the_whole(raw: bytes, label: str) -> None:
    probe = CharsetProbe(label)
    for at in range(0, len(raw), 3):
        probe.feed(raw[at : at + 3])
    assert raw.decode(*probe.verdict()) == decode_bytes(raw, label)


@pytest.mark.usefixtures("window_bytes")
@given(
    raw=st.lists(st.sampled_from([b"YWJj", b"=", b"YQ==", b"Y", b"\r\n", b"!", b"eHl6"]), max_size=12).map(
        b"".join
    )
)
def test_broken_base64(raw: bytes) -> None:
    content, root = message(raw, "us-ascii", "base64")
    [whole] = body_pieces(content, root)
    assert held_of(content, root, [whole, whole[1:]]) >= {whole}


@pytest.mark.usefixtures("window_bytes")
@given(
    raw=st.lists(
        st.sampled_from([b"=41", b"=", b"=4", b" ", b"\t", b"\r\n", b"=\r\n", b"x", b"\n", b"\r"]),
        max_size=12,
    ).map(b"".join)
)
def test_broken_quoted_printable(raw: bytes) -> None:
    content, root = message(raw, "us-ascii", "quoted-printable")
    [whole] = body_pieces(content, root)
    assert held_of(content, root, [whole]) == {whole}


@given(text=TEXTS.map(lambda text: text * 3), at_once=st.integers(1, 9))
def test_long_texts_are_folded_in_pieces(text: str, at_once: int) -> None:
    whole = fold(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_text, "FOLDED_AT_ONCE", at_once)
        assert fold(text) == whole


MARKUP = "<!-- --> -- -> <!- > < </ / <style <style> </style <script </script> <b> </b <p <stylex> &amp; &lt; &#6 5;"
OTHER = (
    "</STYLE x>",
    "<a href='",
    "<!doctype a>",
    " x>",
    "&notit;",
    "&no",
    "t",
    " ",
    "\n",
    "\u3000",
    "abc",
    "中",
    "a" * 70,
)
PIECES = (*MARKUP.split(), *OTHER)
PAGES = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)


@given(page=PAGES, cuts=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_pages_in_stretches(page: str, cuts: list[int]) -> None:
    pieces, at = [], 0
    for number in range(len(page)):
        if at >= len(page):
            break
        step = cuts[number % len(cuts)]
        pieces.append(page[at : at + step])
        at += step
    assert "".join(page_windows(pieces)) == page_text(page)


def test_an_open_comment_takes_little_memory() -> None:
    pieces = ["<p>begin<style>", *["x <y " * 10_000] * 100, "</style>end<!--", *["- > " * 10_000] * 100]
    tracemalloc.start()
    assert "".join(page_windows(pieces)) == "begin end"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_long_part_takes_little_memory() -> None:
    content, root = message(
        b"The quick brown fox jumps over the lazy dog.\r\n" * 300_000 + b"zanzibar\r\n", "utf-8"
    )
    assert is_long(root)
    tracemalloc.start()
    assert held_of(content, root, ["zanzibar", "xyzzy", "dog.\r\nzan"]) == {"zanzibar", "dog.\r\nzan"}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * text_windows.WINDOW_BYTES
