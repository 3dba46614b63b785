"""Every operation of the API, in the order of its documentation."""

from __future__ import annotations

from typing import Final

from posthouse.http.api.admin import access as admin_access
from posthouse.http.api.admin import accounts, domains, mail, queue, server
from posthouse.http.api.operation import Operation
from posthouse.http.api.own import access, lens, migration, password, profile, tokens, two_step

OPERATIONS: Final[tuple[Operation, ...]] = (
    *profile.OPERATIONS,
    *password.OPERATIONS,
    *two_step.OPERATIONS,
    *access.OPERATIONS,
    *lens.OPERATIONS,
    *tokens.OPERATIONS,
    *migration.OPERATIONS,
    *server.OPERATIONS,
    *domains.OPERATIONS,
    *accounts.OPERATIONS,
    *mail.OPERATIONS,
    *queue.OPERATIONS,
    *admin_access.OPERATIONS,
)
