"""`posthouse device-login`: an access token of any mail service with the device grant (RFC 8628), on standard output.

For programs that take a token from a command: mutt, msmtp (`passwordeval`), mbsync (`PassCmd`), scripts.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from posthouse.cli.options import Parsers, Say
from posthouse.cli.output import Output


def add(parsers: Parsers, say: Say) -> None:
    text = say("help.device-login")
    parser = parsers.add_parser("device-login", help=text, description=text)
    parser.add_argument("issuer", metavar="ISSUER", help=say("help.arg.issuer"))
    parser.add_argument("--scope", default="imap pop smtp", metavar="SCOPE", help=say("help.arg.login_scope"))
    parser.add_argument("--client", default="posthouse-cli", metavar="ID", help=say("help.arg.login_client"))
    parser.add_argument("--file", metavar="FILE", help=say("help.arg.token_file"))
    parser.add_argument("--ca-file", metavar="FILE", help=say("help.arg.ca_file"))
    parser.add_argument("--json", action="store_true", help=say("help.json"))
    parser.add_argument("--lang", choices=("zh", "en"), help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace, out: Output) -> int:
    import asyncio  # noqa: PLC0415
    import ssl  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from posthouse.client.device_login import DeviceLogin, LoginFailed  # noqa: PLC0415
    from posthouse.core.errors import Forbidden  # noqa: PLC0415

    def ask(uri: str, code: str) -> None:
        print(out.say("login.visit", uri=uri, code=code), file=sys.stderr, flush=True)

    file = Path(arguments.file).expanduser() if arguments.file else None
    context = ssl.create_default_context(cafile=arguments.ca_file)
    login = DeviceLogin(arguments.issuer, arguments.client, arguments.scope, context, file)
    try:
        found: dict[str, Any] = asyncio.run(login.token(ask))
    except LoginFailed as error:
        raise Forbidden(out.say(error.key, issuer=arguments.issuer, **error.fields)) from error
    if out.as_json:
        out.result(found)
    else:
        print(found["access_token"])
    return 0
