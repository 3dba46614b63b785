"""`posthouse sieve`: the rules of an account; trying a script on letters, running it on stored mail."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, error

if TYPE_CHECKING:
    from posthouse.core.ids import AccountId
    from posthouse.services.refile import Filed
    from posthouse.services.scripts import Scripts
    from posthouse.storage.ports import Store

PROGRESS_EVERY = 1000


def _account(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))


def _script(parser: argparse.ArgumentParser, say: Say) -> None:
    _account(parser, say)
    parser.add_argument("name", metavar="NAME", help=say("help.arg.script"))


def _fill_put(parser: argparse.ArgumentParser, say: Say) -> None:
    _script(parser, say)
    parser.add_argument("file", metavar="FILE", help=say("help.arg.script_file"))
    parser.add_argument("--activate", action="store_true", help=say("help.arg.activate"))


def _fill_test(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("file", metavar="SCRIPT", help=say("help.arg.script_file"))
    parser.add_argument("messages", metavar="MESSAGE", nargs="+", help=say("help.arg.messages"))
    parser.add_argument("--from", dest="sender", metavar="ADDRESS", default="", help=say("help.arg.sender"))
    parser.add_argument(
        "--to", dest="recipient", metavar="ADDRESS", default="", help=say("help.arg.recipient")
    )


def _fill_run(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("file", metavar="SCRIPT", help=say("help.arg.script_file"))
    parser.add_argument(
        "--account", dest="address", metavar="ADDRESS", required=True, help=say("help.arg.address")
    )
    parser.add_argument("--mailbox", metavar="MAILBOX", default="INBOX", help=say("help.arg.mailbox"))
    parser.add_argument("--dry-run", action="store_true", help=say("help.arg.dry_run"))


def add(parsers: Parsers, say: Say) -> None:
    actions = [
        ("list", _account),
        ("show", _script),
        ("put", _fill_put),
        ("activate", _script),
        ("deactivate", _account),
        ("delete", _script),
        ("test", _fill_test),
        ("run", _fill_run),
    ]
    add_actions(parsers, say, "sieve", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.sieve import ScriptError  # noqa: PLC0415
    from posthouse.sieve.text import explain  # noqa: PLC0415

    try:
        return _test(arguments, out) if arguments.action == "test" else _stored(arguments, out)
    except ScriptError as fault:
        error(explain(fault, out.language))
        return 1
    except OSError as problem:
        error(out.refused(problem))
        return 1


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    with open(name, "rb") as file:
        return file.read()


def _text(name: str) -> str:
    """Raises ScriptError for what is no UTF-8."""
    from posthouse.sieve import compile_script  # noqa: PLC0415

    content = _read(name)
    compile_script(content)
    return content.decode("utf-8")


# --- trying a script ---


def _test(arguments: argparse.Namespace, out: Output) -> int:
    import time  # noqa: PLC0415

    from posthouse.sieve import Context, Mail, compile_script, run  # noqa: PLC0415
    from posthouse.sieve.text import explain, narrate  # noqa: PLC0415

    script = compile_script(_read(arguments.file))
    now = time.time()
    results = []
    for name in arguments.messages:
        content = _read(name)
        mail = Mail(content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        own = (arguments.recipient,) if arguments.recipient else ()
        context = Context(
            now=now,
            zone_minutes=time.localtime(now).tm_gmtoff // 60,
            sender=arguments.sender or _address_in(mail, "From"),
            recipient=arguments.recipient or _address_in(mail, "To"),
            addresses=own or (_address_in(mail, "To"),),
        )
        outcome = run(script, mail, context)
        results.append({"message": name, "actions": [_plain(one) for one in outcome.actions]})
        out.line(f"{name}:")
        for said in outcome.log:
            out.line(f"  {narrate(said, out.language)}")
        if outcome.fault is not None:
            out.line(f"  {explain(outcome.fault, out.language)}")
            results[-1]["fault"] = explain(outcome.fault, out.language)
        for one in outcome.actions:
            out.line(f"  => {_shown(one)}")
        if outcome.discarded:
            out.line("  => discard")
    out.result(results)
    return 0


def _address_in(mail: object, field: str) -> str:
    found = [one for addresses in mail.addresses(field) for one in addresses]  # type: ignore[attr-defined]
    return found[0] if found else ""


def _plain(action: object) -> dict[str, object]:
    from msgspec import to_builtins  # noqa: PLC0415

    return {"action": type(action).__name__.lower(), **to_builtins(action)}


def _shown(action: object) -> str:
    facts = {name: value for name, value in _plain(action).items() if value and name != "handle"}
    name = facts.pop("action")
    return " ".join([str(name), *(f"{key}={value}" for key, value in facts.items())])


# --- scripts and mail in the store ---


def _stored(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.scripts import Scripts  # noqa: PLC0415

    content = _text(arguments.file) if arguments.action in {"put", "run"} else ""

    async def act(store: Store, _config: Config) -> None:
        account = await Accounts(store, SystemClock()).account(arguments.address)
        if arguments.action == "run":
            await _run_on_mailbox(arguments, out, store, content)
        else:
            await _edit(arguments, out, Scripts(store, SystemClock()), account.id, content)

    with_store(arguments.config, act)
    return 0


async def _edit(
    arguments: argparse.Namespace, out: Output, scripts: Scripts, account: AccountId, content: str
) -> None:
    match arguments.action:
        case "list":
            found = await scripts.list(account)
            out.result(
                [
                    {"name": one.name, "active": one.active, "bytes": len(one.content.encode())}
                    for one in found
                ]
            )
            out.table(
                ("script", "active", "bytes"), [(s.name, s.active, len(s.content.encode())) for s in found]
            )
        case "show":
            one = await scripts.get(account, arguments.name)
            out.result(one)
            out.line(one.content.rstrip("\n"))
        case "put":
            await scripts.put(account, arguments.name, content)
            if arguments.activate:
                await scripts.activate(account, arguments.name)
            out.result({"put": arguments.name, "active": arguments.activate})
            out.text("changed", name=arguments.name)
        case "activate" | "deactivate":
            name = arguments.name if arguments.action == "activate" else None
            await scripts.activate(account, name)
            out.result({"active": name})
            out.text("changed", name=name or arguments.address)
        case _:
            await scripts.delete(account, arguments.name)
            out.result({"deleted": arguments.name})
            out.text("deleted", name=arguments.name)


async def _run_on_mailbox(arguments: argparse.Namespace, out: Output, store: Store, content: str) -> None:
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.mailboxes import canonical_name  # noqa: PLC0415
    from posthouse.services.refile import refile  # noqa: PLC0415
    from posthouse.services.rules import Rules  # noqa: PLC0415
    from posthouse.sieve import compile_script  # noqa: PLC0415

    clock = SystemClock()
    account = await Accounts(store, clock).account(arguments.address)
    mailbox = await store.mailboxes.get(account.id, canonical_name(arguments.mailbox))
    rules = Rules(store, clock)
    found: list[Filed] = []
    moved = 0
    try:
        async for filed in refile(rules, account, mailbox, compile_script(content), dry=arguments.dry_run):
            found.append(filed)
            if filed.targets != [mailbox.name]:
                moved += 1
                out.line(
                    f"{filed.uid}  {filed.subject}  => {', '.join(filed.targets) or out.say('sieve.deleted')}"
                )
            if len(found) % PROGRESS_EVERY == 0:
                print(out.say("sieve.progress", done=len(found), all=mailbox.messages), file=sys.stderr)
    finally:
        rules.close()
    out.result(
        [
            {"uid": one.uid, "mailboxes": one.targets, "actions": [_plain(a) for a in one.outcome.actions]}
            for one in found
        ]
    )
    out.text("sieve.would" if arguments.dry_run else "sieve.done", messages=len(found), moved=moved)
