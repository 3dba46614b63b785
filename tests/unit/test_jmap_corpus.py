"""Email/get and Email/parse beside the answers another server is known to give (shared corpus)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from posthouse.sessions.jmap.email_properties import DEFAULT_GET, Wanted
from posthouse.wire.jmap.ids import BlobName
from tests.mail_corpus import corpus_directory

pytestmark = pytest.mark.corpus
ROOT = corpus_directory() / "stalwart-server" / "jmap"
PLAIN = ("messageId", "inReplyTo", "references", "from", "to", "cc", "bcc", "replyTo", "sender", "subject")
# Ours follow RFC 8621 where the other server does not: names are trimmed (§4.1.2.3), and so on.
KNOWN_DIFFERENCES = {
    ("headers", "to"): "§4.1.2.3: white space around a name goes",
    ("headers", "from"): "§4.1.2.3: a comment stands in for a name only where there is none",
    (
        "headers",
        "cc",
    ): "a group that never ends: we read what follows its first semicolon as RFC 5322 §3.4 has it",
}


def cases() -> list[Any]:
    found = []
    for folder in ("email_get", "email_set"):
        found += [
            pytest.param(path, id=f"{folder}/{path.stem}")
            for path in sorted((ROOT / folder).glob("*.json"))
            if path.with_suffix(".eml").exists()
        ]
    return found


def without_empty(value: Any) -> Any:
    """The other answers leave out what is null."""
    if isinstance(value, dict):
        return {
            key: without_empty(one) for key, one in value.items() if one is not None and key not in _VARIES
        }
    if isinstance(value, list):
        return [without_empty(one) for one in value]
    return value


_VARIES = {"partId", "blobId", "headers"}


@pytest.mark.parametrize("path", cases())
def test_like_the_expected_answer(path: Path) -> None:
    expected = json.loads(path.read_text())
    content = path.with_suffix(".eml").read_bytes()
    wanted = Wanted([*DEFAULT_GET, "bodyStructure"], None, (True, True, True), 0)
    got, _ = wanted.parsed(content, BlobName("U", 1))
    for name in PLAIN:
        if (path.stem, name) in KNOWN_DIFFERENCES or (
            path.parent.name == "email_set" and name not in expected
        ):
            continue
        assert without_empty(got[name]) == without_empty(expected.get(name)), name
    if "bodyStructure" in expected:
        assert types(got["bodyStructure"]) == types(expected["bodyStructure"])
    # The other leaves pictures and sounds out of what is shown, which RFC 8621 §4.1.4 puts in.
    for name in ("textBody", "htmlBody") if path.parent.name == "email_get" else ():
        shown = [types(one) for one in got[name] if one["type"].startswith("text/")]
        assert shown == [types(one) for one in expected[name] if one["type"].startswith("text/")], name


def types(part: dict[str, Any]) -> Any:
    """The shape of a structure; sizes apart: the other counts encoded octets, RFC 8621 §4.1.4 decoded ones."""
    inner = part.get("subParts")
    if inner:
        return part["type"], [types(one) for one in inner]
    return part["type"], part.get("name"), part.get("disposition"), part.get("cid")
