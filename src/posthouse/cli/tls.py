"""`posthouse tls`: the certificates there are and their renewal, and what clients see behind each port with TLS."""

from __future__ import annotations

import argparse
import time
from typing import Any

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import EXIT_PROBLEMS, Output, moment

ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked on loopback instead


def _fill(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("--name", action="append", default=[], metavar="NAME", help=say("help.arg.tls_name"))
    parser.add_argument("--ca-file", metavar="FILE", help=say("help.arg.ca_file"))


def add(parsers: Parsers, say: Say) -> None:
    add_actions(parsers, say, "tls", [("check", _fill), ("list", _nothing)])


def _nothing(_parser: argparse.ArgumentParser, _say: Say) -> None:
    """No arguments of its own."""


def run(arguments: argparse.Namespace, out: Output) -> int:
    return _list(arguments, out) if arguments.action == "list" else _check(arguments, out)


def _list(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.node_view import looked_at  # noqa: PLC0415

    found = looked_at(arguments.config, lambda view: view.certificates())
    out.result(found)
    rows = [
        (", ".join(one["names"]), one["issuer"], one["source"], moment(one["not_after"]), one["renewal"])
        for one in found
    ]
    out.table(("tls_names", "issuer", "tls_source", "expires", "tls_renewal"), rows)
    return 0


def _check(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import find_config  # noqa: PLC0415
    from posthouse.app.config import load_config  # noqa: PLC0415
    from posthouse.client.tls_check import look  # noqa: PLC0415

    config = load_config(find_config(arguments.config))
    found = [
        look(listener, host, port, name, now=time.time(), ca_file=arguments.ca_file)
        for listener, host, port in _addresses(config)
        for name in arguments.name or _names(config)
    ]
    out.result([_shown(out, one) for one in found])
    columns = ("service", "address", "tls_name", "tls_version", "issuer", "expires", "tls_state")
    rows = [
        (
            one.listener,
            one.address,
            one.name,
            one.version,
            one.issuer,
            moment(one.not_after),
            out.say("tls.fine", days=one.days_left) if not one.problems else out.say("tls.bad"),
        )
        for one in found
    ]
    out.table(columns, rows)
    for problem, places in _complaints(out, found).items():
        out.text("tls.complaint", problem=problem, where=", ".join(places))
    bad = sum(bool(one.problems) for one in found)
    out.text("tls.result", count=len(found), bad=bad)
    return EXIT_PROBLEMS if bad or not found else 0


def _complaints(out: Output, found: list[Any]) -> dict[str, list[str]]:
    """Each complaint once, with the ports that it is about."""
    grouped: dict[str, list[str]] = {}
    for one in found:
        for key, fields in one.problems:
            place = f"{one.listener} {one.address} ({one.name})"
            grouped.setdefault(out.say(key, **fields), []).append(place)
    return grouped


def _names(config: Any) -> list[str]:
    """All that the certificates are meant for; of `*.example.org` one name below it."""
    wanted = [config.hostname, *(name for one in config.tls.certificates for name in one.names)]
    if config.acme.enabled:
        wanted += config.acme.names
    return list(dict.fromkeys(name.replace("*.", "any.", 1) for name in wanted))


def _addresses(config: Any) -> list[tuple[str, str, int]]:
    from posthouse.app import settings  # noqa: PLC0415
    from posthouse.client.tls_check import BEGIN  # noqa: PLC0415

    return [
        (name, ANY.get(one.host, one.host), one.port)
        for name, addresses in settings.listen_addresses(config).items()
        if name in BEGIN
        for one in addresses
        if not one.path
    ]


def _shown(out: Output, one: Any) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415

    made: dict[str, Any] = msgspec.to_builtins(one)
    made["problems"] = [
        {"kind": key.partition(".")[2], "text": out.say(key, **fields)} for key, fields in one.problems
    ]
    return made
