"""`posthouse ban`: who is not heard, and until when."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment

KINDS = ("address", "network", "account")


def _nothing(_parser: argparse.ArgumentParser, _say: Say) -> None:
    """No arguments of its own."""


def _fill_subject(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("kind", nargs="?", choices=KINDS, help=say("help.arg.ban_kind"))
    parser.add_argument("subject", metavar="SUBJECT", help=say("help.arg.ban_subject"))


def _fill_add(parser: argparse.ArgumentParser, say: Say) -> None:
    _fill_subject(parser, say)
    parser.add_argument("--hours", type=float, default=24.0, metavar="N", help=say("help.arg.ban_hours"))
    parser.add_argument("--reason", default="", help=say("help.arg.ban_reason"))


def kind_of(subject: str) -> str:
    return "account" if "@" in subject else "network" if "/" in subject else "address"


def add(parsers: Parsers, say: Say) -> None:
    actions = [("list", _nothing), ("add", _fill_add), ("lift", _fill_subject)]
    add_actions(parsers, say, "ban", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.errors import NotFound  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.bans import normal_subject  # noqa: PLC0415
    from posthouse.storage.access import Ban  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        now = SystemClock().now()
        if arguments.action == "list":
            found = [ban for ban in await store.access.bans() if not ban.expires_at or ban.expires_at > now]
            out.result(found)
            rows = [
                (ban.kind, ban.subject, ban.reason, moment(ban.created_at), moment(ban.expires_at))
                for ban in found
            ]
            out.table(("kind", "subject", "reason", "created", "expires"), rows)
            return
        kind = arguments.kind or kind_of(arguments.subject)
        subject = normal_subject(kind, arguments.subject)
        if arguments.action == "add":
            if kind == "account" and await store.directory.account_by_address(subject) is None:
                raise NotFound(out.say("ban.no_account", subject=subject))
            until = now + arguments.hours * 3600 if arguments.hours > 0 else 0.0
            ban = Ban(kind, subject, arguments.reason, now, until)
            await store.access.ban(ban)
            out.result(ban)
            out.text("ban.added", subject=subject)
        elif await store.access.lift(kind, subject):
            out.result({"lifted": subject})
            out.text("ban.lifted", subject=subject)
        else:
            raise NotFound(out.say("ban.none", subject=subject))

    with_store(arguments.config, act)
    return 0
