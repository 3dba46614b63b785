"""`posthouse sign-ins`: who came when, from where, by which program, and what became of it."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import Output, moment


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("sign-ins", help=say("help.sign-ins"), description=say("help.sign-ins"))
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
    parser.add_argument("--limit", type=int, default=50, metavar="N", help=say("help.arg.sign_ins"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        account = await Accounts(store, SystemClock()).account(arguments.address)
        found = await store.access.sign_ins(account.id, arguments.limit)
        out.result(found)
        columns = ("time", "outcome", "protocol", "last_ip", "country", "client", "kind", "name")
        rows = [
            (
                moment(one.at),
                out.say(f"sign_in.{one.outcome}"),
                one.protocol,
                one.ip,
                one.country,
                one.client,
                one.kind,
                one.name,
            )
            for one in found
        ]
        out.table(columns, rows)

    with_store(arguments.config, act)
    return 0
