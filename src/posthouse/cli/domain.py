"""`posthouse domain`: the domains we take mail for."""

from __future__ import annotations

import argparse

from posthouse.cli.app_password import split
from posthouse.cli.options import Parsers, Say, add_actions, asked
from posthouse.cli.output import Output
from posthouse.core.protocols import SWITCHED_BY_DOMAIN


def _name(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("domain", metavar="DOMAIN", help=say("help.arg.domain"))


def _fill_add(parser: argparse.ArgumentParser, say: Say) -> None:
    _name(parser, say)
    parser.add_argument("--catch-all", metavar="ADDRESS", help=say("help.arg.catch_all"))


def _fill_set(parser: argparse.ArgumentParser, say: Say) -> None:
    _name(parser, say)
    parser.add_argument("--catch-all", metavar="ADDRESS", help=say("help.arg.catch_all_set"))
    parser.add_argument("--enabled", choices=("yes", "no"), help=say("help.arg.domain_enabled"))
    parser.add_argument(
        "--two-step", choices=("off", "optional", "required"), help=say("help.arg.two_step_policy")
    )
    parser.add_argument(
        "--protocols-off",
        metavar="LIST",
        help=say("help.arg.protocols_off", protocols=",".join(SWITCHED_BY_DOMAIN)),
    )
    parser.add_argument("--oauth-only", choices=("yes", "no"), help=say("help.arg.oauth_only"))
    parser.add_argument("--dmarc", choices=("none", "quarantine", "reject"), help=say("help.arg.dmarc"))
    parser.add_argument(
        "--redirects", choices=("any", "confirmed", "inside"), help=say("help.arg.redirects_policy")
    )


def _nothing(_parser: argparse.ArgumentParser, _say: Say) -> None:
    """No arguments of its own."""


def add(parsers: Parsers, say: Say) -> None:
    actions = [
        ("list", _nothing),
        ("add", _fill_add),
        ("set", _fill_set),
        ("delete", _name),
    ]
    add_actions(parsers, say, "domain", actions)


def _changes(arguments: argparse.Namespace) -> dict[str, object]:
    """What `domain set` was asked to change."""
    changes: dict[str, object] = {}
    if arguments.catch_all is not None:
        changes["catch_all"] = arguments.catch_all or None
    if arguments.protocols_off is not None:
        changes["protocols_off"] = split(arguments.protocols_off)
    for name in ("enabled", "oauth_only"):
        if getattr(arguments, name):
            changes[name] = getattr(arguments, name) == "yes"
    for name in ("two_step", "dmarc", "redirects"):
        if getattr(arguments, name):
            changes[name] = getattr(arguments, name)
    return changes


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.dkim import DkimKeys  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        accounts, keys = Accounts(store, SystemClock()), DkimKeys(store, SystemClock())
        if arguments.action == "list":
            domains = await store.directory.domains()
            out.result(domains)
            columns = (
                "enabled",
                "catch_all",
                "two_step",
                "protocols_off",
                "oauth_only",
                "dmarc",
                "redirects",
            )
            rows = [(one.name, *(getattr(one, column) for column in columns)) for one in domains]
            out.table(("domain", *columns), rows)
        elif arguments.action == "add":
            domain = await accounts.create_domain(arguments.domain, catch_all=arguments.catch_all)
            await keys.rotate(domain.name)
            out.result(domain)
            out.text("domain.added", domain=arguments.domain)
        elif arguments.action == "set":
            changes = asked(_changes(arguments), "domain set")
            out.result(await accounts.update_domain(arguments.domain, **changes))
            out.text("changed", name=arguments.domain)
        else:
            await accounts.delete_domain(arguments.domain)
            out.result({"deleted": arguments.domain})
            out.text("deleted", name=arguments.domain)

    with_store(arguments.config, act)
    return 0
