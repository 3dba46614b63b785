"""`posthouse health`: what needs attention, and what to do about it."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import EXIT_PROBLEMS, Output


def add(parsers: Parsers, say: Say) -> None:
    add_store_options(
        parsers.add_parser("health", help=say("help.health"), description=say("help.health")), say
    )


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.node_view import looked_at  # noqa: PLC0415

    found = looked_at(arguments.config, lambda view: view.health(out.language))
    out.result(found)
    for one in found["checks"]:
        out.text(
            "health.one", level=out.say(f"health.{one['level']}"), text=one["text"], advice=one["advice"]
        )
    if not found["checks"]:
        out.text("health.fine", hostname=found["hostname"])
    return EXIT_PROBLEMS if any(one["level"] == "problem" for one in found["checks"]) else 0
