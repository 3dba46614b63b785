"""`posthouse health`: what needs attention, and what to do about it."""

from __future__ import annotations

import argparse
from typing import Any

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import Output

EXIT_PROBLEMS = 4


def add(parsers: Parsers, say: Say) -> None:
    add_store_options(
        parsers.add_parser("health", help=say("help.health"), description=say("help.health")), say
    )


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.app.node_view import View  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def work(store: Store, config: Config) -> dict[str, Any]:
        return await View(store, SystemClock(), config, None).health(out.language)

    found = with_store(arguments.config, work)
    out.result(found)
    for one in found["checks"]:
        out.text(
            "health.one", level=out.say(f"health.{one['level']}"), text=one["text"], advice=one["advice"]
        )
    if not found["checks"]:
        out.text("health.fine", hostname=found["hostname"])
    return EXIT_PROBLEMS if any(one["level"] == "problem" for one in found["checks"]) else 0
