"""Authentication-Results (RFC 8601): written, read, and taken out where somebody forged ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from posthouse.core.address import Address
from posthouse.mailauth.verdict import NONE, PASS, DkimVerdict, DmarcVerdict, SpfVerdict, why
from posthouse.mime.header import header_text, raw_fields

FIELD: Final = b"authentication-results"
RESULTS_MAX: Final = 100
"""Results read from one field."""
VALUE_CHARACTERS_MAX: Final = 64 * 1024

_WIDTH: Final = 78
# RFC 2045 §5.1 token, and what local-part "@" domain-name needs (RFC 8601 §2.2: pvalue)
_PLAIN: Final = re.compile(r"""[^\x00-\x20"(),;<=>?\[\\\]\x7f]+""")
_ESCAPE: Final = re.compile(r'(["\\])')
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_OUTSIDE: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|\\.|[^"\\(]+|["\\])+', re.DOTALL)
_INSIDE: Final = re.compile(r"[^()\\]*(?:\\.[^()\\]*)*", re.DOTALL)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
# Nothing is given back: a run of digits or blanks would be cut at each of its places.
_ID: Final = re.compile(r'\s*+("(?:[^"\\]|\\.)*+"|[^\s;"]++)\s*+([0-9]++)?\s*+(?:;|\Z)', re.DOTALL)
_SPEC: Final = re.compile(
    r'\s*([^\s;="/.]+(?:\s*[/.]\s*[^\s;="/.]+)*)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]+)', re.DOTALL
)
_BLANKS: Final = re.compile(r"\s+")


class Result(Struct):
    """One method's result, as a field has it."""

    method: str
    result: str
    reason: str = ""
    properties: list[tuple[str, str]] = []  # ("header.d", "example.org")


class Results(Struct):
    authserv_id: str
    results: list[Result]


# --- written ---


def format_results(
    authserv_id: str,
    *,
    dkim: Sequence[DkimVerdict],
    spf: SpfVerdict,
    dmarc: DmarcVerdict,
    sender: Address | None,
    helo: str,
) -> bytes:
    """The whole field with its line end."""
    lines = [_dkim(one) for one in dkim] or ["dkim=none"]
    lines.append(_spf(spf, sender, helo))
    lines.append(_dmarc(dmarc))
    out = f"Authentication-Results: {authserv_id}"
    for line in lines:
        out += ";\r\n\t" + _folded(line)
    return out.encode("utf-8", "surrogateescape") + b"\r\n"


def _folded(line: str) -> str:
    lines = [""]
    for word in re.findall(r'(?:"(?:[^"\\]|\\.)*"|\([^)]*\)|[^ ])+', line):
        if lines[-1] and len(lines[-1]) + len(word) + 9 > _WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\r\n\t ".join(lines)


def _dkim(verdict: DkimVerdict) -> str:
    words = [f"dkim={verdict.result}"]
    if verdict.bits:
        words.append(f"({verdict.bits}-bit key{', testing' if verdict.testing else ''})")
    if verdict.unsigned_bytes > 0:
        words.append(f"({verdict.unsigned_bytes} bytes of the body are not signed)")
    words += _reason(verdict.reason)
    for name, value in (
        ("header.d", verdict.domain),
        ("header.i", verdict.identity if verdict.identity != f"@{verdict.domain}" else ""),
        ("header.s", verdict.selector),
        ("header.a", verdict.algorithm),
        ("header.b", verdict.value),
    ):
        if value:
            words.append(f"{name}={_value(value)}")
    return " ".join(words)


def _spf(verdict: SpfVerdict, sender: Address | None, helo: str) -> str:
    words = [f"spf={verdict.result}"]
    if verdict.mechanism and verdict.result not in (NONE,):
        words.append(f"({_comment(verdict.domain)}: {_comment(verdict.mechanism)})")
    words += _reason(verdict.reason)
    if verdict.scope == "mailfrom" and sender is not None:
        words.append(f"smtp.mailfrom={_value(str(sender))}")
    else:
        words.append(f"smtp.helo={_value(helo or 'unknown')}")
    return " ".join(words)


