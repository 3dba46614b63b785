"""`posthouse passkey`: what people sign in with instead of a password; they are made in the browser."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment


def _address(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))


def _fill_remove(parser: argparse.ArgumentParser, say: Say) -> None:
    _address(parser, say)
    parser.add_argument("name", metavar="NAME", help=say("help.arg.passkey"))


def add(parsers: Parsers, say: Say) -> None:
    add_actions(parsers, say, "passkey", [("list", _address), ("remove", _fill_remove)])


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.passkeys import passkeys_of  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        account = await Accounts(store, SystemClock()).account(arguments.address)
        if arguments.action == "remove":
            await store.credentials.revoke(account.id, "passkey", arguments.name)
            out.result({"removed": arguments.name})
            out.text("deleted", name=arguments.name)
            return
        found = await passkeys_of(store, account.id)
        out.result(
            [
                {"name": one.name, "created_at": one.created_at, "backed_up": key.backed_up}
                for one, key in found
            ]
        )
        rows = [(one.name, moment(one.created_at), key.backed_up) for one, key in found]
        out.table(("name", "created", "backed_up"), rows)

    with_store(arguments.config, act)
    return 0
