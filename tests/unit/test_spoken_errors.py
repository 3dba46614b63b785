"""Errors that may reach a person carry a sentence, which is said in the language of whoever reads it."""

import ast
import inspect
from pathlib import Path

import pytest

from posthouse.core import errors
from posthouse.core.errors import MailError

SOURCE = Path(__file__).parents[2] / "src" / "posthouse"
KINDS = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, MailError)}
SILENT = {
    "SignInFailed": "whoever fails to sign in is told one fixed text: the detail is for the log",
    "Expired": "as SignInFailed",
    "BadToken": "as SignInFailed",
    "NotApproved": "each protocol has its own text; the detail is for the log",
    "ScopeExceeded": "each protocol has its own text; the detail names a credential, for the log",
    "MailLoop": "a protocol's answer (RFC 5321 §6.3); the detail is for the journal",
    "Unauthenticated": "carries the text that the sender is told as a field",
    "Unverifiable": "a protocol's answer; the detail is for the log",
    "Refused": "carries the recipient's own text as a field",
}
"""Kinds whose detail no person reads."""
FOR_PROGRAMS = {
    "sessions/": "tables of answers; `description` of JMAP is for developers (RFC 8620 §3.6.2)",
    "http/jmap/": "problem details for developers (RFC 8620 §3.6.1)",
    "http/oauth/": "error_description is ASCII for the developer of a client (RFC 6749 §5.2)",
    "services/oauth/": "as http/oauth",
    "http/auth/": "the pages have words for the name of each error; the detail is for developers",
    "http/forms.py": "what a program put into an address or a form",
    "http/browser.py": "the page has its own text",
    "http/pictures.py": "stands in place of a picture, where nobody reads",
    "http/api/": "NotFound is told by the words of its kind (`PROBLEMS`), its detail to nobody",
    "sieve/simple.py": "shapes of JMAP values; the page offers no others",
    "client/directory/": "outside directories: for the log; people are told that sign-in is not available",
    "mime/layout.py": "damaged data: for the log, with what to do",
    "services/delivery.py": "SMTP answers, and the journal",
    "services/incoming.py": "SMTP answers, and the journal",
    "services/steps.py": "SMTP answers, and the journal",
    "services/resolve.py": "SMTP answers, and the journal",
    "services/signin.py": "the peer is told a fixed text; the ban is for the log",
    "services/signing.py": "a letter goes out unsigned; for the log",
    "services/grant.py": "each protocol has its own text",
    "services/rights.py": "each protocol has its own text",
    "services/fair_pool.py": "each protocol has its own text",
    "services/pictures.py": "stands in place of a picture, where nobody reads",
    "services/file_links.py": "the page has its own text",
    "services/team_work.py": "JMAP; the page has its own text",
    "storage/": "rows by number and bounds: what is asked for by name is looked for before, with a sentence",
}
"""Beginnings of paths -> why an error there may be in English alone."""
SPOKEN_THERE = (
    "storage/sqlite/local.py",
    "storage/sqlite/schema/",
    "storage/sqlite/connection.py",
    "storage/sqlite/store.py",
)
"""What people read all the same."""
PLAIN = {"str", "repr", "format", "join", "decode"}
QUOTED = {
    ("cli/migrate.py", "Forbidden"): "a sentence and a hint behind it, both in the language of the user",
    ("app/node.py", "Unavailable"): "the answer to a health check",
    ("app/demo.py", "InUse"): "a path; the command has words for it",
    ("app/setup.py", "Exists"): "a path; the command has words for it",
}
"""(module, kind) -> why."""


def modules():
    for path in sorted(SOURCE.rglob("*.py")):
        name = str(path.relative_to(SOURCE))
        if name.startswith(SPOKEN_THERE) or not name.startswith(tuple(FOR_PROGRAMS)):
            yield name


def made(module):
    """(line, kind, first argument) of each error that is made."""
    for node in ast.walk(ast.parse((SOURCE / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            kind = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if kind in KINDS - set(SILENT):
                yield node.lineno, kind, node.args[0]


def is_plain(argument):
    """A text in one language, or the English text of another error."""
    match argument:
        case ast.Constant() | ast.JoinedStr() | ast.BinOp():
            return True
        case ast.Attribute():
            return argument.attr == "detail"
        case ast.Call():
            return getattr(argument.func, "id", getattr(argument.func, "attr", "")) in PLAIN
    return False


@pytest.mark.parametrize("module", list(modules()))
def test_an_error_that_people_meet_is_a_sentence(module):
    for line, kind, argument in made(module):
        if (module, kind) not in QUOTED:
            assert not is_plain(argument), f"{module}:{line} {kind} in one language only"


def test_no_exception_is_left_over():
    for beginning in FOR_PROGRAMS:
        found = [one for one in SOURCE.rglob("*.py") if str(one.relative_to(SOURCE)).startswith(beginning)]
        plain = [
            True
            for path in found
            for _, _, argument in made(str(path.relative_to(SOURCE)))
            if is_plain(argument)
        ]
        assert plain, f"{beginning} says nothing in one language any more"
    assert set(SILENT) <= KINDS
