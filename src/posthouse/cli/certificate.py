"""`posthouse account certificate`: client certificates that open an account (SASL EXTERNAL)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from posthouse.cli.app_password import split
from posthouse.cli.options import Say, add_store_options
from posthouse.cli.output import Output, moment
from posthouse.core.sentence import Sentence, reason


def fill(parser: argparse.ArgumentParser, say: Say) -> None:
    inner = parser.add_subparsers(dest="certificate_action", required=True, metavar=say("help.action"))
    for action in ("add", "list", "revoke"):
        text = say(f"help.certificate.{action}")
        # What stands before the action counts unless it is said again after it.
        sub = inner.add_parser(action, help=text, description=text, argument_default=argparse.SUPPRESS)
        sub.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
        if action != "list":
            sub.add_argument("name", metavar="NAME", help=say("help.arg.certificate_name"))
        if action == "add":
            sub.add_argument("file", metavar="FILE", help=say("help.arg.certificate_file"))
            sub.add_argument("--protocols", metavar="LIST", help=say("help.arg.app_protocols"))
            sub.add_argument("--actions", metavar="LIST", help=say("help.arg.app_actions"))
            sub.add_argument("--folders", metavar="LIST", help=say("help.arg.app_folders"))
            sub.add_argument("--networks", metavar="LIST", help=say("help.arg.app_networks"))
        add_store_options(sub, say)


async def act(arguments: Any, out: Output, accounts: Any, *_: Any) -> None:
    await _ACTIONS[arguments.certificate_action](arguments, out, accounts.credentials)


async def _add(arguments: Any, out: Output, credentials: Any) -> None:
    from posthouse.core.errors import Invalid  # noqa: PLC0415
    from posthouse.services.certificates import read_file  # noqa: PLC0415
    from posthouse.services.credentials import CERTIFICATE_PROTOCOLS  # noqa: PLC0415

    try:
        data = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
    except OSError as error:
        raise Invalid(Sentence("start.file", path=arguments.file, reason=reason(error))) from error
    given = getattr(arguments, "protocols", None)
    credential = await credentials.register(
        arguments.address,
        arguments.name,
        read_file(data),
        protocols=CERTIFICATE_PROTOCOLS if given is None else split(given),
        networks=split(getattr(arguments, "networks", "")),
        actions=split(getattr(arguments, "actions", "read,write,send")),
        folders=split(getattr(arguments, "folders", "")),
    )
    out.result(_shown(credential))
    out.text("certificate.added", name=credential.name, address=arguments.address)


async def _list(arguments: Any, out: Output, credentials: Any) -> None:
    found = await credentials.certificates(arguments.address)
    out.result([_shown(one) for one in found])
    columns = ("name", "fingerprint", "protocols", "folders", "networks", "expires", "last_used", "last_ip")
    rows = [
        (
            one.name,
            one.secret,
            one.protocols,
            one.folders,
            one.networks,
            moment(one.expires_at),
            moment(one.used_at),
            one.used_ip,
        )
        for one in found
    ]
    out.table(columns, rows)


async def _revoke(arguments: Any, out: Output, credentials: Any) -> None:
    await credentials.revoke(arguments.address, arguments.name, "certificate")
    out.result({"revoked": arguments.name})
    out.text("certificate.revoked", name=arguments.name)


_ACTIONS: dict[str, Any] = {"add": _add, "list": _list, "revoke": _revoke}


def _shown(one: Any) -> dict[str, Any]:
    names = ("name", "protocols", "folders", "networks", "created_at", "expires_at", "used_at", "used_ip")
    from posthouse.core.scope import action_names  # noqa: PLC0415

    return {name: getattr(one, name) for name in names} | {
        "fingerprint": one.secret,
        "actions": action_names(one.actions),
    }
