"""`posthouse serve`."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say
from posthouse.cli.output import Output


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("serve", help=say("help.serve"), description=say("help.serve"))
    parser.add_argument("-c", "--config", metavar="FILE", help=say("help.config"))
    parser.add_argument("--lang", choices=("zh", "en"), help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import find_config  # noqa: PLC0415
    from posthouse.app.config import load_config  # noqa: PLC0415
    from posthouse.app.serve import running_pid, serve  # noqa: PLC0415
    from posthouse.core.errors import InUse  # noqa: PLC0415

    path = find_config(arguments.config)
    config = load_config(path)
    pid = running_pid(config.data_path)
    if pid is not None:
        raise InUse(out.say("error.running", pid=pid, data=config.data_path))
    return serve(config, path)
