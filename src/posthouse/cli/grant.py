"""`posthouse grant`: what people allowed to programs."""

from __future__ import annotations

import argparse
from typing import Any

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment
from posthouse.core.sentence import Sentence


def _chosen(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("--account", metavar="ADDRESS", help=say("help.arg.grant_account"))
    parser.add_argument("--client", metavar="CLIENT", help=say("help.arg.grant_client"))


def _fill_revoke(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("number", nargs="*", type=int, metavar="NUMBER", help=say("help.arg.grant_id"))
    _chosen(parser, say)
    parser.add_argument("--all", action="store_true", help=say("help.arg.grant_all"))


def add(parsers: Parsers, say: Say) -> None:
    add_actions(parsers, say, "grant", [("list", _chosen), ("revoke", _fill_revoke)])


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415

    async def act(store: Any, _config: Any) -> None:
        await (_list if arguments.action == "list" else _revoke)(arguments, out, store)

    with_store(arguments.config, act)
    return 0


async def _found(arguments: Any, store: Any) -> list[Any]:
    from posthouse.core.address import parse_address  # noqa: PLC0415
    from posthouse.core.errors import NotFound  # noqa: PLC0415

    account = None
    if arguments.account:
        account = await store.directory.account_by_address(parse_address(arguments.account).key)
        if account is None:
            raise NotFound(Sentence("account.none", address=arguments.account))
    found: list[Any] = await store.tokens.grants(account and account.id, arguments.client)
    return found


async def _list(arguments: Any, out: Output, store: Any) -> None:
    found = await _found(arguments, store)
    accounts = {account.id: account.address for account in await store.directory.accounts()}
    names = (
        "client", "scope", "audience", "created_at", "expires_at", "used_at", "used_ip", "used_protocol", "used_client",
    )  # fmt: skip
    out.result(
        [
            {"number": one.id, "account": accounts.get(one.account, "")}
            | {name: getattr(one, name) for name in names}
            for one in found
        ]
    )
    columns = ("number", "address", "client", "scope", "created", "expires", "last_used", "last_ip")
    rows = [
        (
            one.id,
            accounts.get(one.account, ""),
            one.client,
            one.scope,
            moment(one.created_at),
            moment(one.expires_at),
            moment(one.used_at),
            one.used_ip,
        )
        for one in found
    ]
    out.table(columns, rows)


async def _revoke(arguments: Any, out: Output, store: Any) -> None:
    from posthouse.core.errors import Invalid  # noqa: PLC0415

    numbers = list(arguments.number)
    if arguments.all and (arguments.account or arguments.client):
        numbers += [one.id for one in await _found(arguments, store)]
    elif not numbers:
        raise Invalid(out.say("grant.which"))
    count = await store.tokens.revoke(numbers)
    out.result({"revoked": count})
    out.text("grant.revoked", count=count)
