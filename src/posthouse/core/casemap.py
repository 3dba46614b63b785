"""The collation i;unicode-casemap (RFC 5051): texts that differ in case or compatibility forms compare equal."""

from __future__ import annotations

import unicodedata


def casemap(text: str) -> str:
    """The form in which texts are compared for equality and as substrings.

    RFC 5051 §2: a character's title case, then its compatibility decomposition.  Lower case stands for title case
    here, which makes the same texts equal; for order use `collation_key`.
    """
    if text.isascii():
        return text.lower()
    if "ß" in text or "ẞ" in text:
        # Title case by single characters leaves the sharp s as it is; only full case folding makes it "ss".
        return "ß".join(map(casemap, text.replace("ẞ", "ß").split("ß")))
    return unicodedata.normalize("NFKD", text).casefold()


def collation_key(upper: str) -> str:
    """The form that sorts, of a text in upper case: code points compare as their UTF-8 octets do."""
    return upper if upper.isascii() else unicodedata.normalize("NFKD", upper)
