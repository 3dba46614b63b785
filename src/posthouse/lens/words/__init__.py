"""What lines mean: one table per protocol, a row of Chinese, English and the section that says so for each word."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

LANGUAGES: Final = ("zh", "en")
COLUMNS: Final = 7


class Row(NamedTuple):
    """`text` and `mend` by language; `mend`: what to do about an error, empty where there is nothing."""

    text: tuple[str, str]
    rfc: str
    mend: tuple[str, str]


@cache
def table(protocol: str) -> dict[tuple[str, str], Row]:
    """(kind of word, word) -> row; read once."""
    rows: dict[tuple[str, str], Row] = {}
    for line in files(__name__).joinpath(f"{protocol}.tsv").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, word, zh, en, rfc, mend_zh, mend_en = (line.split("\t") + [""] * COLUMNS)[:COLUMNS]
        rows[kind, word] = Row((zh, en), rfc, (mend_zh, mend_en))
    return rows
