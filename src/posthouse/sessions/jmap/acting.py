"""What members of a team and others do in an account that is not theirs: it is told in the audit log."""

from __future__ import annotations

from typing import Any, Final

from posthouse.storage.rows import AuditEntry

from .context import Context

CHANGES: Final = ("created", "updated", "destroyed")
TOLD: Final = ("Claim/set", "TeamNote/set")
"""What the store tells by itself, with more."""


async def note_changes(context: Context, method: str, result: dict[str, Any]) -> None:
    """An entry for each call that changed something."""
    if "oldState" not in result or method.endswith("/changes") or method in TOLD:
        return
    facts: dict[str, Any] = {"method": method}
    facts.update((name, len(result[name])) for name in CHANGES if result.get(name))
    if len(facts) > 1:
        owner, actor = context.account.address, context.home.account.address
        now = context.services.clock.now()
        await context.services.store.audit.note(AuditEntry(now, owner, actor, "jmap", facts=facts))
