"""First contents of a node: domains and accounts, through the store that is there."""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.core.errors import Exists
from posthouse.core.ports import SystemClock
from posthouse.services.accounts import Accounts
from posthouse.services.dkim import DkimKeys
from posthouse.services.signin import SignInSettings
from posthouse.storage.ports import Store
from posthouse.storage.rows import EVERYTHING


async def provision(
    store: Store,
    domain: str,
    people: Sequence[tuple[str, str]],
    *,
    password: str,
    language: str,
    hashing: SignInSettings | None = None,
) -> list[str]:
    """Make the domain with its signing keys and those of the (address, name) accounts that are missing.

    The first of them administrates the server, unless somebody does already.  Returns the addresses made.
    """
    accounts = Accounts(store, SystemClock(), hashing)
    if await store.directory.domain(domain) is None:
        await accounts.create_domain(domain)
        await DkimKeys(store, SystemClock()).rotate(domain)
    made = []
    for address, name in people:
        try:
            await accounts.create_account(address, password, name=name, language=language)
        except Exists:
            continue
        made.append(address)
    if people and not any(one.admin for one in await store.directory.accounts()):
        await accounts.update_account(people[0][0], admin=[EVERYTHING])
    return made
