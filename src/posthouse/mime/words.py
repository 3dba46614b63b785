"""RFC 2047 encoded words: decoding (tolerant) and encoding."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from posthouse.mime.charset import decode_bytes

_WORD: Final = re.compile(r"=\?([^?\x00-\x20]{1,60})\?([bBqQ])\?([^?]*(?:\?(?!=)[^?]*)*)\?=")
_BETWEEN: Final = re.compile(r"[ \t\r\n]*\Z")
_NEWLINE: Final = re.compile(r"\r?\n")
_Q_HEX: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
_B64_JUNK: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_NOT_Q_SAFE: Final = re.compile(rb"[^A-Za-z0-9!*+/-]")  # RFC 2047 §5 (3): safe inside a phrase
_SURROGATES: Final = re.compile("[\udc80-\udcff]")

MAX_WORD: Final = 64  # RFC 2047 §2: 75 at most, and 76 to a line, with the name of the field


def raw_text(text: str) -> str:
    """Repair raw 8-bit bytes (surrogates) in header text: UTF-8 was tried already, so guess again as one run."""
    if text.isascii() or _SURROGATES.search(text) is None:
        return text
    return decode_bytes(text.encode("utf-8", "surrogateescape"))


def decode_words(text: str) -> str:
    """Unstructured header text -> readable text.  Folding goes, encoded words are decoded, never raises."""
    return decode_unstructured(text).strip(" \t\r\n")


def decode_unstructured(text: str) -> str:
    """The same with the blanks around it.

    RFC 2047 §6.2: blanks between adjacent encoded words go.  Words of one charset are joined as bytes before
    decoding, because senders split characters between words, which §5 forbids.
    """
    if "\n" in text:
        text = _NEWLINE.sub("", text)
    if "=?" not in text:
        return raw_text(text)
    out: list[str] = []
    run: list[bytes] = []
    charset = ""
    last = 0
    # Behind the last end there is no word: each beginning there would be read to the end of the text.
    for match in _WORD.finditer(text, 0, text.rfind("?=") + 2):
        gap = text[last : match.start()]
        label = match[1].partition("*")[0].lower()  # RFC 2231 §5: charset*language
        if run and (label != charset or _BETWEEN.match(gap) is None):
            out.append(decode_bytes(b"".join(run), charset))
            run.clear()
            if _BETWEEN.match(gap) is None:
                out.append(raw_text(gap))
        elif not run:
            out.append(raw_text(gap))
        run.append(_decode_payload(match[2], match[3]))
        charset = label
        last = match.end()
    if run:
        out.append(decode_bytes(b"".join(run), charset))
    out.append(raw_text(text[last:]))
    return "".join(out)


def _decode_payload(kind: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "surrogateescape")
    if kind in "qQ":
        return _Q_HEX.sub(lambda m: bytes([int(m[1], 16)]), raw.replace(b"_", b" "))
    raw = _B64_JUNK.sub(b"", raw)
    if len(raw) % 4 == 1:
        raw = raw[:-1]
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return b""


def encode_words(text: str) -> str:
    """Encode text for an unstructured field or a phrase: ASCII as it is, else UTF-8 encoded words of at most 64.

    Words are joined by one blank, so folding may break between them; no character is split (RFC 2047 §5).
    """
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text
    raw = text.encode("utf-8", "replace")
    safe = len(_NOT_Q_SAFE.findall(raw))
    room = MAX_WORD - len("=?utf-8?q??=")
    if safe * 3 <= len(raw):
        return " ".join(f"=?utf-8?q?{chunk}?=" for chunk in _q_chunks(text, room))
    return " ".join(
        f"=?utf-8?b?{base64.b64encode(chunk).decode('ascii')}?="
        for chunk in _byte_chunks(text, room // 4 * 3)
    )


def _q_chunks(text: str, room: int) -> list[str]:
    chunks = [""]
    for char in text:
        raw = char.encode("utf-8", "replace")
        piece = "_" if char == " " else _NOT_Q_SAFE.sub(lambda m: b"=%02X" % m[0][0], raw).decode("ascii")
        if len(chunks[-1]) + len(piece) > room:
            chunks.append("")
        chunks[-1] += piece
    return chunks


def _byte_chunks(text: str, room: int) -> list[bytes]:
    chunks = [b""]
    for char in text:
        raw = char.encode("utf-8", "replace")
        if len(chunks[-1]) + len(raw) > room:
            chunks.append(b"")
        chunks[-1] += raw
    return chunks
