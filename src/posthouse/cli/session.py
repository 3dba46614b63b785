"""`posthouse session`: browsers that are signed in."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment


def _address(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))


def _fill_end(parser: argparse.ArgumentParser, say: Say) -> None:
    _address(parser, say)
    parser.add_argument("id", nargs="*", type=int, metavar="NUMBER", help=say("help.arg.session"))


def add(parsers: Parsers, say: Say) -> None:
    add_actions(parsers, say, "session", [("list", _address), ("end", _fill_end)])


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.web_sessions import WebSessions  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        clock = SystemClock()
        account = await Accounts(store, clock).account(arguments.address)
        sessions = WebSessions(store, clock)
        if arguments.action == "end":
            ended = await sessions.end(account.id, arguments.id or None)
            out.result({"ended": ended})
            out.text("session.ended", count=ended)
            return
        found = await sessions.of_account(account.id)
        out.result(
            [
                {"id": one.id, "kind": one.kind, "created_at": one.created_at, "ip": one.used_ip}
                | {"client": one.client, "expires_at": one.expires_at}
                for one in found
            ]
        )
        rows = [
            (one.id, one.kind, one.client, one.used_ip, moment(one.created_at), moment(one.expires_at))
            for one in found
        ]
        out.table(("number", "kind", "client", "last_ip", "created", "expires"), rows)

    with_store(arguments.config, act)
    return 0
