"""`posthouse dkim list|rotate|export DOMAIN`: the keys that sign a domain's mail."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from posthouse.cli.dns import show_records
from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment

if TYPE_CHECKING:
    from posthouse.services.dkim import DkimKeys, PublicKey


def _domain(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("domain", metavar="DOMAIN", help=say("help.arg.domain"))


def _fill_rotate(parser: argparse.ArgumentParser, say: Say) -> None:
    _domain(parser, say)
    parser.add_argument("--now", action="store_true", help=say("help.arg.dkim_now"))


def _fill_export(parser: argparse.ArgumentParser, say: Say) -> None:
    _domain(parser, say)
    parser.add_argument("--selector", metavar="NAME", help=say("help.arg.dkim_selector"))
    parser.add_argument("--private", metavar="FILE", help=say("help.arg.dkim_private"))


def add(parsers: Parsers, say: Say) -> None:
    add_actions(parsers, say, "dkim", [("list", _domain), ("rotate", _fill_rotate), ("export", _fill_export)])


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.dkim import DkimKeys  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> bytes:
        keys = DkimKeys(store, SystemClock())
        if arguments.action == "list":
            _show(out, arguments.domain, await keys.listed(arguments.domain))
        elif arguments.action == "rotate":
            _show_rotated(out, arguments, await keys.rotate(arguments.domain, now=arguments.now))
        else:
            return await _export(out, arguments, keys)
        return b""

    if arguments.action == "export" and arguments.private:
        return _write_private(out, arguments, lambda: with_store(arguments.config, act))
    with_store(arguments.config, act)
    return 0


def _show(out: Output, domain: str, keys: list[PublicKey]) -> None:
    out.result(keys)
    if not keys:
        out.text("dkim.none", domain=domain)
        return
    rows = [
        (
            key.selector,
            key.kind,
            out.say(f"dkim.state.{key.state}"),
            moment(key.created_at),
            moment(key.activated_at),
            moment(key.retired_at),
        )
        for key in keys
    ]
    out.table(("selector", "kind", "state", "created", "activated", "retired"), rows)


def _show_rotated(out: Output, arguments: argparse.Namespace, keys: list[PublicKey]) -> None:
    from posthouse.app.dns_records import key_records  # noqa: PLC0415

    if out.as_json:
        out.result(keys)
        return
    show_records(out, key_records(keys), address=False)
    out.line()
    out.text("dkim.used" if arguments.now else "dkim.publish", domain=arguments.domain)


async def _export(out: Output, arguments: argparse.Namespace, keys: DkimKeys) -> bytes:
    from posthouse.app.dns_records import key_records  # noqa: PLC0415

    if arguments.private:
        return await keys.private_pem(arguments.domain, arguments.selector)
    listed = await keys.listed(arguments.domain)
    chosen = [key for key in listed if arguments.selector in (None, key.selector)]
    if not chosen:
        out.text("dkim.none", domain=arguments.domain)
    show_records(out, key_records(chosen), address=False)
    return b""


def _write_private(out: Output, arguments: argparse.Namespace, read: Callable[[], bytes]) -> int:
    """Into a file that only its owner can read, and that was not there before."""
    from posthouse.core.errors import Exists, Invalid  # noqa: PLC0415

    if not arguments.selector:
        raise Invalid(out.say("dkim.which", domain=arguments.domain))
    path = os.path.abspath(arguments.private)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise Exists(out.say("dkim.file_exists", path=path)) from None
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(read())
    except BaseException:
        os.unlink(path)
        raise
    out.result({"written": path})
    out.text("dkim.written", path=path)
    return 0
