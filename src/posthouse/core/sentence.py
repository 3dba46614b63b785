"""What an error says, before a language is chosen: a key of the catalogue and the values that go into it.

Errors are raised where nobody knows who will read them.  They carry a `Sentence`, and whoever shows it (the command
line) asks for its text in the reader's language; logs and programs get English, which is what `str` gives.
"""

from __future__ import annotations

import errno
from typing import Final

from posthouse.core.sentences_config import CONFIG
from posthouse.core.sentences_errors import ERRORS
from posthouse.core.sentences_start import START

SENTENCES: Final[dict[str, tuple[str, str]]] = {**CONFIG, **START, **ERRORS}
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


def _spoken(value: object, language: str) -> object:
    return value.text(language) if isinstance(value, Sentence) else value


def reason(error: OSError) -> Sentence | str:
    """Why the system refused; what it says itself where we have no words for it."""
    if (error.errno or 0) < 0:  # of getaddrinfo
        return Sentence("host.unknown")
    if str(error.strerror).startswith("["):  # of OpenSSL, whose numbers are its own
        return str(error.strerror)
    key = f"os.{errno.errorcode.get(error.errno or 0, '')}"
    return Sentence(key) if key in SENTENCES else error.strerror or str(error)
