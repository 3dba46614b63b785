"""`posthouse demo`: the two houses, and lines to copy and paste."""

from __future__ import annotations

import argparse
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from posthouse.cli.options import Parsers, Say
from posthouse.cli.output import Output, error

if TYPE_CHECKING:
    from posthouse.app.demo import Demo, House

ENCRYPTION = {
    "lmtp": "none",
    "http": "none",
    "https": "tls",
    "submissions": "tls",
    "pop3s": "tls",
    "imaps": "tls",
}


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("demo", help=say("help.demo"), description=say("help.demo"))
    parser.add_argument("--data", metavar="DIR", help=say("help.arg.demo_data"))
    parser.add_argument("--workers", type=int, default=1, metavar="N", help=say("help.arg.workers"))
    parser.add_argument("--offset", type=int, default=0, metavar="N", help=say("help.arg.offset"))
    parser.add_argument("--lang", choices=("zh", "en"), help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.demo import DEFAULT_DATA, HOUSES, Demo  # noqa: PLC0415
    from posthouse.core.errors import InUse  # noqa: PLC0415

    data = Path(arguments.data).absolute() if arguments.data else DEFAULT_DATA.expanduser()
    demo = Demo(data, max(arguments.workers, 1), out.language, arguments.offset)

    def ready() -> None:
        for house, other in zip(HOUSES, reversed(HOUSES), strict=True):
            _show(out, demo, house, other)
        out.text("demo.ready", data=data)

    try:
        status = demo.run(ready)
    except InUse as busy:
        raise InUse(out.say("demo.running", data=data)) from busy
    if status:
        error(out.say("demo.failed"))
    else:
        out.text("demo.stopped")
    return status


def _show(out: Output, demo: Demo, house: House, other: House) -> None:
    from posthouse.app.demo import PASSWORD, PORTS  # noqa: PLC0415

    port = partial(house.port, offset=demo.offset)
    ca, config = demo.ca_file, demo.config_path(house)
    sender, receiver = house.addresses[0], other.addresses[0]
    reader = house.addresses[0]
    out.text("demo.house", domain=house.domain, hostname=house.hostname)
    rows = [
        (
            name.upper(),
            f"127.0.0.1:{port(name)}",
            out.say(f"encryption.{ENCRYPTION.get(name, 'starttls')}"),
        )
        for name in PORTS
    ]
    out.table(("service", "port", "encryption"), rows)
    out.text("demo.accounts", addresses=", ".join(house.addresses), password=PASSWORD)
    out.text("demo.ca", path=ca)
    out.text("demo.webmail", url=f"http://127.0.0.1:{port('http')}/mail/")
    out.text("demo.lens", url=f"http://127.0.0.1:{port('http')}/lens/practice")
    out.text("demo.admin", url=f"http://127.0.0.1:{port('http')}/admin/", address=sender, domain=house.domain)
    out.text("demo.send")
    out.line(
        f"  swaks --server 127.0.0.1:{port('submission')} --tls --auth PLAIN --auth-user {sender} "
        f"--auth-password {PASSWORD} --from {sender} --to {receiver} --header 'Subject: 你好' --body '见字如面'"
    )
    out.text("demo.read")
    out.line(
        f"  curl --cacert {ca} --user {reader}:{PASSWORD} 'imaps://localhost:{port('imaps')}/INBOX;MAILINDEX=1'"
    )
    out.line(f"  curl --cacert {ca} --user {reader}:{PASSWORD} pop3s://localhost:{port('pop3s')}/1")
    out.line(
        f"  curl --cacert {ca} --user {reader}:{PASSWORD} https://localhost:{port('https')}/.well-known/jmap"
    )
    out.text("demo.look")
    out.line(
        f"  openssl s_client -connect 127.0.0.1:{port('imaps')} -CAfile {ca} -servername {house.hostname} -quiet"
    )
    out.text(
        "demo.client",
        host="127.0.0.1",
        imaps=port("imaps"),
        pop3s=port("pop3s"),
        submissions=port("submissions"),
    )
    out.text("demo.follow")
    program = shutil.which("posthouse") or sys.argv[0]  # what was typed to get here works again
    out.line(f"  {program} trace -c {config}")
    out.line()
