"""What the caller administrates: the role of its account, narrowed by its token."""

from __future__ import annotations

from posthouse.http.api.operation import Call, Realm
from posthouse.http.api.problem import Problem
from posthouse.services.admin_policy import read_policy
from posthouse.storage.rows import EVERYTHING


async def realm_of(call: Call) -> Realm:
    """Raises Problem."""
    account = call.account
    if not account.admin:
        raise Problem("not-administrator", fields={"address": account.address})
    if not account.two_step and (await read_policy(call.api.store)).two_step_required:
        raise Problem("second-factor-required")
    narrowed = call.caller.scopes.parts["admin"].folders
    role = None if EVERYTHING in account.admin else frozenset(account.admin)
    if not narrowed:
        return Realm(role)
    return Realm(frozenset(narrowed) if role is None else role & frozenset(narrowed))
