"""Content lines of vCard and iCalendar: bytes to properties and back (RFC 6350 §3, RFC 5545 §3.1, RFC 6868).

Lenient in what it takes, as address books of twenty years are brought: lines end in any way, are folded in the middle
of characters or not at all, and have the forms of vCard 2.1 (bare parameters, quoted-printable over several lines).
Charsets are repaired: the label where the bytes agree with it, else what the bytes look like (`mime.charset`).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct, field

from posthouse.mime.charset import decode_bytes

LINE_MAX_BYTES: Final = 16 * 1024 * 1024
"""One unfolded line; a picture may be in it."""
PARAMS_MAX: Final = 64
FOLD_AT: Final = 75
"""RFC 6350 §3.2: octets of a line."""
_HEAD: Final = re.compile(rb"(?:([A-Za-z0-9_.-]+)\.)?([A-Za-z0-9_-]+)")
_PARAM: Final = re.compile(r';([^=;:"]*)(?:=((?:"[^"]*"|[^;:",]*)(?:,(?:"[^"]*"|[^;:",]*))*))?')
_CARET: Final = re.compile(r"\^([n^'])")
_CARET_OF: Final = {"n": "\n", "^": "^", "'": '"'}
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_BARE_ENCODINGS: Final = frozenset(("QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"))


class Property(Struct):
    """`value` as it stands in the line, with its backslashes; quoted-printable is undone."""

    name: str  # in capitals
    value: str
    params: dict[str, list[str]] = field(default_factory=dict)  # names in capitals
    group: str = ""

    def param(self, name: str) -> str:
        """The first value, or ""."""
        return (self.params.get(name) or [""])[0]


def unfolded(data: bytes) -> Iterator[bytes]:
    """RFC 6350 §3.2: the lines; what begins with a blank goes on."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    parts: list[bytes] = []
    size = 0
    quoted = False
    for line in data.split(b"\n"):
        # quirk(vCard 2.1): quoted-printable goes on after a line that ends in "=", without a blank before.
        if quoted and parts and parts[-1].endswith(b"="):
            parts[-1] = parts[-1][:-1]
            parts.append(line)
        elif line[:1] in (b" ", b"\t") and parts and not quoted:
            parts.append(line[1:])
        else:
            if parts and size <= LINE_MAX_BYTES:
                yield b"".join(parts)
            parts, size = [line], 0
            quoted = b"QUOTED-PRINTABLE" in line.partition(b":")[0].upper()
        size += len(line)
    if parts and size <= LINE_MAX_BYTES:
        yield b"".join(parts)


def parse_line(line: bytes) -> Property | None:
    """None for what is no property."""
    match = _HEAD.match(line)
    if match is None or line[match.end() : match.end() + 1] not in (b":", b";"):
        return None
    group, name = (match[1] or b"").decode(), match[2].decode().upper()
    params: dict[str, list[str]] = {}
    at = match.end()
    if line[at : at + 1] == b";":
        end = _end_of_params(line, at)
        if end is None:
            return None
        _read_params(decode_bytes(line[at:end]), params)
        at = end
    raw = line[at + 1 :]
    charset = (params.get("CHARSET") or [""])[0]
    if (params.get("ENCODING") or [""])[0].upper() == "QUOTED-PRINTABLE":
        raw = binascii.a2b_qp(raw)
        del params["ENCODING"]
    params.pop("CHARSET", None)
    return Property(name, _decoded(raw, charset), params, group)


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # Whatever the label says: old phones write GBK and call it UTF-8.
        label = "" if charset.lower().replace("-", "") in ("utf8", "") else charset
        return decode_bytes(raw, label)


def _end_of_params(line: bytes, at: int) -> int | None:
    """Where the colon is that no quotation marks hold."""
    while True:
        colon, mark = line.find(b":", at), line.find(b'"', at)
        if colon < 0:
            return None
        if mark < 0 or colon < mark:
            return colon
        closing = line.find(b'"', mark + 1)
        if closing < 0:
            return colon
        at = closing + 1


def _read_params(text: str, params: dict[str, list[str]]) -> None:
    for count, match in enumerate(_PARAM.finditer(text)):
        if count == PARAMS_MAX:
            return
        name, values = match[1].strip().upper(), match[2]
        if values is None:
            # quirk(vCard 2.1): a value of TYPE or ENCODING without its name.
            if name:
                params.setdefault("ENCODING" if name in _BARE_ENCODINGS else "TYPE", []).append(name.lower())
            continue
        found = [one.strip('"') for one in re.findall(r'"[^"]*"|[^,]+', values)]
        params.setdefault(name, []).extend([_CARET.sub(lambda m: _CARET_OF[m[1]], one) for one in found])


# --- values ---


def split_value(value: str, mark: str) -> list[str]:
    """At marks without a backslash before them; the parts keep their backslashes."""
    if "\\" not in value:
        return value.split(mark)
    parts: list[list[str]] = [[]]
    for piece in re.findall(r"\\.|[^\\]+|\\", value, re.DOTALL):
        first, *rest = [piece] if piece[0] == "\\" else piece.split(mark)
        parts[-1].append(first)
        parts += [[one] for one in rest]
    return ["".join(pieces) for pieces in parts]


def unescape(value: str) -> str:
    """RFC 6350 §3.4."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def escape(text: str) -> str:
    return re.sub(r"([\\;,])", r"\\\1", text.replace("\r\n", "\n")).replace("\n", "\\n")


# --- writing ---


def format_line(one: Property) -> str:
    head = f"{one.group}.{one.name}" if one.group else one.name
    for name, values in one.params.items():
        if values:
            head += f";{name}={','.join([_param_value(value) for value in values])}"
    return fold(f"{head}:{one.value}")


def _param_value(text: str) -> str:
    # RFC 6868 §3.1: what a parameter cannot hold.
    text = (
        text.replace("^", "^^").replace("\n", "^n").replace('"', "^'")
        if re.search(r"[\n\"^]", text)
        else text
    )
    text = "".join([c for c in text if c >= " "])
    return f'"{text}"' if re.search(r"[;:,]", text) else text


def fold(line: str) -> str:
    """With line ends; never inside of a character."""
    data = line.replace("\r", "").replace("\n", "").encode("utf-8", "replace")
    if len(data) <= FOLD_AT:
        return data.decode() + "\r\n"
    parts, at, room = [], 0, FOLD_AT
    while at < len(data):
        end = min(at + room, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(data[at:end].decode())
        at, room = end, FOLD_AT - 1
    return "\r\n ".join(parts) + "\r\n"


def format_lines(properties: Iterable[Property]) -> str:
    return "".join([format_line(one) for one in properties])
