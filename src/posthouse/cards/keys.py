"""What a card is found and sorted by, computed once when it is written.

`keys` is one text: for each of `SECTIONS` a control character that stands for it, then words with a blank before and
behind each.  A word is found by its beginning, Chinese and digits anywhere.  Beside the words themselves there are the
parts of addresses, simplified characters for traditional ones, and for names what people type for them
(`cards.pinyin`): 张伟 is found by 张, zhangwei, zw, and by `zhang w`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from msgspec import Struct

from posthouse.cards.jscontact import full_name, is_cjk
from posthouse.cards.pinyin import is_han, reading, typed
from posthouse.core.casemap import casemap
from posthouse.mime.han_table import SIMPLIFIED, TRADITIONAL

Card = dict[str, Any]
SECTIONS: Final = (
    "given", "surname", "surname2", "name", "nickname", "organization", "email", "phone", "onlineService", "address",
    "note", "other",
)  # fmt: skip
FIRST_MARK: Final = 1
"""Section i is between the characters FIRST_MARK + i and FIRST_MARK + i + 1."""
NAMES: Final = (0, 4)
"""The sections of the filter `name`: from, up to."""
COMPLETED: Final = (0, 7)
"""What an address is completed by: names, nicknames, organizations, addresses."""
WORDS_MAX: Final = 400
"""Words of a section."""
SECTION_MAX: Final = 8192
"""Characters of a text that are looked at."""
EMAILS_MAX: Final = 100
"""Addresses of a card by which it is found as that of a recipient."""
_PARTS: Final = re.compile(r"[^\W_]+")
_DIGITS: Final = re.compile(r"[+(]?\d[\d\s().\-/]{1,40}\d")


class CardFacts(Struct, array_like=True):
    """For the columns of the store."""

    kind: str
    keys: str
    people: str  # the words of COMPLETED once more, each once: what is read at every key that somebody types
    given: str  # to sort by: Chinese as it is read
    surname: str
    surname2: str
    emails: list[str]  # folded; what the recipients of a letter are compared with


class Sought(Struct, frozen=True):
    """One word or phrase that has to be there: as part of a word (Chinese, digits), or from its beginning."""

    text: str
    anywhere: bool


def facts_of(card: Card) -> CardFacts:
    name = card.get("name") or {}
    components = name.get("components") or ()

    def those(kind: str) -> list[str]:
        return [one["value"] for one in components if one["kind"] == kind]

    whole = full_name(card)
    texts: dict[str, list[str]] = {
        "given": those("given"),
        "surname": those("surname"),
        "surname2": those("surname2"),
        "name": [whole, *[one["value"] for one in components], *(name.get("sortAs") or {}).values()],
        "nickname": _of(card, "nicknames", "name"),
        "organization": _organizations(card),
        "email": _of(card, "emails", "address", "label"),
        "phone": _of(card, "phones", "number", "label"),
        "onlineService": _of(card, "onlineServices", "service", "uri", "user", "label"),
        "address": [
            text
            for one in (card.get("addresses") or {}).values()
            for text in (one.get("full"), *(part["value"] for part in one.get("components") or ()))
        ],
        "note": _of(card, "notes", "note"),
        "other": [
            *_of(card, "titles", "name"),
            *(card.get("keywords") or {}),
            *_of(card, "personalInfo", "value"),
        ],
    }
    phonetic = [one["phonetic"] for one in components if one.get("phonetic")]
    texts["name"] += [*phonetic, "".join(phonetic)]
    sections: list[list[str]] = []
    for at, kind in enumerate(SECTIONS):
        words = _words(texts[kind], kind)
        # What the parts of the name have is not repeated in the whole.
        known = {word for section in sections for word in section} if at == NAMES[1] - 1 else ()
        sections.append([word for word in words if word not in known])
    keys = "".join([chr(FIRST_MARK + at) + _joined(words) for at, words in enumerate(sections)])
    people = dict.fromkeys(word for words in sections[slice(*COMPLETED)] for word in words)
    addresses = [casemap(one) for one in _of(card, "emails", "address")[:EMAILS_MAX]]
    given, surname, surname2 = (
        sort_key((texts[kind] or [""])[0]) for kind in ("given", "surname", "surname2")
    )
    return CardFacts(
        str(card.get("kind") or "individual"),
        keys + chr(FIRST_MARK + len(SECTIONS)),
        _joined(_longest(people)),
        given or ("" if surname else sort_key(whole)),
        surname or ("" if given else sort_key(whole)),
        surname2,
        list(dict.fromkeys(addresses)),
    )


def _of(card: Card, name: str, *fields: str) -> list[str]:
    return [one[field] for one in (card.get(name) or {}).values() for field in fields if one.get(field)]


def _organizations(card: Card) -> list[str]:
    found = _of(card, "organizations", "name")
    for one in (card.get("organizations") or {}).values():
        found += [unit["name"] for unit in one.get("units") or ()]
    return found


def sort_key(text: str) -> str:
    return reading(folded(text))[:100]


@cache
def _simpler() -> dict[int, int]:
    return str.maketrans(TRADITIONAL, SIMPLIFIED)


def folded(text: str) -> str:
    """In one case, without accents and control characters, one blank between words."""
    plain = casemap(text)
    if not plain.isascii():
        plain = "".join([c for c in plain if not unicodedata.combining(c)])
    return " ".join("".join([c if c.isprintable() else " " for c in plain]).split())


def _words(texts: Iterable[str | None], name: str) -> list[str]:
    words: dict[str, None] = {}
    for text in texts:
        if text:
            whole = folded(text[:SECTION_MAX])
            words[whole] = None
            words.update(dict.fromkeys(_parts(whole, name)))
    words.pop("", None)
    return list(words)[:WORDS_MAX]


def _longest(words: Iterable[str]) -> list[str]:
    """Without those that another one begins with: who looks for the beginning finds that one."""
    found: list[str] = []
    for word in sorted(words, reverse=True):
        if not found or not found[-1].startswith(word):
            found.append(word)
    return found


def _joined(words: Iterable[str]) -> str:
    """With two blanks between them, so that no phrase goes from one to the next."""
    text = "  ".join(words)
    return f" {text} " if text else ""


def _parts(text: str, name: str) -> list[str]:
    """Further words by which a folded text is found."""
    found = [part for word in text.split() for part in _PARTS.findall(word) if part != text]
    if name == "email":
        found.append(text.rpartition("@")[2])
    if text.isascii():
        if name == "phone":
            found += ["".join(c for c in text if c.isdigit())]
        return found
    simple = text.translate(_simpler())
    if simple != text:
        found.append(simple)
    if name in ("given", "surname", "surname2", "name", "nickname", "organization"):
        for run in _han_runs(simple):
            found += typed(run)
    return found


def _han_runs(text: str) -> list[str]:
    return "".join([c if is_han(c) else " " for c in text]).split()


# --- what is asked for ---


SOUGHT_MAX: Final = 1000
"""Characters of what is looked for: marks that are never closed are read to the end, each of them."""


def parse_sought(text: str) -> list[Sought]:
    """RFC 9610 §3.3.1: words that all have to be there; what is in quotation marks is one phrase."""
    found: list[Sought] = []
    for quoted, word in _tokens(text[:SOUGHT_MAX]):
        plain = folded(word).translate(_simpler())
        if not plain:
            continue
        if _DIGITS.fullmatch(plain):
            plain = "".join(c for c in plain if c.isdigit())
        anywhere = any(is_cjk(c) for c in plain) or (plain.isdigit() and len(plain) > 2)
        found.append(Sought(plain if anywhere else f" {plain} " if quoted else f" {plain}", anywhere))
    return list(dict.fromkeys(found))[:32]


def _tokens(text: str) -> Sequence[tuple[bool, str]]:
    r"""(whether in quotation marks, text); `\"`, `\'` and `\\` stand for themselves in a phrase."""
    found: list[tuple[bool, str]] = []
    for match in re.finditer(
        r"\"((?:\\.|[^\"\\])*)\"|(?<!\S)'((?:\\.|[^'\\])*)'(?!\S)|(\S+?)(?=\s|\"|$)", text
    ):
        phrase = match[1] if match[1] is not None else match[2]
        if phrase is not None:
            found.append((True, re.sub(r"\\(.)", r"\1", phrase)))
        else:
            found.append((False, match[3]))
    return found
