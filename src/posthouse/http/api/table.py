"""Every operation of the API, in the order of its documentation."""

from __future__ import annotations

from typing import Final

from posthouse.http.api.operation import Operation
from posthouse.http.api.own import access, lens, password, profile, two_step

OPERATIONS: Final[tuple[Operation, ...]] = (
    *profile.OPERATIONS,
    *password.OPERATIONS,
    *two_step.OPERATIONS,
    *access.OPERATIONS,
    *lens.OPERATIONS,
)
