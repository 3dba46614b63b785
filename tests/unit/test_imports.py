"""What is imported before it is needed makes every start slower, and every worker bigger."""

from __future__ import annotations

import subprocess
import sys

import pytest

from posthouse.core import lazy

HEAVY = frozenset(
    (
        "httpx",
        "webauthn",
        "jinja2",
        "joserfc",
        "segno",
        "OpenSSL",
        "pyasn1",
        "rich",
        "publicsuffixlist.update",
    )
)
"""Libraries that few sessions need; 40 to 100 ms and 2 to 8 MiB each."""
NODE = frozenset(
    ("asyncio", "uvloop", "ssl", "apsw", "cryptography", "dns", "starlette", "uvicorn", "msgspec")
)
"""What a node is made of, and a word about the program is not."""


def imported_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, sep='\\n', file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("word", ["--version", "--help", "account --help"])
def test_what_is_said_about_the_program_needs_no_node(word: str) -> None:
    found = imported_by(
        f"from posthouse.cli import main\ntry:\n    main({word.split()!r})\nexcept SystemExit:\n    pass"
    )
    assert not found & (HEAVY | NODE)
    assert len(found) < 200
    assert ("posthouse.cli.queue" in found) == (word != "account --help")


def test_a_node_starts_without_what_few_sessions_need() -> None:
    """Of the supervisor, from which the workers are forked."""
    found = imported_by("import posthouse.app.serve")
    assert not found & HEAVY
    assert len([name for name in found if not name.startswith("posthouse")]) < 520


def test_what_comes_late_can_come() -> None:
    found = imported_by("import posthouse.app.serve\nfrom posthouse.core import lazy\nlazy.load()")
    assert {"httpx", "webauthn", "jinja2", "joserfc"} <= found


def test_a_stand_in_is_its_module_from_the_first_use_on() -> None:
    colours = lazy.lazy("colorsys")
    assert colours is lazy.lazy("colorsys")
    assert colours.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
    assert any(place.endswith("colorsys.py") for place in lazy.places())
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = colours.no_such_name
    with pytest.raises(ModuleNotFoundError):
        _ = lazy.Lazy("posthouse.no_such_module").name
