"""`posthouse queue`: mail on its way out."""

from __future__ import annotations

import argparse

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment


def _fill_list(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("--domain", default="", help=say("help.arg.queue_domain"))
    parser.add_argument("--sender", default="", help=say("help.arg.queue_sender"))
    parser.add_argument("--state", default="", choices=("due", "held"), help=say("help.arg.queue_state"))


def _fill_show(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("id", type=int, metavar="ID", help=say("help.arg.queue_id"))


def _fill_action(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("ids", type=int, nargs="*", metavar="ID", help=say("help.arg.queue_ids"))
    parser.add_argument("--all", action="store_true", help=say("help.arg.queue_all"))
    parser.add_argument("--recipient", default="", metavar="ADDRESS", help=say("help.arg.queue_recipient"))


def _fill_reroute(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("route", metavar="HOST:PORT", help=say("help.arg.route"))
    _fill_action(parser, say)


def add(parsers: Parsers, say: Say) -> None:
    actions = [
        ("list", _fill_list),
        ("show", _fill_show),
        ("retry", _fill_action),
        ("hold", _fill_action),
        ("release", _fill_action),
        ("cancel", _fill_action),
        ("reroute", _fill_reroute),
    ]
    add_actions(parsers, say, "queue", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.errors import Invalid  # noqa: PLC0415
    from posthouse.core.ids import QueueId  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.journal import tell  # noqa: PLC0415
    from posthouse.services.queue_admin import QueueAdmin  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        admin = QueueAdmin(store, SystemClock())
        if arguments.action == "list":
            found = await admin.find(domain=arguments.domain, sender=arguments.sender, state=arguments.state)
            out.result(found)
            rows = [
                (
                    e.id,
                    moment(e.arrived_at),
                    e.sender or "<>",
                    r.address,
                    r.state,
                    r.attempts,
                    moment(r.next_attempt),
                    r.last_status,
                )
                for e in found
                for r in e.recipients
            ]
            out.table(("id", "arrived", "sender", "recipient", "state", "attempts", "next", "status"), rows)
        elif arguments.action == "show":
            entry, story = await admin.show(QueueId(arguments.id))
            out.result({"entry": entry, "journal": story})
            for line in story:
                told = tell(entry.trace, line, out.language)
                out.line(f"{moment(told.at)}  {told.text}")
        else:
            if not arguments.ids and not arguments.all:
                raise Invalid(out.say("queue.which"))
            ids = [QueueId(i) for i in arguments.ids]
            if arguments.all:
                ids = [e.id for e in await admin.find()]
            route = getattr(arguments, "route", "")
            changed = await admin.control(arguments.action, ids, recipient=arguments.recipient, route=route)
            out.result({"changed": changed})
            out.text("queue.changed", count=changed)

    with_store(arguments.config, act)
    return 0
