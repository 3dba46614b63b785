"""`posthouse trace`: the way of a letter, told line by line."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import Output, moment


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("trace", help=say("help.trace"), description=say("help.trace"))
    parser.add_argument("id", nargs="?", metavar="MESSAGE-ID|ID", help=say("help.arg.trace"))
    parser.add_argument("--limit", type=int, default=20, help=say("help.arg.limit"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.services.journal import Told, find_story, tell  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> list[Told]:
        if arguments.id:
            return await find_story(store, arguments.id, out.language)
        return [
            tell(trace, line, out.language) for trace, line in await store.journal.recent(arguments.limit)
        ]

    story = with_store(arguments.config, act)
    out.result(story)
    if not story:
        out.text("trace.none")
    last = ""
    for told in story:
        if told.trace != last:
            last = told.trace
            out.line(told.trace)
        out.line(f"  {moment(told.at)}  {told.text}")
    return 0
