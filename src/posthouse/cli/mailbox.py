"""`posthouse mailbox`: the mailboxes of an account."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output


def _account(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))


def _mailbox(parser: argparse.ArgumentParser, say: Say) -> None:
    _account(parser, say)
    parser.add_argument("mailbox", metavar="MAILBOX", help=say("help.arg.mailbox"))


def _fill_create(parser: argparse.ArgumentParser, say: Say) -> None:
    _mailbox(parser, say)
    roles = ("sent", "drafts", "junk", "trash", "archive")
    parser.add_argument("--role", choices=roles, help=say("help.arg.role"))


def _fill_rename(parser: argparse.ArgumentParser, say: Say) -> None:
    _mailbox(parser, say)
    parser.add_argument("new_name", metavar="NEW-NAME", help=say("help.arg.new_name"))


def add(parsers: Parsers, say: Say) -> None:
    actions = [
        ("list", _account),
        ("create", _fill_create),
        ("rename", _fill_rename),
        ("delete", _mailbox),
    ]
    add_actions(parsers, say, "mailbox", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.mailboxes import MailboxService  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        account = (await Accounts(store, SystemClock()).account(arguments.address)).id
        service = MailboxService(store)
        if arguments.action == "list":
            found = await store.mailboxes.list(account)
            out.result(found)
            rows = [(m.name, m.role, m.messages, m.unseen, m.size_bytes, m.subscribed) for m in found]
            out.table(("mailbox", "role", "messages", "unseen", "bytes", "subscribed"), rows)
        elif arguments.action == "create":
            mailbox = await service.create(account, arguments.mailbox, arguments.role)
            out.result(mailbox)
            out.text("mailbox.created", mailbox=mailbox.name)
        elif arguments.action == "rename":
            await service.rename(account, arguments.mailbox, arguments.new_name)
            out.result({"renamed": arguments.mailbox, "to": arguments.new_name})
            out.text("changed", name=arguments.new_name)
        else:
            await service.delete(account, arguments.mailbox)
            out.result({"deleted": arguments.mailbox})
            out.text("deleted", name=arguments.mailbox)

    with_store(arguments.config, act)
    return 0
