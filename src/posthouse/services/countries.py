"""Where an address is, by a file that somebody put there: lines `first,last,CC`, as DB-IP and others publish them.

Nothing is asked over the network.  Memory: 18 bytes for each line.
"""

from __future__ import annotations

import csv
import ipaddress
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence


class Countries:
    def __init__(self, lines: Iterable[list[str]]) -> None:
        """Lines in any order; raises Invalid when one is no range."""
        ranges: dict[int, list[tuple[int, int, str]]] = {4: [], 6: []}
        for number, line in enumerate(lines, 1):
            try:
                first, last = (ipaddress.ip_address(text) for text in line[:2])
                country = line[2]
            except (ValueError, IndexError) as error:
                raise Invalid(Sentence("countries.line", line=number)) from error
            if first.version != last.version or len(country) != 2:
                raise Invalid(Sentence("countries.line", line=number))
            # A /64 is the least that anybody is given.
            shift = 0 if first.version == 4 else 64
            ranges[first.version].append((int(first) >> shift, int(last) >> shift, country.upper()))
        self._tables = {version: _Table(sorted(found)) for version, found in ranges.items()}

    @classmethod
    def read(cls, path: Path) -> Countries:
        """Takes a second for half a million lines: call it in a thread.  Raises Invalid, OSError."""
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return cls(csv.reader(file))
        except (UnicodeDecodeError, csv.Error) as error:
            raise Invalid(Sentence("countries.text")) from error

    def country_of(self, ip: str) -> str:
        """The two letters of ISO 3166, or ""."""
        try:
            address = ipaddress.ip_address(ip.partition("%")[0])
        except ValueError:
            return ""
        mapped = getattr(address, "ipv4_mapped", None) or address
        return self._tables[mapped.version].find(int(mapped) >> (0 if mapped.version == 4 else 64))


class _Table:
    __slots__ = ("_countries", "_firsts", "_lasts")

    def __init__(self, ranges: list[tuple[int, int, str]]) -> None:
        self._firsts = array("Q", [first for first, _, _ in ranges])
        self._lasts = array("Q", [last for _, last, _ in ranges])
        self._countries = "".join(country for _, _, country in ranges)

    def find(self, value: int) -> str:
        at = bisect_right(self._firsts, value) - 1
        if at < 0 or value > self._lasts[at]:
            return ""
        return self._countries[2 * at : 2 * at + 2]
