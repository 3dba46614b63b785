"""Rules tried on letters that came already: which they would match, and what would happen.  Nothing is changed."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from msgspec import Struct, field

from posthouse.mime.edit import header_end
from posthouse.mime.header import Header, header_text
from posthouse.services.refile import STORED, sender_in
from posthouse.services.rules import Compiled, Rules, execute
from posthouse.sieve import Outcome, Script
from posthouse.sieve.limits import BODY_MAX_BYTES
from posthouse.storage.email_rows import Condition, Order
from posthouse.storage.rows import Account

TRIED_MAX: Final = 500
"""Letters of one trial."""
TRIED_MAX_BYTES: Final = 256 * 1024 * 1024
"""Of all of them; older ones are left out."""


class Tried(Struct):
    message: int
    outcome: Outcome
    matched: list[int] = field(default_factory=list)
    """Numbers of the rules that applied, from 0."""


async def try_rules(
    rules: Rules,
    account: Account,
    script: Script,
    condition: Condition,
    *,
    count: int,
    lines: list[set[int]],
    junk: bool = False,
) -> list[Tried]:
    """The newest `count` letters of a condition, newest first; `lines`: those of each rule's actions."""
    store = rules.store
    compiled = Compiled(script, await rules.others(account.id) if script.uses("include") else {})
    found = await store.emails.query(
        account.id, condition, (Order("date", ascending=False),), first=min(count, TRIED_MAX)
    )
    messages = [message for message, _ in found]
    sizes = await store.emails.get(account.id, messages, ("size",))
    wanted, total = [], 0
    for message, size in sizes.rows:
        total += size
        if total <= TRIED_MAX_BYTES:
            wanted.append(message)
    base, _ = await rules.context(account, compiled, "", account.address, STORED, junk=junk)
    tried: dict[int, Tried] = {}
    async for chunk in store.emails.contents(account.id, wanted):
        for message, _layout, content in chunk:
            head = header_end(content)
            sender = sender_in(Header(header_text(content[:head])))
            context = msgspec.structs.replace(base, sender=sender)
            outcome = await execute(compiled, content[: head + BODY_MAX_BYTES], len(content), context)
            said = {one.line for one in outcome.log if not one.key.startswith("test.")}
            matched = [number for number, of_rule in enumerate(lines) if said & of_rule]
            tried[message] = Tried(message, outcome, matched)
            await asyncio.sleep(0)  # others run
    return [tried[message] for message in messages if message in tried]
