"""What a test needs of the machine: absent, it is skipped with the reason; in CI that is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI has to run this test")
    pytest.skip(reason)


def require(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            missing(f"{program} is not installed (.ci/run installs it)")


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[None]:
    """A file system of its own at `path`, of so many bytes."""
    if os.geteuid() != 0:
        missing("mounting a small disk needs root")
    path.mkdir(parents=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "posthouse-test", str(path)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        missing(f"cannot mount: {done.stderr.decode()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@contextmanager
def unwritable(*paths: Path) -> Iterator[None]:
    """The files cannot be written, not even by those who have them open and by root."""
    if os.geteuid() != 0:
        missing("making a file immutable needs root")
    with paths[0].open("ab") as probe:
        done = subprocess.run(["chattr", "+i", *map(str, paths)], capture_output=True, check=False)
        try:
            if done.returncode != 0:
                missing(f"chattr: {done.stderr.decode()}")
            try:
                os.pwrite(probe.fileno(), b"", 0)
                os.ftruncate(probe.fileno(), os.fstat(probe.fileno()).st_size)
            except OSError:
                yield
            else:
                missing("immutable files can be written on this file system")
        finally:
            subprocess.run(["chattr", "-i", *map(str, paths)], capture_output=True, check=False)
