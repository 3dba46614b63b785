"""`posthouse client`: programs that may sign people in by token."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment

PRESETS = ("thunderbird", "loopback")


def _client(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("client", metavar="CLIENT", help=say("help.arg.client_id"))


def _fill_add(parser: argparse.ArgumentParser, say: Say) -> None:
    _client(parser, say)
    parser.add_argument("--name", metavar="NAME", help=say("help.arg.client_name"))
    parser.add_argument(
        "--redirect", action="append", default=[], metavar="URI", help=say("help.arg.redirect")
    )
    parser.add_argument("--preset", choices=PRESETS, help=say("help.arg.preset"))
    parser.add_argument("--scope", metavar="SCOPE", help=say("help.arg.client_scope"))
    parser.add_argument("--confidential", action="store_true", help=say("help.arg.confidential"))
    parser.add_argument("--grants", metavar="LIST", help=say("help.arg.grants"))


def _nothing(_parser: argparse.ArgumentParser, _say: Say) -> None:
    """No arguments of its own."""


def add(parsers: Parsers, say: Say) -> None:
    actions = [("add", _fill_add), ("list", _nothing), ("remove", _client), ("rotate-keys", _nothing)]
    add_actions(parsers, say, "client", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415

    async def act(store: Any, _config: Any) -> None:
        await _ACTIONS[arguments.action](arguments, out, store)

    with_store(arguments.config, act)
    return 0


async def _add(arguments: Any, out: Output, store: Any) -> None:
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.oauth.clients import (  # noqa: PLC0415
        GRANT_TYPES,
        MAIL_SCOPE,
        PRESETS,
        SHORT_GRANTS,
        Clients,
    )

    name, redirects = PRESETS.get(arguments.preset, ("", ()))
    words = arguments.grants.split(",") if arguments.grants else GRANT_TYPES
    client, secret = await Clients(store, SystemClock()).add(
        arguments.client,
        arguments.name or name or arguments.client,
        redirects=[*redirects, *arguments.redirect],
        scope=arguments.scope or MAIL_SCOPE,
        grants=[SHORT_GRANTS.get(word.strip(), word.strip()) for word in words],
        confidential=arguments.confidential,
    )
    out.result(_shown(client))
    out.text("client.added", client=client.id, name=client.name)
    if secret:  # as with generated passwords: told once, and never in the document
        print(out.say("client.secret", secret=secret), file=sys.stderr if out.as_json else sys.stdout)


async def _list(_arguments: Any, out: Output, store: Any) -> None:
    from posthouse.services.oauth.clients import BUILT_IN  # noqa: PLC0415

    found = [*BUILT_IN.values(), *await store.tokens.clients()]
    out.result([_shown(one) for one in found])
    columns = ("client", "client_name", "secret", "redirects", "scope", "registered", "created")
    rows = [
        (
            one.id,
            one.name,
            bool(one.secret),
            one.redirects,
            one.scope,
            one.registered,
            moment(one.created_at),
        )
        for one in found
    ]
    out.table(columns, rows)


async def _remove(arguments: Any, out: Output, store: Any) -> None:
    await store.tokens.delete_client(arguments.client)
    out.result({"removed": arguments.client})
    out.text("client.removed", client=arguments.client)


async def _rotate(_arguments: Any, out: Output, store: Any) -> None:
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.oauth.keys import Keys  # noqa: PLC0415

    keys = Keys(store, SystemClock())
    await keys.rotate()
    out.result(await keys.public())
    out.text("client.rotated")


_ACTIONS: dict[str, Any] = {"add": _add, "list": _list, "remove": _remove, "rotate-keys": _rotate}


def _shown(one: Any) -> dict[str, Any]:
    """Nothing that opens anything."""
    return {
        "client": one.id,
        "name": one.name,
        "confidential": bool(one.secret),
        "redirects": one.redirects,
        "scope": one.scope,
        "grants": one.grants,
        "registered": one.registered,
        "created_at": one.created_at,
    }
