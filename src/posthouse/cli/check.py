"""`posthouse check`: the configuration and every invariant of the stored data."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import EXIT_PROBLEMS, Output


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("check", help=say("help.check"), description=say("help.check"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import find_config, run_with_store  # noqa: PLC0415
    from posthouse.app.config import Config, load_config  # noqa: PLC0415
    from posthouse.app.preflight import preflight, verify_optional  # noqa: PLC0415
    from posthouse.servers.process import find_identity  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415
    from posthouse.storage.rows import Problem  # noqa: PLC0415

    async def check(store: Store, _config: Config) -> list[Problem]:
        return await store.check()

    config = load_config(find_config(arguments.config))
    identity = find_identity(config.user)
    preflight(config, None, identity)
    verify_optional(config, identity)
    problems = run_with_store(config, check)
    out.result({"problems": problems})
    for problem in problems:
        out.line(f"{problem.invariant}: {problem.where}: {problem.text}")
    out.text("check.problems" if problems else "check.fine", count=len(problems))
    return EXIT_PROBLEMS if problems else 0
