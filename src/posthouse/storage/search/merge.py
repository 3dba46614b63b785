"""Several segments into one, without the messages that are gone; long lists are streamed, not loaded."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

from posthouse.storage.search.segment import BODY, DOCS_MAX, HEADER, SHORT_FIELDS, Segment, write_segment
from posthouse.storage.search.texts import TEXT_END, TextPacker

TIER_DOCS: Final = 64
FAN_IN: Final = 8
"""Segments of about the same size that are merged; each tier is so many times larger than the one below."""
MERGED_MAX_BYTES: Final = 96 << 20
"""No segment becomes larger than this by merging, so the memory that takes is bounded."""


def choose(sizes: list[tuple[int, int]]) -> list[int]:
    """Which of the segments, given as (messages, bytes), to merge now; empty: none."""
    tiers: dict[int, list[int]] = {}
    for at, (docs, _) in enumerate(sizes):
        tier = 0
        while docs > TIER_DOCS * FAN_IN**tier:
            tier += 1
        tiers.setdefault(tier, []).append(at)
    for tier in sorted(tiers):
        chosen: list[int] = []
        docs = size = 0
        for at in tiers[tier]:
            docs += sizes[at][0]
            size += sizes[at][1]
            if docs > DOCS_MAX or size > MERGED_MAX_BYTES:
                break
            chosen.append(at)
        if len(chosen) >= FAN_IN:
            return chosen
    return []


def merge_segments(path: Path, segments: list[Segment], alive: Callable[[int], bool]) -> int:
    """Write the messages for which `alive` holds; how many.  A message in two segments is kept once."""
    messages = array("Q")
    numbers: list[list[int]] = []  # by segment: the new number of each message, -1 for those left out
    seen: set[int] = set()
    for segment in segments:
        renumbered = []
        for message in segment.messages:
            if alive(message) and message not in seen:
                seen.add(message)
                renumbered.append(len(messages))
                messages.append(message)
            else:
                renumbered.append(-1)
        numbers.append(renumbered)
    write_segment(
        path,
        messages,
        {name: _values(segments, numbers, name) for name in SHORT_FIELDS},
        {kind: _words(segments, numbers, kind) for kind in (HEADER, BODY)},
        {kind: _texts(segments, numbers, kind) for kind in (HEADER, BODY)},
    )
    return len(messages)


def _values(segments: list[Segment], numbers: list[list[int]], name: str) -> bytes:
    kept: list[bytes] = []
    for segment, renumbered in zip(segments, numbers, strict=True):
        if renumbered:
            values = segment.values(name).split(TEXT_END)
            kept += [value for value, number in zip(values, renumbered, strict=True) if number >= 0]
    return TEXT_END.join(kept)


def _words(
    segments: list[Segment], numbers: list[list[int]], kind: str
) -> Iterator[tuple[bytes, array[int]]]:
    lists = [segment.words(kind) for segment in segments]
    streams = [_stream(lists[at].items(), at) for at in range(len(lists))]
    for word, group in groupby(merge(*streams), key=itemgetter(0)):
        docs: array[int] = array("H")
        for _, at, number in group:
            renumbered = numbers[at]
            docs.extend([new for old in lists[at].numbers(number) if (new := renumbered[old]) >= 0])
        if docs:
            yield word, docs


def _stream(items: Iterator[tuple[bytes, int]], at: int) -> Iterator[tuple[bytes, int, int]]:
    for word, number in items:
        yield word, at, number


def _texts(segments: list[Segment], numbers: list[list[int]], kind: str) -> TextPacker:
    packer = TextPacker()
    for segment, renumbered in zip(segments, numbers, strict=True):
        for text, number in zip(segment.texts(kind).all(), renumbered, strict=True):
            if number >= 0:
                packer.add(text)
    return packer
