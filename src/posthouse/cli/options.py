"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

Say = Callable[..., str]
Parsers = Any  # argparse's sub-parsers action is private
Action = tuple[str, Callable[[argparse.ArgumentParser, Say], None]]


def add_store_options(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("-c", "--config", metavar="FILE", help=say("help.config"))
    parser.add_argument("--json", action="store_true", help=say("help.json"))
    parser.add_argument("--lang", choices=("zh", "en"), help=argparse.SUPPRESS)


def add_actions(parsers: Parsers, say: Say, name: str, actions: Sequence[Action]) -> None:
    """A command with actions: `posthouse domain add ...`."""
    parser = parsers.add_parser(name, help=say(f"help.{name}"), description=say(f"help.{name}"))
    inner = parser.add_subparsers(dest="action", required=True, metavar=say("help.action"))
    for action, fill in actions:
        text = say(f"help.{name}.{action}")
        sub = inner.add_parser(action, help=text, description=text)
        fill(sub, say)
        add_store_options(sub, say)


def asked(changes: dict[str, object], command: str) -> dict[str, object]:
    """The same.  Raises Invalid: there are none, and to say "changed" would be untrue."""
    if not changes:
        from posthouse.core.errors import Invalid  # noqa: PLC0415
        from posthouse.core.sentence import Sentence  # noqa: PLC0415

        raise Invalid(Sentence("asked.nothing", command=command))
    return changes
