"""A plot of lines on two logarithmic scales as a PNG: what the benchmarks need, no more."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_SIZE = 1100, 720
_LEFT, _TOP, _RIGHT, _BOTTOM = 80, 50, 790, 650
_COLOURS = (
    "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22",
    "#003f5c", "#a05195",
)  # fmt: skip


def write_plot(path: Path, title: str, sizes: list[int], lines: dict[str, list[float | None]]) -> None:
    """`lines`: milliseconds by size; None where nothing was measured."""
    image = Image.new("RGB", _SIZE, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    draw.text((_LEFT, 15), title, "black", ImageFont.load_default(18))
    known = [value for values in lines.values() for value in values if value]
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    first, last = math.log10(sizes[0]), math.log10(max(sizes[-1], sizes[0] * 10))

    def place(size: int, value: float) -> tuple[float, float]:
        right = (math.log10(size) - first) / (last - first)
        up = (math.log10(value) - low) / (high - low)
        return _LEFT + right * (_RIGHT - _LEFT), _BOTTOM - up * (_BOTTOM - _TOP)

    for decade in range(low, high + 1):
        _, y = place(sizes[0], 10.0**decade)
        draw.line((_LEFT, y, _RIGHT, y), "#dddddd")
        text = f"{10**decade:g} ms" if decade < 3 else f"{10 ** (decade - 3):g} s"
        draw.text((_LEFT - 8, y), text, "black", font, anchor="rm")
    for size in sizes:
        x, _ = place(size, 10.0**low)
        draw.line((x, _TOP, x, _BOTTOM), "#dddddd")
        draw.text((x, _BOTTOM + 8), f"{size:,}", "black", font, anchor="mt")
    draw.text(((_LEFT + _RIGHT) / 2, _BOTTOM + 32), "messages in the mailbox", "black", font, anchor="mt")
    ends = []
    for (name, values), colour in zip(lines.items(), _COLOURS, strict=False):
        points = [place(size, value) for size, value in zip(sizes, values, strict=True) if value]
        draw.line(points, colour, 2)
        for x, y in points:
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), colour)
        if points:
            ends.append((points[-1][1], name, colour))
    free = float(_TOP)
    for y, name, colour in sorted(ends):  # names beside the ends of their lines, none upon another
        free = max(free, y)
        draw.text((_RIGHT + 14, free), name, colour, font, anchor="lm")
        free += 19
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)
