"""What holds for every test."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A machine that has other work to do is slow, and that is no fault of what is tested.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def mask() -> Iterator[None]:
    """Commands run here narrow it for good, and servers of tests run as other users who read our files."""
    os.umask(0o022)
    yield
    os.umask(0o022)
