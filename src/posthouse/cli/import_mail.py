"""`posthouse import`: mbox, EML, Maildir, zip or tar into a mailbox; run again, it goes on where it broke off."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import Output, error

BAR = 30


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("import", help=say("help.import"), description=say("help.import"))
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
    parser.add_argument("files", metavar="FILE", nargs="+", help=say("help.arg.import_files"))
    parser.add_argument("--mailbox", metavar="MAILBOX", default="INBOX", help=say("help.arg.import_into"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.errors import Invalid, NotFound  # noqa: PLC0415
    from posthouse.core.ports import SystemClock, SystemIds  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.mailboxes import MailboxService, canonical_name  # noqa: PLC0415
    from posthouse.services.transfer import Counts, Transfer  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    # Whoever runs this may read them; the node's user, who writes the mail, need not.
    clock = SystemClock()
    failed = []

    async def act(store: Store, _config: Config) -> list[tuple[str, Counts]]:
        account = await Accounts(store, clock).account(arguments.address)
        name = canonical_name(arguments.mailbox)
        try:
            mailbox = await store.mailboxes.get(account.id, name)
        except NotFound:
            mailbox = await MailboxService(store).create(account.id, name)
            await MailboxService(store).subscribe(account.id, name, on=True)
        found = []
        for file in arguments.files:
            counts = Counts()
            try:
                async for counts in Transfer(store, SystemIds(), account, mailbox).read(
                    Path(file), clock.now()
                ):
                    _show(out, file, counts)
            except Invalid as problem:
                failed.append(out.detail(problem))
            except OSError as problem:
                failed.append(out.refused(problem))
            found.append((file, counts))
        return found

    found = with_store(arguments.config, act)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    out.result(
        [{"file": file, "imported": one.done, "known": one.same, "failed": one.failed} for file, one in found]
    )
    for file, one in found:
        out.text("import.done", file=file, done=one.done, same=one.same, failed=len(one.failed))
    for text in failed:
        error(text)
    return 1 if failed else 0


def _show(out: Output, file: str, counts: object) -> None:
    if sys.stderr.isatty() and not out.as_json:
        at: float = counts.at  # type: ignore[attr-defined]
        bar = "#" * round(BAR * at)
        print(f"\r{Path(file).name} [{bar:<{BAR}}] {at:4.0%}", end="", file=sys.stderr)
