"""Bytes to text by a charset label, with repair.  Never raises."""

from __future__ import annotations

import codecs
import re
import sys
from functools import lru_cache
from typing import Final, final

# Labels seen in mail -> the superset codec that reads what senders really send under them.
_ALIASES: Final[dict[str, str]] = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "ms936": "gb18030",
    "windows-936": "gb18030",
    "chinesebig5": "big5hkscs",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "l1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "x-user-defined": "cp1252",
    "ansi_x3.4-1968": "ascii",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8": "utf-8",
    "utf8mb4": "utf-8",
    "cp-850": "cp850",
}
# Labels that say nothing: look at the bytes.
_UNKNOWN: Final = frozenset(
    {"", "ascii", "unknown-8bit", "x-unknown", "unknown", "8bit", "7bit", "binary", "default", "none"}
)
_NOT_CHARSETS: Final = frozenset(
    {"idna", "punycode", "mbcs", "oem", "undefined", "unicode_escape", "unicode-escape", "raw_unicode_escape",
     "raw-unicode-escape"}
)  # fmt: skip
_AROUND_LABEL: Final = " \t\r\n\"'"
_MAX_LABEL: Final = 40
_SAMPLE_BYTES: Final = 4096
_HALVES: Final = re.compile("[\ud800-\udfff]")
_ISO2022: Final = re.compile(rb"\x1b\$[@B]|\x1b\([JI]")


def codec_name(label: str) -> str | None:
    """The Python codec for a charset label, or None when there is none."""
    if len(label) > _MAX_LABEL:
        label = label.strip(_AROUND_LABEL)
    return _codec_of(label) if len(label) <= _MAX_LABEL else None


@lru_cache(256)
def _codec_of(label: str) -> str | None:
    key = label.strip(_AROUND_LABEL).lower()
    key = _ALIASES.get(key, key)
    if not key or not key.isascii() or "\0" in key:
        return None
    try:
        info = codecs.lookup(key)
    except (LookupError, ValueError):
        return None
    # Python's codec registry holds transformations too (base64, rot13); they are no charsets
    if not getattr(info, "_is_text_encoding", True) or info.name in _NOT_CHARSETS:
        return None
    return info.name


def decode_bytes(raw: bytes, label: str = "") -> str:
    """Text of `raw`, labelled `label`.

    Pure ASCII is ASCII whatever the label, except for the 7-bit encodings of two-byte sets.  A label that is
    missing, unknown or contradicted by the bytes gives way to a guess: UTF-8 when it is valid, else the
    label with replacement characters, else windows-1252.
    """
    name = codec_name(label)
    if raw.isascii() and _is_ascii(name, wide=b"\0" in raw or len(raw) < _WIDE_BYTES):
        if b"\x1b" in raw and _ISO2022.search(raw):
            return raw.decode("iso2022_jp_ext", "replace")
        return raw.decode("ascii")
    if name is None or name in _UNKNOWN:
        return _guess(raw)
    try:
        return _whole(raw.decode(name), name)
    except (UnicodeError, ValueError):
        pass
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _whole(raw.decode(name, "replace"), name)


def _whole(text: str, name: str) -> str:
    """UTF-7 alone can name half of a character, which no store and no answer can hold."""
    return _HALVES.sub("\ufffd", text) if name == "utf-7" else text


_NATIVE: Final = {name: f"{name}-{sys.byteorder[0]}e" for name in ("utf-16", "utf-32")}
_MARKS: Final = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}


@final
class CharsetProbe:
    """What `decode_bytes` would decode octets with that come in pieces."""

    __slots__ = ("_ascii", "_escaped", "_last", "_name", "_sample", "_strict", "_zeros")

    def __init__(self, label: str) -> None:
        self._name = codec_name(label)
        self._ascii = True
        self._zeros = False
        self._escaped = False
        self._last = b""
        self._sample = b""
        names = {"utf-8", "gb18030", self._name or "utf-8", _NATIVE.get(self._name or "", "utf-8")}
        self._strict = {name: codecs.getincrementaldecoder(name)("strict") for name in names}

    def feed(self, piece: bytes) -> None:
        self._ascii = self._ascii and piece.isascii()
        self._zeros = self._zeros or b"\0" in piece
        joined = self._last + piece
        self._escaped = self._escaped or _ISO2022.search(joined) is not None
        self._last = joined[-2:]
        if len(self._sample) < _SAMPLE_BYTES:
            self._sample += piece[: _SAMPLE_BYTES - len(self._sample)]
        self._decode(piece, final=False)

    def _decode(self, piece: bytes, *, final: bool) -> None:
        for name, decoder in list(self._strict.items()):
            try:
                decoder.decode(piece, final)
            except (UnicodeError, ValueError):
                del self._strict[name]

    def verdict(self) -> tuple[str, str]:
        """Codec and how to take errors; nothing may be fed any more."""
        self._decode(b"", final=True)
        name = self._name
        if name in _NATIVE and not self._sample.startswith(_MARKS[name]):
            name = _NATIVE[name]  # decoders of pieces insist on the mark
        if self._ascii and _is_ascii(name, wide=self._zeros or len(self._sample) < _WIDE_BYTES):
            return ("iso2022_jp_ext", "replace") if self._escaped else ("ascii", "strict")
        if name is None or name in _UNKNOWN:
            if "utf-8" in self._strict:
                return "utf-8", "strict"
            guessed = _looks_double_byte(self._sample) and "gb18030" in self._strict
            return ("gb18030", "strict") if guessed else ("cp1252", "replace")
        for valid in (name, "utf-8"):
            if valid in self._strict:
                return valid, "strict"
        return name, "replace"


_WIDE_BYTES: Final = 16
"""Texts of two or four octets a character that are so long hold zeros, or octets that are not ASCII."""


def _is_ascii(name: str | None, *, wide: bool) -> bool:
    """Whether octets below 128, labelled so, are ASCII; `wide`: they may be what two octets a character look like."""
    if name is None or not _seven_bit_codec(name):
        return True
    return not wide and name.startswith(("utf-16", "utf-32", "utf_16", "utf_32"))


def _seven_bit_codec(name: str) -> bool:
    return name.startswith(("iso2022", "iso-2022", "hz", "utf-7", "utf-16", "utf-32", "utf_16", "utf_32"))


def _guess(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    # Chinese mail without a label is the common case of raw 8-bit: pairs of high bytes, valid in GB 18030.
    if _looks_double_byte(raw):
        try:
            return raw.decode("gb18030")
        except UnicodeDecodeError:
            pass
    return raw.decode("cp1252", "replace")


_PAIRS: Final = re.compile(rb"(?:[\xa1-\xf7][\xa1-\xfe]){2,}")
_HIGH: Final = re.compile(rb"[\x80-\xff]+")


def _looks_double_byte(raw: bytes) -> bool:
    sample = raw[:_SAMPLE_BYTES]
    high = sum(len(run) for run in _HIGH.findall(sample))
    paired = sum(len(run) for run in _PAIRS.findall(sample))
    return paired >= 4 and paired * 10 >= high * 9
