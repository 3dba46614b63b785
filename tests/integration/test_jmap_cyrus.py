"""Cyrus as the oracle: `Email/get` of 500 messages of the corpus, ours against its.

Each class of difference is a named rule below, justified, with the number of messages it may explain; what no rule
explains fails.  `make cyrus` runs it alone and prints how often each rule was needed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cyrus import Cyrus, running_cyrus
from tests.mail_corpus import corpus_directory, corpus_files
from tests.unit.jmap_world import jmap_world

pytestmark = [pytest.mark.peers, pytest.mark.corpus, pytest.mark.slow]

COUNT = 500
MAX_BYTES = 200_000
RECEIVED = "2024-02-01T10:00:00Z"
BODY = ["size", "name", "type", "charset", "disposition", "cid", "language", "location", "subParts"]
PROPERTIES = [
    "size", "receivedAt", "keywords", "messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc",
    "replyTo", "subject", "sentAt", "hasAttachment", "preview", "headers", "bodyStructure", "textBody", "htmlBody",
    "attachments", "bodyValues", "header:Subject", "header:From:asRaw", "header:From:asAddresses",
    "header:List-Post:asURLs", "header:Date:asDate", "header:Received:all",
]  # fmt: skip
ARGUMENTS: dict[str, Any] = {
    "properties": PROPERTIES,
    "bodyProperties": ["partId", *BODY],
    "fetchAllBodyValues": True,
}

# Rule -> the most messages it may explain.  More means that something else changed.
RULES = {
    # RFC 8621 §4.1.4: the size is that of what the blob holds; a multipart has none.  Ours is that of its body.
    "size of a multipart": 190,
    # A keyword of Cyrus's own.
    "$hasattachment": 123,
    # RFC 8621 §4.1.4: a preview is up to 256 characters, and free in what it shows.  Cyrus has the first 64 octets of
    # the first text as they stand, marks of HTML included; ours is words, without quoted ones and signatures.
    "preview": 457,
    # RFC 8621 §4.1.4: a client should offer it for downloading.  Cyrus says so of every part it does not show; ours
    # leaves out pictures that the text refers to, signatures and reports, and says so of a message that is one file.
    "has attachment": 31,
    # The line `From ...` of a mailbox file is no field (RFC 5322 §2.2: no blank in a name); Cyrus shows it as one.
    "line of a mailbox file": 144,
    # RFC 8621 §4.1.2: raw octets beyond ASCII that are no UTF-8.  Ours guesses the charset, Cyrus shows U+FFFD.
    "octets without charset": 21,
    # RFC 5321 §4.1.2: a local part that is no dot-atom is a quoted string; Cyrus leaves the quotes off.
    "quoted local part": 4,
    # RFC 8621 §4.1.2.3: a field that holds no address: ours says the list is empty, Cyrus that there is no field.
    "empty list of addresses": 5,
    # A name without an address: ours shows it where a client shows an address, Cyrus leaves it out.
    "a name alone": 5,
    # Grammar broken otherwise: `a, b` inside of brackets, addresses run together, no local part.
    "broken addresses": 3,
    # RFC 6532: UTF-8 in addresses; Cyrus cuts them at the first octet beyond ASCII.
    "UTF-8 in an address": 4,
    # RFC 8621 §4.1.2.5: ids stand in brackets; what else is there is a comment or broken.  Cyrus takes every word.
    "ids without brackets": 7,
    # RFC 8621 §4.1.2.6: a date that breaks the grammar; ours reads more of them than Cyrus does.
    "odd dates": 1,
    # RFC 8621 §4.1.4: `charset` is the parameter, whatever it says; Cyrus says us-ascii where it does not know it,
    # and for parts without one that are no text.
    "charset unknown or of no text": 13,
    # An encoding nobody knows: Cyrus gives nothing, ours the octets as they are with isEncodingProblem.
    "unknown encoding": 3,
    # isEncodingProblem, RFC 8621 §4.1.4: the charset is unknown.  Cyrus does not say so of ASCII octets.
    "unknown charset of ASCII": 3,
    # RFC 2046 §5.1.1: the line end before a boundary belongs to the boundary, also behind a nested closing line.
    "line end before boundary": 1,
    # A CR that ends no line stays in ours.
    "single CR": 3,
    # A boundary that ends in blanks or is the beginning of another, parts behind the closing line, no part at all.
    "broken multipart": 9,
    # RFC 2045 §6.7: `=` before what is no octet; ours keeps the text, Cyrus other parts of it.
    "broken quoted-printable": 10,
    # RFC 8621 §4.1.4, the algorithm: of a multipart/alternative only text/plain and text/html are shown, all else is
    # attached; Cyrus shows text/enriched too.
    "other texts in alternative": 3,
    # RFC 2231 §4: percent-encoded values in plain parameters, folded names.
    "odd names": 1,
    # RFC 8621 §4.1.1: all fields, in order; Cyrus leaves out those with octets that are no UTF-8.
    "fields left out": 16,
    # RFC 2781 §4.3: without a mark it is big-endian, says the RFC; senders mean the other, which makes words of it.
    "UTF-16": 1,
}

ADDRESSES = ("sender", "from", "to", "cc", "bcc", "replyTo")
IDS = ("messageId", "inReplyTo", "references")
LISTS = ("textBody", "htmlBody", "attachments")
Difference = tuple[str, Any, Any]  # what, ours, theirs


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Difference]:
    for name in PROPERTIES:
        one, other = ours[name], theirs.get(name)
        if name == "bodyStructure":
            yield from _structure(one, other)
        elif name in LISTS:
            yield from _parts(name, one, other)
        elif name == "bodyValues":
            yield from _values(list(one.values()), list(other.values()))
        elif name == "headers":
            yield from _fields(one, other)
        elif name in ADDRESSES or name == "header:From:asAddresses":
            yield from _addresses(one, other)
        elif one != other:
            yield name, one, other


def _structure(one: dict[str, Any], other: dict[str, Any]) -> Iterator[Difference]:
    for name in BODY[:-1]:
        if one[name] != other[name]:
            yield f"part {name}", one[name] if name != "size" else (one["type"], one[name]), other[name]
    inner, others = one.get("subParts") or [], other.get("subParts") or []
    if len(inner) != len(others):
        yield "parts", [part["type"] for part in inner], [part["type"] for part in others]
        return
    for part, beside in zip(inner, others, strict=True):
        yield from _structure(part, beside)


def _parts(name: str, one: list[Any], other: list[Any]) -> Iterator[Difference]:
    """Which parts; what they are is compared in the structure."""
    here, there = ([(part["partId"] or "") for part in parts] for parts in (one, other))
    if len(here) != len(there):
        yield name, [part["type"] for part in one], [part["type"] for part in other]


def _values(one: list[Any], other: list[Any]) -> Iterator[Difference]:
    if len(one) != len(other):
        yield "values", len(one), len(other)
        return
    key = (
        str if [v["value"] for v in one] == [v["value"] for v in other] else (lambda v: str(len(v["value"])))
    )
    for value, beside in zip(sorted(one, key=key), sorted(other, key=key), strict=True):
        for name in ("value", "isEncodingProblem", "isTruncated"):
            if value[name] != beside[name]:
                yield name, value[name], beside[name]


def _fields(one: list[Any], other: list[Any]) -> Iterator[Difference]:
    kept = [field for field in other if not field["name"].startswith(("From ", ">From "))]
    if len(kept) != len(other):
        yield "mailbox line", None, None
    if len(kept) != len(one):
        yield "headers", one, kept
        return
    for field, beside in zip(one, kept, strict=True):
        if field != beside:
            yield "field", f"{field['name']}:{field['value']}", f"{beside['name']}:{beside['value']}"


def _addresses(one: Any, other: Any) -> Iterator[Difference]:
    if one and other and len(one) == len(other):
        for mine, its in zip(one, other, strict=True):
            if mine != its:
                yield "address", mine, its
    elif one != other:
        yield "addresses", one, other


# --- which rule explains a difference ---

Predicate = Callable[[Any, Any, bytes], bool]


def _garbled(one: Any, other: Any, message: bytes) -> bool:
    """The message has octets beyond ASCII that say no charset, and the other shows them as U+FFFD."""
    return not message.isascii() and "\ufffd" in str(other)


def _email(one: Any) -> str:
    return str((one or {}).get("email") or "")


EXPLAINED: tuple[tuple[str, tuple[str, ...], Predicate], ...] = (
    ("preview", ("preview",), lambda one, other, _: len(one) <= 256),
    ("$hasattachment", ("keywords",), lambda one, other, _: other == {**one, "$hasattachment": True}),
    (
        "size of a multipart",
        ("part size",),
        lambda one, other, _: one[0].startswith("multipart/") and other == 0,
    ),
    ("has attachment", ("hasAttachment",), lambda *_: True),
    ("line of a mailbox file", ("mailbox line",), lambda *_: True),
    ("octets without charset", ("subject", "address", "part name", "value", "field"), _garbled),
    ("octets without charset", ("value",), lambda one, other, raw: not raw.isascii() and one != other),
    ("octets without charset", ("isEncodingProblem",), lambda one, other, raw: not raw.isascii()),
    ("UTF-8 in an address", ("address", "addresses", "messageId"), lambda one, _, __: not str(one).isascii()),
    ("quoted local part", ("address",), lambda one, other, _: _email(one).replace('"', "") == _email(other)),
    (
        "empty list of addresses",
        ("addresses",),
        lambda one, other, _: (one, other) == ([], None),
    ),
    ("a name alone", ("addresses", "address"), lambda one, other, _: "@" not in str(one)),
    ("broken addresses", ("addresses", "address"), lambda *_: True),
    (
        "ids without brackets",
        IDS,
        lambda one, other, _: not one or (bool(other) and set(one) <= set(other)),
    ),
    ("odd dates", ("sentAt", "header:Date:asDate"), lambda one, other, _: other is None),
    (
        "charset unknown or of no text",
        ("part charset",),
        lambda one, other, _: one is None or other in (None, "us-ascii"),
    ),
    ("unknown encoding", ("part size",), lambda one, other, _: other == 0),
    ("unknown encoding", ("value",), lambda one, other, _: other == ""),
    ("unknown charset of ASCII", ("isEncodingProblem",), lambda one, other, raw: one and raw.isascii()),
    ("line end before boundary", ("part size",), lambda one, other, _: abs(one[1] - other) == 2),
    ("single CR", ("value",), lambda one, other, _: one.replace("\r", "") == other.replace("\r", "")),
    ("broken quoted-printable", ("value", "part size", "isEncodingProblem"), lambda *_: True),
    ("octets without charset", ("header:Subject", "header:From:asRaw"), _garbled),
    (
        "fields left out",
        ("headers", "header:Subject", "header:From:asRaw", "header:Received:all"),
        lambda one, other, _: not other or all(field in one for field in other),
    ),
    ("UTF-16", ("subject",), lambda one, other, raw: b"utf-16" in raw.lower()),
    (
        "other texts in alternative",
        (*LISTS, "values"),
        lambda one, other, _: "text/enriched" in f"{one}{other}" or "text/richtext" in f"{one}{other}",
    ),
    ("odd names", ("part name", "part cid", "part language"), lambda *_: True),
)
BROKEN = ("parts", "part type")
"""Differences after which structures are others, with all that is made of them."""
OF_STRUCTURE = ("part ", "values", "value", "isEncodingProblem", "isTruncated", "hasAttachment", *LISTS)


def explain(
    ours: dict[str, Any], theirs: dict[str, Any], message: bytes
) -> tuple[set[str], list[Difference]]:
    """The rules that explain how both differ, and what none of them does."""
    found = list(differences(ours, theirs))
    used: set[str] = set()
    if any(what in BROKEN for what, _, _ in found):
        used.add("broken multipart")
        found = [one for one in found if not one[0].startswith(OF_STRUCTURE) and one[0] != "parts"]
    rest: list[Difference] = []
    for what, one, other in found:
        for rule, names, holds in EXPLAINED:
            if what in names and holds(one, other, message):
                used.add(rule)
                break
        else:
            rest.append((what, one, other))
    return used, rest


# --- both sides ---


def chosen() -> list[tuple[str, bytes]]:
    """Spread over the corpus; a few more than wanted, as Cyrus does not take all of them."""
    found: dict[bytes, str] = {}
    for path in corpus_files():
        message = re.sub(rb"\r*\n", b"\r\n", path.read_bytes()).rstrip(b"\r")
        if 0 < len(message) <= MAX_BYTES and b"\0" not in message:
            found.setdefault(message, str(path.relative_to(corpus_directory())))
    named = [(name, message) for message, name in found.items()]
    step = len(named) / (COUNT + 25)
    return [named[int(at * step)] for at in range(COUNT + 25)]


def theirs_of(cyrus: Cyrus, messages: list[bytes]) -> list[dict[str, Any] | None]:
    """What Cyrus says of each; None: it does not take it."""
    box = cyrus.open_account()
    blobs = [cyrus.upload(message) for message in messages]
    found: list[dict[str, Any] | None] = []
    for start in range(0, len(blobs), 50):
        emails = {
            str(at): {
                "blobId": blob,
                "mailboxIds": {box: True},
                "keywords": {"$seen": True},
                "receivedAt": RECEIVED,
            }
            for at, blob in enumerate(blobs[start : start + 50])
        }
        made = cyrus.call("Email/import", emails=emails)["created"]
        ids = {at: one["id"] for at, one in made.items()}
        records = {
            one["id"]: one for one in cyrus.call("Email/get", ids=list(ids.values()), **ARGUMENTS)["list"]
        }
        found += [records.get(ids.get(str(at), "")) for at in range(len(emails))]
    return found


@pytest.fixture(scope="module")
def cyrus() -> Iterator[Cyrus]:
    with running_cyrus() as server:
        yield server


async def test_emails_read_alike(cyrus: Cyrus, tmp_path: Path) -> None:
    named = chosen()
    theirs = theirs_of(cyrus, [message for _, message in named])
    taken = [(*one, its) for one, its in zip(named, theirs, strict=True) if its is not None][:COUNT]
    assert len(taken) == COUNT
    used: Counter[str] = Counter()
    unexplained: list[str] = []
    async with jmap_world(tmp_path) as world:
        for name, message, its in taken:
            email = await world.put(message, flags=1, date=1706781600.0)
            [ours] = (await world.call("Email/get", ids=[email], **ARGUMENTS))["list"]
            rules, rest = explain(ours, its, message)
            used.update(rules)
            unexplained += [f"{name} {what}\n  ours   {one}\n  theirs {other}" for what, one, other in rest]
    print("\n".join(f"{count:5} {rule}" for rule, count in used.most_common()))
    assert not unexplained, f"{len(unexplained)}:\n" + "\n".join(unexplained[:10])
    assert all(used[rule] <= RULES[rule] for rule in used), used
    assert set(used) == set(RULES), set(RULES) - set(used)
