"""`posthouse account app-password`: passwords for one program each."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from posthouse.cli.options import Say, add_store_options
from posthouse.cli.output import Output, moment

DAY_S = 86400


def fill(parser: argparse.ArgumentParser, say: Say) -> None:
    inner = parser.add_subparsers(dest="app_action", required=True, metavar=say("help.action"))
    for action in ("add", "list", "revoke"):
        text = say(f"help.app_password.{action}")
        # What stands before the action counts unless it is said again after it.
        sub = inner.add_parser(action, help=text, description=text, argument_default=argparse.SUPPRESS)
        sub.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
        if action != "list":
            sub.add_argument("name", metavar="NAME", help=say("help.arg.app_name"))
        if action == "add":
            sub.add_argument("--protocols", metavar="LIST", help=say("help.arg.app_protocols"))
            sub.add_argument("--actions", metavar="LIST", help=say("help.arg.app_actions"))
            sub.add_argument("--folders", metavar="LIST", help=say("help.arg.app_folders"))
            sub.add_argument("--networks", metavar="LIST", help=say("help.arg.app_networks"))
            sub.add_argument("--days", type=int, metavar="N", help=say("help.arg.app_days"))
        add_store_options(sub, say)


async def act(arguments: Any, out: Output, accounts: Any, *_: Any) -> None:
    from posthouse.core.ports import SystemClock  # noqa: PLC0415

    await _ACTIONS[arguments.app_action](arguments, out, accounts.credentials, SystemClock())


async def _add(arguments: Any, out: Output, credentials: Any, clock: Any) -> None:
    from posthouse.services.credentials import APP_PROTOCOLS  # noqa: PLC0415

    given = getattr(arguments, "protocols", None)
    days = getattr(arguments, "days", None)
    credential, text = await credentials.add(
        arguments.address,
        arguments.name,
        protocols=APP_PROTOCOLS if given is None else split(given),
        networks=split(getattr(arguments, "networks", "")),
        expires_at=clock.now() + days * DAY_S if days is not None else 0.0,
        actions=split(getattr(arguments, "actions", "read,write,send")),
        folders=split(getattr(arguments, "folders", "")),
    )
    out.result(_shown(credential))
    out.text("app_password.added", name=credential.name, address=arguments.address)
    # As with generated passwords: told once, and never in the document.
    print(out.say("account.generated", password=text), file=sys.stderr if out.as_json else sys.stdout)


async def _list(arguments: Any, out: Output, credentials: Any, _clock: Any) -> None:
    from posthouse.core.scope import action_names  # noqa: PLC0415

    found = await credentials.app_passwords(arguments.address)
    out.result([_shown(one) for one in found])
    columns = (
        "name",
        "protocols",
        "actions",
        "folders",
        "networks",
        "created",
        "expires",
        "last_used",
        "last_ip",
        "last_protocol",
    )
    rows = [
        (
            one.name,
            one.protocols,
            action_names(one.actions),
            one.folders,
            one.networks,
            moment(one.created_at),
            moment(one.expires_at),
            moment(one.used_at),
            one.used_ip,
            one.used_protocol,
        )
        for one in found
    ]
    out.table(columns, rows)


async def _revoke(arguments: Any, out: Output, credentials: Any, _clock: Any) -> None:
    await credentials.revoke(arguments.address, arguments.name)
    out.result({"revoked": arguments.name})
    out.text("app_password.revoked", name=arguments.name)


_ACTIONS: dict[str, Any] = {"add": _add, "list": _list, "revoke": _revoke}


def _shown(one: Any) -> dict[str, Any]:
    """Nothing that opens anything."""
    names = (
        "name",
        "protocols",
        "folders",
        "networks",
        "created_at",
        "expires_at",
        "used_at",
        "used_ip",
        "used_protocol",
    )
    from posthouse.core.scope import action_names  # noqa: PLC0415

    return {name: getattr(one, name) for name in names} | {"actions": action_names(one.actions)}


def split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