def _dmarc(verdict: DmarcVerdict) -> str:
    words = [f"dmarc={verdict.result}"]
    if verdict.policy:
        by = f" by {' and '.join(verdict.aligned)}" if verdict.result == PASS else ""
        words.append(f"(p={verdict.policy}{by})")
    words += _reason(verdict.reason)
    if verdict.domain:
        words.append(f"header.from={_value(verdict.domain)}")
    return " ".join(words)


def _reason(reason: str) -> list[str]:
    return [f'reason="{why(reason, "en")}"'] if reason else []


def _value(text: str) -> str:
    text = _CONTROL.sub("?", text)
    return text if _PLAIN.fullmatch(text) else '"' + _ESCAPE.sub(r"\\\1", text) + '"'


def _comment(text: str) -> str:
    return re.sub(r"[^!#-'*-\[\]-~]", "?", text)


# --- read ---


def parse_results(value: str) -> Results | None:
    """From what stands behind the colon; None when it is no such field.  What follows a fault is left out."""
    text = _without_comments(value[:VALUE_CHARACTERS_MAX])
    head = _ID.match(text)
    if head is None:
        return None
    found = Results(_unquoted(head[1]).lower(), [])
    pos = head.end()
    while pos < len(text) and len(found.results) < RESULTS_MAX:
        first = _SPEC.match(text, pos)
        if first is None:
            break
        # RFC 8601 §2.2: method [ "/" version ]
        result = Result(_name(first[1]).partition("/")[0], _unquoted(first[2]).lower())
        pos = first.end()
        properties: list[tuple[str, str]] = []
        while (spec := _SPEC.match(text, pos)) is not None:
            name, property_ = _name(spec[1]), _unquoted(spec[2])
            if name == "reason":
                result.reason = property_
            else:
                properties.append((name, property_))
            pos = spec.end()
        result.properties = properties
        found.results.append(result)
        rest = text[pos:].lstrip() if pos < len(text) else ""
        if not rest.startswith(";"):
            break
        pos = len(text) - len(rest) + 1
    return found


def _name(text: str) -> str:
    return _BLANKS.sub("", text).lower()


def _unquoted(text: str) -> str:
    return _QUOTED_PAIR.sub(r"\1", text[1:-1]) if text.startswith('"') else text


def _without_comments(text: str) -> str:
    """RFC 5322 §3.2.2 comments become a blank; an open one takes the rest with it."""
    if "(" not in text:
        return text
    kept: list[str] = []
    depth = pos = 0
    while pos < len(text):
        # A quote means nothing inside a comment, a parenthesis nothing inside quotes.
        match = (_INSIDE if depth else _OUTSIDE).match(text, pos)
        if match is not None:
            if not depth:
                kept.append(match[0])
            pos = match.end()
        if text[pos : pos + 1] == "(":
            depth += 1
        elif depth and text[pos : pos + 1] == ")":
            depth -= 1
            kept.append(" " if not depth else "")
        pos += 1
    return "".join(kept)


# --- taken out ---


def remove_forged(header: bytes, authserv_id: str) -> tuple[bytes, int]:
    """The header without fields that claim to be ours (RFC 8601 §5), and how many those were."""
    if FIELD not in header.lower():
        return header, 0
    kept: list[bytes] = []
    pos = removed = 0
    for name, start, end in raw_fields(header):
        if name == FIELD and _claims(header_text(header[start:end].partition(b":")[2]), authserv_id):
            kept.append(header[pos:start])
            pos = end
            removed += 1
    kept.append(header[pos:])
    return b"".join(kept), removed


def _claims(value: str, authserv_id: str) -> bool:
    head = _ID.match(_without_comments(value[:VALUE_CHARACTERS_MAX]))
    if head is None:  # who reads it more leniently than we do could take it for ours
        return authserv_id in value.lower()
    return _unquoted(head[1]).lower().rstrip(".") == authserv_id
