"""`posthouse COMMAND ...`: finds the language, the command, and turns errors into words and exit codes.

Exit codes: 0 done; 1 not done (the text says why and what to do); 2 wrong usage; 3 try again later; 4 problems found by
`check`; 78 the configuration cannot be used.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from keyword import iskeyword
from typing import Any, Final

from posthouse.cli import audit, texts, usage
from posthouse.cli.output import EXIT_CONFIG, EXIT_FAILED, EXIT_TRY_AGAIN, Output, error

COMMANDS: Final = (
    "demo",
    "serve",
    "init",
    "check",
    "health",
    "domain",
    "dkim",
    "dns",
    "account",
    "setup",
    "import",
    "export",
    "migrate",
    "alias",
    "mailbox",
    "sieve",
    "contact",
    "two-step",
    "passkey",
    "session",
    "sign-ins",
    "device",
    "ban",
    "team",
    "acl",
    "audit",
    "administrator",
    "connection",
    "flow",
    "queue",
    "trace",
    "lens",
    "client",
    "grant",
    "device-login",
    "tls",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    gc.disable()  # perf: what is imported stays, and most commands are over soon; a node switches it on
    words = list(sys.argv[1:] if argv is None else argv)
    language = find_language(words, os.environ)
    usage.speak(language)
    say = partial(texts.say, language=language)
    parser = make_parser(say, _asked(words))
    arguments = parser.parse_args(words)
    module = _module(arguments.command)
    out = Output(say, language, as_json=getattr(arguments, "json", False))
    return _guarded(module.run, arguments, out)


def find_language(words: Sequence[str], environ: Any) -> str:
    """--lang, else what POSIX says of LC_ALL, LC_MESSAGES and LANG."""
    for i, word in enumerate(words):
        if word.startswith("--lang="):
            chosen = word[7:]
        elif word == "--lang" and i + 1 < len(words):
            chosen = words[i + 1]
        else:
            continue
        if chosen in ("zh", "en"):  # what is wrong with another is told as the environment says
            return chosen
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return _known(environ[name])
    return "en"


def _known(name: str) -> str:
    return "zh" if name.lower().startswith("zh") else "en"


def _asked(words: Sequence[str]) -> Sequence[str]:
    """perf: the command that the line names first is made alone; the help of all takes 40 ms."""
    skipped = 2 if words[:1] == ["--lang"] else 1 if words and words[0].startswith("--lang=") else 0
    first = words[skipped : skipped + 1]
    return first if first and first[0] in COMMANDS else COMMANDS


def make_parser(say: Callable[..., str], commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    parser = usage.Parser(prog="posthouse", description=say("help.program"), epilog=say("help.epilog"))
    parser.add_argument("--lang", choices=("zh", "en"), help=say("help.lang"))
    parser.add_argument("--version", action="version", version=_version())
    parsers = parser.add_subparsers(dest="command", required=True, metavar=say("help.metavar"))
    for name in commands:
        _module(name).add(parsers, say)
    return parser


def _module(command: str) -> Any:
    name = f"{command}_mail" if iskeyword(command) or command == "export" else command.replace("-", "_")
    return importlib.import_module(f"posthouse.cli.{name}")


def _version() -> str:
    from posthouse import __version__  # noqa: PLC0415

    return f"posthouse {__version__}"


def _guarded(
    run: Callable[[argparse.Namespace, Output], int], arguments: argparse.Namespace, out: Output
) -> int:
    """Every expected error is a line on standard error that says what to do; the rest is a fault of ours."""
    try:
        code = run(arguments, out)
        if code == 0 and audit.is_noted(arguments):
            audit.note(arguments)
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as problem:
        code = _explained(problem, out)
        if code == 0:
            raise
        return code


def _explained(problem: Exception, out: Output) -> int:
    """The exit code of an error that is expected, once it is told; 0 for others."""
    from posthouse.core.errors import InUse, MailError, StartError, Unavailable  # noqa: PLC0415
    from posthouse.servers.listener import BindError  # noqa: PLC0415

    match problem:
        case BindError():
            text, code = problem.sentence.text(out.language), EXIT_FAILED
        case StartError():
            text, code = problem.sentence.text(out.language), EXIT_CONFIG
        case InUse():
            text, code = out.detail(problem) or out.say("error.in_use"), EXIT_TRY_AGAIN
        case Unavailable():
            detail = out.detail(problem) or type(problem).__name__
            text, code = out.say("error.unavailable", detail=detail), EXIT_TRY_AGAIN
        case MailError():
            text, code = out.detail(problem) or type(problem).__name__, EXIT_FAILED
        case OSError() if problem.filename is not None:
            text, code = out.refused(problem), EXIT_FAILED
        case _:
            return 0
    error(text)
    return code
