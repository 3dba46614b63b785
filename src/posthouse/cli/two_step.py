"""`posthouse two-step`: the second step of an account's sign-ins."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output

if TYPE_CHECKING:
    from posthouse.services.two_step import TwoStep
    from posthouse.storage.rows import Account


def _address(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))


def _fill_confirm(parser: argparse.ArgumentParser, say: Say) -> None:
    _address(parser, say)
    parser.add_argument("code", metavar="CODE", help=say("help.arg.code"))


def add(parsers: Parsers, say: Say) -> None:
    actions = [
        ("enable", _address),
        ("confirm", _fill_confirm),
        ("disable", _address),
        ("status", _address),
        ("recovery", _address),
    ]
    add_actions(parsers, say, "two-step", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.two_step import TwoStep  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    async def act(store: Store, config: Config) -> None:
        clock = SystemClock()
        account = await Accounts(store, clock).account(arguments.address)
        await _ACTIONS[arguments.action](arguments, out, TwoStep(store, clock, config.hostname), account)

    with_store(arguments.config, act)
    return 0


async def _enable(_arguments: Any, out: Output, two_step: TwoStep, account: Account) -> None:
    import segno  # noqa: PLC0415

    made = await two_step.enrol(account)
    out.result(made)
    if out.as_json:
        return
    segno.make(made.uri, error="m").terminal(compact=True)
    out.text("two_step.scan", secret=made.secret)
    out.text("two_step.confirm", address=account.address)


async def _confirm(arguments: Any, out: Output, two_step: TwoStep, account: Account) -> None:
    codes = await two_step.confirm(account, arguments.code)
    out.text("two_step.on", address=account.address)
    _tell(out, codes)


async def _recovery(_arguments: Any, out: Output, two_step: TwoStep, account: Account) -> None:
    _tell(out, await two_step.new_recovery_codes(account))


def _tell(out: Output, codes: list[str]) -> None:
    out.result({"recovery_codes": codes})
    out.text("two_step.codes")
    for code in codes:
        out.line(f"  {code}")


async def _disable(_arguments: Any, out: Output, two_step: TwoStep, account: Account) -> None:
    await two_step.disable(account)
    out.result({"two_step": False})
    out.text("two_step.off", address=account.address)


async def _status(_arguments: Any, out: Output, two_step: TwoStep, account: Account) -> None:
    methods = await two_step.methods(account)
    out.result({"two_step": account.two_step, "methods": methods})
    out.table(("setting", "value"), [(out.say("setting.two_step"), account.two_step)])
    out.table(("method", "where"), list(methods.items()))


_ACTIONS: dict[str, Any] = {
    "enable": _enable,
    "confirm": _confirm,
    "disable": _disable,
    "status": _status,
    "recovery": _recovery,
}
