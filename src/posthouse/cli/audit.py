"""`posthouse audit`: who did what in accounts of others, and as an administrator."""

from __future__ import annotations

import argparse
import os
import pwd
from typing import Any, Final

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import Output, moment

LOOKING_COMMANDS: Final = frozenset(("demo", "serve", "init", "check", "sign-ins", "trace", "audit", "flow"))
LOOKING_ACTIONS: Final = frozenset(("list", "show", "check", "test", "dns", "status", "claims"))
"""Commands and actions that change nothing that belongs into the log."""
_SECRETS: Final = ("password", "secret", "code", "token", "key")
_OPTIONS: Final = frozenset(("config", "json", "lang", "yes"))


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("audit", help=say("help.audit"), description=say("help.audit"))
    parser.add_argument("--account", metavar="ADDRESS", help=say("help.arg.audit_account"))
    parser.add_argument("--limit", type=int, default=50, help=say("help.arg.audit_limit"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415
    from posthouse.storage.rows import AuditEntry  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> list[AuditEntry]:
        account = None
        if arguments.account:
            account = (await Accounts(store, SystemClock()).account(arguments.account)).id
        return await store.audit.recent(arguments.limit, account)

    found = with_store(arguments.config, act)
    out.result(found)
    rows = [
        (
            moment(one.at),
            one.actor or out.say("audit.administrator"),
            out.say(f"audit.{one.action}"),
            one.account,
            one.mailbox,
            told(one.facts),
        )
        for one in found
    ]
    out.table(("time", "actor", "action", "account", "mailbox", "details"), rows)
    return 0


def told(facts: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}: {' '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in facts.items()
        if value not in ("", [], None)
    )


def is_noted(arguments: argparse.Namespace) -> bool:
    """Whether the command changed something that the log should tell."""
    action = getattr(arguments, "app_action", None) or getattr(arguments, "action", "list")
    return arguments.command not in LOOKING_COMMANDS and action not in LOOKING_ACTIONS


def note(arguments: argparse.Namespace) -> None:
    """Administrators are known by their user of the operating system."""
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415
    from posthouse.storage.rows import AuditEntry  # noqa: PLC0415

    named = [getattr(arguments, name, None) for name in ("team", "address")]
    account = next((name for name in named if isinstance(name, str)), "")
    entry = AuditEntry(
        SystemClock().now(),
        account,
        user_name(),
        "command",
        facts=facts_of(vars(arguments)),
    )

    async def act(store: Store, _config: Config) -> None:
        await store.audit.note(entry)

    with_store(arguments.config, act)


def facts_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, without what opens anything."""
    return {
        name: value if isinstance(value, (bool, int, str)) else str(value)
        for name, value in arguments.items()
        if name not in _OPTIONS
        and value not in (None, False)
        and not any(secret in name for secret in _SECRETS)
    }


def user_name() -> str:
    """Who is at the keyboard, as far as one can tell."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
