"""Cost of the IMAP wire layer: parsing a command, formatting a FETCH row.  `python bench/imap_wire.py`."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from typing import Any

from posthouse.wire.imap.client import ResponseReader
from posthouse.wire.imap.engine import Engine
from posthouse.wire.imap.fetch_item import BodySection
from posthouse.wire.imap.flag_list import FlagLists
from posthouse.wire.imap.format_fetch import compile_row
from posthouse.wire.imap.list_pattern import ListPattern
from posthouse.wire.imap.response import format_search, format_uid_set
from posthouse.wire.imap.sequence_set import parse_sequence_set

_LI = b'(("Li" NIL "li" "163.test"))'
ENVELOPE = (
    b'("Mon, 7 Feb 2026 21:52:25 +0800" "Weekly report" %b %b %b ((NIL NIL "zhang" "qq.test")) NIL NIL NIL '
    b'"<2026.1234567@163.test>")'
) % (_LI, _LI, _LI)


def best(run: Callable[[], Any], count: int, *, repeat: int = 5) -> float:
    """Nanoseconds per item, the best of some runs."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times) / count * 1e9


def report(name: str, nanoseconds: float, unit: str = "command") -> None:
    print(f"{name:<58} {nanoseconds:>10.0f} ns/{unit}")


def commands() -> None:
    for line in (
        b"a1 NOOP\r\n",
        b"a1 UID FETCH 1:* (FLAGS)\r\n",
        b"a1 UID FETCH 1:100 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (From To Date)])\r\n",
        b"a1 UID STORE 5,7:9 +FLAGS.SILENT (\\Seen $Junk)\r\n",
        b"a1 UID SEARCH RETURN (ALL) UNSEEN SINCE 1-Feb-2026 NOT FROM zhang\r\n",
        b'a1 SELECT "INBOX"\r\n',
        b"a1 LOGIN {5+}\r\nzhang {6+}\r\nsecret\r\n",
    ):
        engine = Engine()

        def run(line: bytes = line, engine: Engine = engine) -> None:
            for _ in range(10_000):
                engine.receive(line)
                engine.next_event()
                engine.next_event()

        report(line.split(b"\r\n")[0].decode()[:56], best(run, 10_000))


def rows() -> None:
    flags = FlagLists(("$Junk",))
    numbers = range(1, 10_001)
    cases: list[tuple[str, list[Any], Callable[[int], tuple[Any, ...]]]] = [
        ("FLAGS", ["FLAGS"], lambda n: (n, n % 32)),
        ("UID FLAGS", ["UID", "FLAGS"], lambda n: (n, n % 32)),
        ("UID FLAGS MODSEQ", ["UID", "FLAGS", "MODSEQ"], lambda n: (n, n % 32, n)),
        ("UID ENVELOPE", ["UID", "ENVELOPE"], lambda n: (n, ENVELOPE)),
        (
            "UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE",
            ["UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"],
            lambda n: (n, n % 32, 1.7e9 + n * 60.0, 4096, ENVELOPE),
        ),
        ("UID BODY[] of 4 KB", ["UID", BodySection()], lambda n: (n, bytes(4096))),
    ]
    for name, items, make in cases:
        data = [make(n) for n in numbers]
        template = compile_row(items, flags)
        report(f"row {name}", best(lambda t=template, d=data: t.format_rows(numbers, d), 10_000), "row")
    template = compile_row(["UID", "FLAGS"], flags, recent_from=9_000)
    data = [(n, n % 32) for n in numbers]
    report("row UID FLAGS with \\Recent", best(lambda: template.format_rows(numbers, data), 10_000), "row")
    answer = template.format_rows(numbers, data)

    def read() -> None:
        reader = ResponseReader()
        reader.receive(answer)
        while reader.next_response():
            pass

    report("client reads row UID FLAGS", best(read, 10_000, repeat=3), "row")


def sets() -> None:
    singles = ",".join(str(n * 2) for n in range(1, 100_001)).encode()
    ranges = ",".join(f"{n * 4}:{n * 4 + 1}" for n in range(1, 100_001)).encode()
    for name, text in (("singles", singles), ("ranges", ranges)):
        parsed = parse_sequence_set(text)
        assert parsed is not None
        report(f"parse set of 100k {name}", best(lambda t=text: parse_sequence_set(t), 100_000), "item")
        report(f"resolve set of 100k {name}", best(lambda p=parsed: p.resolve(10**9), 100_000), "item")
    dense = array("I", range(1, 100_001))
    holes = array("I", (n for n in range(1, 110_001) if n % 11))
    report("format_uid_set, 100k without holes", best(lambda: format_uid_set(dense), 100_000), "uid")
    report("format_uid_set, 100k with 10k holes", best(lambda: format_uid_set(holes), 100_000), "uid")
    report("format_search, 100k", best(lambda: format_search(holes), 100_000), "uid")
    pattern = ListPattern("", "*a%b*c")
    report(
        "LIST pattern", best(lambda: [pattern.matches("Archive/2026/abc") for _ in range(1000)], 1000), "name"
    )


if __name__ == "__main__":
    commands()
    rows()
    sets()
