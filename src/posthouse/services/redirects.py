"""Whether rules may send an account's mail on to an address: the policy of its domain.

    any        to every address
    confirmed  outside of the house only to addresses that agreed by a code (ForwardingAddress of JMAP)
    inside     to addresses of this server's domains only

Whatever door a script came through (ManageSieve, JMAP, the command line), the policy holds when a letter is delivered:
what may not be redirected is kept.  `check_script` tells whoever puts or activates a script earlier, where the address
stands in it as a constant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.core.address import try_address
from posthouse.core.ids import AccountId
from posthouse.sieve import Script, ScriptError
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account

KIND: Final = "ForwardingAddress"
ANY, CONFIRMED, INSIDE = "any", "confirmed", "inside"
POLICIES: Final = (ANY, CONFIRMED, INSIDE)


class Forwarding(Struct):
    """An address that mail may be sent on to, once it agreed; kept as an object of the account."""

    email: str
    code: str = ""
    sent_at: float = 0.0
    wrong: int = 0
    confirmed_at: float = 0.0


_decode: Final = msgspec.json.Decoder(Forwarding).decode


async def refused(store: Store, account: Account, addresses: Iterable[str]) -> list[tuple[str, str]]:
    """Those of the addresses to which the account's mail may not go, each with the policy that forbids it."""
    domain = await store.directory.domain(account.address.rpartition("@")[2])
    if domain is None or domain.redirects == ANY:
        return []
    outside = [text for text in addresses if await _is_outside(store, text)]
    if not outside or domain.redirects == INSIDE:
        return [(text, INSIDE) for text in outside]
    _, rows = await store.objects.get(account.id, KIND)
    known = [_decode(row.value) for row in rows if row.value is not None]
    confirmed = {one.email.lower() for one in known if one.confirmed_at}
    return [(text, CONFIRMED) for text in outside if text.lower() not in confirmed]


async def _is_outside(store: Store, text: str) -> bool:
    address = try_address(text)
    return address is None or await store.directory.domain(address.domain) is None


async def check_script(store: Store, number: AccountId, script: Script, before: Script | None = None) -> None:
    """Raises ScriptError for a redirect that would not be done; what `before` had already is left to delivery."""
    known = set() if before is None else {address for address, _ in before.redirects()}
    lines = {address: line for address, line in reversed(script.redirects()) if address not in known}
    account = await store.directory.account(number) if lines else None
    if account is None:
        return
    for address, policy in await refused(store, account, lines):
        domain = account.address.rpartition("@")[2]
        raise ScriptError(f"redirect.{policy}", lines[address], address=address, domain=domain)
