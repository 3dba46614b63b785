"""`posthouse flow`: how many letters came and went, by the hour."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import Output, moment


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("flow", help=say("help.flow"), description=say("help.flow"))
    parser.add_argument("--hours", type=int, default=24, metavar="N", help=say("help.arg.flow_hours"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.flow import HOUR_S, WHAT  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    last = int(SystemClock().now()) // HOUR_S

    async def work(store: Store, _config: Config) -> dict[int, dict[str, int]]:
        hours = range(last - max(arguments.hours, 1) + 1, last + 1)
        sums = {hour: dict.fromkeys(WHAT, 0) for hour in hours}
        for one in await store.flow.read(hours[0]):
            if one.hour in sums and one.what in WHAT:
                sums[one.hour][one.what] += one.count
        return sums

    found = with_store(arguments.config, work)
    out.result([{"at": hour * HOUR_S, **counts} for hour, counts in found.items()])
    rows = [
        (moment(hour * HOUR_S), *(counts[what] for what in WHAT))
        for hour, counts in found.items()
        if any(counts.values())
    ]
    out.table(("time", *(f"flow_{what}" for what in WHAT)), rows)
    return 0
