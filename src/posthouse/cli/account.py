"""`posthouse account`: who can own mailboxes and sign in."""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys
from typing import Any

from posthouse.cli import administrator, api_token, app_password, certificate
from posthouse.cli.options import Parsers, Say, add_actions, asked
from posthouse.cli.output import Output
from posthouse.core.protocols import PROTOCOLS

PASSWORD_WORDS = 4


def _address(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))


def _properties(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("--name", help=say("help.arg.name"))
    parser.add_argument("--language", choices=("zh", "en"), help=say("help.arg.language"))
    parser.add_argument("--quota-bytes", type=int, metavar="N", help=say("help.arg.quota_bytes"))
    parser.add_argument("--quota-messages", type=int, metavar="N", help=say("help.arg.quota_messages"))
    parser.add_argument(
        "--protocols", metavar="LIST", help=say("help.arg.protocols", protocols=",".join(PROTOCOLS))
    )


def _password_options(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("--password-stdin", action="store_true", help=say("help.arg.password_stdin"))
    parser.add_argument("--password-hash", metavar="HASH", help=say("help.arg.password_hash"))
    parser.add_argument("--generate", action="store_true", help=say("help.arg.generate"))


def _fill_add(parser: argparse.ArgumentParser, say: Say) -> None:
    _address(parser, say)
    _properties(parser, say)
    _password_options(parser, say)
    parser.add_argument("--team", action="store_true", help=say("help.arg.team_account"))


def _fill_set(parser: argparse.ArgumentParser, say: Say) -> None:
    _address(parser, say)
    _properties(parser, say)
    parser.add_argument("--enabled", choices=("yes", "no"), help=say("help.arg.account_enabled"))
    parser.add_argument("--app-only", metavar="LIST", help=say("help.arg.app_only"))
    parser.add_argument("--new-device", choices=("off", "notify", "hold"), help=say("help.arg.new_device"))
    parser.add_argument("--second-address", metavar="ADDRESS", help=say("help.arg.second_address"))
    parser.add_argument("--pop3-delete", metavar="POLICY", help=say("help.arg.pop3_delete"))


def _fill_password(parser: argparse.ArgumentParser, say: Say) -> None:
    _address(parser, say)
    _password_options(parser, say)


def _fill_list(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help=say("help.arg.domain"))


def _fill_delete(parser: argparse.ArgumentParser, say: Say) -> None:
    _address(parser, say)
    parser.add_argument("--yes", action="store_true", help=say("help.arg.yes"))


def add(parsers: Parsers, say: Say) -> None:
    actions = [
        ("list", _fill_list),
        ("show", _address),
        ("add", _fill_add),
        ("set", _fill_set),
        ("password", _fill_password),
        ("app-password", app_password.fill),
        ("certificate", certificate.fill),
        ("token", api_token.fill),
        ("admin", administrator.fill),
        ("delete", _fill_delete),
    ]
    add_actions(parsers, say, "account", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.app.signin_settings import signin_settings  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    password, generated = None, False
    wanted = arguments.action == "password" or (arguments.action == "add" and not arguments.team)
    if wanted and not arguments.password_hash:
        password, generated = choose_password(arguments, out)
    if arguments.action == "delete" and not arguments.yes and not confirmed(out, arguments.address):
        out.text("not_confirmed")
        return 1

    async def act(store: Store, config: Config) -> None:
        accounts = Accounts(store, SystemClock(), signin_settings(config))
        await _ACTIONS[arguments.action](arguments, out, accounts, store, password, config.language)

    with_store(arguments.config, act)
    if password and generated:
        show_generated(out, password)
    return 0


async def _list(arguments: Any, out: Output, _accounts: Any, store: Any, *_: Any) -> None:
    found = await store.directory.accounts(arguments.domain)
    out.result(found)
    rows = [(a.address, a.name, a.enabled, a.used_messages, a.used_bytes, a.protocols) for a in found]
    out.table(("address", "name", "enabled", "messages", "bytes", "protocols"), rows)


async def _show(arguments: Any, out: Output, accounts: Any, *_: Any) -> None:
    account = await accounts.account(arguments.address)
    out.result(account)
    names = (
        "address",
        "name",
        "language",
        "enabled",
        "protocols",
        "app_only",
        "two_step",
        "new_device",
        "second_address",
        "used_messages",
        "used_bytes",
        "quota_messages",
        "quota_bytes",
        "pop3_delete",
        "admin",
    )
    out.table(("setting", "value"), [(out.say(f"setting.{name}"), getattr(account, name)) for name in names])


async def _add(
    arguments: Any, out: Output, accounts: Any, _store: Any, password: str | None, language: str
) -> None:
    from posthouse.services.foreign_hashes import normal_hash  # noqa: PLC0415

    properties = chosen_properties(arguments)
    properties.setdefault("language", language)
    if arguments.team:
        properties["team"] = True
    imported = normal_hash(hash_from(arguments)) if arguments.password_hash else ""
    account = await accounts.create_account(arguments.address, password, **properties)
    if imported:
        account = await accounts.update_account(arguments.address, password_hash=imported)
    out.result(account)
    out.text("account.team_added" if arguments.team else "account.added", address=arguments.address)


async def _set(arguments: Any, out: Output, accounts: Any, *_: Any) -> None:
    changes = chosen_properties(arguments)
    if arguments.enabled:
        changes["enabled"] = arguments.enabled == "yes"
    if arguments.app_only is not None:
        changes["app_only"] = app_password.split(arguments.app_only)
    if arguments.new_device:
        changes["new_device"] = arguments.new_device
    if arguments.second_address is not None:
        changes["second_address"] = arguments.second_address
    if arguments.pop3_delete:
        changes["pop3_delete"] = arguments.pop3_delete
    out.result(await accounts.update_account(arguments.address, **asked(changes, "account set")))
    out.text("changed", name=arguments.address)


async def _password(arguments: Any, out: Output, accounts: Any, _store: Any, password: str, *_: Any) -> None:
    change = {"password_hash": hash_from(arguments)} if arguments.password_hash else {"password": password}
    out.result(await accounts.update_account(arguments.address, **change))
    out.text("account.password_changed", address=arguments.address)


async def _delete(arguments: Any, out: Output, accounts: Any, *_: Any) -> None:
    await accounts.delete_account(arguments.address)
    out.result({"deleted": arguments.address})
    out.text("deleted", name=arguments.address)


_ACTIONS: dict[str, Any] = {
    "list": _list,
    "show": _show,
    "add": _add,
    "set": _set,
    "password": _password,
    "app-password": app_password.act,
    "certificate": certificate.act,
    "token": api_token.act,
    "admin": administrator.act,
    "delete": _delete,
}


def chosen_properties(arguments: argparse.Namespace) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: getattr(arguments, name)
        for name in ("name", "language", "quota_bytes", "quota_messages")
        if getattr(arguments, name) is not None
    }
    if arguments.protocols is not None:
        values["protocols"] = app_password.split(arguments.protocols)
    return values


def hash_from(arguments: argparse.Namespace) -> str:
    """As given, or the line on standard input."""
    given: str = arguments.password_hash
    return sys.stdin.readline() if given == "-" else given


def choose_password(arguments: argparse.Namespace, out: Output) -> tuple[str, bool]:
    """From standard input, generated (then True: to be shown once it is set), or asked twice on a terminal."""
    from posthouse.core.errors import Invalid  # noqa: PLC0415

    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\n"), False
    if arguments.generate or not sys.stdin.isatty():
        return generate_password(), True
    password = getpass.getpass(out.say("account.ask"))
    if getpass.getpass(out.say("account.ask_again")) != password:
        raise Invalid(out.say("account.differ"))
    return password, False


def show_generated(out: Output, password: str) -> None:
    print(out.say("account.generated", password=password), file=sys.stderr if out.as_json else sys.stdout)


def generate_password() -> str:
    """About 80 bits, in groups that can be read out."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(PASSWORD_WORDS))


def confirmed(out: Output, name: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(out.say("account.confirm", name=name)) == name
