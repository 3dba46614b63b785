"""Where the corpus of real and malformed mail is, and how tests read it."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
_NOT_MAIL = frozenset({".json", ".xz", ".md", ".imap", ".gz"})


def corpus_directory() -> Path:
    """The corpus; a test without it skips, and fails in CI."""
    path = Path(os.environ.get("POSTHOUSE_CORPUS", str(_ROOT.parent / "shared" / "corpus")))
    if path.is_dir():
        return path
    if os.environ.get("CI"):
        pytest.fail(f"no mail corpus at {path}; set POSTHOUSE_CORPUS")
    pytest.skip(f"no mail corpus at {path}; set POSTHOUSE_CORPUS")


def corpus_files(*, folder: str = "") -> list[Path]:
    """Every single message file, in a fixed order."""
    found = (path for path in (corpus_directory() / folder).rglob("*") if path.is_file())
    return sorted(path for path in found if path.suffix not in _NOT_MAIL)


def bulk_messages() -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each message of the packed bulk."""
    archive = corpus_directory() / "bulk" / "messages.tar.xz"
    with tarfile.open(archive, "r:xz") as packed:
        for member in packed:
            content = packed.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, content.read()
