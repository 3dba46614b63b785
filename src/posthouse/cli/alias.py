"""`posthouse alias`: addresses that lead to others."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output


def _fill_list(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help=say("help.arg.domain"))


def _fill_set(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ALIAS", help=say("help.arg.alias"))
    parser.add_argument("targets", nargs="+", metavar="TARGET", help=say("help.arg.targets"))


def _fill_delete(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ALIAS", help=say("help.arg.alias"))


def add(parsers: Parsers, say: Say) -> None:
    actions = [("list", _fill_list), ("set", _fill_set), ("delete", _fill_delete)]
    add_actions(parsers, say, "alias", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        accounts = Accounts(store, SystemClock())
        if arguments.action == "list":
            found = await store.directory.aliases(arguments.domain)
            out.result(found)
            out.table(("alias", "targets"), [(a.address, a.targets) for a in found])
        elif arguments.action == "set":
            alias = await accounts.put_alias(arguments.address, arguments.targets)
            out.result(alias)
            out.text("alias.set", alias=alias.address, targets=", ".join(alias.targets))
        else:
            await accounts.delete_alias(arguments.address)
            out.result({"deleted": arguments.address})
            out.text("deleted", name=arguments.address)

    with_store(arguments.config, act)
    return 0
