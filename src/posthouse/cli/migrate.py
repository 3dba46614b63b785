"""`posthouse migrate`: copies a mailbox from a provider by IMAP; run again, it goes on where it broke off."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import Output
from posthouse.core.sentence import Sentence

if TYPE_CHECKING:
    from posthouse.app.config import Config


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("migrate", help=say("help.migrate"), description=say("help.migrate"))
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
    parser.add_argument(
        "--from", dest="provider", metavar="HOST", required=True, help=say("help.arg.migrate_from")
    )
    parser.add_argument("--port", type=int, default=0, metavar="PORT", help=say("help.arg.migrate_port"))
    parser.add_argument("--user", metavar="USER", required=True, help=say("help.arg.migrate_user"))
    parser.add_argument("--password-stdin", action="store_true", help=say("help.arg.migrate_password"))
    parser.add_argument("--token-stdin", action="store_true", help=say("help.arg.migrate_token"))
    parser.add_argument("--sign-in", action="store_true", help=say("help.arg.migrate_sign_in"))
    parser.add_argument("--ca-file", metavar="FILE", default="", help=say("help.arg.migrate_ca"))
    parser.add_argument("--no-tls", action="store_true", help=say("help.arg.migrate_no_tls"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.client.imap_source import PRESETS, Preset, Source  # noqa: PLC0415
    from posthouse.core.errors import Forbidden, Invalid  # noqa: PLC0415
    from posthouse.core.ports import SystemClock, SystemIds  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.migration import Migration, Step  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    preset = PRESETS.get(arguments.provider, Preset(arguments.provider))
    if arguments.no_tls and preset.host not in {"localhost", "127.0.0.1", "::1"}:
        raise Invalid(Sentence("migrate.tls"))
    if preset.hint and not arguments.password_stdin and not arguments.token_stdin and not arguments.sign_in:
        print(out.say(preset.hint), file=sys.stderr)
    secret = "" if arguments.sign_in else _secret(arguments, out)
    source = Source(
        preset.host,
        arguments.port or (143 if arguments.no_tls else preset.port),
        arguments.user,
        "" if arguments.token_stdin else secret,
        secret if arguments.token_stdin else "",
        tls=not arguments.no_tls,
        ca_file=arguments.ca_file,
    )
    clock = SystemClock()

    async def act(store: Store, config: Config) -> dict[str, Step]:
        account = await Accounts(store, clock).account(arguments.address)
        if arguments.sign_in:
            source.token = await _signed_in(config, arguments.provider, out)
        found: dict[str, Step] = {}
        async for step in Migration(store, clock, SystemIds(), account).run(source):
            found[step.folder] = step
            if sys.stderr.isatty() and not out.as_json:
                print(f"\r\x1b[K{step.folder} {step.counts.at:4.0%} ({step.total})", end="", file=sys.stderr)
        return found

    try:
        found = with_store(arguments.config, act)
    except Forbidden as error:
        if not preset.hint:
            raise
        raise Forbidden(f"{out.detail(error)}. {out.say(preset.hint)}") from error
    if sys.stderr.isatty():
        print(file=sys.stderr)
    rows = [
        (one.folder, one.total, one.counts.done, one.counts.same, len(one.counts.failed))
        for one in found.values()
    ]
    names = ("mailbox", "letters", "copied", "known", "failed")
    out.result([dict(zip(names, row, strict=True)) for row in rows])
    out.table(names, rows)
    return 0


async def _signed_in(config: Config, provider: str, out: Output) -> str:
    """An access token; raises Invalid, Forbidden, Unavailable."""
    from posthouse.app.settings import sign_in_elsewhere  # noqa: PLC0415
    from posthouse.client import device_grant  # noqa: PLC0415
    from posthouse.core.errors import Invalid  # noqa: PLC0415

    client = sign_in_elsewhere(config).get(provider)
    if client is None:
        raise Invalid(out.say("migrate.no_sign_in", provider=provider))
    codes = await device_grant.begin(client)
    print(out.say("migrate.sign_in", url=codes.url, code=codes.user_code), file=sys.stderr)
    return (await device_grant.waited(client, codes)).access


def _secret(arguments: argparse.Namespace, out: Output) -> str:
    if arguments.password_stdin or arguments.token_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        from posthouse.core.errors import Invalid  # noqa: PLC0415

        raise Invalid(Sentence("asked.terminal"))
    return getpass.getpass(out.say("migrate.password", user=arguments.user))
