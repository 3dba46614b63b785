"""`posthouse account token`: long-lived tokens of programs that use the HTTP API."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from posthouse.cli.app_password import DAY_S, split
from posthouse.cli.options import Say, add_store_options
from posthouse.cli.output import Output, moment


def fill(parser: argparse.ArgumentParser, say: Say) -> None:
    inner = parser.add_subparsers(dest="app_action", required=True, metavar=say("help.action"))
    for action in ("add", "list", "revoke"):
        text = say(f"help.token.{action}")
        sub = inner.add_parser(action, help=text, description=text, argument_default=argparse.SUPPRESS)
        sub.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
        if action == "add":
            sub.add_argument("name", metavar="NAME", help=say("help.arg.token_name"))
            sub.add_argument("--scope", required=True, metavar="SCOPE", help=say("help.arg.token_scope"))
            sub.add_argument("--networks", metavar="LIST", help=say("help.arg.app_networks"))
            sub.add_argument("--days", type=int, metavar="N", help=say("help.arg.app_days"))
        if action == "revoke":
            sub.add_argument("number", type=int, metavar="NUMBER", help=say("help.arg.token_number"))
        add_store_options(sub, say)


async def act(arguments: Any, out: Output, accounts: Any, store: Any, *_: Any) -> None:
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.api_tokens import ApiTokens, scopes_of  # noqa: PLC0415

    clock = SystemClock()
    tokens, account = ApiTokens(store, clock), await accounts.account(arguments.address)
    if arguments.app_action == "add":
        days = getattr(arguments, "days", None)
        made, text = await tokens.add(
            account,
            arguments.name,
            arguments.scope,
            expires_at=clock.now() + days * DAY_S if days is not None else 0.0,
            networks=split(getattr(arguments, "networks", "")),
        )
        out.result({"name": made.name, "scope": str(scopes_of(made)), "expires_at": made.expires_at})
        out.text("token.added", name=made.name, address=account.address)
        # As with passwords: told once, and never in the document.
        print(out.say("account.generated", password=text), file=sys.stderr if out.as_json else sys.stdout)
    elif arguments.app_action == "revoke":
        one = await tokens.revoke(account.id, arguments.number)
        out.result({"revoked": one.name})
        out.text("token.revoked", name=one.name)
    else:
        _show(out, [(one, str(scopes_of(one))) for one in await tokens.of_account(account.id)])


def _show(out: Output, found: list[tuple[Any, str]]) -> None:
    names = ("id", "name", "networks", "created_at", "expires_at", "used_at", "used_ip")
    out.result([{name: getattr(one, name) for name in names} | {"scope": scope} for one, scope in found])
    rows = [
        (one.id, one.name, scope, one.networks, moment(one.expires_at), moment(one.used_at), one.used_ip)
        for one, scope in found
    ]
    out.table(("number", "name", "scope", "networks", "expires", "last_used", "last_ip"), rows)
