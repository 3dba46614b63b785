"""What is asked of administrators; kept in the store, so that the pages can change it."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from posthouse.storage.ports import Store

SETTING: Final = "admin.policy"


class AdminPolicy(Struct):
    two_step_required: bool = False  # of every administrator


async def read_policy(store: Store) -> AdminPolicy:
    data = await store.directory.setting(SETTING)
    return AdminPolicy() if data is None else msgspec.json.decode(data, type=AdminPolicy)


async def write_policy(store: Store, policy: AdminPolicy) -> None:
    await store.directory.put_setting(SETTING, msgspec.json.encode(policy))
