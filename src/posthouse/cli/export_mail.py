"""`posthouse export`: a mailbox as an mbox, or as a zip of EML files."""

from __future__ import annotations

import argparse
import os
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import Output
from posthouse.core.sentence import Sentence

if TYPE_CHECKING:
    from posthouse.services.transfer import Transfer

EARLIEST = 315_532_800.0
"""1980: a zip knows no earlier date."""


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("export", help=say("help.export"), description=say("help.export"))
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))
    parser.add_argument("mailbox", metavar="MAILBOX", help=say("help.arg.export_mailbox"))
    parser.add_argument("file", metavar="FILE", help=say("help.arg.export_file"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.errors import Exists, Invalid  # noqa: PLC0415
    from posthouse.core.ports import SystemClock, SystemIds  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.mailboxes import canonical_name  # noqa: PLC0415
    from posthouse.services.transfer import Transfer  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    target = Path(arguments.file)

    async def act(store: Store, _config: Config) -> int:
        account = await Accounts(store, SystemClock()).account(arguments.address)
        mailbox = await store.mailboxes.get(account.id, canonical_name(arguments.mailbox))
        transfer = Transfer(store, SystemIds(), account, mailbox)
        try:
            # Mail is for its owner's eyes: the file is nobody else's, and nothing is written over.
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as problem:
            raise Exists(Sentence("export.exists", path=target)) from problem
        except FileNotFoundError as problem:
            raise Invalid(Sentence("export.folder", path=target.parent)) from problem
        os.close(handle)
        return await (_zip if target.suffix == ".zip" else _mbox)(transfer, target)

    count = with_store(arguments.config, act)
    out.result({"file": str(target), "exported": count})
    out.text("export.done", file=target, count=count)
    return 0


async def _mbox(transfer: Transfer, target: Path) -> int:
    from posthouse.services.transfer import mbox_entry, sender_of  # noqa: PLC0415

    count = 0
    with target.open("wb") as file:
        async for letter in transfer.letters():
            file.write(mbox_entry(letter, sender_of(letter)))
            count += 1
    return count


async def _zip(transfer: Transfer, target: Path) -> int:
    count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        async for letter in transfer.letters():
            count += 1
            at = time.gmtime(max(letter.date, EARLIEST))
            archive.writestr(zipfile.ZipInfo(f"{count:06}.eml", at[:6]), letter.content)
    return count
