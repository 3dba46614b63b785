"""`posthouse connection`: who is connected to the running server now."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment


def _fill_list(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("--account", default="", metavar="ADDRESS", help=say("help.arg.connection_account"))


def _fill_end(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("id", nargs="+", metavar="ID", help=say("help.arg.connection_id"))


def add(parsers: Parsers, say: Say) -> None:
    add_actions(parsers, say, "connection", [("list", _fill_list), ("end", _fill_end)])


def run(arguments: argparse.Namespace, out: Output) -> int:
    import os  # noqa: PLC0415

    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.errors import NotFound  # noqa: PLC0415
    from posthouse.services.live import LiveSessions  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def work(store: Store, config: Config) -> None:
        live = LiveSessions(store, config.workers or os.cpu_count() or 1)
        try:
            found = await live.listed()
            if arguments.action == "end":
                known = {one.id for one in found}
                if missing := [one for one in arguments.id if one not in known]:
                    raise NotFound(out.say("connection.none", ids=", ".join(missing)))
                for one in arguments.id:
                    await live.end(one)
                out.result({"ended": arguments.id})
                out.text("connection.ended", count=len(arguments.id))
                return
        finally:
            live.close()
        chosen = [one for one in found if arguments.account in ("", one.account)]
        out.result(chosen)
        columns = ("id", "protocol", "account", "last_ip", "client", "tls_version", "created")
        rows = [
            (one.id, one.protocol, one.account, one.peer_ip, one.client, one.tls, moment(one.opened_at))
            for one in chosen
        ]
        out.table(columns, rows)
        if not live.answered:
            out.text("connection.no_node")

    with_store(arguments.config, work)
    return 0
