"""`posthouse setup`: what to enter into mail programs, and the profile for phones."""

from __future__ import annotations

import argparse
from pathlib import Path

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import Output


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("setup", help=say("help.setup"), description=say("help.setup"))
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
    parser.add_argument("--profile", metavar="FILE", help=say("help.arg.setup_profile"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.client_setup import services_of, signer_of  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.http.client_setup import formats  # noqa: PLC0415
    from posthouse.http.client_setup.routes import sign  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, config: Config) -> None:
        address = (await Accounts(store, SystemClock()).account(arguments.address)).address
        services = services_of(config)
        found = formats.plain(services, address)
        out.result(found)
        rows = [
            (one.kind, services.hostname, one.port, out.say(f"setup.{one.security}"), address)
            for one in services.services
        ]
        out.table(("service", "host", "port", "security", "user"), rows)
        out.text("setup.password")
        for line in [*found["urls"].values(), *found["records"]]:
            out.line(f"  {line}")
        if arguments.profile and (content := formats.profile(services, address)) is not None:
            Path(arguments.profile).write_bytes(
                sign(content, await signer_of(config, store, SystemClock().now()))
            )
            out.text("setup.profile", file=arguments.profile)

    with_store(arguments.config, act)
    return 0
