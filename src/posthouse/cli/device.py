"""`posthouse device`: what an account is used from; approve, block, sign out."""

from __future__ import annotations

import argparse
from typing import Any

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment


def _fill_list(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))


def _fill_some(parser: argparse.ArgumentParser, say: Say) -> None:
    _fill_list(parser, say)
    parser.add_argument("id", nargs="+", type=int, metavar="NUMBER", help=say("help.arg.device"))


def add(parsers: Parsers, say: Say) -> None:
    actions = [("list", _fill_list), ("approve", _fill_some), ("block", _fill_some), ("forget", _fill_some)]
    add_actions(parsers, say, "device", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.errors import NotFound  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.devices import Devices  # noqa: PLC0415
    from posthouse.storage.access import BLOCKED, KNOWN  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    states = {"approve": KNOWN, "block": BLOCKED, "forget": None}

    async def act(store: Store, _config: Config) -> None:
        clock = SystemClock()
        account = await Accounts(store, clock).account(arguments.address)
        if arguments.action == "list":
            _show(await store.access.devices(account.id), out)
            return
        done = await Devices(store, clock).set_state(account.id, arguments.id, states[arguments.action])
        if not done:
            raise NotFound(out.say("device.none", address=account.address))
        out.result({"changed": done})
        out.text(f"device.{arguments.action}", count=done)

    with_store(arguments.config, act)
    return 0


def _show(found: list[Any], out: Output) -> None:
    out.result(found)
    columns = (
        "number",
        "state",
        "protocol",
        "client",
        "kind",
        "name",
        "network",
        "country",
        "created",
        "last_used",
    )
    rows = [
        (
            one.id,
            out.say(f"device.state.{one.state}"),
            one.protocol,
            one.client,
            one.kind,
            one.name,
            one.network,
            one.country,
            moment(one.created_at),
            moment(one.used_at),
        )
        for one in found
    ]
    out.table(columns, rows)
