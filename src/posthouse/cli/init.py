"""`posthouse init DOMAIN ADDRESS`: from nothing to a node that can be started."""

from __future__ import annotations

import argparse
import getpass
import os
from pathlib import Path

from posthouse.cli.account import choose_password, show_generated
from posthouse.cli.dns import show_records
from posthouse.cli.options import Parsers, Say
from posthouse.cli.output import Output


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("init", help=say("help.init"), description=say("help.init"))
    parser.add_argument("domain", metavar="DOMAIN", help=say("help.arg.init_domain"))
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.init_address"))
    parser.add_argument(
        "-c", "--config", default="posthouse.toml", metavar="FILE", help=say("help.arg.init_config")
    )
    parser.add_argument("--hostname", help=say("help.arg.hostname"))
    parser.add_argument("--data", metavar="DIR", help=say("help.arg.data"))
    parser.add_argument("--user", help=say("help.arg.user"))
    parser.add_argument("--password-stdin", action="store_true", help=say("help.arg.password_stdin"))
    parser.add_argument("--generate", action="store_true", help=say("help.arg.generate"))
    parser.add_argument("--json", action="store_true", help=say("help.json"))
    parser.add_argument("--lang", choices=("zh", "en"), help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.setup import Setup, set_up  # noqa: PLC0415
    from posthouse.core.errors import Exists  # noqa: PLC0415

    path = Path(arguments.config).absolute()
    if path.exists():
        raise Exists(out.say("init.exists", path=path))
    is_root = os.geteuid() == 0
    data = Path(arguments.data or ("/var/lib/posthouse" if is_root else "posthouse-data")).absolute()
    user = arguments.user if arguments.user is not None else "posthouse" if is_root else getpass.getuser()
    setup = Setup(
        config_path=path,
        data=data,
        domain=arguments.domain,
        address=arguments.address,
        hostname=arguments.hostname or f"mail.{arguments.domain}",
        user=user,
        language=out.language,
    )
    password, generated = choose_password(arguments, out)
    made = set_up(setup, password)
    out.result(made)
    out.text("init.written", path=made.config)
    out.text("init.data", path=made.data)
    out.text("init.certificate", path=made.certificate)
    out.text("init.pepper", path=made.pepper)
    out.text("init.account", address=made.address)
    if generated:
        show_generated(out, password)
    out.line()
    out.text("init.publish", domain=arguments.domain)
    if not out.as_json:
        show_records(out, made.records)
    out.line()
    sudo = "" if is_root else "sudo "
    out.text("init.next", command=f"{sudo}posthouse serve -c {path}")
    out.text("init.web", hostname=setup.hostname, address=made.address)
    return 0
