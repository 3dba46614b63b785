"""`posthouse administrator`: who administrates what by the pages and the HTTP API, and what is asked of them."""

from __future__ import annotations

import argparse
from typing import Any

from posthouse.cli.app_password import split
from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output


def _nothing(_parser: argparse.ArgumentParser, _say: Say) -> None:
    """No arguments of its own."""


def fill(parser: argparse.ArgumentParser, say: Say) -> None:
    """`posthouse account admin`."""
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--server", action="store_true", help=say("help.arg.admin_server"))
    chosen.add_argument("--domains", metavar="LIST", help=say("help.arg.admin_domains"))
    chosen.add_argument("--none", action="store_true", help=say("help.arg.admin_none"))


async def act(arguments: Any, out: Output, accounts: Any, *_: Any) -> None:
    from posthouse.storage.rows import EVERYTHING  # noqa: PLC0415

    wanted = [EVERYTHING] if arguments.server else [] if arguments.none else split(arguments.domains)
    changed = await accounts.update_account(arguments.address, admin=wanted)
    out.result({"address": changed.address, "admin": changed.admin})
    if not changed.admin:
        out.text("administrator.none", address=changed.address)
    elif EVERYTHING in changed.admin:
        out.text("administrator.server", address=changed.address)
    else:
        out.text("administrator.domains", address=changed.address, domains=", ".join(changed.admin))


def _fill_policy(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument(
        "--two-step", required=True, choices=("optional", "required"), help=say("help.arg.admin_two_step")
    )


def add(parsers: Parsers, say: Say) -> None:
    add_actions(parsers, say, "administrator", [("list", _nothing), ("policy", _fill_policy)])


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.services.admin_policy import AdminPolicy, read_policy, write_policy  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def work(store: Store, _config: Config) -> None:
        if arguments.action == "policy":
            await write_policy(store, AdminPolicy(arguments.two_step == "required"))
        policy = await read_policy(store)
        found = [one for one in await store.directory.accounts() if one.admin]
        out.result(
            {
                "two_step_required": policy.two_step_required,
                "administrators": [{"address": one.address, "admin": one.admin} for one in found],
            }
        )
        out.table(
            ("address", "name", "administrates", "two_step"),
            [(one.address, one.name, one.admin, one.two_step) for one in found],
        )
        out.text(f"administrator.two_step.{'required' if policy.two_step_required else 'optional'}")

    with_store(arguments.config, work)
    return 0
