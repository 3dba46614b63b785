"""`posthouse lens`: what connections said, line by line, and what each line means."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any, Final

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, moment, plain

if TYPE_CHECKING:
    from posthouse.services.lens_view import LensView, Looker

FOLLOW_S: Final = 0.3


def _fill_list(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("--service", metavar="NAME", help=say("help.arg.lens_service"))
    parser.add_argument("--account", metavar="ADDRESS", help=say("help.arg.lens_account"))
    parser.add_argument("--limit", type=int, default=30, help=say("help.arg.limit"))


def _fill_show(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("id", metavar="ID", help=say("help.arg.lens_id"))
    parser.add_argument("--bare", action="store_true", help=say("help.arg.lens_bare"))


def _fill_follow(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("--service", metavar="NAME", help=say("help.arg.lens_service"))
    parser.add_argument("--account", metavar="ADDRESS", help=say("help.arg.lens_account"))
    parser.add_argument("--bare", action="store_true", help=say("help.arg.lens_bare"))


def add(parsers: Parsers, say: Say) -> None:
    add_actions(parsers, say, "lens", [("list", _fill_list), ("show", _fill_show), ("follow", _fill_follow)])


def run(arguments: argparse.Namespace, out: Output) -> int:
    import asyncio  # noqa: PLC0415 - not for `posthouse --help`

    from posthouse.app.admin import find_config  # noqa: PLC0415
    from posthouse.app.config import load_config  # noqa: PLC0415
    from posthouse.app.lens import open_view  # noqa: PLC0415
    from posthouse.services.lens_view import Looker  # noqa: PLC0415

    config = load_config(find_config(arguments.config))
    if not config.lens.enabled:
        out.text("lens.off")
    account = getattr(arguments, "account", None)
    looker = Looker(account or "", everything=not account)
    act = {"list": _list, "show": _show, "follow": _follow}[arguments.action]

    async def main() -> None:
        view = open_view(config)
        try:
            await act(view, looker, arguments, out)
        finally:
            view.close()

    asyncio.run(main())
    return 0


async def _list(view: LensView, looker: Looker, arguments: argparse.Namespace, out: Output) -> None:
    found = await view.listed(looker, service=arguments.service, limit=arguments.limit)
    out.result(found)
    rows = [
        (one.id, moment(one.began), one.host, one.service, one.peer, one.account, one.lines, one.errors or "")
        for one in found
    ]
    out.table(("id", "began", "host", "service", "peer", "account", "lines", "errors"), rows)


async def _show(view: LensView, looker: Looker, arguments: argparse.Namespace, out: Output) -> None:

    from posthouse.lens.draw import draw_line  # noqa: PLC0415

    after, said = 0, []
    while True:
        dialogue, more = await view.lines(looker, arguments.id, after=after)
        if not more:
            break
        said += more
        after = more[-1].number
    out.result({"dialogue": plain(dialogue), "lines": [_plain(one) for one in said]})
    _head(dialogue, out)
    for one in said:
        for text in draw_line(dialogue.protocol, one.at, one.line, out.language, words=not arguments.bare):
            out.line(text)


async def _follow(view: LensView, looker: Looker, arguments: argparse.Namespace, out: Output) -> None:
    """Until Ctrl-C: lines of all dialogues as they come, each run with the name of its dialogue before it."""
    import asyncio  # noqa: PLC0415

    from posthouse.lens.draw import draw_line  # noqa: PLC0415

    began, last = time.time() - 1, ""
    seen: dict[str, int] = {}  # lines shown of each dialogue
    while True:
        for dialogue in reversed(await view.listed(looker, service=arguments.service)):
            if dialogue.began < began and dialogue.id not in seen:
                continue
            if dialogue.lines <= seen.get(dialogue.id, 0):
                continue
            _, said = await view.lines(looker, dialogue.id, after=seen.get(dialogue.id, 0))
            for one in said:
                seen[dialogue.id] = one.number
                out.result({"dialogue": dialogue.id, **_plain(one)})
                if last != dialogue.id:
                    last = dialogue.id
                    _head(dialogue, out)
                for text in draw_line(
                    dialogue.protocol, one.at, one.line, out.language, words=not arguments.bare
                ):
                    out.line(text)
        await asyncio.sleep(FOLLOW_S)


def _head(dialogue: Any, out: Output) -> None:
    out.line()
    out.text(
        "lens.head",
        id=dialogue.id,
        service=dialogue.service.upper(),
        host=dialogue.host,
        peer=dialogue.peer,
        account=dialogue.account or "-",
    )


def _plain(one: Any) -> dict[str, Any]:
    return {"number": one.number, "at": one.at, **plain(one.line)}
