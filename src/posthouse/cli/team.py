"""`posthouse team`: who works in the mailboxes of a team."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment
from posthouse.core.sentence import Sentence

if TYPE_CHECKING:
    from posthouse.storage.ports import Store


def _team(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("team", metavar="TEAM", help=say("help.arg.team"))


def _member(parser: argparse.ArgumentParser, say: Say) -> None:
    _team(parser, say)
    parser.add_argument("member", metavar="MEMBER", help=say("help.arg.member"))


def _fill_add(parser: argparse.ArgumentParser, say: Say) -> None:
    _member(parser, say)
    parser.add_argument("--rights", metavar="RIGHTS", help=say("help.arg.member_rights"))


def _fill_set(parser: argparse.ArgumentParser, say: Say) -> None:
    _team(parser, say)
    parser.add_argument("--seen", required=True, choices=("each", "all"), help=say("help.arg.seen"))
    parser.add_argument("--mailbox", metavar="MAILBOX", help=say("help.arg.seen_mailbox"))


def _fill_notes(parser: argparse.ArgumentParser, say: Say) -> None:
    _team(parser, say)
    parser.add_argument("--conversation", metavar="ID", help=say("help.arg.conversation"))


def add(parsers: Parsers, say: Say) -> None:
    actions = [("list", _team), ("add", _fill_add), ("remove", _member), ("set", _fill_set)]
    actions += [("claims", _team), ("notes", _fill_notes)]
    add_actions(parsers, say, "team", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.rights import ALL, format_rights, parse_rights  # noqa: PLC0415
    from posthouse.services.teams import Teams  # noqa: PLC0415

    async def act(store: Store, _config: Config) -> None:
        if arguments.action in ("claims", "notes"):
            await _work(store, arguments, out)
            return
        teams = Teams(store)
        if arguments.action == "add":
            rights = ALL if arguments.rights is None else parse_rights(arguments.rights)
            await teams.add(arguments.team, arguments.member, rights)
            out.text("team.added", member=arguments.member, team=arguments.team, rights=format_rights(rights))
        elif arguments.action == "set":
            changed = await teams.set_seen(
                arguments.team, each=arguments.seen == "each", only=arguments.mailbox
            )
            out.result({"seen": arguments.seen, "mailboxes": changed})
            out.text(f"team.seen_{arguments.seen}", mailboxes=", ".join(changed))
            return
        elif arguments.action == "remove":
            await teams.remove(arguments.team, arguments.member)
            out.text("team.removed", member=arguments.member, team=arguments.team)
        members = [(one.address, format_rights(one.rights)) for one in await teams.members(arguments.team)]
        out.result([{"member": address, "rights": rights} for address, rights in members])
        if arguments.action == "list":
            out.table(("member", "rights"), members)
            out.text(f"team.seen_is_{await teams.seen(arguments.team)}")

    with_store(arguments.config, act)
    return 0


async def _work(store: Store, arguments: argparse.Namespace, out: Output) -> None:
    """Who has which conversation; what members wrote about one, or all."""
    from posthouse.core.errors import Invalid  # noqa: PLC0415
    from posthouse.services.team_work import TeamWorkService  # noqa: PLC0415
    from posthouse.services.teams import Teams  # noqa: PLC0415

    team, work = await Teams(store).find(arguments.team), TeamWorkService(store)
    if arguments.action == "claims":
        _, claims = await store.team.claims(team.id)
        subjects = await work.subjects(team.id, [one.thread for one in claims])
        out.result(
            [
                {
                    "conversation": f"T{one.thread}",
                    "subject": subjects.get(one.thread, ""),
                    "holder": one.address,
                    "at": one.at,
                }
                for one in claims
            ]
        )
        rows = [
            (f"T{one.thread}", one.address, moment(one.at), subjects.get(one.thread, "")) for one in claims
        ]
        out.table(("conversation", "holder", "time", "about"), rows)
        return
    threads = None
    if (wanted := arguments.conversation) is not None:
        if not wanted[1:].isdigit() or not wanted.isascii() or wanted[0] != "T":
            raise Invalid(Sentence("team.conversation", given=wanted))
        threads = [int(wanted[1:])]
    _, notes = await store.team.notes(team.id, threads=threads)
    out.result(
        [
            {
                "conversation": f"T{one.thread}",
                "author": one.address,
                "at": one.at,
                "edited_at": one.edited_at,
                "text": one.text,
            }
            for one in notes
        ]
    )
    out.table(
        ("conversation", "author", "time", "text"),
        [(f"T{one.thread}", one.address, moment(one.at), one.text) for one in notes],
    )
