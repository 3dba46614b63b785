"""The process that makes the indexes for search: started when one is wanted, gone when all are up to date."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Final

from posthouse.app.worker import Events, Plan, open_or_stop, run_child
from posthouse.core.errors import MailError
from posthouse.servers.supervisor import Child
from posthouse.storage.ports import Store

NICENESS: Final = 10
"""Mail goes first."""
PAUSE_S: Final = 0.5
"""After an update that had nothing to do: the process of a supervisor that was killed may still hold that index."""


def run_indexer(plan: Plan, child: Child) -> int:
    for socks in plan.sockets.values():
        for sock in socks:
            sock.close()
    os.nice(NICENESS)
    return run_child(_indexer(plan, child), plan.log, child)


async def _indexer(plan: Plan, child: Child) -> int:
    events = Events(child)
    store = await open_or_stop(plan, events)
    if store is None:
        return 0
    child.ready()
    loop = asyncio.get_running_loop()
    working = loop.create_task(_index_wanted(plan, store))
    stop = loop.create_task(events.stop.wait())
    await asyncio.wait((working, stop), return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        os._exit(0)  # at once: a thread may be at work, and whatever it has not finished will be done again
    stop.cancel()
    await store.close()
    return working.result()


async def _index_wanted(plan: Plan, store: Store) -> int:
    while accounts := await store.search.pending():
        for account in accounts:
            started = time.monotonic()
            try:
                read = await store.search.update(account)
            except (MailError, OSError) as error:
                plan.log.error(
                    "an index for search was not made",
                    extra={"facts": {"account": account, "error": str(error)}},
                )
                return 1
            facts = {"account": account, "messages": read, "seconds": round(time.monotonic() - started, 2)}
            plan.log.info("index for search is up to date", extra={"facts": facts})
            if not read:
                await asyncio.sleep(PAUSE_S)
    return 0
