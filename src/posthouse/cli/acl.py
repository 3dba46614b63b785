"""`posthouse acl`: who may do what with a mailbox."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output


def _mailbox(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
    parser.add_argument("mailbox", metavar="MAILBOX", help=say("help.arg.acl_mailbox"))


def _identifier(parser: argparse.ArgumentParser, say: Say) -> None:
    _mailbox(parser, say)
    parser.add_argument("identifier", metavar="WHO", help=say("help.arg.identifier"))
    parser.add_argument("--deny", action="store_true", help=say("help.arg.deny"))


def _fill_set(parser: argparse.ArgumentParser, say: Say) -> None:
    _identifier(parser, say)
    parser.add_argument("rights", metavar="RIGHTS", help=say("help.arg.rights"))
    parser.add_argument("--less", action="store_true", help=say("help.arg.less"))


def add(parsers: Parsers, say: Say) -> None:
    add_actions(parsers, say, "acl", [("list", _mailbox), ("set", _fill_set), ("remove", _identifier)])


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.core.rights import format_rights, parse_change  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.acl import AclService  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        account = await Accounts(store, SystemClock()).account(arguments.address)
        acl = AclService(store)
        mailbox = await acl.place(account.id, arguments.mailbox)
        if arguments.action != "list":
            change = ("=", 0) if arguments.action == "remove" else parse_change(_change(arguments))
            who = "-" * arguments.deny + arguments.identifier
            await acl.set(mailbox, await acl.identify(mailbox, who), change)
            out.text("changed", name=mailbox.name)
        entries = [(one.identifier, format_rights(one.rights)) for one in await acl.entries(mailbox)]
        out.result([{"identifier": name, "rights": rights} for name, rights in entries])
        if arguments.action == "list":
            out.table(("identifier", "rights"), entries)

    with_store(arguments.config, act)
    return 0


def _change(arguments: argparse.Namespace) -> str:
    return f"-{arguments.rights}" if arguments.less else str(arguments.rights)
