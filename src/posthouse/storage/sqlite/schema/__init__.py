"""Numbered migrations: `NNNN.up.sql` leads to schema NNNN, `NNNN.down.sql` back from it.

The version of a database is its `user_version`.  Each step is one transaction, so a crash leaves a whole version.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

import apsw

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence

SCHEMA_VERSION: Final = 30


def version_of(connection: apsw.Connection) -> int:
    return int(connection.pragma("user_version"))


def migrate(connection: apsw.Connection, target: int = SCHEMA_VERSION) -> None:
    """Bring the database to the target version, forward or back; raises Invalid if it is of a later program."""
    current = version_of(connection)
    if current > SCHEMA_VERSION:
        raise Invalid(Sentence("store.later", found=current, known=SCHEMA_VERSION))
    while current != target:
        step, direction = (current + 1, "up") if current < target else (current, "down")
        script = resources.files(__package__).joinpath(f"{step:04}.{direction}.sql").read_text()
        with connection:
            connection.execute(script)
            current = step if direction == "up" else step - 1
            connection.pragma("user_version", current)
