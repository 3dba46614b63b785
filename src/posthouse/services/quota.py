"""The one rule of quotas, for the check before a commit; the store holds to it again in the commit."""

from __future__ import annotations

from posthouse.storage.rows import Account


def has_room(account: Account, size_bytes: int) -> bool:
    """Whether one more message of this size fits."""
    if account.quota_bytes and account.used_bytes + size_bytes > account.quota_bytes:
        return False
    return not account.quota_messages or account.used_messages < account.quota_messages
