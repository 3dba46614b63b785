"""What an error says, before a language is chosen: a key of the catalogue and the values that go into it.

Errors are raised where nobody knows who will read them.  They carry a `Sentence`, and whoever shows it (the command
line) asks for its text in the reader's language; logs and programs get English, which is what `str` gives.
"""

from __future__ import annotations

import errno
from typing import Any, Final

from posthouse.core.sentences_config import CONFIG
from posthouse.core.sentences_elsewhere import ELSEWHERE
from posthouse.core.sentences_errors import ERRORS
from posthouse.core.sentences_mail import MAIL
from posthouse.core.sentences_start import START

SENTENCES: Final[dict[str, tuple[str, str]]] = {**CONFIG, **START, **ERRORS, **ELSEWHERE, **MAIL}
"""Key -> (Chinese, English).  `tests/unit/test_sentences.py` holds that every key that is used is here."""


class Sentence:
    """`values` fill the braces of the text; those that are sentences themselves are said in the same language."""

    __slots__ = ("key", "values")

    def __init__(self, key: str, /, **values: object) -> None:
        self.key = key
        self.values = values

    def text(self, language: str) -> str:
        """In Chinese ("zh"), or else in English."""
        template = SENTENCES[self.key][0 if language.startswith("zh") else 1]
        return template.format(**{name: _spoken(value, language) for name, value in self.values.items()})

    def __str__(self) -> str:
        return self.text("en")


Packed = tuple[str, dict[str, Any]]
"""A sentence as JSON and MessagePack hold it; those within it are such pairs as well."""


def packed(sentence: Sentence) -> Packed:
    return sentence.key, {name: _packed(value) for name, value in sentence.values.items()}


def _packed(value: object) -> object:
    if isinstance(value, Sentence):
        return packed(value)
    return value if isinstance(value, str | int) else str(value)


def unpacked(pair: Packed) -> Sentence | None:
    """None: an older or a later version said it, in words that this one has not."""
    key, values = pair
    found = {name: _unpacked(value) for name, value in values.items()}
    return Sentence(key, **found) if key in SENTENCES and None not in found.values() else None


def _unpacked(value: Any) -> object:
    return unpacked((value[0], value[1])) if isinstance(value, list | tuple) else value


def _spoken(value: object, language: str) -> object:
    return value.text(language) if isinstance(value, Sentence) else value


def reason(error: OSError) -> Sentence:
    """Why the system refused; where we have no words for it they quote what it says itself."""
    if (error.errno or 0) < 0:  # of getaddrinfo
        return Sentence("host.unknown")
    said = str(error.strerror or error)
    if said.startswith("["):  # of OpenSSL, whose numbers are its own
        return Sentence("tls.unverified" if "CERTIFICATE_VERIFY_FAILED" in said else "tls.unfit", said=said)
    key = f"os.{errno.errorcode.get(error.errno or 0, '')}"
    return Sentence(key) if key in SENTENCES else Sentence("os.other", said=said)
