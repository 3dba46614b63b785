"""What threads and sorting need of a header: Message-IDs and base subjects."""

from __future__ import annotations

import re
from typing import Final

from posthouse.mime.header import Header

_ID: Final = re.compile(r'<[ \t]*((?:"(?:[^"\\]|\\.)*"|[^<>" \t])[^<>]{0,900})>')
_ONE_ID: Final = re.compile(r"<([^<>\"\s]{1,900})>\Z")  # the form nearly all have
# Tried at the beginning of each run only: a long one without "@" would be read once for each of its characters.
_BARE_ID: Final = re.compile(r"(?<![^\s<>\",;:()])[^\s<>\",;:()]+@[^\s<>\",;:()]+")
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_QUOTED_LOCAL: Final = re.compile(r'"([A-Za-z0-9!#$%&\'*+/=?^_`{|}~.-]+)"@')
# RFC 5256 §5: subj-trailer, subj-leader, subj-blob, with the forms Chinese and European clients write
_BLOB: Final = re.compile(r"\[[^\[\]]*\][ \t]*")
_REFWD: Final = re.compile(
    r"(?:re|fwd?|fw|回复|回覆|答复|转发|轉寄|轉發)[ \t]*(?:\[[^\[\]]*\][ \t]*)?[:：]", re.IGNORECASE
)
_FWD_WRAP: Final = re.compile(r"\[fwd:(.*)\]\Z", re.IGNORECASE | re.DOTALL)

MAX_REFERENCES: Final = 100
"""Message-IDs kept of one header: the first, which names the thread, and the last ones."""
MAX_ANSWERED: Final = 20
"""Message-IDs in the References of an answer that we make."""
MAX_SUBJECT: Final = 2000
"""Characters of a subject that are kept for display, search and sorting."""


def message_ids(value: str) -> list[str]:
    """RFC 5322 §3.6.4: the ids in a field, without brackets; RFC 5256 §3: needless quoting removed."""
    found = [_normalise(match) for match in _ID.findall(value)]
    return found or _BARE_ID.findall(value)


def _normalise(text: str) -> str:
    if not text.isprintable() or " " in text:
        text = _BLANKS.sub("", text)
    return _QUOTED_LOCAL.sub(r"\1@", text, count=1) if text[:1] == '"' else text


def message_id(header: Header) -> str:
    value = header.first("message-id")
    if not value:
        return ""
    if match := _ONE_ID.match(value):
        return match[1]
    found = message_ids(value)
    return found[0] if found else _BLANKS.sub("", value.strip("<>"))


def references(header: Header) -> tuple[str, ...]:
    """RFC 5256 §3 REFERENCES: the References ids, then In-Reply-To's; each once."""
    if "references" not in header.values and "in-reply-to" not in header.values:
        return ()
    found = message_ids(header.first("references") or "")
    # Old In-Reply-To fields hold prose (RFC 5322 §4.5.4): only an id in brackets counts.
    replied = [_normalise(match) for match in _ID.findall(header.first("in-reply-to") or "")]
    unique = list(dict.fromkeys([*found, *replied[:1]]))
    if len(unique) > MAX_REFERENCES:
        unique = unique[:1] + unique[1 - MAX_REFERENCES :]
    return tuple(unique)


def answer_to(header: Header) -> tuple[str, tuple[str, ...]]:
    """RFC 5322 §3.6.4: (In-Reply-To, References) of an answer, without brackets; empty where the letter has no id.

    Ids that are not ASCII are none: the answer would need SMTPUTF8 (RFC 6532 §3.3) for a reference.
    """
    identity = message_id(header)
    if not identity or not identity.isascii():
        return "", ()
    known = tuple(one for one in references(header) if one.isascii())
    if len(known) >= MAX_ANSWERED:
        known = known[:1] + known[2 - MAX_ANSWERED :]
    return identity, (*known, identity)


def base_subject(subject: str) -> str:
    """RFC 5256 §2.1: the subject without reply and forward marks, on decoded text; upper case for comparison."""
    text = subject[:MAX_SUBJECT]
    if "  " in text or not text.isprintable():
        text = _BLANKS.sub(" ", text)
    text = text.strip(" ")
    while True:
        text = _strip_trailers(text)
        text = _strip_leaders(text)
        if text[:1] != "[":
            return text.upper()
        match = _FWD_WRAP.match(text)
        if match is None:
            return text.upper()
        text = match[1].strip(" ")


def _strip_trailers(text: str) -> str:
    while text[-1:] in (" ", "\t", ")"):
        bare = text.rstrip(" \t")
        if bare[-5:].lower() == "(fwd)":
            bare = bare[:-5]
        if bare == text:
            break
        text = bare
    return text


def _strip_leaders(text: str) -> str:
    while text:
        before = text
        rest = text.lstrip(" ")
        blob_end = 0
        while match := _BLOB.match(rest, blob_end):
            blob_end = match.end()
        # RFC 5256 §2.1 (3): blobs before a mark go with it
        if match := _REFWD.match(rest, blob_end):
            text = rest[match.end() :].lstrip(" ")
        # RFC 5256 §2.1 (4): one blob goes when something is left
        elif (match := _BLOB.match(rest)) and match.end() < len(rest):
            text = rest[match.end() :]
        else:
            text = rest
        if text == before:
            break
    return text


def is_reply(subject: str) -> bool:
    """RFC 5256 §3: whether `base_subject` removes the mark of a reply or a forward."""
    text = _BLANKS.sub(" ", subject[:MAX_SUBJECT]).strip(" ")
    while True:
        bare = _strip_trailers(text)
        if bare.rstrip(" ") != text.rstrip(" "):
            return True
        rest = bare.lstrip(" ")
        blob_end = 0
        while match := _BLOB.match(rest, blob_end):
            blob_end = match.end()
        if _REFWD.match(rest, blob_end) or _FWD_WRAP.match(rest):
            return True
        match = _BLOB.match(rest)
        if match is None or match.end() >= len(rest):
            return False
        text = rest[match.end() :]
